#include "vbmc/virt/embedded.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "vbmc/base/boot_id.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/base/log.h"

#define NUMBERING_SIZE 96
#define STAT_SIZE      512
#define STATUS_SIZE    ((size_t)64 << 10)

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

/* ---- guests of before ---- */

/* Of which process 1 the others' numbers are: the boot, and when process 1 began, which a container
 * has of its own. "" if that is not known. */
static void read_numbering(char text[NUMBERING_SIZE])
{
    char boot[BOOT_ID_SIZE], line[STAT_SIZE] = "";
    unsigned long long began = 0;
    CLEANUP_CLOSE int fd = open("/proc/1/stat", O_RDONLY | O_CLOEXEC);

    boot_id_read(boot);
    text[0] = '\0';
    if (fd < 0 || read(fd, line, sizeof line - 1) <= 0 || !boot[0])
        return;
    const char *fields = strrchr(line, ')'); /* the name may have anything in it */
    if (fields &&
        sscanf(fields,
               ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d "
               "%*d %llu",
               &began) == 1)
        snprintf(text, NUMBERING_SIZE, "%s %llu", boot, began);
}

/* Whether somebody listens at the monitor that libvirt has of the guest, whose numbers may be those
 * of another namespace: it lives, and libvirt finds it by that. */
static bool is_alive(int folder, const char *name)
{
    static const char key[] = "<monitor path='";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char *text = calloc(1, STATUS_SIZE);
    CLEANUP_CLOSE int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    CLEANUP_CLOSE int monitor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    ssize_t size = text && fd >= 0 ? read(fd, text, STATUS_SIZE - 1) : -1;
    const char *path = size > 0 ? strstr(text, key) : NULL;
    size_t length = path ? strcspn(path += sizeof key - 1, "'") : 0;
    bool is_known = path && length < sizeof address.sun_path;

    if (is_known)
        memcpy(address.sun_path, path, length);
    free(text);
    return !is_known || monitor < 0 ||
           connect(monitor, (struct sockaddr *)&address, sizeof address) == 0 ||
           (errno != ECONNREFUSED && errno != ENOENT);
}

static bool is_status(const char *name)
{
    size_t length = strlen(name);

    return length > 4 && strcmp(name + length - 4, ".xml") == 0;
}

/* What libvirt keeps of guests that have ended with their process 1. */
static void forget_guests(const char *run)
{
    DIR *folder = opendir(run);
    const struct dirent *entry;

    while (folder && (entry = readdir(folder))) {
        CLEANUP_FREE char *pid = NULL;
        int stem = (int)strlen(entry->d_name) - 4;
        if (!is_status(entry->d_name) || is_alive(dirfd(folder), entry->d_name) ||
            unlinkat(dirfd(folder), entry->d_name, 0) < 0)
            continue;
        if (asprintf(&pid, "%.*s.pid", stem, entry->d_name) < 0)
            pid = NULL;
        if (pid)
            unlinkat(dirfd(folder), pid, 0);
        log_info("%s/%s: removed, as its guest has ended with the machine or the container", run,
                 entry->d_name);
    }
    if (folder)
        closedir(folder);
}

/* libvirt ends the process of a guest that it does not find any more by the number that it has of
 * it. After a boot, or in another container, that is another process, perhaps this one. */
static void forget_numbers(const char *root)
{
    CLEANUP_FREE char *path = NULL, *run = NULL;
    char now[NUMBERING_SIZE], before[NUMBERING_SIZE] = "";

    read_numbering(now);
    if (!now[0] || asprintf(&path, "%s/process-numbers", root) < 0) {
        path = NULL;
        return;
    }
    if (asprintf(&run, "%s/run/qemu", root) < 0) {
        run = NULL;
        return;
    }
    CLEANUP_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0 || read(fd, before, sizeof before - 1) < 0)
        return;
    if (before[0] && strcmp(before, now) != 0)
        forget_guests(run);
    if (strcmp(before, now) != 0 && (ftruncate(fd, 0) < 0 || pwrite(fd, now, strlen(now), 0) < 0))
        log_warning("%s: %s", path, strerror(errno));
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
    if (result == 0)
        forget_numbers(root);
    return result < 0 ? result : write_conf(conf, text, size);
}
