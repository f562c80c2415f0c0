/* Reads resolv.conf. c-ares reads the servers, the domains, ndots and rotate, and the order of
 * files and DNS; timeout and attempts it does not know (version 1.18 reads retrans and retry,
 * which no resolver of Linux writes), and so they are read here, as resolv.conf(5) has them: the
 * last one counts, and what is beyond its limit is the limit. */

#include "engine/link/resolv_conf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TIMEOUT_MAX_S = 30, ATTEMPTS_MAX = 5 };

static const char path_of_system[] = "/etc/resolv.conf";
static const char blanks[] = " \t\r\n";

/* "name:number" within limits; false: the word is another. */
static bool take_number(const char *word, const char *name, uint32_t max, uint32_t *ret_number)
{
    size_t length = strlen(name);
    if (strncmp(word, name, length) != 0 || !isdigit((unsigned char)word[length]))
        return false;
    unsigned long number = strtoul(word + length, NULL, 10);
    *ret_number = number > max ? max : number == 0 ? 1 : (uint32_t)number;
    return true;
}

static void take_options(struct resolv_conf *conf, char *text)
{
    uint32_t timeout_s;
    char *rest;
    for (char *word = strtok_r(text, blanks, &rest); word != NULL;
         word = strtok_r(NULL, blanks, &rest)) {
        if (take_number(word, "timeout:", TIMEOUT_MAX_S, &timeout_s))
            conf->timeout_ms = timeout_s * 1000;
        take_number(word, "attempts:", ATTEMPTS_MAX, &conf->attempts);
    }
}

static void take_file(struct resolv_conf *conf, const char *path)
{
    FILE *file = fopen(path, "re");
    char line[1024];
    if (file == NULL)
        return;
    while (fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, "options", 7) == 0 && (line[7] == ' ' || line[7] == '\t'))
            take_options(conf, line + 8);
    fclose(file);
}

/* Counts more than the file does. */
static void take_environment(struct resolv_conf *conf)
{
    const char *text = getenv("RES_OPTIONS");
    char *copy = text != NULL ? strdup(text) : NULL;
    if (copy != NULL)
        take_options(conf, copy);
    free(copy);
}

static int error_of(int status)
{
    if (status == ARES_SUCCESS)
        return 0;
    return status == ARES_ENOMEM ? -ENOMEM : -EIO;
}

static int take_channel(struct resolv_conf *conf, ares_channel channel, const char *servers)
{
    int mask = 0;
    int status = servers != NULL ? ares_set_servers_ports_csv(channel, servers) : ARES_SUCCESS;
    if (status != ARES_SUCCESS)
        return status == ARES_ENOMEM ? -ENOMEM : -EINVAL;
    status = ares_get_servers_ports(channel, &conf->servers);
    if (status != ARES_SUCCESS)
        return error_of(status);
    status = ares_save_options(channel, &conf->options, &mask);
    if (status != ARES_SUCCESS)
        resolv_conf_free(conf);
    conf->rotates = mask & ARES_OPT_ROTATE;
    return error_of(status);
}

int resolv_conf_read(struct resolv_conf *conf, const char *path, const char *servers)
{
    *conf = (struct resolv_conf){0};
    if (path == NULL)
        path = path_of_system;
    char *copy = strdup(path);
    if (copy == NULL)
        return -ENOMEM;
    struct ares_options options = {.resolvconf_path = copy};
    ares_channel channel;
    int error = error_of(ares_init_options(&channel, &options, ARES_OPT_RESOLVCONF));
    free(copy);
    if (error)
        return error;
    error = take_channel(conf, channel, servers);
    ares_destroy(channel);
    take_file(conf, path);
    take_environment(conf);
    return error;
}

void resolv_conf_free(struct resolv_conf *conf)
{
    ares_free_data(conf->servers);
    ares_destroy_options(&conf->options);
}

static int count_dots(const char *host)
{
    int dots = 0;
    for (; *host != '\0'; host++)
        dots += *host == '.';
    return dots;
}

bool resolv_conf_candidate(const struct resolv_conf *conf, const char *host, uint32_t number,
                           char ret_name[static RESOLV_CONF_NAME_BYTES])
{
    size_t length = strlen(host);
    uint32_t domains = (uint32_t)conf->options.ndomains;
    bool is_absolute = length > 0 && host[length - 1] == '.';
    bool is_first = is_absolute || count_dots(host) >= conf->options.ndots;
    if (number == (is_first ? 0 : domains)) {
        snprintf(ret_name, RESOLV_CONF_NAME_BYTES, "%s", host);
        return true;
    }
    if (is_absolute || number > domains)
        return false;
    const char *domain = conf->options.domains[number - is_first];
    /* "." is the root: the name as it is. */
    snprintf(ret_name, RESOLV_CONF_NAME_BYTES, "%s.%s", host, strcmp(domain, ".") ? domain : "");
    return true;
}

bool resolv_conf_has_changed(const char *path, struct resolv_conf_identity *identity)
{
    struct stat now;
    if (stat(path != NULL ? path : path_of_system, &now) != 0)
        return false;
    const struct resolv_conf_identity shown = {
        .device = now.st_dev,
        .inode = now.st_ino,
        .bytes = now.st_size,
        .modified_ns = (int64_t)now.st_mtim.tv_sec * 1000000000 + now.st_mtim.tv_nsec,
    };
    bool has_changed = shown.device != identity->device || shown.inode != identity->inode ||
                       shown.bytes != identity->bytes || shown.modified_ns != identity->modified_ns;
    *identity = shown;
    return has_changed;
}
