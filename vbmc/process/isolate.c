#include "vbmc/process/isolate.h"

/* The theory. vbmcd parses packets of strangers and bytes of hostile guests. Whoever takes it over
 * that way gets what the process has, so the process has as little as it works with:
 *
 *   1. hand over   as root: files that root made become the user's, once
 *   2. become      root becomes the user: no way back, by uid, gid or capability
 *   3. confine     no program it starts has more than it; nobody looks into it
 *   4. filter      no system call but those it uses (isolate_filter.c)
 *
 * Before stage 1, and as root, the configuration is read and the control socket is opened;
 * everything else, all that listens to strangers, comes after the last stage. All stages come
 * before the first thread, since the kernel keeps capabilities for each thread, and a thread that
 * was started earlier would have what the others gave up.
 *
 * Started by an ordinary user, as systemd does with User=, there is nothing to hand over or to
 * become, and stages 3 and 4 alone apply. What remains is the user's: the files that it owns, the
 * groups libvirt (which is as good as root on that hypervisor) and tty (serial ports of guests),
 * ports below 1024. Under qemu:///embed guests are children of this process, which needs root to
 * set them up: it stays root, and of stage 3 only what children do not inherit holds. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"

#define GROUPS_MAX 256
#define ENTRY_SIZE 16384 /* of the user database */
#define DEPTH_MAX  8     /* of folders in state-dir; ours are two deep */
#define NOT_SHARED 077   /* a folder with none of these bits is root's alone */

static int fail(int number, char *error, size_t size, const char *what)
{
    snprintf(error, size, "%s: %s", what, strerror(number));
    return -number;
}

int isolate_find_user(const char *name, struct isolate_user *user, char *error, size_t size)
{
    struct passwd entry, *found = NULL;
    char buffer[ENTRY_SIZE];
    int number = getpwnam_r(name, &entry, buffer, sizeof buffer, &found);

    if (!found) {
        snprintf(error, size,
                 "user = %s: there is no such user (%s); make it: useradd --system --user-group "
                 "--home-dir /var/lib/vbmc --shell /usr/sbin/nologin %s",
                 name, number ? strerror(number) : "not in the user database", name);
        return number ? -number : -ENOENT;
    }
    if (found->pw_uid == 0 || found->pw_gid == 0 || strlen(name) > ISOLATE_NAME_MAX ||
        strlen(found->pw_dir) >= sizeof user->home) {
        snprintf(error, size, "user = %s: expected root, or a user whose uid and gid are not 0",
                 name);
        return -EINVAL;
    }
    snprintf(user->name, sizeof user->name, "%s", name);
    snprintf(user->home, sizeof user->home, "%s", found->pw_dir);
    user->uid = found->pw_uid;
    user->gid = found->pw_gid;
    return 0;
}

/* ---- hand over ---- */

static int fail_at(const char *path, char *error, size_t size)
{
    int number = errno;

    snprintf(error, size, "%s: cannot give it to the user that vbmcd runs as: %s", path,
             strerror(number));
    return -number;
}

/* `fd` is of the thing itself (O_PATH), so that what is looked at is what is given. A name that
 * appears beside it meanwhile is one of what we gave already. */
static int give(int fd, const struct isolate_user *user)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return -errno;
    if (status.st_uid != 0 || (!S_ISDIR(status.st_mode) && status.st_nlink != 1))
        return 0;
    gid_t gid = S_ISSOCK(status.st_mode) ? (gid_t)-1 : user->gid; /* its group is who may connect */
    return fchownat(fd, "", user->uid, gid, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* What is in the folder, and then the folder: not yet the user's, it cannot be changed under us. */
static int give_folder(int fd, dev_t device, unsigned depth, const struct isolate_user *user)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    struct stat status;

    if (!folder)
        return -errno;
    while (result == 0 && (entry = readdir(folder))) {
        if (!is_entry(entry))
            continue;
        CLEANUP_CLOSE int child = openat(fd, entry->d_name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0 || fstat(child, &status) < 0 || status.st_dev != device)
            continue;
        if (S_ISDIR(status.st_mode) && depth < DEPTH_MAX)
            result = give_folder(child, device, depth + 1, user);
        else if (S_ISREG(status.st_mode) || S_ISSOCK(status.st_mode))
            result = give(child, user);
    }
    closedir(folder);
    return result < 0 ? result : give(fd, user);
}

