/* The lock on the state folder: who holds it is the one daemon that serves what is in there. The
 * kernel keeps it for as long as the process lives, stopped or not, and gives it up when the
 * process ends, however that happens.
 *
 * It keeps daemons of one kernel apart, and of several where the folder's file system locks for all
 * of them (GFS2, OCFS2, Ceph) or is mounted by one at a time: then the mount is the lock. NFS, SMB,
 * 9P and FUSE lock a folder for the own machine alone. */
#ifndef VBMC_STORE_LOCK_H
#define VBMC_STORE_LOCK_H

#include <stddef.h>

#define STORE_DATABASE "state.db" /* in the folder */

enum store_lock_how {
    STORE_LOCK_MAKE,  /* makes the folder (0700) where it is missing */
    STORE_LOCK_STAND, /* of a standby: makes nothing; the folder and its database have to be there,
                         and the lock has to be good for all that mount the folder */
};

/* Opens the folder and takes its lock, and does not wait for it. `*fd` is the caller's then. 0, or
 * a negative error with one line in `error`: -EBUSY, another daemon has it; -ENOENT, there is no
 * folder or no database yet; -EPERM, others may write it; -ENOTSUP, its lock is not good enough;
 * that of the system. */
int store_lock_take(const char *state_dir, enum store_lock_how how, int *fd, char *error,
                    size_t size);

/* What a file system of that kind (statfs's f_type) is called if it locks a folder for the own
 * machine alone; NULL if it does not. */
const char *store_lock_is_local(unsigned long type);

#endif
