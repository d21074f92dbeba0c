#include "vbmc/cli/report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/cli/cli.h"
#include "vbmc/term/text.h"

#define MESSAGE_SIZE 4096

/* Line breaks would forge further lines; on a terminal other control characters do worse. */
static void put_message(const char *prefix, const char *text, FILE *out)
{
    fputs(prefix, out);
    cli_text_print(text, text + strlen(text), out);
    fputc('\n', out);
}

static void append_log(const char *path, const char *text)
{
    char stamp[48];
    struct tm local;
    time_t now = time(NULL);
    int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "a");

    if (!file) {
        fprintf(stderr, "vbmc: cannot append to the log file: %s\n", strerror(errno));
        if (fd >= 0)
            close(fd);
        return;
    }
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y-%m-%d %H:%M:%S vbmc: ", &local);
    put_message(stamp, text, file);
    fclose(file);
}

static void report(const struct cli *cli, const char *text)
{
    put_message("vbmc: ", text, stderr);
    if (cli->options.log_file)
        append_log(cli->options.log_file, text);
}

int cli_fail(const struct cli *cli, const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    report(cli, text);
    return CLI_EXIT_FAILED;
}

int cli_fail_usage(const struct cli *cli, const char *format, ...)
{
    char text[MESSAGE_SIZE];
    va_list arguments;

    va_start(arguments, format);
    int used = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    /* That of help itself tells nothing. */
    bool has_topic = cli->verb && strcmp(cli->verb->name, "help") != 0;
    if (used >= 0 && (size_t)used < sizeof text)
        snprintf(text + used, sizeof text - (size_t)used, " (see '%shelp%s%s')",
                 cli->in_shell ? "" : "vbmc ", has_topic ? " " : "",
                 has_topic ? cli->verb->name : "");
    report(cli, text);
    return CLI_EXIT_USAGE;
}

int cli_fail_word(const struct cli *cli, const char *what, const char *word, const char *near)
{
    return cli_fail_usage(cli, "unknown %s '%s'%s%s%s", what, word, near ? "; did you mean '" : "",
                          near ? near : "", near ? "'?" : "");
}