static bool is_empty(int fd)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    bool found = !folder;

    while (!found && (entry = readdir(folder)))
        found = is_entry(entry);
    if (folder)
        closedir(folder);
    return !found;
}

int isolate_hand_over_state(const char *state_dir, const struct isolate_user *user, char *error,
                            size_t size)
{
    struct stat status;

    if (mkdir(state_dir, 0700) < 0 && errno != EEXIST)
        return fail_at(state_dir, error, size);
    CLEANUP_CLOSE int fd = open(state_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &status) < 0)
        return fail_at(state_dir, error, size);
    if (status.st_uid != user->uid && status.st_mode & NOT_SHARED && !is_empty(fd)) {
        snprintf(
            error, size,
            "state-dir = %s belongs to another user than %s and is open to others; if all in it "
            "is of vbmcd: chown -R %s: %s && chmod 700 %s",
            state_dir, user->name, user->name, state_dir, state_dir);
        return -EPERM;
    }
    errno = -give_folder(fd, status.st_dev, 0, user);
    return errno ? fail_at(state_dir, error, size) : 0;
}

/* A guest's socket (vbmc/instance/inband.c), which is the user's already. */
static bool is_guest_socket(const char *name)
{
    const char *end = strrchr(name, '.');

    return end && strcmp(end, ".ipmi") == 0;
}

/* True if there is nothing in the folder but what has one of these names, and sockets of guests. */
static bool has_only(int fd, const char *const *names)
{
    int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = copy < 0 ? NULL : fdopendir(copy);
    const struct dirent *entry;
    bool is_ours = folder != NULL;

    while (is_ours && (entry = readdir(folder))) {
        bool known = !is_entry(entry) || is_guest_socket(entry->d_name);
        for (size_t i = 0; names[i] && !known; i++)
            known = strcmp(entry->d_name, names[i]) == 0;
        is_ours = known;
    }
    if (folder)
        closedir(folder);
    return is_ours;
}

int isolate_hand_over_runtime(const char *runtime_dir, const char *const *ours,
                              const struct isolate_user *user, char *error, size_t size)
{
    CLEANUP_CLOSE int fd = open(runtime_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct stat status;
    int result = 0;

    if (fd < 0)
        return fail_at(runtime_dir, error, size);
    for (size_t i = 0; ours[i] && result == 0; i++) {
        CLEANUP_CLOSE int child = openat(fd, ours[i], O_PATH | O_NOFOLLOW | O_CLOEXEC);
        if (child < 0 || fstat(child, &status) < 0)
            continue;
        result = S_ISDIR(status.st_mode) ? give_folder(child, status.st_dev, 0, user)
                                         : give(child, user);
    }
    if (result == 0 && has_only(fd, ours))
        result = give(fd, user);
    errno = -result;
    return result < 0 ? fail_at(runtime_dir, error, size) : 0;
}

int isolate_hand_over_log(const char *path, const struct isolate_user *user, char *error,
                          size_t size)
{
    CLEANUP_CLOSE int fd = open(
        path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NOFOLLOW | O_NONBLOCK, 0640);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return fail_at(path, error, size);
    if (!S_ISREG(status.st_mode))
        return 0; /* a terminal or a pipe: not ours to give */
    errno = -give(fd, user);
    return errno ? fail_at(path, error, size) : 0;
}

/* ---- become ---- */

/* The kernel keeps these for each thread, and glibc hands on only the ids to the others. */
static bool has_one_thread(void)
{
    struct stat status;

    return stat("/proc/self/task", &status) < 0 || status.st_nlink <= 3;
}

static int join_groups(const struct isolate_user *user)
{
    static const char *const more[] = {"libvirt", "tty"};
    gid_t groups[GROUPS_MAX + ARRAY_SIZE(more)];
    int count = GROUPS_MAX;

    if (getgrouplist(user->name, user->gid, groups, &count) < 0)
        return -E2BIG;
    for (size_t i = 0; i < ARRAY_SIZE(more); i++) {
        const struct group *group = getgrnam(more[i]);
        if (group && group->gr_gid != 0)
            groups[count++] = group->gr_gid;
    }
    return setgroups((size_t)count, groups) < 0 ? -errno : 0;
}

/* As capset(2) has it: two words for each of effective, permitted, inheritable. */
static int set_capabilities(uint64_t mask)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};

    for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
        data[i].effective = data[i].permitted = (uint32_t)(mask >> 32 * i);
    return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

