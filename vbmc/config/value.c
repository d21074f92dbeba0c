#include "vbmc/config/value.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/manufacturer.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/config/config.h"
#include "vbmc/config/number.h"
#include "vbmc/config/parse.h"

#define SESSION_TIMEOUT_MIN_S 10
#define SESSION_TIMEOUT_MAX_S 3600
#define REPLAY_MAX            10000
#define LOG_FILES_MAX         1000
#define IDLE_MIN_S            10
#define IDLE_MAX_S            86400
#define HISTORY_MIN           0x1000ul    /* 4K */
#define HISTORY_MAX           0x4000000ul /* 64M */

struct word {
    const char *name;
    int value;
};

static const struct word compat_words[] = {
    {"none", CONFIG_COMPAT_NONE},
    {"openstack", CONFIG_COMPAT_OPENSTACK},
};

static const struct word discover_words[] = {
    {"all", CONFIG_DISCOVER_ALL},
    {"tagged", CONFIG_DISCOVER_TAGGED},
    {"none", CONFIG_DISCOVER_NONE},
};

static const struct word privilege_words[] = {
    {"callback", PRIVILEGE_CALLBACK},
    {"user", PRIVILEGE_USER},
    {"operator", PRIVILEGE_OPERATOR},
    {"administrator", PRIVILEGE_ADMINISTRATOR},
};

static const struct word console_words[] = {
    {"always", CONFIG_CONSOLE_ALWAYS},
    {"on-demand", CONFIG_CONSOLE_ON_DEMAND},
};

static const struct word lan_address_words[] = {{"fixed", false}, {"writable", true}};

static const struct word inband_words[] = {{"full", false}, {"read-only", true}};

static const struct word yes_no_words[] = {{"yes", true}, {"no", false}};

static int find_word(const struct word *words, size_t count, const char *text, int *value)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(words[i].name, text) == 0) {
            *value = words[i].value;
            return 0;
        }
    }
    return -EINVAL;
}

static int replace_string(char **target, const char *value)
{
    char *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*target);
    *target = copy;
    return 0;
}

int config_value_text(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return *value == '\0' ? -EINVAL : replace_string(target, value);
}

/* A relative path starts at the folder of the configuration file. */
int config_value_path(struct config_parse *parse, const char *value, void *target)
{
    const char *slash = strrchr(parse->path, '/');
    CLEANUP_FREE char *joined = NULL;

    if (*value == '\0')
        return -EINVAL;
    if (*value == '/' || !slash)
        return replace_string(target, value);
    if (asprintf(&joined, "%.*s/%s", (int)(slash - parse->path), parse->path, value) < 0) {
        joined = NULL;
        return -ENOMEM;
    }
    return replace_string(target, joined);
}

int config_value_log_level(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return log_level_parse(value, target);
}

int config_value_compat(struct config_parse *parse, const char *value, void *target)
{
    int word, result = find_word(compat_words, ARRAY_SIZE(compat_words), value, &word);

    (void)parse;
    if (result == 0)
        *(enum config_compat *)target = (enum config_compat)word;
    return result;
}

int config_value_discover(struct config_parse *parse, const char *value, void *target)
{
    int word, result = find_word(discover_words, ARRAY_SIZE(discover_words), value, &word);

    (void)parse;
    if (result == 0)
        *(enum config_discover *)target = (enum config_discover)word;
    return result;
}

int config_value_privilege(struct config_parse *parse, const char *value, void *target)
{
    int word, result = find_word(privilege_words, ARRAY_SIZE(privilege_words), value, &word);

    (void)parse;
    if (result == 0)
        *(enum privilege *)target = (enum privilege)word;
    return result;
}

int config_value_console(struct config_parse *parse, const char *value, void *target)
{
    int word, result = find_word(console_words, ARRAY_SIZE(console_words), value, &word);

    (void)parse;
    if (result == 0)
        *(enum config_console *)target = (enum config_console)word;
    return result;
}

static int take_flag(const struct word *words, size_t count, const char *value, void *target)
{
    int word, result = find_word(words, count, value, &word);

    if (result == 0)
        *(bool *)target = word;
    return result;
}

int config_value_lan_address(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return take_flag(lan_address_words, ARRAY_SIZE(lan_address_words), value, target);
}

