#include "vbmc/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/utf8.h"

#define LINE_SIZE 1024
#define TAIL_SIZE 400 /* of those, for the end of a longer line */

static const struct {
    const char *name;
    int syslog_priority;
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", LOG_ERR},
    [LOG_LEVEL_WARNING] = {"warning", LOG_WARNING},
    [LOG_LEVEL_INFO] = {"info", LOG_INFO},
    [LOG_LEVEL_DEBUG] = {"debug", LOG_DEBUG},
};

static _Atomic enum log_level log_level = LOG_LEVEL_INFO;
static _Atomic enum log_target log_target = LOG_TARGET_STDERR;
static char *log_file; /* NULL: standard error is what it was at the start */

void log_set_level(enum log_level level)
{
    log_level = level;
}

enum log_level log_get_level(void)
{
    return log_level;
}

void log_set_target(enum log_target target)
{
    log_target = target;
}

enum log_target log_get_target(void)
{
    return log_target;
}

int log_priority(enum log_level level)
{
    return levels[level].syslog_priority;
}

int log_set_file(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
    char *copy = strdup(path);

    if (fd < 0 || !copy || dup2(fd, STDERR_FILENO) < 0) {
        int error = copy ? errno : ENOMEM;
        free(copy);
        return -error;
    }
    free(log_file);
    log_file = copy;
    log_target = LOG_TARGET_STDERR;
    return 0;
}

const char *log_place(void)
{
    static const char *const places[] = {
        [LOG_TARGET_STDERR] = "standard error of vbmcd",
        [LOG_TARGET_JOURNAL] = "the journal (journalctl _COMM=vbmcd)",
        [LOG_TARGET_SYSLOG] = "syslog (daemon.*, as vbmcd)",
    };
    enum log_target target = log_target;

    return target == LOG_TARGET_STDERR && log_file ? log_file : places[target];
}

int log_level_parse(const char *text, enum log_level *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        if (strcmp(text, levels[i].name) == 0) {
            *level = (enum log_level)i;
            return 0;
        }
    }
    return -EINVAL;
}

/* What does not fit loses its middle: an over-long name hides neither what is said before it nor
 * what behind it. */
__attribute__((format(printf, 2, 0))) static void format_line(char line[LINE_SIZE],
                                                              const char *format, va_list arguments)
{
    static const char gap[] = " [...] ";
    CLEANUP_FREE char *whole = NULL;
    va_list again;

    va_copy(again, arguments);
    int length = vsnprintf(line, LINE_SIZE, format, arguments);
    if (length >= LINE_SIZE && vasprintf(&whole, format, again) < 0)
        whole = NULL;
    va_end(again);
    if (whole)
        snprintf(line, LINE_SIZE, "%.*s%s%s", LINE_SIZE - TAIL_SIZE, whole, gap,
                 whole + length - TAIL_SIZE + sizeof gap);
    utf8_make_harmless(line);
}

static void format_time(char *text, size_t size)
{
    struct timespec now;
    struct tm local;

    clock_gettime(CLOCK_REALTIME, &now);
    localtime_r(&now.tv_sec, &local);
    size_t used = strftime(text, size, "%Y-%m-%d %H:%M:%S", &local);
    snprintf(text + used, size - used, ".%03ld", now.tv_nsec / 1000000);
}

int log_write_line(enum log_level level, const char *line)
{
    char stamp[40];
    int written = 0;

    switch ((enum log_target)log_target) {
    case LOG_TARGET_SYSLOG:
        syslog(levels[level].syslog_priority, "%s", line);
        break;
    case LOG_TARGET_JOURNAL:
        written = fprintf(stderr, "<%d>%s\n", levels[level].syslog_priority, line);
        break;
    case LOG_TARGET_STDERR:
        format_time(stamp, sizeof stamp);
        written = fprintf(stderr, "%s %s: %s\n", stamp, levels[level].name, line);
        break;
    }
    return written < 0 ? -EIO : 0;
}

void log_write(enum log_level level, const char *format, ...)
{
    char line[LINE_SIZE];
    va_list arguments;

    if (level > log_level)
        return;
    va_start(arguments, format);
    format_line(line, format, arguments);
    va_end(arguments);
    log_write_line(level, line);
}
