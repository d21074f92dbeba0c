#include "vbmc/cli/screenshot.h"

/* The verb screenshot: an image comes as the frames of a console, and goes to a file. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/stream.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/report.h"
#include "vbmc/control/console_parser.h"

#define IMAGE_MAX (256 * 1024 * 1024) /* bytes; beyond any screen */

static const char streamed_kinds[] = {CONSOLE_OUTPUT, '\0'};
static const char whole_kinds[] = {CONSOLE_END, '\0'};

/* The whole of it is held until it is known to be whole: no half image, no rest after a signal. */
struct image {
    uint8_t *bytes;
    size_t size;
    size_t room;
};

static int append(struct image *image, const uint8_t *bytes, size_t size)
{
    if (size > IMAGE_MAX - image->size)
        return -EFBIG;
    if (!image->bytes || size > image->room - image->size) {
        size_t room = 2 * (image->size + size);
        uint8_t *grown = realloc(image->bytes, room);
        if (!grown)
            return -ENOMEM;
        image->bytes = grown;
        image->room = room;
    }
    memcpy(image->bytes + image->size, bytes, size);
    image->size += size;
    return 0;
}

/* 1 at the end of the image, whose text then says whether it failed; 0 when bytes are used up. */
static int take(struct console_parser *parser, const uint8_t *bytes, size_t size,
                struct image *image, char text[CONSOLE_PARSER_WHOLE_MAX + 1])
{
    struct console_frame frame;
    int result;

    while ((result = console_parser_next(parser, &bytes, &size, &frame)) == 1) {
        if (frame.kind == CONSOLE_END) {
            memcpy(text, frame.payload, frame.size);
            text[frame.size] = '\0';
            return 1;
        }
        int failed = append(image, frame.payload, frame.size);
        if (failed)
            return failed;
    }
    return result;
}

static int receive_image(struct cli *cli, const struct cli_stream *stream, struct image *image)
{
    struct console_parser parser;
    uint8_t received[16 * 1024];
    char text[CONSOLE_PARSER_WHOLE_MAX + 1] = "";

    console_parser_init(&parser, streamed_kinds, whole_kinds);
    int result = take(&parser, stream->bytes, stream->size, image, text);
    while (result == 0) {
        ssize_t got = recv(stream->fd, received, sizeof received, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return cli_fail(cli, "no image: %s", strerror(errno));
        if (got == 0)
            return cli_fail(cli, "vbmcd closed the connection before the image was whole");
        result = take(&parser, received, (size_t)got, image, text);
    }
    if (*text)
        return cli_fail(cli, "%s", text);
    return result < 0 ? cli_fail(cli, "no image: %s", strerror(-result)) : CLI_EXIT_DONE;
}

static int write_all(int fd, const struct image *image)
{
    for (size_t done = 0; done < image->size;) {
        ssize_t written = write(fd, image->bytes + done, image->size - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return -errno;
        done += (size_t)written;
    }
    return 0;
}

/* To a new file beside the old one, which stays whole until the new one is. */
static int replace_file(const char *path, mode_t mode, const struct image *image)
{
    char temporary[PATH_MAX];
    CLEANUP_CLOSE int fd = -1;

    int length = snprintf(temporary, sizeof temporary, "%s.XXXXXX", path);
    if (length < 0 || (size_t)length >= sizeof temporary)
        return -ENAMETOOLONG;
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return -errno;
    int result = fchmod(fd, mode) < 0 ? -errno : write_all(fd, image);
    if (result == 0 && rename(temporary, path) < 0)
        result = -errno;
    if (result < 0)
        unlink(temporary);
    return result;
}

/* What is there and no regular file (a device, a pipe) is written to, as cp does; a symbolic link
 * is followed. */
static int write_file(const char *path, const struct image *image)
{
    CLEANUP_FREE char *real = realpath(path, NULL);
    struct stat status;

    if (real && stat(real, &status) == 0 && !S_ISREG(status.st_mode)) {
        CLEANUP_CLOSE int fd = open(real, O_WRONLY | O_CLOEXEC | O_NOCTTY);
        return fd < 0 ? -errno : write_all(fd, image);
    }
    if (real)
        return replace_file(real, status.st_mode & 0777, image);
    mode_t mask = umask(0);
    umask(mask);
    return replace_file(path, 0666 & ~mask, image);
}

static int run_screenshot(struct cli *cli)
{
    CLEANUP_STREAM struct cli_stream stream = CLI_STREAM_NONE;
    const char *path = cli->options.names[1];
    struct image image = {0};
    struct json_object *answer;
    int failed = 0;

    int code = cli_ask_for_stream(cli, "screenshot", cli_name_arguments(cli), &answer, &stream);
    json_object_put(answer);
    if (code == CLI_EXIT_DONE)
        code = receive_image(cli, &stream, &image);
    if (code == CLI_EXIT_DONE) {
        failed =
            strcmp(path, "-") == 0 ? write_all(STDOUT_FILENO, &image) : write_file(path, &image);
        if (failed)
            code = cli_fail(cli, "%s: %s", path, strerror(-failed));
    }
    free(image.bytes);
    return code;
}

const struct cli_verb cli_verb_screenshot = {
    .name = "screenshot",
    .arguments = "NAME FILE",
    .help = "write what a guest's screen shows to a file ('-': standard output)",
    .names_min = 2,
    .names_max = 2,
    .run = run_screenshot,
};
