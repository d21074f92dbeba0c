#include "vbmc/virt/embedded.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/hypervisor_uri.h"

static const char qemu_conf[] =
    "# Written by vbmcd, since there was none. See qemu.conf of libvirt.\n"
    "stdio_handler = \"file\"\n";

static atomic_bool is_forbidden;

void embedded_forbid(void)
{
    is_forbidden = true;
}

int embedded_check(char *text, size_t size)
{
    if (!is_forbidden)
        return 0;
    snprintf(
        text, size,
        "qemu:///embed needs privileges that vbmcd has given up; make it a [hypervisor NAME] of "
        "vbmc.conf and restart vbmcd");
    return -EPERM;
}

static int make_directory(const char *path, char *text, size_t size)
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
    CLEANUP_FREE char *root = hypervisor_uri_embedded_root(uri);
    CLEANUP_FREE char *etc = NULL, *conf = NULL;

    if (embedded_check(text, size) < 0)
        return -EPERM;
    if (!root) {
        snprintf(text, size,
                 "the URI needs an absolute directory: qemu:///embed?root=/some/directory");
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
    int result = make_directory(root, text, size);
    if (result == 0)
        result = make_directory(etc, text, size);
    return result < 0 ? result : write_conf(conf, text, size);
}
