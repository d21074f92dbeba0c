#include "vbmc/ssh/uri.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"

#define PREFIX   "qemu+ssh://"
#define HOST_MAX 255 /* RFC 1035, 2.3.4 */
#define USER_MAX 64

struct parser {
    struct ssh_uri *uri;
    char *error;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static int complain(const struct parser *parser,
                                                          const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(parser->error, parser->size, format, arguments);
    va_end(arguments);
    return -EINVAL;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Percent-decodes `length` bytes. Control characters have no place in any part. */
static int decode(const struct parser *parser, const char *text, size_t length, char **result)
{
    CLEANUP_FREE char *decoded = malloc(length + 1);
    size_t used = 0;

    if (!decoded)
        return -ENOMEM;
    for (size_t i = 0; i < length; i++) {
        int c = (unsigned char)text[i];
        if (c == '%') {
            int high = i + 2 < length ? hex_value(text[i + 1]) : -1;
            int low = i + 2 < length ? hex_value(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return complain(parser, "the URI has a %% without two hexadecimal digits");
            c = high << 4 | low;
            i += 2;
        }
        if (c < 0x20 || c == 0x7f)
            return complain(parser, "the URI has a control character");
        decoded[used++] = (char)c;
    }
    decoded[used] = '\0';
    free(*result);
    *result = cleanup_steal_pointer(&decoded);
    return 0;
}

static int parse_user(const struct parser *parser, const char *text, size_t length)
{
    /* Before it is decoded or shown anywhere: what follows would be a password. */
    if (memchr(text, ':', length))
        return complain(parser, "the URI has a password, which SSH logins here do not use: give a "
                                "key (keyfile=PATH)");
    int result = decode(parser, text, length, &parser->uri->user);
    if (result < 0)
        return result;
    if (parser->uri->user[0] == '\0' || strlen(parser->uri->user) > USER_MAX)
        return complain(parser, "the URI's user name is empty or too long");
    return 0;
}

static int parse_port(const struct parser *parser, const char *text, size_t length)
{
    unsigned port = 0;

    for (size_t i = 0; i < length && port <= UINT16_MAX; i++) {
        if (!isdigit((unsigned char)text[i]))
            return complain(parser, "the URI's port is no number");
        port = port * 10 + (unsigned)(text[i] - '0');
    }
    if (port == 0 || port > UINT16_MAX)
        return complain(parser, "the URI's port is not from 1 to 65535");
    parser->uri->port = (uint16_t)port;
    return 0;
}

/* `%25eth0` has been decoded to `%eth0` (RFC 6874). */
static bool is_ipv6(const char *host)
{
    char address[INET6_ADDRSTRLEN];
    struct in6_addr binary;
    size_t length = strcspn(host, "%");

    if (length >= sizeof address)
        return false;
    memcpy(address, host, length);
    address[length] = '\0';
    for (const char *zone = host + length + (host[length] != '\0'); *zone; zone++) {
        if (!isalnum((unsigned char)*zone) && !strchr("._-", *zone))
            return false;
    }
    return inet_pton(AF_INET6, address, &binary) == 1;
}

static bool is_host_name(const char *host)
{
    if (host[0] == '\0' || host[0] == '-' || strlen(host) > HOST_MAX)
        return false;
    for (; *host; host++) {
        if (!isalnum((unsigned char)*host) && !strchr("._-", *host))
            return false;
    }
    return true;
}

static int parse_host(const struct parser *parser, const char *text, size_t length)
{
    bool bracketed = length > 0 && text[0] == '[';
    const char *colon, *start = bracketed ? text + 1 : text;
    const char *end = memchr(text, bracketed ? ']' : ':', length);

    if (bracketed && !end)
        return complain(parser, "the URI's address has no closing bracket");
    if (!end)
        end = text + length;
    colon = bracketed ? end + 1 : end;
    int result = decode(parser, start, (size_t)(end - start), &parser->uri->host);
    if (result < 0)
        return result;
    if (parser->uri->host[0] == '\0')
        return complain(parser, "the URI names no host: " PREFIX "HOST/system");
    if (bracketed ? !is_ipv6(parser->uri->host) : !is_host_name(parser->uri->host))
        return complain(parser, "the URI's host is neither a name nor an address (an IPv6 address "
                                "stands in brackets)");
    if (colon == text + length)
        return 0;
    if (*colon != ':')
        return complain(parser, "the URI has something between host and port");
    return parse_port(parser, colon + 1, (size_t)(text + length - colon - 1));
}

static int parse_authority(const struct parser *parser, const char *text, size_t length)
{
    const char *at = memrchr(text, '@', length);

    if (!at)
        return parse_host(parser, text, length);
    int result = parse_user(parser, text, (size_t)(at - text));
    return result < 0 ? result : parse_host(parser, at + 1, length - (size_t)(at - text) - 1);
}

/* ---- parameters ---- */

static int take_path(const struct parser *parser, const char *name, char **member, char **value)
{
    if ((*value)[0] != '/')
        return complain(parser, "the URI's %s= is no absolute path", name);
    free(*member);
    *member = cleanup_steal_pointer(value);
    return 0;
}

static int take_keyfile(const struct parser *parser, const char *name, char **value)
{
    return take_path(parser, name, &parser->uri->keyfile, value);
}

static int take_known_hosts(const struct parser *parser, const char *name, char **value)
{
    if (strchr(*value, '%')) /* libssh would read it as one of its abbreviations */
        return complain(parser, "the URI's %s= has a '%%', which cannot be", name);
    return take_path(parser, name, &parser->uri->known_hosts, value);
}

static int take_socket(const struct parser *parser, const char *name, char **value)
{
    if (strlen(*value) >= sizeof((struct sockaddr_un *)NULL)->sun_path)
        return complain(parser, "the URI's socket= is longer than the path of a socket can be");
    return take_path(parser, name, &parser->uri->socket, value);
}

static int take_no_verify(const struct parser *parser, const char *name, char **value)
{
    if (strcmp(*value, "0") == 0)
        return 0;
    return complain(parser,
                    "%s=%.20s: the key of a host is always verified; take it out, and see that the "
                    "host is in known_hosts",
                    name, *value);
}

static int take_known_hosts_verify(const struct parser *parser, const char *name, char **value)
{
    if (strcmp(*value, "normal") == 0)
        return 0;
    return complain(parser,
                    "%s=%.20s: only 'normal' is there, the key of a host is always verified", name,
                    *value);
}

static int take_nothing(const struct parser *parser, const char *name, char **value)
{
    (void)parser, (void)name, (void)value; /* nobody is ever asked anything */
    return 0;
}

static int take_unknown(const struct parser *parser, const char *name)
{
    const char *before = parser->uri->ignored;
    char *ignored;

    if (asprintf(&ignored, "%s%s%.40s", before ? before : "", before ? ", " : "", name) < 0)
        return -ENOMEM;
    free(parser->uri->ignored);
    parser->uri->ignored = ignored;
    return 0;
}

static const struct parameter {
    const char *name;
    /* May take the value over. */
    int (*take)(const struct parser *parser, const char *name, char **value);
} parameters[] = {
    {"keyfile", take_keyfile},
    {"known_hosts", take_known_hosts},
    {"known_hosts_verify", take_known_hosts_verify},
    {"no_tty", take_nothing},
    {"no_verify", take_no_verify},
    {"socket", take_socket},
};

static int parse_parameter(const struct parser *parser, const char *text, size_t length)
{
    CLEANUP_FREE char *name = NULL;
    CLEANUP_FREE char *value = NULL;
    const char *equals = memchr(text, '=', length);
    size_t name_length = equals ? (size_t)(equals - text) : length;

    if (length == 0)
        return 0;
    int result = decode(parser, text, name_length, &name);
    if (result == 0)
        result =
            decode(parser, equals ? equals + 1 : "", equals ? length - name_length - 1 : 0, &value);
    if (!name || !value)
        return result;
    for (size_t i = 0; i < ARRAY_SIZE(parameters); i++) {
        if (strcmp(parameters[i].name, name) == 0)
            return parameters[i].take(parser, name, &value);
    }
    return take_unknown(parser, name);
}

static int parse_query(const struct parser *parser, const char *query)
{
    for (;;) {
        size_t length = strcspn(query, "&;");
        int result = parse_parameter(parser, query, length);
        if (result < 0 || query[length] == '\0')
            return result;
        query += length + 1;
    }
}

static int parse_path(const struct parser *parser, const char *text, size_t length)
{
    if (length == 8 && memcmp(text, "/session", length) == 0)
        return complain(parser, "the URI ends with /session: over SSH only /system is reached");
    if (length != 7 || memcmp(text, "/system", length) != 0)
        return complain(parser, "the URI does not end with /system: " PREFIX "HOST/system");
    return 0;
}

static int parse(const struct parser *parser, const char *text)
{
    struct ssh_uri *uri = parser->uri;

    if (!ssh_uri_is(text))
        return complain(parser, "the URI does not begin with " PREFIX);
    if (strchr(text, '#'))
        return complain(parser, "the URI has a '#', which is written %%23");
    text += sizeof PREFIX - 1;
    size_t authority = strcspn(text, "/?");
    size_t path = strcspn(text + authority, "?");
    int result = parse_authority(parser, text, authority);
    if (result == 0)
        result = parse_path(parser, text + authority, path);
    text += authority + path;
    if (result == 0 && *text == '?')
        result = parse_query(parser, text + 1);
    if (result == 0 && !uri->socket) {
        uri->socket = strdup(SSH_URI_SOCKET);
        result = uri->socket ? 0 : -ENOMEM;
    }
    return result;
}

bool ssh_uri_is(const char *text)
{
    return strncmp(text, PREFIX, sizeof PREFIX - 1) == 0;
}

int ssh_uri_parse(const char *text, struct ssh_uri *uri, char *error, size_t size)
{
    const struct parser parser = {.uri = uri, .error = error, .size = size};

    *uri = (struct ssh_uri){.port = 22};
    int result = parse(&parser, text);
    if (result == -ENOMEM)
        snprintf(error, size, "out of memory");
    if (result < 0)
        ssh_uri_clear(uri);
    return result;
}

void ssh_uri_clear(struct ssh_uri *uri)
{
    free(uri->user);
    free(uri->host);
    free(uri->keyfile);
    free(uri->known_hosts);
    free(uri->socket);
    free(uri->ignored);
    *uri = (struct ssh_uri){0};
}

int ssh_uri_home(char *path, size_t size)
{
    const char *home = getenv("HOME");
    struct passwd entry, *found = NULL;
    char buffer[4096];

    if (!home || home[0] != '/')
        home = getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found
                   ? found->pw_dir
                   : NULL;
    int length = home ? snprintf(path, size, "%s", home) : -1;
    return length >= 0 && (size_t)length < size ? 0 : -ENOENT;
}

int ssh_uri_known_hosts(const struct ssh_uri *uri, char *path, size_t size)
{
    char home[4096];
    int length;

    if (uri->known_hosts) {
        length = snprintf(path, size, "%s", uri->known_hosts);
    } else {
        int result = ssh_uri_home(home, sizeof home);
        if (result < 0)
            return result;
        length = snprintf(path, size, "%s/.ssh/known_hosts", home);
    }
    return length >= 0 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

void ssh_uri_host_port(const struct ssh_uri *uri, char *text, size_t size)
{
    if (uri->port == 22)
        snprintf(text, size, "%s", uri->host);
    else
        snprintf(text, size, "[%s]:%u", uri->host, uri->port);
}