int config_value_inband(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return take_flag(inband_words, ARRAY_SIZE(inband_words), value, target);
}

int config_value_yes_no(struct config_parse *parse, const char *value, void *target)
{
    int word, result = find_word(yes_no_words, ARRAY_SIZE(yes_no_words), value, &word);

    (void)parse;
    if (result == 0)
        *(bool *)target = word;
    return result;
}

int config_value_address(struct config_parse *parse, const char *value, void *target)
{
    union endpoint_address address;

    (void)parse;
    if (endpoint_address_parse(value, 0, &address) < 0)
        return -EINVAL;
    return replace_string(target, value);
}

int config_value_port(struct config_parse *parse, const char *value, void *target)
{
    unsigned long port;

    (void)parse;
    if (config_read_number(value, 1, UINT16_MAX, &port, NULL) < 0)
        return -EINVAL;
    *(uint16_t *)target = (uint16_t)port;
    return 0;
}

/* "6230-7229", or one port. */
int config_value_ports(struct config_parse *parse, const char *value, void *target)
{
    struct config_bmc *bmc = target;
    unsigned long first, last;
    char *end;

    if (config_read_number(value, 1, UINT16_MAX, &first, &end) < 0)
        return -EINVAL;
    last = first;
    end += strspn(end, " \t");
    if (*end != '\0') {
        if (*end++ != '-' ||
            config_read_number(end + strspn(end, " \t"), 1, UINT16_MAX, &last, NULL) < 0)
            return -EINVAL;
    }
    if (first > last) {
        snprintf(parse->reason, sizeof parse->reason, "the range ends before it begins");
        return -EINVAL;
    }
    bmc->port_first = (uint16_t)first;
    bmc->port_last = (uint16_t)last;
    return 0;
}

/* Clears all bits of `bytes` behind the first `length`. True if one of them was set. */
static bool clear_host_bits(uint8_t *bytes, size_t size, unsigned length)
{
    bool was_set = false;

    for (size_t i = 0; i < size; i++) {
        unsigned kept = length > i * 8 ? length - (unsigned)i * 8 : 0;
        uint8_t host_bits = kept < 8 ? (uint8_t)(0xff >> kept) : 0;
        was_set = was_set || (bytes[i] & host_bits);
        bytes[i] &= (uint8_t)~host_bits;
    }
    return was_set;
}

int config_value_addresses(struct config_parse *parse, const char *value, void *target)
{
    struct config_bmc *bmc = target;
    char host[INET6_ADDRSTRLEN];
    const char *slash = strchr(value, '/');
    union endpoint_address base;
    unsigned long length;

    if (!slash || (size_t)(slash - value) >= sizeof host)
        return -EINVAL;
    memcpy(host, value, (size_t)(slash - value));
    host[slash - value] = '\0';
    if (endpoint_address_parse(host, 0, &base) < 0)
        return -EINVAL;
    bool is_v4 = base.any.sa_family == AF_INET;
    uint8_t *bytes = is_v4 ? (uint8_t *)&base.in.sin_addr : (uint8_t *)&base.in6.sin6_addr;
    size_t size = is_v4 ? sizeof base.in.sin_addr : sizeof base.in6.sin6_addr;
    if (config_read_number(slash + 1, 1, size * 8, &length, NULL) < 0)
        return -EINVAL;
    if (clear_host_bits(bytes, size, (unsigned)length)) {
        inet_ntop(base.any.sa_family, bytes, host, sizeof host);
        snprintf(parse->reason, sizeof parse->reason,
                 "the address has bits set behind the prefix; did you mean %s/%lu?", host, length);
        return -EINVAL;
    }
    bmc->addresses = (struct config_prefix){.base = base, .length = (unsigned)length};
    bmc->has_addresses = true;
    return 0;
}

