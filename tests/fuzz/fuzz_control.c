/* libFuzzer target: whatever a client may send to the control socket, in pieces, over a connection
 * of its own.
 *
 * Files: vbmc/control/request.c vbmc/control/control.c
 *
 * The input is a byte that says in pieces of how many times 16 bytes the rest comes (0: in one),
 * and the bytes. The handler answers at once, later, with progress, in parts, or not before the
 * client is gone, by the length of the verb. */
#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/log.h"
#include "vbmc/control/control.h"

static uv_loop_t loop;
static struct control *control;
static char folder[] = "/tmp/vbmc-fuzz-control-XXXXXX";
static struct control_request *later;

static void finish(void *context, bool is_gone)
{
    control_reply_ok(context, is_gone ? NULL : json_object_new_array());
}

static void answer_later(void)
{
    struct control_request *request = later;

    later = NULL;
    if (request)
        control_reply_error(request, CONTROL_NOT_FOUND, "%s", "later");
}

static void handle(void *context, const char *verb, struct json_object *arguments,
                   struct control_request *request)
{
    (void)context;
    fuzz_require(json_object_is_type(arguments, json_type_object));
    fuzz_require(strspn(verb, "abcdefghijklmnopqrstuvwxyz-") == strlen(verb));
    fuzz_require(later == NULL); /* one at a time */
    switch (strlen(verb) % 4) {
    case 0:
        control_progress(request, "%s", verb);
        if (control_request_takes_parts(request) &&
            control_reply_part(request, json_object_new_array(), finish, request))
            break;
        control_reply_ok(request, json_object_get(arguments));
        break;
    case 1:
        control_request_limit(request, PRIVILEGE_USER);
        control_reply_error(request, CONTROL_FAILED, "%s",
                            control_request_identity(request)->account);
        break;
    case 2:
        control_reply_connection(request);
        break;
    default:
        later = request;
        break;
    }
}

static void clean_up(void)
{
    char path[64];

    control_free(control);
    uv_run(&loop, UV_RUN_DEFAULT);
    uv_loop_close(&loop);
    snprintf(path, sizeof path, "%s/socket.lock", folder);
    unlink(path);
    rmdir(folder);
}

/* Once, as it makes files. */
static void start(void)
{
    char path[64], error[256];

    log_set_level(LOG_LEVEL_ERROR);
    fuzz_require(mkdtemp(folder) != NULL && uv_loop_init(&loop) == 0);
    snprintf(path, sizeof path, "%s/socket", folder);
    fuzz_require(control_new(&loop, path, (gid_t)-1, handle, NULL, &control, error, sizeof error) ==
                 0);
    atexit(clean_up);
}

static void turn(int fd)
{
    char heard[4096];

    for (unsigned i = 0; i < 4; i++) {
        uv_run(&loop, UV_RUN_NOWAIT);
        while (recv(fd, heard, sizeof heard, MSG_DONTWAIT) > 0)
            ;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const struct control_identity identity = {.account = "fuzz",
                                                     .by_ssh = true,
                                                     .address = "192.0.2.1:1",
                                                     .privilege = PRIVILEGE_OPERATOR};
    int ends[2];

    if (size < 1)
        return 0;
    if (!control)
        start();
    fuzz_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    fuzz_require(control_adopt(control, ends[0], &identity) == 0);
    size_t piece = bytes[0] ? bytes[0] * (size_t)16 : size;
    for (size_t at = 1; at < size;) {
        size_t now = piece < size - at ? piece : size - at;
        ssize_t sent = send(ends[1], bytes + at, now, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN)
            break; /* it does not listen any more */
        at += sent > 0 ? (size_t)sent : 0;
        turn(ends[1]);
        answer_later();
    }
    turn(ends[1]);
    close(ends[1]);
    uv_run(&loop, UV_RUN_NOWAIT);
    answer_later();
    for (unsigned i = 0; i < 3; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
    return 0;
}