static uint64_t permitted_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
    uint64_t mask = 0;

    if (syscall(SYS_capget, &header, data) < 0)
        return 0;
    for (unsigned i = 0; i < ARRAY_SIZE(data); i++)
        mask |= (uint64_t)data[i].permitted << 32 * i;
    return mask;
}

/* Numbers behind the kernel's last one are refused with EINVAL. */
static int empty_bounding_set(void)
{
    for (unsigned long i = 0; prctl(PR_CAPBSET_READ, i, 0, 0, 0) >= 0; i++) {
        if (i != CAP_NET_BIND_SERVICE && prctl(PR_CAPBSET_DROP, i, 0, 0, 0) < 0)
            return -errno;
    }
    return 0;
}

static void take_environment(const struct isolate_user *user)
{
    static const char *const gone[] = {"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME",
                                       "XDG_STATE_HOME", "XDG_RUNTIME_DIR"};

    setenv("HOME", user->home, 1);
    setenv("USER", user->name, 1);
    setenv("LOGNAME", user->name, 1);
    for (size_t i = 0; i < ARRAY_SIZE(gone); i++)
        unsetenv(gone[i]);
}

/* With NO_SETUID_FIXUP a change of ids touches no capability, so that the one to keep is kept; with
 * NOROOT uid 0 is no reason to have any. Both for good. */
#define BITS                                                                                       \
    (SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |                               \
     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |       \
     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

int isolate_become(const struct isolate_user *user, char *error, size_t size)
{
    if (!has_one_thread())
        return fail(EBUSY, error, size, "privileges: a thread runs already");
    int result = empty_bounding_set();
    if (result < 0)
        return fail(-result, error, size, "privileges: cannot empty the capability bounding set");
    if (prctl(PR_SET_SECUREBITS, BITS, 0, 0, 0) < 0)
        return fail(errno, error, size, "privileges: cannot set securebits");
    result = join_groups(user);
    if (result < 0)
        return fail(-result, error, size, "privileges: cannot set the groups");
    if (setresgid(user->gid, user->gid, user->gid) < 0 ||
        setresuid(user->uid, user->uid, user->uid) < 0)
        return fail(errno, error, size, "privileges: cannot become the user");
    result = set_capabilities(permitted_capabilities() & UINT64_C(1) << CAP_NET_BIND_SERVICE);
    if (result < 0)
        return fail(-result, error, size, "privileges: cannot give up capabilities");
    take_environment(user);
    return 0;
}

/* ---- confine ---- */

#ifdef __SANITIZE_ADDRESS__
#define IS_DUMPABLE 1 /* it looks for leaks by tracing itself */
#else
#define IS_DUMPABLE 0
#endif

int isolate_confine(bool starts_guests, char *error, size_t size)
{
    if (!has_one_thread())
        return fail(EBUSY, error, size, "privileges: a thread runs already");
    if (prctl(PR_SET_DUMPABLE, IS_DUMPABLE, 0, 0, 0) < 0)
        return fail(errno, error, size, "privileges: cannot forbid core dumps");
    if (starts_guests)
        return 0;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return fail(errno, error, size, "privileges: cannot set no_new_privs");
    if (geteuid() == 0)
        return 0;
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
        return fail(errno, error, size, "privileges: cannot clear ambient capabilities");
    int result = set_capabilities(permitted_capabilities() & UINT64_C(1) << CAP_NET_BIND_SERVICE);
    return result < 0 ? fail(-result, error, size, "privileges: cannot give up capabilities") : 0;
}
