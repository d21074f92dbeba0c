/* What vbmcd gives up once it has what it needs; the theory is at the top of isolate.c. Each stage
 * is one function, called in the order in which they stand here, while the process has one thread.
 */
#ifndef VBMC_PROCESS_ISOLATE_H
#define VBMC_PROCESS_ISOLATE_H

#include <limits.h>
#include <stdbool.h>
#include <sys/types.h>

#define ISOLATE_NAME_MAX 32 /* bytes of a user's name, as Linux has them */

struct isolate_user {
    char name[ISOLATE_NAME_MAX + 1];
    uid_t uid;
    gid_t gid;
    char home[PATH_MAX];
};

/* Looks the user up. 0; -ENOENT if there is none of that name, -EINVAL if it is root or its entry
 * cannot be used, or what the look-up said; `error` then has one line for people. */
int isolate_find_user(const char *name, struct isolate_user *user, char *error, size_t size);

/* Stage 1, hand over: gives the user what earlier runs as root, or the opening of the control
 * socket, have left in the two folders; makes `state_dir` if it is missing. Of `runtime_dir` only
 * `ours`, a list of names that ends with NULL, is given, and the folder itself if nothing else is
 * in it. Not given is what does not belong to root, what has several names (a hard link), what is
 * on another file system, and a `state_dir` that others than root may look into unless it is empty:
 * such a folder is shared. 0, or a negative error with one line in `error`. */
int isolate_hand_over_state(const char *state_dir, const struct isolate_user *user, char *error,
                            size_t size);
int isolate_hand_over_runtime(const char *runtime_dir, const char *const *ours,
                              const struct isolate_user *user, char *error, size_t size);
/* The same for the log file, which is made if it is missing. A symbolic link is refused. */
int isolate_hand_over_log(const char *path, const struct isolate_user *user, char *error,
                          size_t size);

/* Stage 2, become: root becomes the user, in the user's groups and those of `libvirt` and `tty`
 * where they exist. HOME, USER and LOGNAME are the user's then, XDG_* are gone. All capabilities
 * but CAP_NET_BIND_SERVICE are gone, from the bounding set too, and securebits keep them from
 * coming back. 0, or a negative error with one line in `error`; the process must then end, since it
 * is something between the two. */
int isolate_become(const struct isolate_user *user, char *error, size_t size);

/* Stage 3, confine: not dumpable; no_new_privs; and of who is not root, no capability but
 * CAP_NET_BIND_SERVICE, and none for programs it starts. A process that `starts_guests`, by the
 * embedded driver, is only made not dumpable: guests inherit the rest. 0, or a negative error with
 * one line in `error`. */
int isolate_confine(bool starts_guests, char *error, size_t size);

#endif