/* "127.0.0.1:6022" or "[::1]:6022". */
int config_value_listen(struct config_parse *parse, const char *value, void *target)
{
    struct config_ssh *ssh = target;
    char host[INET6_ADDRSTRLEN + 2];
    const char *colon = strrchr(value, ':');
    unsigned long port;

    (void)parse;
    if (!colon || (size_t)(colon - value) >= sizeof host ||
        config_read_number(colon + 1, 1, UINT16_MAX, &port, NULL) < 0)
        return -EINVAL;
    size_t size = (size_t)(colon - value);
    bool has_brackets = size >= 2 && value[0] == '[' && value[size - 1] == ']';
    if (has_brackets) {
        value++;
        size -= 2;
    }
    memcpy(host, value, size);
    host[size] = '\0';
    if (has_brackets != (strchr(host, ':') != NULL) ||
        endpoint_address_parse(host, (uint16_t)port, &ssh->listen) < 0)
        return -EINVAL;
    ssh->has_listen = true;
    return 0;
}

/* Ids with blanks or commas between them. */
int config_value_suites(struct config_parse *parse, const char *value, void *target)
{
    struct channel *channel = target;
    unsigned long suite;
    char *next = (char *)value;

    channel->suite_count = 0;
    for (;;) {
        next += strspn(next, " \t,");
        if (*next == '\0')
            break;
        if (config_read_number(next, 0, UINT8_MAX, &suite, &next) < 0 ||
            (*next != '\0' && !strchr(" \t,", *next)))
            return -EINVAL;
        if (!cipher_suite_find((uint8_t)suite)) {
            snprintf(parse->reason, sizeof parse->reason,
                     "%s; 1, 2, 3, 6, 7, 8, 11, 12, 15, 16 and 17 are supported",
                     suite == 0 ? "cipher suite 0 takes any password and is never offered"
                                : "this cipher suite is not supported");
            return -EINVAL;
        }
        if (channel_has_suite(channel, (uint8_t)suite))
            return -EINVAL;
        channel->suites[channel->suite_count++] = (uint8_t)suite;
    }
    return channel->suite_count > 0 ? 0 : -EINVAL;
}

/* "off", "md5" or "md5 straight": MD5 is offered wherever IPMI 1.5 is. */
int config_value_ipmi15(struct config_parse *parse, const char *value, void *target)
{
    static const struct {
        const char *word;
        uint8_t type;
    } words[] = {{"md5", CHANNEL_AUTH_MD5}, {"straight", CHANNEL_AUTH_PASSWORD}};
    uint8_t types = 0;
    const char *next = value;

    (void)parse;
    if (strcmp(value, "off") == 0) {
        *(uint8_t *)target = 0;
        return 0;
    }
    while (*(next += strspn(next, " \t,")) != '\0') {
        size_t length = strcspn(next, " \t,"), i = 0;
        while (i < ARRAY_SIZE(words) &&
               (strlen(words[i].word) != length || strncmp(words[i].word, next, length) != 0))
            i++;
        if (i == ARRAY_SIZE(words) || types & words[i].type)
            return -EINVAL;
        types |= words[i].type;
        next += length;
    }
    if ((types & CHANNEL_AUTH_MD5) == 0)
        return -EINVAL;
    *(uint8_t *)target = types;
    return 0;
}

int config_value_timeout(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_unsigned(value, SESSION_TIMEOUT_MIN_S, SESSION_TIMEOUT_MAX_S, target);
}

int config_value_manufacturer(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_unsigned(value, 0, BMC_MANUFACTURER_MAX, target);
}

int config_value_idle(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    if (strcmp(value, "0") == 0) {
        *(unsigned *)target = 0;
        return 0;
    }
    return config_read_unsigned(value, IDLE_MIN_S, IDLE_MAX_S, target);
}

int config_value_replay(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_unsigned(value, 0, REPLAY_MAX, target);
}

int config_value_log_files(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_unsigned(value, 0, LOG_FILES_MAX, target);
}

/* "262144", "256K" or "1M". */
int config_value_history(struct config_parse *parse, const char *value, void *target)
{
    unsigned long size;
    char *unit;

    (void)parse;
    if (config_read_number(value, 0, HISTORY_MAX, &size, &unit) < 0)
        return -EINVAL;
    if (*unit == 'K' || *unit == 'k')
        size <<= 10;
    else if (*unit == 'M' || *unit == 'm')
        size <<= 20;
    if ((*unit != '\0' && !(strchr("KkMm", *unit) && unit[1] == '\0')) || size < HISTORY_MIN ||
        size > HISTORY_MAX)
        return -EINVAL;
    *(uint64_t *)target = size;
    return 0;
}
