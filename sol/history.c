#include "sol/history.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <uv.h>

#include "sol/disk.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/ring.h"
#include "vbmc/base/wire.h"

#define MAGIC       "vbmchist"
#define MAGIC_SIZE  8
#define VERSION     1
#define HEADER_SIZE 24 /* magic, version, position, checksum */
#define FRAME_SIZE  8  /* before a record's bytes: size, checksum */
#define RECORD_MAX  ((size_t)64 * 1024)

#define SETTLE_MS   1000
#define WHOLE_TRIES 3  /* at a file of a ring that goes round meanwhile */
#define OPEN_MAX    32 /* files */

struct history {
    struct disk_file file;
    uv_mutex_t mutex; /* guards the ring: the loop thread changes it, the disk's thread reads it */
    struct ring *ring;
    char *path;
    char *new_path;

    /* The disk's thread: */
    int fd;           /* -1: not open */
    bool is_good;     /* the file is one to go on in: the next three are true of it */
    bool is_bad;      /* there is something else in its place */
    off_t size;       /* of the file, whole records only */
    uint64_t written; /* position up to which the file has the ring's bytes */
    size_t growth;    /* bytes since the file was last rewritten */
    bool warned;      /* that it cannot be written */
    TAILQ_ENTRY(history) open_link;
};

/* Those whose file is open, the one opened last in front. With thousands of consoles few say
 * something at a time. Of the disk's thread. */
static TAILQ_HEAD(open_histories, history) open_files = TAILQ_HEAD_INITIALIZER(open_files);
static unsigned open_count;

static void cleanup_close_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static uint32_t checksum(uint32_t sum, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        sum = (sum ^ bytes[i]) * 16777619U;
    return sum;
}

#define CHECKSUM_BEGIN 2166136261U

/* ---- reading ---- */

/* A regular file of that name, open for reading; NULL with errno. Never waits, as for a FIFO. */
static FILE *open_file(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;
    FILE *file;

    if (fd < 0 || fstat(fd, &status) < 0)
        return NULL;
    if (!S_ISREG(status.st_mode)) {
        errno = EINVAL;
        return NULL;
    }
    file = fdopen(fd, "r");
    if (file)
        fd = -1;
    return file;
}

static bool read_header(FILE *file, struct ring *ring)
{
    uint8_t header[HEADER_SIZE];
    struct wire_in in = wire_in_init(header, sizeof header);
    uint64_t position;

    if (fread(header, 1, sizeof header, file) != sizeof header)
        return false;
    if (memcmp(wire_bytes(&in, MAGIC_SIZE), MAGIC, MAGIC_SIZE) != 0 || wire_u32(&in) != VERSION)
        return false;
    position = wire_u32(&in);
    position |= (uint64_t)wire_u32(&in) << 32;
    if (wire_u32(&in) != checksum(CHECKSUM_BEGIN, header, HEADER_SIZE - 4) || position > INT64_MAX)
        return false;
    ring_restart(ring, position);
    return true;
}

/* Appends the next record to the ring. 1; 0 at the end of the file; -EPROTO for a damaged record,
 * also for one cut short. */
static int read_record(FILE *file, struct ring *ring, uint8_t *bytes)
{
    uint8_t frame[FRAME_SIZE];
    struct wire_in in = wire_in_init(frame, sizeof frame);
    size_t size = fread(frame, 1, sizeof frame, file);

    if (size == 0 && !ferror(file))
        return 0;
    if (size != sizeof frame)
        return -EPROTO;
    size = wire_u32(&in);
    if (size > INT64_MAX - ring_end(ring)) /* the next header could not say where it begins */
        return -EPROTO;
    if (size == 0 || size > RECORD_MAX || fread(bytes, 1, size, file) != size)
        return -EPROTO;
    if (wire_u32(&in) != checksum(checksum(CHECKSUM_BEGIN, frame, 4), bytes, size))
        return -EPROTO;
    ring_append(ring, bytes, size);
    return 1;
}

