#include "sol/console_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sol/hub.h"
#include "sol/log_file.h"

#define STAMP_SIZE   32
#define OUTPUT_SIZE  ((size_t)4 * 1024)
#define MESSAGE_SIZE (HUB_TEXT_SIZE + 16)

struct console_log {
    struct hub_reader *reader;
    struct log_file *file;
    bool in_line;     /* the last byte written was not a line feed */
    bool held_return; /* a carriage return, of which the next byte decides */
    size_t output_used;
    char output[OUTPUT_SIZE];
};

static void flush(struct console_log *log)
{
    if (log->output_used > 0)
        log_file_append(log->file, log->output, log->output_used);
    log->output_used = 0;
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
    int made = log_file_new(path, size, keep, &log->file);
    if (made == 0)
        made = hub_reader_new(hub, HUB_FROM_END, 0, &events, log, &log->reader);
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
    log_file_free(log->file);
    free(log);
}
