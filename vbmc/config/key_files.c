#include "vbmc/config/key_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define KEYS_SIZE_MAX 65536

struct key_file {
    struct stat seen; /* zeros: it is not there, or cannot be used */
    char *text;       /* NULL: it cannot be used */
    char path[];
};

/* The text of an authorized_keys file; NULL if it cannot be used. */
static char *read_keys(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        log_warning("%s: ignored: %s", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > KEYS_SIZE_MAX) {
        log_warning("%s: ignored: not a file, or over 64 KiB", path);
        return NULL;
    }
    if (status.st_mode & (S_IWGRP | S_IWOTH)) {
        log_warning("%s: ignored: writable by group or others (run chmod go-w)", path);
        return NULL;
    }
    char *text = calloc(1, (size_t)status.st_size + 1);
    ssize_t got = text ? read(fd, text, (size_t)status.st_size) : 0;
    if (text && got != (ssize_t)status.st_size) {
        log_warning("%s: ignored: %s", path, got < 0 ? strerror(errno) : "it became shorter");
        free(text);
        return NULL;
    }
    return text;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mode == b->st_mode && a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
           a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void release(struct key_file *file)
{
    if (file)
        free(file->text);
    free(file);
}

static struct key_file *read_file(const char *path, const struct stat *seen)
{
    struct key_file *file = calloc(1, sizeof *file + strlen(path) + 1);

    if (!file)
        return NULL;
    memcpy(file->path, path, strlen(path) + 1);
    file->text = read_keys(path);
    if (file->text) /* else it is tried again each time: what failed may have been for a moment */
        file->seen = *seen;
    return file;
}

const char *key_files_text(struct key_files *files, size_t user, const char *path)
{
    struct key_file *file = files->of_user[user];
    struct stat now = {0};

    if (path && stat(path, &now) < 0)
        now = (struct stat){0};
    if (!file || !path || strcmp(file->path, path) != 0 || !is_same(&file->seen, &now)) {
        release(file);
        file = files->of_user[user] = path ? read_file(path, &now) : NULL;
    }
    return file ? file->text : NULL;
}

void key_files_clear(struct key_files *files)
{
    for (size_t i = 0; i < CONFIG_USERS_MAX; i++)
        release(files->of_user[i]);
    *files = (struct key_files){{NULL}};
}