/* Each record of the file, and whether another may be appended to it. */
static void read_records(struct history *history, FILE *file, uint8_t *bytes)
{
    int result;

    while ((result = read_record(file, history->ring, bytes)) > 0)
        ;
    if (result < 0) {
        log_warning(
            "console history %s: damaged or cut short, ignored after byte %llu of the console",
            history->path, (unsigned long long)ring_end(history->ring));
        return;
    }
    history->size = ftello(file);
    history->written = ring_end(history->ring);
    history->growth = (size_t)history->size; /* at the most */
    history->is_good = history->size > 0;
}

static int restore(struct history *history)
{
    CLEANUP(cleanup_close_file) FILE *file = open_file(history->path);
    CLEANUP_FREE uint8_t *bytes = NULL;

    if (!file) {
        history->is_bad = errno != ENOENT;
        if (history->is_bad)
            log_warning("console history %s: cannot be read (%s), ignored", history->path,
                        strerror(errno));
        return 0;
    }
    bytes = malloc(RECORD_MAX);
    if (!bytes)
        return -ENOMEM;
    if (read_header(file, history->ring))
        read_records(history, file, bytes);
    else
        log_warning("console history %s: damaged or not ours, ignored", history->path);
    history->is_bad = !history->is_good;
    return 0;
}

/* ---- writing: all on the disk's thread ---- */

/* In one call, so that a kill finds all of it or a part. */
static int write_pieces(int fd, struct iovec *pieces, int count, size_t size)
{
    ssize_t written = disk_writev(fd, pieces, count);

    if (written < 0)
        return -errno;
    return (size_t)written == size ? 0 : -ENOSPC;
}

static int write_record(int fd, const uint8_t *bytes, size_t size)
{
    uint8_t frame[FRAME_SIZE];
    struct wire_out out = wire_out_init(frame, sizeof frame);
    struct iovec pieces[] = {{frame, sizeof frame}, {(void *)bytes, size}};

    wire_put_u32(&out, (uint32_t)size);
    wire_put_u32(&out, checksum(checksum(CHECKSUM_BEGIN, frame, 4), bytes, size));
    return write_pieces(fd, pieces, 2, sizeof frame + size);
}

static int write_header(int fd, uint64_t position)
{
    uint8_t header[HEADER_SIZE];
    struct wire_out out = wire_out_init(header, sizeof header);

    wire_put_bytes(&out, MAGIC, MAGIC_SIZE);
    wire_put_u32(&out, VERSION);
    wire_put_u32(&out, (uint32_t)position);
    wire_put_u32(&out, (uint32_t)(position >> 32));
    wire_put_u32(&out, checksum(CHECKSUM_BEGIN, header, out.pos));
    return write_pieces(fd, &(struct iovec){header, out.pos}, 1, out.pos);
}

static size_t copy_piece(const struct ring *ring, uint64_t position, uint8_t *copy)
{
    const uint8_t *bytes;
    size_t held = ring_peek(ring, position, &bytes), size = held < RECORD_MAX ? held : RECORD_MAX;

    memcpy(copy, bytes, size);
    return size;
}

/* A copy of what the ring holds from `position` on, up to RECORD_MAX bytes. -ESTALE if the ring
 * went round before. */
static int copy_next(struct history *history, uint64_t position, uint8_t *copy, size_t *size)
{
    int result = 0;

    *size = 0;
    uv_mutex_lock(&history->mutex);
    if (position < ring_start(history->ring))
        result = -ESTALE;
    else
        *size = copy_piece(history->ring, position, copy);
    uv_mutex_unlock(&history->mutex);
    return result;
}

/* The same from the start on; and where the ring began and ended then. */
static size_t copy_first(struct history *history, uint8_t *copy, uint64_t *start, uint64_t *end)
{
    uv_mutex_lock(&history->mutex);
    *start = ring_start(history->ring);
    *end = ring_end(history->ring);
    size_t size = copy_piece(history->ring, *start, copy);
    uv_mutex_unlock(&history->mutex);
    return size;
}

/* A file of all that the ring holds now; *position is where it ends. In pieces: while one is copied
 * the loop thread cannot append. -ESTALE as copy_next. */
static int write_ring(struct history *history, int fd, uint8_t *piece, uint64_t *position)
{
    uint64_t end;
    size_t size = copy_first(history, piece, position, &end);
    int result = write_header(fd, *position);

    while (result == 0 && size > 0) {
        result = write_record(fd, piece, size);
        *position += size;
        size = 0;
        if (result == 0 && *position < end)
            result = copy_next(history, *position, piece, &size);
    }
    return result;
}

