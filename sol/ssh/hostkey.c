#include "sol/ssh/hostkey.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define KEY_TEXT_MAX 4096 /* an ed25519 key has about 400 */

static int say_errno(char *error, size_t error_size, const char *path, const char *what)
{
    int code = errno;

    snprintf(error, error_size, "SSH host key %s: cannot %s: %s", path, what, strerror(code));
    return -code;
}

static void forget_text(char (*text)[KEY_TEXT_MAX])
{
    explicit_bzero(*text, sizeof *text);
}

/* ---- reading ---- */

static int check_file(int fd, const char *path, char *error, size_t error_size)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return say_errno(error, error_size, path, "look at it");
    if (!S_ISREG(status.st_mode)) {
        snprintf(error, error_size, "SSH host key %s: not a regular file", path);
        return -EPERM;
    }
    if (status.st_uid != geteuid()) {
        snprintf(error, error_size,
                 "SSH host key %s: belongs to user %u instead of %u: chown or remove it", path,
                 (unsigned)status.st_uid, (unsigned)geteuid());
        return -EPERM;
    }
    if (status.st_mode & 077) {
        snprintf(error, error_size, "SSH host key %s: others may read it (mode %04o): chmod 600 it",
                 path, (unsigned)(status.st_mode & 07777));
        return -EPERM;
    }
    return 0;
}

static int read_key(int fd, const char *path, ssh_key *key, char *error, size_t error_size)
{
    CLEANUP(forget_text) char text[KEY_TEXT_MAX];
    size_t size = 0;
    ssize_t got;
    int rc = check_file(fd, path, error, error_size);

    if (rc < 0)
        return rc;
    while ((got = read(fd, text + size, sizeof text - 1 - size)) > 0)
        size += (size_t)got;
    if (got < 0)
        return say_errno(error, error_size, path, "read it");
    text[size] = '\0';
    if (ssh_pki_import_privkey_base64(text, NULL, NULL, NULL, key) != SSH_OK) {
        snprintf(error, error_size,
                 "SSH host key %s: not a private key without passphrase: remove it, and a new one "
                 "is made",
                 path);
        return -EINVAL;
    }
    if (ssh_key_type(*key) != SSH_KEYTYPE_ED25519) {
        ssh_key_free(*key);
        *key = NULL;
        snprintf(error, error_size, "SSH host key %s: not an ed25519 key", path);
        return -EINVAL;
    }
    return 0;
}

/* ---- making ---- */

/* What opened is looked at later: a link is not followed. */
static int open_key(const char *path)
{
    return open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

static int write_all(int fd, const char *text, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t wrote = write(fd, text + done, size - done);

        if (wrote < 0)
            return -1;
        done += (size_t)wrote;
    }
    return fsync(fd);
}

static void sync_folder(const char *path)
{
    char folder[4096];
    char *slash;

    snprintf(folder, sizeof folder, "%s", path);
    slash = strrchr(folder, '/');
    if (slash)
        slash[slash == folder] = '\0';
    CLEANUP_CLOSE int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        fsync(fd);
}

/* By a temporary file beside it, so that a crash leaves no half of a key behind. */
static int write_key(const char *path, const char *text, char *error, size_t error_size)
{
    char temporary[4096];

    if (snprintf(temporary, sizeof temporary, "%s.new", path) >= (int)sizeof temporary) {
        errno = ENAMETOOLONG;
        return say_errno(error, error_size, path, "write it");
    }
    unlink(temporary);
    CLEANUP_CLOSE int fd =
        open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0 || write_all(fd, text, strlen(text)) < 0 || rename(temporary, path) < 0) {
        int rc = say_errno(error, error_size, path, "write it");

        if (fd >= 0)
            unlink(temporary);
        return rc;
    }
    sync_folder(path);
    return 0;
}

static int make_key(const char *path, ssh_key *key, char *error, size_t error_size)
{
    char *text = NULL;
    int rc;

    if (ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, key) != SSH_OK ||
        ssh_pki_export_privkey_base64(*key, NULL, NULL, NULL, &text) != SSH_OK) {
        snprintf(error, error_size, "SSH host key %s: cannot make one", path);
        rc = -EIO;
    } else {
        rc = write_key(path, text, error, error_size);
    }
    if (text)
        explicit_bzero(text, strlen(text));
    ssh_string_free_char(text);
    if (rc < 0) {
        ssh_key_free(*key);
        *key = NULL;
        return rc;
    }
    log_info("made a host key for SSH: %s", path);
    return 0;
}

int ssh_hostkey_load(const char *path, ssh_key *key, char *error, size_t error_size)
{
    CLEANUP_CLOSE int fd = open_key(path);

    *key = NULL;
    if (fd >= 0)
        return read_key(fd, path, key, error, error_size);
    if (errno != ENOENT)
        return say_errno(error, error_size, path, "open it");
    return make_key(path, key, error, error_size);
}
