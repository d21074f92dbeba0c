#include "vbmc/base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"

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

/* U+0080 to U+009F, in UTF-8 C2 80 to C2 9F, are control characters too. */
static bool is_c1_control(const unsigned char *p)
{
    return p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f;
}

static void replace_control_characters(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if (is_c1_control(p)) {
            *p++ = '?';
            *p = '?';
        } else if (*p < 0x20 || *p == 0x7f) {
            *p = '?';
        }
    }
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

void log_write(enum log_level level, const char *format, ...)
{
    char line[1024], stamp[40];
    va_list arguments;

    if (level > log_level)
        return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    replace_control_characters(line);

    switch ((enum log_target)log_target) {
    case LOG_TARGET_SYSLOG:
        syslog(levels[level].syslog_priority, "%s", line);
        break;
    case LOG_TARGET_JOURNAL:
        fprintf(stderr, "<%d>%s\n", levels[level].syslog_priority, line);
        break;
    case LOG_TARGET_STDERR:
        format_time(stamp, sizeof stamp);
        fprintf(stderr, "%s %s: %s\n", stamp, levels[level].name, line);
        break;
    }
}
