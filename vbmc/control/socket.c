#include "vbmc/control/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"

static int fail(int number, char *error, size_t size, const char *path, const char *what)
{
    snprintf(error, size, "%s: %s: %s", path, what, strerror(number));
    return -number;
}

/* Makes the directory of `path` where it is missing, and refuses one in which somebody else could
 * replace the socket by another. */
static int prepare_directory(const char *path, char *error, size_t size)
{
    char directory[PATH_MAX];
    struct stat status;
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash - path) : 0;

    if (slash == path || !slash)
        snprintf(directory, sizeof directory, "%s", slash ? "/" : ".");
    else
        snprintf(directory, sizeof directory, "%.*s", length, path);
    if (mkdir(directory, 0755) == 0) {
        if (chmod(directory, 0755))
            return fail(errno, error, size, directory, "cannot set its mode");
    } else if (errno != EEXIST) {
        return fail(errno, error, size, directory,
                    "cannot make the directory of the control socket");
    }
    if (stat(directory, &status))
        return fail(errno, error, size, directory, "no directory for the control socket");
    if (!S_ISDIR(status.st_mode))
        return fail(ENOTDIR, error, size, directory, "no place for the control socket");
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) && !(status.st_mode & S_ISVTX))
        return fail(EPERM, error, size, directory,
                    "others may write here and could replace the control socket");
    return 0;
}

/* Takes the lock beside the socket. It goes with the process, however that ends; the file stays. */
static int take_lock(const char *path, int *lock_fd, char *error, size_t size)
{
    char lock_path[PATH_MAX];

    snprintf(lock_path, sizeof lock_path, "%s.lock", path);
    *lock_fd = open(lock_path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (*lock_fd < 0)
        return fail(errno, error, size, lock_path, "cannot open the lock");
    if (flock(*lock_fd, LOCK_EX | LOCK_NB) == 0)
        return 0;
    int number = errno;
    close(*lock_fd);
    *lock_fd = -1;
    if (number != EWOULDBLOCK)
        return fail(number, error, size, lock_path, "cannot lock");
    snprintf(error, size, "vbmcd is already running (it holds %s)", lock_path);
    return -EADDRINUSE;
}

/* Removes what a dead daemon left at the path; refuses what is alive or is no socket. One that we
 * may not even try is another user's, such as root's of an earlier run: as the lock is ours it is
 * dead. */
static int remove_stale(const struct sockaddr_un *address, char *error, size_t size)
{
    struct stat status;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (lstat(address->sun_path, &status))
        return errno == ENOENT ? 0 : fail(errno, error, size, address->sun_path, "cannot look");
    if (!S_ISSOCK(status.st_mode))
        return fail(EEXIST, error, size, address->sun_path, "is not a socket, left alone");
    if (fd < 0)
        return fail(errno, error, size, address->sun_path, "no socket");
    if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0 || errno == EAGAIN) {
        snprintf(error, size, "vbmcd is already running (it answers on %s)", address->sun_path);
        return -EADDRINUSE;
    }
    if (errno != ECONNREFUSED && errno != EACCES)
        return fail(errno, error, size, address->sun_path, "cannot tell whether it is in use");
    if (unlink(address->sun_path))
        return fail(errno, error, size, address->sun_path, "cannot remove the stale socket");
    return 0;
}

static int bind_socket(struct control_socket *control_socket, gid_t gid, char *error, size_t size)
{
    const char *path = control_socket->address.sun_path;
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0)
        return fail(errno, error, size, path, "no socket");
    mode_t mask = umask(0177); /* never, not for an instant, open to others */
    int failed =
        bind(fd, (const struct sockaddr *)&control_socket->address, sizeof control_socket->address);
    int number = errno;
    umask(mask);
    if (failed)
        return fail(number, error, size, path, "cannot bind");
    if (control_socket->has_group && (chown(path, (uid_t)-1, gid) || chmod(path, 0660))) {
        number = errno;
        unlink(path);
        return fail(number, error, size, path, "cannot give it to the group");
    }
    control_socket->fd = fd;
    fd = -1;
    return 0;
}

int control_socket_open(const char *path, gid_t gid, struct control_socket *control_socket,
                        char *error, size_t size)
{
    struct sockaddr_un *address = &control_socket->address;

    *control_socket = (struct control_socket){
        .fd = -1,
        .lock_fd = -1,
        .owner = geteuid(),
        .has_group = gid != (gid_t)-1,
        .address.sun_family = AF_UNIX,
    };
    if (strlen(path) >= sizeof address->sun_path)
        return fail(ENAMETOOLONG, error, size, path, "the path of a socket has at most 107 bytes");
    memcpy(address->sun_path, path, strlen(path) + 1);
    int failed = prepare_directory(path, error, size);
    if (!failed)
        failed = take_lock(path, &control_socket->lock_fd, error, size);
    if (failed)
        return failed;
    failed = remove_stale(address, error, size);
    if (!failed)
        failed = bind_socket(control_socket, gid, error, size);
    if (failed)
        close(control_socket->lock_fd);
    return failed;
}

void control_socket_close(struct control_socket *control_socket)
{
    unlink(control_socket->address.sun_path); /* may fail after privilege is dropped: then stale */
    close(control_socket->lock_fd);
}
