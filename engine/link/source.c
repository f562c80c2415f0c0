/* Owns where connections come from. The idea: what is asked for is looked at once, when the engine
 * is opened, so that a word that means nothing here is an error there; then it is two calls a
 * socket.
 *
 * An interface is more than its address: SO_BINDTODEVICE sends by it whatever the routes say. From
 * Linux 5.7 on that is allowed to everybody for a socket that is not bound yet; where it is not,
 * the socket is bound to the interface's address, and the routes decide. */

#include "engine/link/source.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refuse(struct haul_open_error *ret_why, const struct haul_transport *options, int error,
                  const char *option, const char *message)
{
    *ret_why = (struct haul_open_error){
        .option = option,
        .item = strcmp(option, "interface") == 0 ? options->interface : NULL,
        .message = message,
    };
    return error;
}

static void keep_address(struct source *source, const struct sockaddr *address)
{
    if (address->sa_family == AF_INET && !source->has_ipv4) {
        memcpy(&source->ipv4, address, sizeof source->ipv4.ipv4);
        source->ipv4.ipv4.sin_port = 0;
        source->has_ipv4 = true;
    } else if (address->sa_family == AF_INET6 && !source->has_ipv6) {
        memcpy(&source->ipv6, address, sizeof source->ipv6.ipv6);
        source->ipv6.ipv6.sin6_port = 0;
        source->has_ipv6 = true;
    }
}

/* For where SO_BINDTODEVICE is not allowed: its first address of each family. */
static void keep_addresses_of(struct source *source, const char *device)
{
    struct ifaddrs *list;
    if (getifaddrs(&list) < 0)
        return;
    for (const struct ifaddrs *at = list; at; at = at->ifa_next)
        if (at->ifa_addr && strcmp(at->ifa_name, device) == 0)
            keep_address(source, at->ifa_addr);
    freeifaddrs(list);
}

/* Is it this machine's? */
static bool can_be_bound(const struct source *source, int family)
{
    int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
    bool is_ours = fd >= 0 && source_bind(source, fd, family) == 0;
    if (fd >= 0)
        close(fd);
    return is_ours;
}

/* An address of IPv6 may have a zone behind a %. */
static bool address_read(const char *text, union source_address *ret)
{
    char literal[INET6_ADDRSTRLEN + IF_NAMESIZE];
    if (inet_pton(AF_INET, text, &ret->ipv4.sin_addr) == 1) {
        ret->any.sa_family = AF_INET;
        return true;
    }
    if (strlen(text) >= sizeof literal)
        return false;
    char *zone = strchr(strcpy(literal, text), '%');
    if (zone)
        *zone = '\0';
    ret->any.sa_family = AF_INET6;
    ret->ipv6.sin6_scope_id = zone ? if_nametoindex(zone + 1) : 0;
    return inet_pton(AF_INET6, literal, &ret->ipv6.sin6_addr) == 1 &&
           (!zone || ret->ipv6.sin6_scope_id != 0);
}

/* "if!NAME" and "host!ADDRESS" of curl say which of the two is meant. */
static int source_find(struct source *source, const char *text)
{
    union source_address address = {0};
    bool is_name = strncmp(text, "if!", 3) == 0;
    bool is_address = strncmp(text, "host!", 5) == 0;
    text += is_name ? 3 : is_address ? 5 : 0;
    bool is_ipv6 = strchr(text, ':') != NULL;
    if (!is_address && strlen(text) < sizeof source->device && if_nametoindex(text) != 0) {
        strcpy(source->device, text);
        keep_addresses_of(source, text);
        return 0;
    }
    if (is_name || !address_read(text, &address))
        return -ENODEV;
    keep_address(source, &address.any);
    return can_be_bound(source, is_ipv6 ? AF_INET6 : AF_INET) ? 0 : -EADDRNOTAVAIL;
}

int source_init(struct source *source, const struct haul_transport *options,
                struct haul_open_error *ret_why)
{
    *source = (struct source){.family = AF_UNSPEC};
    if (!options)
        return 0;
    if (options->http_version != 0 && options->http_version != 10 && options->http_version != 11)
        return refuse(ret_why, options, -EINVAL, "http_version",
                      "http_version is none of 0, 10 and 11");
    if (options->ip_family != 0 && options->ip_family != 4 && options->ip_family != 6)
        return refuse(ret_why, options, -EINVAL, "ip_family", "ip_family is none of 0, 4 and 6");
    if (options->ip_family != 0)
        source->family = options->ip_family == 4 ? AF_INET : AF_INET6;
    if (!options->interface)
        return 0;
    int error = source_find(source, options->interface);
    if (error == -ENODEV)
        return refuse(ret_why, options, error, "interface",
                      "interface is none of this machine's, nor an address");
    if (error)
        return refuse(ret_why, options, -ENODEV, "interface",
                      "interface is an address that is not this machine's");
    if (source->device[0] != '\0')
        return 0;
    int family = source->has_ipv6 ? AF_INET6 : AF_INET;
    if (source->family != AF_UNSPEC && source->family != family)
        return refuse(ret_why, options, -EINVAL, "interface",
                      "interface and ip_family (-4, -6) are of different families");
    source->family = family;
    return 0;
}

/* The port is chosen at connect(), when the other end is known, so that a local port serves as many
 * connections as there are other ends (IP_BIND_ADDRESS_NO_PORT, Linux 4.2). */
int source_bind(const struct source *source, int fd, int family)
{
    int on = 1;
    bool is_ipv6 = family == AF_INET6;
    const union source_address *address = is_ipv6 ? &source->ipv6 : &source->ipv4;
    if (source->device[0] != '\0' && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, source->device,
                                                (socklen_t)strlen(source->device)) == 0)
        return 0;
    if (!(is_ipv6 ? source->has_ipv6 : source->has_ipv4))
        return source->device[0] != '\0' ? errno : 0;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
    return bind(fd, &address->any, is_ipv6 ? sizeof address->ipv6 : sizeof address->ipv4) ? errno
                                                                                          : 0;
}
