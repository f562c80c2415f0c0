/* Addresses in tests. Ports are always the kernel's choice, since tests run side by side. */

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/lib/address.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

int address_bind(int type, struct sockaddr_in *ret_address)
{
    socklen_t length = sizeof *ret_address;
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0);
    *ret_address =
        (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(fd, (struct sockaddr *)ret_address, length), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret_address, &length), 0);
    return fd;
}

int address_hold(int backlog, uint16_t *ret_port)
{
    struct sockaddr_in address;
    int fd = address_bind(SOCK_STREAM, &address);

    if (backlog >= 0)
        assert_int_equal(listen(fd, backlog), 0);
    *ret_port = ntohs(address.sin_port);
    return fd;
}

void address_write(const struct resolver_addresses *addresses, char *ret_text, size_t size)
{
    *ret_text = '\0';
    for (uint32_t i = 0; i < addresses->count; i++) {
        const union resolver_address *address = &addresses->list[i];
        char text[INET6_ADDRSTRLEN];
        bool is_6 = address->any.sa_family == AF_INET6;
        const void *bytes =
            is_6 ? (const void *)&address->ipv6.sin6_addr : (const void *)&address->ipv4.sin_addr;
        size_t length = strlen(ret_text);
        inet_ntop(address->any.sa_family, bytes, text, sizeof text);
        snprintf(ret_text + length, size - length, "%s%s#%u", i == 0 ? "" : " ", text,
                 ntohs(is_6 ? address->ipv6.sin6_port : address->ipv4.sin_port));
        assert_int_equal(resolver_address_length(address),
                         is_6 ? sizeof address->ipv6 : sizeof address->ipv4);
    }
}
