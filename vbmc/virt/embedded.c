#include "vbmc/virt/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libxml/uri.h>

#include "vbmc/base/cleanup.h"

static const char qemu_conf[] =
    "# Written by vbmcd, since there was none. See qemu.conf of libvirt.\n"
    "stdio_handler = \"file\"\n";

bool embedded_is_uri(const char *uri)
{
    static const char prefix[] = "qemu:///embed";

    return strncmp(uri, prefix, sizeof prefix - 1) == 0;
}

static void cleanup_uri(xmlURIPtr *uri)
{
    xmlFreeURI(*uri);
}

/* The value of root= in the URI's query, to be freed; NULL if there is none. */
static char *root_of(const char *text)
{
    CLEANUP(cleanup_uri) xmlURIPtr uri = xmlParseURI(text);
    const char *query = uri && uri->query_raw ? uri->query_raw : "";

    while (*query) {
        size_t length = strcspn(query, "&;");
        if (strncmp(query, "root=", 5) == 0) {
            char *unescaped = xmlURIUnescapeString(query + 5, (int)length - 5, NULL);
            char *root = unescaped ? strdup(unescaped) : NULL;
            xmlFree(unescaped);
            return root;
        }
        query += length + (query[length] != '\0');
    }
    return NULL;
}

static int make_folder(const char *path, char *text, size_t size)
{
    if (mkdir(path, 0755) == 0 || errno == EEXIST)
        return 0;
    int error = errno;
    snprintf(text, size, "cannot make %s: %s", path, strerror(error));
    return -error;
}

static int write_conf(const char *path, char *text, size_t size)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    if (fd < 0 && errno == EEXIST)
        return 0;
    if (fd >= 0 && write(fd, qemu_conf, sizeof qemu_conf - 1) == (ssize_t)sizeof qemu_conf - 1)
        return 0;
    int error = fd >= 0 ? ENOSPC : errno;
    snprintf(text, size, "cannot write %s: %s", path, strerror(error));
    return -error;
}

int embedded_prepare(const char *uri, char *text, size_t size)
{
    CLEANUP_FREE char *root = root_of(uri);
    CLEANUP_FREE char *etc = NULL, *conf = NULL;

    if (!root || root[0] != '/') {
        snprintf(text, size, "the URI needs an absolute folder: qemu:///embed?root=/some/folder");
        return -EINVAL;
    }
    if (asprintf(&etc, "%s/etc", root) < 0) {
        etc = NULL;
        return -ENOMEM;
    }
    if (asprintf(&conf, "%s/qemu.conf", etc) < 0) {
        conf = NULL;
        return -ENOMEM;
    }
    int result = make_folder(root, text, size);
    if (result == 0)
        result = make_folder(etc, text, size);
    return result < 0 ? result : write_conf(conf, text, size);
}
