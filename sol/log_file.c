#include "sol/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <uv.h>

#include "sol/disk.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define PATH_ROOM     16 /* for ".NNN" behind the path */
#define MARK_SIZE     80
#define PENDING_FIRST ((size_t)4 * 1024)
#define TOTAL_MAX     ((size_t)64 * 1024 * 1024)

struct text {
    char *bytes;
    size_t used;
    size_t room;
};

struct log_file {
    struct disk_file file;
    char *path;
    uint64_t size;
    unsigned keep;

    uv_mutex_t mutex;    /* guards these two */
    struct text pending; /* has MARK_SIZE more room than may be used */
    uint64_t dropped;    /* bytes lost behind what is pending */

    /* The disk's thread: */
    struct text batch; /* taken from what was pending */
    size_t written;    /* of the batch */
    int fd;            /* -1: not open */
    uint64_t used;     /* of the file */
    bool failing;
};

static atomic_size_t total; /* room of all texts that wait */

static void clear_text(struct text *text)
{
    total -= text->room;
    free(text->bytes);
    *text = (struct text){0};
}

/* False if there is no memory, or it has as much as it may. */
static bool make_room(struct text *text, size_t size)
{
    size_t room = text->room ? text->room : PENDING_FIRST;

    if (size > LOG_FILE_PENDING_MAX - text->used)
        return false;
    while (room < text->used + size + MARK_SIZE)
        room *= 2;
    if (room == text->room)
        return true;
    if (total + (room - text->room) > TOTAL_MAX)
        return false;
    char *grown = realloc(text->bytes, room);
    if (!grown)
        return false;
    total += room - text->room;
    text->bytes = grown;
    text->room = room;
    return true;
}

/* ---- the disk's thread ---- */

static void close_file(struct log_file *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static int open_file(struct log_file *log)
{
    const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY |
                      O_NONBLOCK; /* which keeps the opening of a FIFO from waiting */
    struct stat status;

    if (log->fd >= 0)
        return 0;
    log->fd = open(log->path, flags, 0600);
    if (log->fd < 0 && errno == ENOENT && disk_make_folder(log->path) == 0)
        log->fd = open(log->path, flags, 0600);
    if (log->fd < 0 || fstat(log->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    log->used = (uint64_t)status.st_size;
    return 0;
}

static void number_path(const struct log_file *log, unsigned number, char *path, size_t size)
{
    if (number == 0)
        snprintf(path, size, "%s", log->path);
    else
        snprintf(path, size, "%s.%u", log->path, number);
}

static void rotate(struct log_file *log)
{
    size_t size = strlen(log->path) + PATH_ROOM;
    CLEANUP_FREE char *from = malloc(size);
    CLEANUP_FREE char *to = malloc(size);

    if (!from || !to)
        return;
    close_file(log);
    if (log->keep == 0)
        unlink(log->path);
    for (unsigned number = log->keep; number > 0; number--) {
        number_path(log, number - 1, from, size);
        number_path(log, number, to, size);
        if (rename(from, to) < 0 && errno != ENOENT)
            log_warning("%s: cannot become %s: %s", from, to, strerror(errno));
    }
}

/* Takes over what is pending, with a mark behind it if something was lost there. */
static void take_batch(struct log_file *log)
{
    uv_mutex_lock(&log->mutex);
    log->batch = log->pending;
    log->pending = (struct text){0};
    if (log->dropped > 0 && make_room(&log->batch, 0)) {
        log->batch.used += (size_t)snprintf(log->batch.bytes + log->batch.used, MARK_SIZE,
                                            "\n--- %llu bytes could not be written here ---\n",
                                            (unsigned long long)log->dropped);
        log->dropped = 0;
    }
    uv_mutex_unlock(&log->mutex);
    log->written = 0;
}

/* How much of the batch goes to the present file: all, or to the end of the line that fills it. */
static size_t piece_of_batch(const struct log_file *log)
{
    size_t left = log->batch.used - log->written;
    uint64_t room = log->used < log->size ? log->size - log->used : 0;

    if (left <= room)
        return left;
    size_t from = log->written + (room > 0 ? (size_t)room - 1 : 0);
    const char *end = memchr(log->batch.bytes + from, '\n', log->batch.used - from);
    return end ? (size_t)(end + 1 - log->batch.bytes) - log->written : left;
}

static int write_piece(struct log_file *log)
{
    int result = open_file(log);

    if (result < 0)
        return result;
    size_t size = piece_of_batch(log);
    ssize_t written =
        disk_writev(log->fd, &(struct iovec){log->batch.bytes + log->written, size}, 1);
    if (written < 0)
        return errno == EINTR ? 0 : -errno;
    log->written += (size_t)written;
    log->used += (uint64_t)written;
    if (log->used >= log->size && written > 0 && log->batch.bytes[log->written - 1] == '\n')
        rotate(log);
    return 0;
}

static int write_next(struct disk_file *file)
{
    struct log_file *log = CONTAINER_OF(file, struct log_file, file);

    if (log->written == log->batch.used) {
        clear_text(&log->batch);
        take_batch(log);
        if (log->batch.used == 0)
            return DISK_DONE;
    }
    int result = write_piece(log);
    if (result < 0) {
        if (!log->failing)
            log_warning("%s: the console log cannot be written: %s", log->path, strerror(-result));
        close_file(log); /* perhaps it is the file's fault */
    } else if (log->failing) {
        log_info("%s: the console log is written again", log->path);
    }
    log->failing = result < 0;
    return result < 0 ? result : DISK_MORE;
}

static void release(struct disk_file *file)
{
    struct log_file *log = CONTAINER_OF(file, struct log_file, file);

    close_file(log);
    clear_text(&log->batch);
    clear_text(&log->pending);
    uv_mutex_destroy(&log->mutex);
    free(log->path);
    free(log);
}

/* ---- the loop thread ---- */

void log_file_append(struct log_file *file, const char *text, size_t size)
{
    uv_mutex_lock(&file->mutex);
    if (file->dropped > 0 || !make_room(&file->pending, size)) {
        file->dropped += size;
    } else {
        memcpy(file->pending.bytes + file->pending.used, text, size);
        file->pending.used += size;
    }
    uv_mutex_unlock(&file->mutex);
    disk_file_wake(&file->file);
}

int log_file_new(const char *path, uint64_t size, unsigned keep, struct log_file **file)
{
    static const struct disk_file_ops ops = {write_next, release};
    struct log_file *created = calloc(1, sizeof *created);
    int result = -ENOMEM;

    *file = NULL;
    if (!created)
        return -ENOMEM;
    created->fd = -1;
    created->size = size;
    created->keep = keep;
    uv_mutex_init(&created->mutex);
    created->path = strdup(path);
    if (created->path)
        result = disk_file_begin(&created->file, DISK_LOGS, NULL, &ops);
    if (result < 0)
        release(&created->file);
    else
        *file = created;
    return result;
}

void log_file_free(struct log_file *file)
{
    if (file)
        disk_file_end(&file->file);
}