static void close_file(struct history *history)
{
    if (history->fd < 0)
        return;
    close(history->fd);
    history->fd = -1;
    TAILQ_REMOVE(&open_files, history, open_link);
    open_count--;
}

/* The one that was opened longest ago makes room. */
static void keep_open(struct history *history, int fd)
{
    if (open_count == OPEN_MAX)
        close_file(TAILQ_LAST(&open_files, open_histories));
    history->fd = fd;
    TAILQ_INSERT_HEAD(&open_files, history, open_link);
    open_count++;
}

/* Opens the file where it was left off. -EPERM if it is not as we left it. */
static int reopen(struct history *history)
{
    CLEANUP_CLOSE int fd = open(history->path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode) || (status.st_mode & 0777) != 0600 || status.st_uid != geteuid() ||
        status.st_size != history->size)
        return -EPERM;
    if (lseek(fd, history->size, SEEK_SET) < 0)
        return -errno;
    keep_open(history, fd);
    fd = -1;
    return 0;
}

static int open_new(struct history *history)
{
    const int flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;

    unlink(history->new_path); /* left behind by a kill, perhaps with other rights */
    int fd = open(history->new_path, flags, 0600);
    if (fd < 0 && errno == ENOENT && disk_make_folder(history->path) == 0)
        fd = open(history->new_path, flags, 0600);
    return fd < 0 ? -errno : fd;
}

/* Begins again where the guest said more meanwhile than the ring holds. */
static int write_whole_ring(struct history *history, int fd, uint64_t *position)
{
    CLEANUP_FREE uint8_t *piece = malloc(RECORD_MAX);
    int result = piece ? -ESTALE : -ENOMEM;

    for (unsigned tries = 0; tries < WHOLE_TRIES && result == -ESTALE; tries++) {
        if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0)
            return -errno;
        result = write_ring(history, fd, piece, position);
    }
    return result;
}

/* Puts a file that holds just the ring in the place of the old one, and goes on in it. */
static int rewrite(struct history *history)
{
    uint64_t position = 0;
    int fd = open_new(history);
    struct stat status = {0};
    int result = fd < 0 ? fd : write_whole_ring(history, fd, &position);

    if (result == 0 && (fstat(fd, &status) < 0 || rename(history->new_path, history->path) < 0))
        result = -errno;
    close_file(history);
    if (result < 0) {
        if (fd >= 0) {
            close(fd);
            unlink(history->new_path);
        }
        return result;
    }
    keep_open(history, fd);
    history->size = status.st_size;
    history->written = position;
    history->growth = 0;
    history->is_good = true;
    return 0;
}

/* What a record left that was cut short is taken away again, so that the file can be gone on in;
 * and another file takes its place where it may be the file's fault. */
static void undo_record(struct history *history, int error)
{
    if ((error == -ENOSPC || error == -EDQUOT) && ftruncate(history->fd, history->size) == 0 &&
        lseek(history->fd, history->size, SEEK_SET) >= 0)
        return;
    close_file(history);
    history->is_good = false;
}

static int append_record(struct history *history, const uint8_t *bytes, size_t size)
{
    int result = write_record(history->fd, bytes, size);

    if (result < 0) {
        undo_record(history, result);
        return result;
    }
    history->size += (off_t)(FRAME_SIZE + size);
    history->written += size;
    history->growth += FRAME_SIZE + size;
    return 0;
}

/* DISK_MORE after a piece, DISK_DONE if there was none. */
static int append_next(struct history *history)
{
    CLEANUP_FREE uint8_t *piece = malloc(RECORD_MAX);
    size_t size = 0;
    int result = piece ? copy_next(history, history->written, piece, &size) : -ENOMEM;

    if (result == -ESTALE)
        result = rewrite(history);
    else if (result == 0 && size == 0)
        return DISK_DONE;
    else if (result == 0)
        result = append_record(history, piece, size);
    return result < 0 ? result : DISK_MORE;
}

/* The file has all that the ring holds; an empty one needs none. */
static bool is_written(struct history *history)
{
    uv_mutex_lock(&history->mutex);
    uint64_t end = ring_end(history->ring);
    bool is_empty = end == ring_start(history->ring);
    uv_mutex_unlock(&history->mutex);
    return history->is_good ? history->written == end : is_empty && !history->is_bad;
}

