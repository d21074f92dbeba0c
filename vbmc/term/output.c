#include "vbmc/term/output.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vbmc/base/ring.h"
#include "vbmc/term/screen.h"
#include "vbmc/term/text.h"

#define QUEUE_SIZE    (256 * 1024)
#define LINES_RESERVE (4 * CLI_OUTPUT_LINE_MAX)

struct cli_output {
    int fd;
    int err;
    bool is_terminal;
    bool is_socket;
    size_t piece; /* that a descriptor takes which poll has called ready, without waiting */
    struct ring *ring;
    uint64_t position;        /* written up to here */
    struct cli_screen queued; /* the terminal as it will be when all is written */
    struct cli_screen shown;
};

/* Descriptors are left in the mode they are in: others share them. A pipe or terminal that is ready
 * takes PIPE_BUF bytes without waiting, or nearly so. */
struct cli_output *cli_output_new(int fd, int err, bool may_wait)
{
    struct cli_output *output = calloc(1, sizeof *output);
    struct stat status;

    if (!output || !(output->ring = ring_new(QUEUE_SIZE))) {
        free(output);
        return NULL;
    }
    output->fd = fd;
    output->err = err;
    output->is_terminal = isatty(fd);
    bool is_known = fstat(fd, &status) == 0;
    output->is_socket = is_known && S_ISSOCK(status.st_mode);
    bool waits = output->is_terminal || !is_known || S_ISFIFO(status.st_mode);
    output->piece = waits && !may_wait ? PIPE_BUF : QUEUE_SIZE;
    return output;
}

void cli_output_free(struct cli_output *output)
{
    if (!output)
        return;
    ring_free(output->ring);
    free(output);
}

bool cli_output_is_terminal(const struct cli_output *output)
{
    return output->is_terminal;
}

struct cli_screen *cli_output_screen(struct cli_output *output)
{
    return &output->shown;
}

static size_t waiting(const struct cli_output *output)
{
    return (size_t)(ring_end(output->ring) - output->position);
}

size_t cli_output_room(const struct cli_output *output)
{
    size_t used = waiting(output) + LINES_RESERVE;

    return used < QUEUE_SIZE ? QUEUE_SIZE - used : 0;
}

/* A terminal that does not read may lose lines for the user, never the guest's bytes. */
static void queue(struct cli_output *output, const void *bytes, size_t size)
{
    if (size > QUEUE_SIZE - waiting(output))
        return;
    if (output->is_terminal)
        cli_screen_feed(&output->queued, bytes, size);
    ring_append(output->ring, bytes, size);
}

void cli_output_put(struct cli_output *output, const uint8_t *bytes, size_t size)
{
    queue(output, bytes, size);
}

/* Standard error, where the guest's bytes do not go; a terminal there may be in raw mode. */
static void write_error(const struct cli_output *output, const char *text)
{
    dprintf(output->err, "%s%s", text, isatty(output->err) ? "\r\n" : "\n");
}

/* Texts of the daemon hold what others have typed (names): no control characters. */
static void clean(const char *text, char *line, size_t size)
{
    const char *end = text + strlen(text);
    bool has_brackets = *text == '[';
    struct cli_text_char next;
    size_t used = 0;

    if (!has_brackets)
        line[used++] = '[';
    for (; (next = cli_text_next(text, end)).bytes && used + next.bytes + 2 < size;
         text += next.bytes) {
        memcpy(line + used, next.printable ? text : "?", next.printable ? next.bytes : 1);
        used += next.printable ? next.bytes : 1;
    }
    if (!has_brackets)
        line[used++] = ']';
    line[used] = '\0';
}

void cli_output_tell(struct cli_output *output, const char *text)
{
    char line[CLI_OUTPUT_LINE_MAX - 32], decorated[CLI_OUTPUT_LINE_MAX];

    clean(text, line, sizeof line);
    if (!output->is_terminal) {
        write_error(output, line);
        return;
    }
    int length = snprintf(decorated, sizeof decorated, "%s\033[0;2m%s\033[0m\r\n",
                          output->queued.in_line ? "\r\n" : "", line);
    queue(output, decorated, (size_t)length);
}

void cli_output_show_menu(struct cli_output *output, const char *menu)
{
    char text[256];
    struct winsize window;
    int width = 0;

    if (!output->is_terminal) {
        if (isatty(output->err))
            write_error(output, menu);
        return;
    }
    if (ioctl(output->fd, TIOCGWINSZ, &window) == 0)
        width = window.ws_col > 3 ? window.ws_col - 3 : 0;
    if (width == 0 || width > 200)
        width = 77;
    /* A line feed and up again makes room below without moving the cursor's place in the text,
     * also on the last line; only then is its place remembered. */
    int length =
        snprintf(text, sizeof text, "\n\033[A\0337\r\n\033[K\033[7m %.*s \033[0m", width, menu);
    queue(output, text, (size_t)length);
}

void cli_output_hide_menu(struct cli_output *output)
{
    static const char text[] = "\r\033[K\0338";

    if (output->is_terminal)
        queue(output, text, sizeof text - 1);
}

bool cli_output_is_empty(const struct cli_output *output)
{
    return waiting(output) == 0;
}

static ssize_t write_piece(const struct cli_output *output, const uint8_t *bytes, size_t size)
{
    if (output->is_socket)
        return send(output->fd, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    return write(output->fd, bytes, size < output->piece ? size : output->piece);
}

int cli_output_write(struct cli_output *output)
{
    const uint8_t *bytes;
    size_t size;

    while ((size = ring_peek(output->ring, output->position, &bytes))) {
        ssize_t written = write_piece(output, bytes, size);
        if (written < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (written < 0)
            return -errno;
        if (output->is_terminal)
            cli_screen_feed(&output->shown, bytes, (size_t)written);
        output->position += (size_t)written;
        if (output->piece == PIPE_BUF && !output->is_socket)
            return 0; /* ask poll again */
    }
    return 0;
}
