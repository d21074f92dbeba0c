/* The daemon's log: one line per call, level first. Never pass a secret. Bytes that came from
 * outside (names, error texts) may be passed as %s: what utf8_make_harmless replaces is replaced on
 * the way out, so that no guest, client or libvirt message can forge a line or drive a terminal. A
 * line over 1023 bytes loses its middle. */
#ifndef VBMC_BASE_LOG_H
#define VBMC_BASE_LOG_H

enum log_level {
    LOG_LEVEL_ERROR,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_INFO,
    LOG_LEVEL_DEBUG,
};

enum log_target {
    LOG_TARGET_STDERR,  /* with time stamps */
    LOG_TARGET_JOURNAL, /* standard error with the <N> prefixes journald reads, no time stamps */
    LOG_TARGET_SYSLOG,
};

void log_set_level(enum log_level level);
enum log_level log_get_level(void);
void log_set_target(enum log_target target);
enum log_target log_get_target(void);
/* The level as syslog(3) has it. */
int log_priority(enum log_level level);
/* From here on lines go to the end of that file, with time stamps; so does whatever else is written
 * to standard error. A second call reopens the file, for programs that rotate logs. 0, or a
 * negative error with nothing changed. Before other threads log, or on the loop thread. */
int log_set_file(const char *path);
/* Where lines go, for people: the path of a file, or "the journal (...)". Loop thread. */
const char *log_place(void);
/* "error", "warning", "info" or "debug" to a level; 0, or -EINVAL. */
int log_level_parse(const char *text, enum log_level *level);

/* Safe from any thread. */
void log_write(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for a text that is one line already, of any length, and whatever the level that is set.
 * 0, or -EIO: it was not written. Syslog does not tell. */
int log_write_line(enum log_level level, const char *line);

#define log_error(...)   log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(...)    log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...)                                                                             \
    do {                                                                                           \
        if (log_get_level() >= LOG_LEVEL_DEBUG)                                                    \
            log_write(LOG_LEVEL_DEBUG, __VA_ARGS__);                                               \
    } while (0)

#endif
