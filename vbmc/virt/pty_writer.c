#include "vbmc/virt/pty_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"

struct pty_writer {
    uv_poll_t poll;
    int fd;
    void (*writable)(void *context);
    void *context;
};

/* A terminal, opened non-blocking and not as our controlling terminal; or a negative error. */
static int open_terminal(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

    if (fd < 0)
        return -errno;
    if (!isatty(fd))
        return -ENOTTY;
    int opened = fd;
    fd = -1;
    return opened;
}

int pty_writer_open(uv_loop_t *loop, const char *path, void (*writable)(void *context),
                    void *context, struct pty_writer **writer)
{
    struct pty_writer *created;
    CLEANUP_CLOSE int fd = open_terminal(path);

    *writer = NULL;
    if (fd < 0)
        return fd;
    created = calloc(1, sizeof *created);
    if (!created)
        return -ENOMEM;
    int result = uv_poll_init(loop, &created->poll, fd);
    if (result < 0) {
        free(created);
        return result;
    }
    created->poll.data = created;
    created->fd = fd;
    created->writable = writable;
    created->context = context;
    fd = -1;
    *writer = created;
    return 0;
}

/* Called for errors too: the next write returns them. */
static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct pty_writer *writer = poll->data;

    (void)status;
    (void)events;
    uv_poll_stop(poll);
    writer->writable(writer->context);
}

ssize_t pty_writer_write(struct pty_writer *writer, const uint8_t *bytes, size_t size)
{
    ssize_t taken = write(writer->fd, bytes, size);

    if (taken < 0 && errno != EAGAIN && errno != EINTR)
        return -errno;
    if (taken < 0)
        taken = 0;
    if ((size_t)taken < size) {
        int result = uv_poll_start(&writer->poll, UV_WRITABLE, on_poll);
        if (result < 0)
            return result;
    }
    return taken;
}

static void on_closed(uv_handle_t *handle)
{
    struct pty_writer *writer = handle->data;

    close(writer->fd);
    free(writer);
}

void pty_writer_close(struct pty_writer *writer)
{
    if (writer)
        uv_close((uv_handle_t *)&writer->poll, on_closed);
}
