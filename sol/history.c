#include "sol/history.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

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

struct history {
    struct ring *ring;
    int fd;        /* -1 while the file cannot be written */
    bool warned;   /* that it cannot */
    size_t growth; /* bytes since the file was last written anew, or since that was tried */
    char *path;
    char *new_path;
};

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
    if (size == 0 || size > RECORD_MAX || fread(bytes, 1, size, file) != size)
        return -EPROTO;
    if (wire_u32(&in) != checksum(checksum(CHECKSUM_BEGIN, frame, 4), bytes, size))
        return -EPROTO;
    ring_append(ring, bytes, size);
    return 1;
}

static int restore(struct history *history)
{
    CLEANUP(cleanup_close_file) FILE *file = open_file(history->path);
    CLEANUP_FREE uint8_t *bytes = malloc(RECORD_MAX);
    int result;

    if (!bytes)
        return -ENOMEM;
    if (!file) {
        if (errno != ENOENT)
            log_warning("console history %s: cannot be read (%s), ignored", history->path,
                        strerror(errno));
        return 0;
    }
    if (!read_header(file, history->ring)) {
        log_warning("console history %s: damaged or not ours, ignored", history->path);
        return 0;
    }
    while ((result = read_record(file, history->ring, bytes)) > 0)
        ;
    if (result < 0)
        log_warning(
            "console history %s: damaged or cut short, ignored after byte %llu of the console",
            history->path, (unsigned long long)ring_end(history->ring));
    return 0;
}

/* ---- writing ---- */

static int write_record(int fd, const uint8_t *bytes, size_t size)
{
    uint8_t frame[FRAME_SIZE];
    struct wire_out out = wire_out_init(frame, sizeof frame);
    struct iovec pieces[] = {{frame, sizeof frame}, {(void *)bytes, size}};
    ssize_t written;

    wire_put_u32(&out, (uint32_t)size);
    wire_put_u32(&out, checksum(checksum(CHECKSUM_BEGIN, frame, 4), bytes, size));
    written = writev(fd, pieces, 2); /* one call, so that a kill finds all of it or a part */
    if (written < 0)
        return -errno;
    return (size_t)written == sizeof frame + size ? 0 : -ENOSPC;
}

static int write_header(int fd, uint64_t position)
{
    uint8_t header[HEADER_SIZE];
    struct wire_out out = wire_out_init(header, sizeof header);
    ssize_t written;

    wire_put_bytes(&out, MAGIC, MAGIC_SIZE);
    wire_put_u32(&out, VERSION);
    wire_put_u32(&out, (uint32_t)position);
    wire_put_u32(&out, (uint32_t)(position >> 32));
    wire_put_u32(&out, checksum(CHECKSUM_BEGIN, header, out.pos));
    written = write(fd, header, out.pos);
    if (written < 0)
        return -errno;
    return (size_t)written == out.pos ? 0 : -ENOSPC;
}

static int write_ring(int fd, const struct ring *ring)
{
    uint64_t position = ring_start(ring);
    const uint8_t *bytes;
    size_t size;
    int result = write_header(fd, position);

    while (result == 0 && (size = ring_peek(ring, position, &bytes)) > 0) {
        if (size > RECORD_MAX)
            size = RECORD_MAX;
        result = write_record(fd, bytes, size);
        position += size;
    }
    return result;
}

static void give_up(struct history *history, int error)
{
    if (history->fd >= 0)
        close(history->fd);
    history->fd = -1;
    if (!history->warned)
        log_warning("console history %s: cannot be written: %s", history->path, strerror(-error));
    history->warned = true;
}

/* Puts a file that holds just the ring in the place of the old one, and goes on in it. */
static void write_anew(struct history *history)
{
    CLEANUP_CLOSE int fd = -1;
    int result = 0;

    history->growth = 0;
    unlink(history->new_path); /* left behind by a kill, perhaps with other rights */
    fd = open(history->new_path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    result = fd < 0 ? -errno : write_ring(fd, history->ring);
    if (result == 0 && rename(history->new_path, history->path) < 0)
        result = -errno;
    if (result < 0) {
        if (fd >= 0)
            unlink(history->new_path);
        give_up(history, result);
        return;
    }
    if (history->fd >= 0)
        close(history->fd);
    history->fd = fd;
    fd = -1;
    if (history->warned)
        log_info("console history %s: is written again", history->path);
    history->warned = false;
}

void history_append(struct history *history, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    size_t limit = ring_capacity(history->ring);

    if (limit < RECORD_MAX)
        limit = RECORD_MAX;
    while (size > 0 && history->growth < limit) {
        size_t piece = size < RECORD_MAX ? size : RECORD_MAX;
        int result = history->fd >= 0 ? write_record(history->fd, from, piece) : 0;
        if (result < 0)
            give_up(history, result);
        history->growth += FRAME_SIZE + piece;
        from += piece;
        size -= piece;
    }
    if (history->growth >= limit) /* with all of `bytes` in it, since the ring has them */
        write_anew(history);
}

int history_open(const char *path, struct ring *ring, struct history **history)
{
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
    created->path = strdup(path);
    if (asprintf(&created->new_path, "%s.new", path) < 0)
        created->new_path = NULL;
    if (created->path && created->new_path)
        result = restore(created);
    if (result < 0) {
        history_free(created);
        return result;
    }
    write_anew(created);
    *history = created;
    return 0;
}

void history_free(struct history *history)
{
    if (!history)
        return;
    if (history->fd >= 0)
        close(history->fd);
    free(history->path);
    free(history->new_path);
    free(history);
}
