#include "vbmc/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

struct taking {
    const char *path;
    enum store_lock_how how;
    int fd;
    char *error;
    size_t size;
};

static int fail(const struct taking *taking, int result, const char *why)
{
    snprintf(taking->error, taking->size, "%s: %s", taking->path, why);
    return result;
}

static int fail_errno(const struct taking *taking)
{
    int result = -errno;

    return fail(taking, result, strerror(-result));
}

/* ---- whom the lock keeps away ---- */

/* FUSE is sshfs, GlusterFS and virtiofs too: what is behind it is not known here. */
const char *store_lock_is_local(unsigned long type)
{
    static const struct {
        unsigned long type;
        const char *name;
    } kinds[] = {
        {NFS_SUPER_MAGIC, "NFS"},  {SMB_SUPER_MAGIC, "SMB"}, {CIFS_SUPER_MAGIC, "SMB"},
        {SMB2_SUPER_MAGIC, "SMB"}, {V9FS_MAGIC, "9P"},       {FUSE_SUPER_MAGIC, "FUSE"},
        {AFS_SUPER_MAGIC, "AFS"},  {AFS_FS_MAGIC, "AFS"},    {CODA_SUPER_MAGIC, "Coda"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        if ((type & 0xffffffff) == kinds[i].type)
            return kinds[i].name;
    }
    return NULL;
}

static int check_kind(const struct taking *taking)
{
    struct statfs found;
    char why[160];

    if (fstatfs(taking->fd, &found) < 0)
        return fail_errno(taking);
    const char *name = store_lock_is_local((unsigned long)found.f_type);
    if (!name)
        return 0;
    if (taking->how == STORE_LOCK_STAND) {
        snprintf(why, sizeof why,
                 "this folder is on %s, which does not keep a vbmcd of another machine away: a "
                 "standby needs a disk that one machine mounts at a time (DRBD, iSCSI)",
                 name);
        return fail(taking, -ENOTSUP, why);
    }
    log_warning("%s: this folder is on %s: no vbmcd of another machine may use it, and none is "
                "kept away",
                taking->path, name);
    return 0;
}

/* ---- the folder ---- */

/* chmod behind mkdir, since the umask may have taken bits that we need. */
static int make_folder(const struct taking *taking)
{
    if (mkdir(taking->path, 0700) == 0)
        return chmod(taking->path, 0700) < 0 ? fail_errno(taking) : 0;
    return errno == EEXIST ? 0 : fail_errno(taking);
}

static int check_mode(const struct taking *taking, mode_t *mode)
{
    struct stat status;

    if (fstat(taking->fd, &status) < 0)
        return fail_errno(taking);
    *mode = status.st_mode;
    if (status.st_mode & (S_IWGRP | S_IWOTH))
        return fail(taking, -EPERM, "others may write this folder; chmod 700 it");
    return 0;
}

static void warn_of_mode(const struct taking *taking, mode_t mode)
{
    if (mode & (S_IRWXG | S_IRWXO))
        log_warning("%s: others may look into this folder (mode %03o); chmod 700 it", taking->path,
                    (unsigned)mode & 0777);
}

/* The bare mount point of a disk that another machine has must not be taken for the folder, nor one
 * that was covered by a mount since it was opened. */
static int check_place(const struct taking *taking)
{
    struct stat opened, present;

    if (faccessat(taking->fd, STORE_DATABASE, F_OK, 0) < 0)
        return errno == ENOENT ? fail(taking, -ENOENT, "there is no " STORE_DATABASE " in it")
                               : fail_errno(taking);
    if (fstat(taking->fd, &opened) < 0 || stat(taking->path, &present) < 0)
        return fail_errno(taking);
    if (opened.st_dev != present.st_dev || opened.st_ino != present.st_ino)
        return fail(taking, -ENOENT, "it was replaced at this moment");
    return 0;
}

static int take(struct taking *taking)
{
    int result = taking->how == STORE_LOCK_MAKE ? make_folder(taking) : 0;
    mode_t mode = 0;

    if (result < 0)
        return result;
    taking->fd = open(taking->path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    if (taking->fd < 0)
        return fail_errno(taking);
    if (taking->how == STORE_LOCK_STAND && (result = check_place(taking)) < 0)
        return result;
    result = check_kind(taking);
    if (result == 0)
        result = check_mode(taking, &mode);
    if (result < 0)
        return result;
    if (flock(taking->fd, LOCK_EX | LOCK_NB) < 0)
        return errno == EWOULDBLOCK ? fail(taking, -EBUSY, "another vbmcd uses this folder")
                                    : fail_errno(taking);
    warn_of_mode(taking, mode);
    return taking->how == STORE_LOCK_STAND ? check_place(taking) : 0;
}

int store_lock_take(const char *state_dir, enum store_lock_how how, int *fd, char *error,
                    size_t size)
{
    struct taking taking = {state_dir, how, -1, error, size};
    int result = take(&taking);

    if (result < 0 && taking.fd >= 0)
        close(taking.fd);
    *fd = result < 0 ? -1 : taking.fd;
    return result;
}
