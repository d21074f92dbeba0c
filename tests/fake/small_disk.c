#include "tests/fake/small_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "vbmc/base/array.h"

/* What SQLite calls pwrite depends on how it was built. */
static const char *const calls[] = {"pwrite", "pwrite64"};

static char disk_folder[256];
static atomic_size_t disk_size;

size_t small_disk_used(void)
{
    DIR *folder = opendir(disk_folder);
    const struct dirent *entry;
    struct stat status;
    size_t used = 0;

    if (!folder)
        return 0;
    while ((entry = readdir(folder))) {
        if (fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(status.st_mode))
            used += (size_t)status.st_size;
    }
    closedir(folder);
    return used;
}

static ssize_t limited_pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -1;
    size_t used = small_disk_used();
    size_t room = used < disk_size ? disk_size - used : 0;
    off_t most = status.st_size + (off_t)room;
    if (offset + (off_t)size > most) {
        if (offset >= most) {
            errno = ENOSPC;
            return -1;
        }
        size = (size_t)(most - offset);
    }
    return pwrite(fd, bytes, size, offset);
}

static void replace_calls(sqlite3_syscall_ptr function)
{
    sqlite3_vfs *vfs = sqlite3_vfs_find(NULL);

    for (size_t i = 0; i < ARRAY_SIZE(calls); i++)
        vfs->xSetSystemCall(vfs, calls[i], function);
}

void small_disk_begin(const char *folder, size_t size)
{
    snprintf(disk_folder, sizeof disk_folder, "%s", folder);
    disk_size = size;
    replace_calls((sqlite3_syscall_ptr)limited_pwrite);
}

void small_disk_resize(size_t size)
{
    disk_size = size;
}

void small_disk_end(void)
{
    replace_calls(NULL);
}
