/* Preloaded: the disk of the folder $READ_ONLY_FOLDER refuses whatever writes to it, as a file
 * system does that the kernel has made read-only after an error, as long as there is a file
 * $READ_ONLY_SWITCH. (mount -o remount,ro refuses as long as a file is open for writing.) */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static bool is_disk(dev_t device)
{
    const char *folder = getenv("READ_ONLY_FOLDER"), *toggle = getenv("READ_ONLY_SWITCH");
    struct stat status;

    return folder && toggle && access(toggle, F_OK) == 0 && stat(folder, &status) == 0 &&
           status.st_dev == device;
}

static bool refuses(int fd)
{
    struct stat status;
    int before = errno;
    bool is_refused = fstat(fd, &status) == 0 && is_disk(status.st_dev);

    errno = is_refused ? EROFS : before;
    return is_refused;
}

static bool refuses_at(int folder, const char *path, int flags)
{
    struct stat status, place;
    int before = errno;
    bool is_there = fstatat(folder, path, &status, 0) == 0;
    bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;
    bool is_refused =
        is_there ? writes && is_disk(status.st_dev)
                 : flags & O_CREAT && fstatat(folder, ".", &place, 0) == 0 && is_disk(place.st_dev);

    errno = is_refused ? EROFS : before;
    return is_refused;
}

#define NEXT(name) ((__typeof__(&(name)))dlsym(RTLD_NEXT, #name))

#define WRITE(name, declared, ...)                                                                 \
    ssize_t name declared                                                                          \
    {                                                                                              \
        return refuses(fd) ? -1 : NEXT(name)(__VA_ARGS__);                                         \
    }
WRITE(write, (int fd, const void *bytes, size_t size), fd, bytes, size)
WRITE(pwrite, (int fd, const void *bytes, size_t size, off_t at), fd, bytes, size, at)
WRITE(pwrite64, (int fd, const void *bytes, size_t size, off64_t at), fd, bytes, size, at)
WRITE(writev, (int fd, const struct iovec *parts, int count), fd, parts, count)

#define CHANGE(name, declared, ...)                                                                \
    int name declared                                                                              \
    {                                                                                              \
        return refuses(fd) ? -1 : NEXT(name)(__VA_ARGS__);                                         \
    }
CHANGE(ftruncate, (int fd, off_t size), fd, size)
CHANGE(ftruncate64, (int fd, off64_t size), fd, size)
CHANGE(fallocate, (int fd, int mode, off_t at, off_t size), fd, mode, at, size)
CHANGE(fchmod, (int fd, mode_t mode), fd, mode)
CHANGE(fchown, (int fd, uid_t uid, gid_t gid), fd, uid, gid)

#define MODE                                                                                       \
    va_list arguments;                                                                             \
    va_start(arguments, flags);                                                                    \
    mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;                                 \
    va_end(arguments);

#define OPEN(name)                                                                                 \
    int name(const char *path, int flags, ...)                                                     \
    {                                                                                              \
        MODE return refuses_at(AT_FDCWD, path, flags) ? -1 : NEXT(name)(path, flags, mode);        \
    }
OPEN(open)
OPEN(open64)

#define OPEN_AT(name)                                                                              \
    int name(int folder, const char *path, int flags, ...)                                         \
    {                                                                                              \
        MODE return refuses_at(folder, path, flags) ? -1 : NEXT(name)(folder, path, flags, mode);  \
    }
OPEN_AT(openat)
OPEN_AT(openat64)

int unlink(const char *path)
{
    return refuses_at(AT_FDCWD, path, O_WRONLY) ? -1 : NEXT(unlink)(path);
}

int unlinkat(int folder, const char *path, int flags)
{
    return refuses_at(folder, path, O_WRONLY) ? -1 : NEXT(unlinkat)(folder, path, flags);
}
