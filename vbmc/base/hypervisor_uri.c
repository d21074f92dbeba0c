#include "vbmc/base/hypervisor_uri.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool begins_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool hypervisor_uri_is_local(const char *uri)
{
    const char *authority = strstr(uri, "://");
    const char *transport = authority ? memchr(uri, '+', (size_t)(authority - uri)) : NULL;

    if (!authority || authority[3] != '/')
        return false;
    return !transport || begins_with(transport, "+unix:");
}

bool hypervisor_uri_is_qemu(const char *uri)
{
    return begins_with(uri, "qemu:") || begins_with(uri, "qemu+");
}

bool hypervisor_uri_is_embedded(const char *uri)
{
    static const char driver[] = "qemu:///embed";

    return begins_with(uri, driver) && strchr("?#", uri[sizeof driver - 1]); /* or the end */
}

static int hex_value(char c)
{
    c = (char)tolower((unsigned char)c);
    return c >= 'a' ? c - 'a' + 10 : c - '0';
}

/* In place. */
static void decode_percent(char *text)
{
    char *out = text;

    for (const char *in = text; *in; in++) {
        if (in[0] == '%' && isxdigit((unsigned char)in[1]) && isxdigit((unsigned char)in[2])) {
            *out++ = (char)(hex_value(in[1]) << 4 | hex_value(in[2]));
            in += 2;
        } else {
            *out++ = *in;
        }
    }
    *out = '\0';
}

char *hypervisor_uri_embedded_root(const char *uri)
{
    const char *query = uri + strcspn(uri, "?#");

    if (!hypervisor_uri_is_embedded(uri))
        return NULL;
    while (*query && *query != '#') {
        query++; /* past ?, & or ; */
        size_t length = strcspn(query, "&;#");
        if (begins_with(query, "root=")) {
            char *root = strndup(query + 5, length - 5);
            if (root)
                decode_percent(root);
            if (root && root[0] == '/')
                return root;
            free(root);
            return NULL;
        }
        query += length;
    }
    return NULL;
}