static int write_next(struct disk_file *file)
{
    struct history *history = CONTAINER_OF(file, struct history, file);
    size_t limit = ring_capacity(history->ring);
    int result;

    if (is_written(history))
        return DISK_DONE;
    if (limit < RECORD_MAX)
        limit = RECORD_MAX;
    if (!history->is_good || history->growth >= limit || (history->fd < 0 && reopen(history) < 0)) {
        result = rewrite(history);
        if (result == 0)
            result = DISK_MORE;
    } else {
        result = append_next(history);
    }
    if (result < 0 && !history->warned)
        log_warning("console history %s: cannot be written: %s", history->path, strerror(-result));
    else if (result >= 0 && history->warned)
        log_info("console history %s: is written again", history->path);
    history->warned = result < 0;
    return result;
}

static void free_history(struct history *history)
{
    close_file(history);
    ring_free(history->ring);
    free(history->path);
    free(history->new_path);
    uv_mutex_destroy(&history->mutex);
    free(history);
}

static void on_release(struct disk_file *file)
{
    free_history(CONTAINER_OF(file, struct history, file));
}

/* ---- the loop thread ---- */

void history_append(struct history *history, const void *bytes, size_t size)
{
    uv_mutex_lock(&history->mutex);
    ring_append(history->ring, bytes, size);
    uv_mutex_unlock(&history->mutex);
    disk_file_wake(&history->file);
}

int history_open(const char *path, struct ring *ring, struct history **history)
{
    static const struct disk_file_ops ops = {write_next, on_release};
    struct history *created;
    int result = -ENOMEM;

    *history = NULL;
    if (path[0] == '\0')
        return -EINVAL;
    created = calloc(1, sizeof *created);
    if (!created)
        return -ENOMEM;
    created->ring = ring;
    created->fd = -1;
    uv_mutex_init(&created->mutex);
    created->path = strdup(path);
    if (asprintf(&created->new_path, "%s.new", path) < 0)
        created->new_path = NULL;
    /* The file may be one that was just let go of. */
    if (created->path && !disk_settle(DISK_STATE, created->path, SETTLE_MS))
        log_warning("console history %s: the disk is slow, what it holds may not be all", path);
    if (created->path && created->new_path)
        result = restore(created);
    if (result == 0)
        result = disk_file_begin(&created->file, DISK_STATE, created->path, &ops);
    if (result < 0) {
        created->ring = NULL;
        free_history(created);
        return result;
    }
    if (created->is_bad) /* what could be read of it is all there is */
        disk_file_wake(&created->file);
    *history = created;
    return 0;
}

void history_free(struct history *history)
{
    if (history)
        disk_file_end(&history->file);
}

/* ---- removing ---- */

struct removal {
    struct disk_file file;
    char *path;
    char *new_path; /* a kill may have left that */
};

static int remove_path(const char *path)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return 0;
    int error = errno;
    log_warning("%s: cannot be removed: %s", path, strerror(error));
    return -error;
}

static int remove_files(struct disk_file *file)
{
    const struct removal *removal = CONTAINER_OF(file, struct removal, file);
    int result = remove_path(removal->path), also = remove_path(removal->new_path);

    return result < 0 ? result : also < 0 ? also : DISK_DONE;
}

static void free_removal(struct disk_file *file)
{
    struct removal *removal = CONTAINER_OF(file, struct removal, file);

    free(removal->path);
    free(removal->new_path);
    free(removal);
}

int history_remove(const char *path)
{
    static const struct disk_file_ops ops = {remove_files, free_removal};
    struct removal *removal = calloc(1, sizeof *removal);
    int result = -ENOMEM;

    if (!removal)
        return -ENOMEM;
    removal->path = strdup(path);
    if (asprintf(&removal->new_path, "%s.new", path) < 0)
        removal->new_path = NULL;
    if (removal->path && removal->new_path)
        result = disk_file_begin(&removal->file, DISK_STATE, removal->path, &ops);
    if (result < 0)
        free_removal(&removal->file);
    else
        disk_file_end(&removal->file);
    return result;
}
