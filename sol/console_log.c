#include "sol/console_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "sol/hub.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define STAMP_SIZE   32
#define PATH_ROOM    16 /* for ".NNN" behind the path */
#define OUTPUT_SIZE  ((size_t)16 * 1024)
#define MESSAGE_SIZE (HUB_TEXT_SIZE + 16)

struct console_log {
    struct hub_reader *reader;
    char *path;
    uint64_t size;
    unsigned keep;
    int fd; /* -1: not open */
    uint64_t used;
    bool failing;
    uint64_t dropped; /* bytes that could not be written, not yet told of in the file */
    bool in_line;     /* the last byte written was not a line feed */
    bool held_return; /* a carriage return, of which the next byte decides */
    size_t output_used;
    char output[OUTPUT_SIZE];
};

/* ---- the file ---- */

static void close_file(struct console_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static int open_file(struct console_log *log)
{
    struct stat status;

    if (log->fd >= 0)
        return 0;
    log->fd =
        open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
    if (log->fd < 0 || fstat(log->fd, &status) < 0)
        return -errno;
    if (!S_ISREG(status.st_mode))
        return -EINVAL;
    log->used = (uint64_t)status.st_size;
    return 0;
}

static void number_path(const struct console_log *log, unsigned number, char *path, size_t size)
{
    if (number == 0)
        snprintf(path, size, "%s", log->path);
    else
        snprintf(path, size, "%s.%u", log->path, number);
}

static void rotate(struct console_log *log)
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

static void note_failure(struct console_log *log, int error)
{
    if (!log->failing)
        log_warning("%s: the console log cannot be written: %s", log->path, strerror(-error));
    log->failing = true;
    log->dropped += log->output_used;
    close_file(log); /* perhaps it is the file's fault */
}

static int write_all(struct console_log *log, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(log->fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        bytes += written;
        size -= (size_t)written;
        log->used += (uint64_t)written;
    }
    return 0;
}

static int tell_dropped(struct console_log *log)
{
    char text[MESSAGE_SIZE];

    int length = snprintf(text, sizeof text, "\n--- %llu bytes could not be written here ---\n",
                          (unsigned long long)log->dropped);
    return write_all(log, text, (size_t)length);
}

static void flush(struct console_log *log)
{
    int result = log->output_used > 0 ? open_file(log) : 0;

    if (log->output_used == 0)
        return;
    if (result == 0 && log->dropped > 0)
        result = tell_dropped(log);
    if (result == 0)
        result = write_all(log, log->output, log->output_used);
    if (result < 0) {
        note_failure(log, result);
    } else {
        if (log->failing)
            log_info("%s: the console log is written again", log->path);
        log->failing = false;
        log->dropped = 0;
    }
    log->output_used = 0;
    /* A line is not torn apart. */
    if (log->fd >= 0 && log->used >= log->size && !log->in_line)
        rotate(log);
}

/* ---- what stands in it ---- */

static void put(struct console_log *log, const char *bytes, size_t size)
{
    if (size > OUTPUT_SIZE - log->output_used)
        flush(log);
    memcpy(log->output + log->output_used, bytes, size);
    log->output_used += size;
}

static void put_stamp(struct console_log *log)
{
    char text[STAMP_SIZE];
    struct timespec now;
    struct tm local;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t length = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &local);
    length +=
        (size_t)snprintf(text + length, sizeof text - length, ".%03ld ", now.tv_nsec / 1000000);
    put(log, text, length);
}

static void put_byte(struct console_log *log, char byte)
{
    if (log->held_return && byte != '\n')
        put(log, "\r", 1);
    log->held_return = byte == '\r';
    if (log->held_return)
        return;
    if (!log->in_line)
        put_stamp(log);
    put(log, &byte, 1);
    log->in_line = byte != '\n';
    if (!log->in_line && log->used + log->output_used >= log->size)
        flush(log);
}

static void put_message(struct console_log *log, const char *message)
{
    char text[MESSAGE_SIZE];

    if (log->in_line)
        put(log, "\n", 1);
    log->in_line = log->held_return = false;
    put_stamp(log);
    int length = snprintf(text, sizeof text, "--- %s ---\n", message);
    put(log, text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
}

static void on_available(void *context)
{
    struct console_log *log = context;
    const uint8_t *bytes;
    size_t size;

    for (;;) {
        hub_reader_peek(log->reader, &bytes, &size);
        if (size == 0)
            break;
        for (size_t i = 0; i < size; i++)
            put_byte(log, (char)bytes[i]);
        hub_reader_consume(log->reader, size);
    }
    flush(log);
}

static void on_notice(void *context, const struct hub_notice *notice)
{
    struct console_log *log = context;

    if (notice->text[0] == '\0')
        return;
    put_message(log, notice->text);
    flush(log);
}

int console_log_new(struct hub *hub, const char *path, uint64_t size, unsigned keep,
                    struct console_log **result)
{
    static const struct hub_reader_events events = {
        .available = on_available,
        .notice = on_notice,
    };
    struct console_log *log = calloc(1, sizeof *log);

    *result = NULL;
    if (!log)
        return -ENOMEM;
    log->fd = -1;
    log->size = size;
    log->keep = keep;
    log->path = strdup(path);
    int made =
        log->path ? hub_reader_new(hub, HUB_FROM_END, 0, &events, log, &log->reader) : -ENOMEM;
    if (made < 0) {
        console_log_free(log);
        return made;
    }
    *result = log;
    return 0;
}

void console_log_free(struct console_log *log)
{
    if (!log)
        return;
    hub_reader_free(log->reader);
    flush(log);
    close_file(log);
    free(log->path);
    free(log);
}
