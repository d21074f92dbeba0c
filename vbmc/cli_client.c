#include "vbmc/cli_client.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/control.h"

#define CHUNK 4096

/* Bytes from the daemon; a line is taken off the front. */
struct input {
    char *bytes;
    size_t used;
    size_t size;
};

static int fail(struct cli_client_error *error, int number, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static int fail(struct cli_client_error *error, int number, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return -number;
}

static int connect_daemon(const char *path, int *result, struct cli_client_error *error)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return fail(error, errno, "no socket: %s", strerror(errno));
    if (strlen(path) >= sizeof address.sun_path)
        return fail(error, ENAMETOOLONG, "%s: the path of a socket has at most 107 bytes", path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof address) == 0) {
        *result = fd;
        fd = -1;
        return 0;
    }
    switch (errno) {
    case ENOENT:
    case ECONNREFUSED:
        return fail(error, ENOENT,
                    "vbmcd is not running (nobody answers on %s); start it with 'systemctl start "
                    "vbmcd' or 'vbmcd'",
                    path);
    case EACCES:
    case EPERM:
        return fail(error, EACCES,
                    "%s: permission denied; run vbmc as root, or as a member of the group that "
                    "'control-group' in vbmc.conf names",
                    path);
    default:
        return fail(error, errno, "%s: %s", path, strerror(errno));
    }
}

static int send_all(int fd, const char *bytes, size_t size, struct cli_client_error *error)
{
    while (size) {
        ssize_t sent = send(fd, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && (errno == EPIPE || errno == ECONNRESET))
            return 0; /* it refused to listen: its last words are still to be read */
        if (sent < 0)
            return fail(error, errno, "cannot ask vbmcd: %s", strerror(errno));
        bytes += sent;
        size -= (size_t)sent;
    }
    return 0;
}

static int send_request(int fd, const char *verb, struct json_object *arguments,
                        struct cli_client_error *error)
{
    struct json_object *request = json_object_new_object();
    size_t length;
    int failed;

    json_object_object_add(request, "verb", json_object_new_string(verb));
    if (arguments)
        json_object_object_add(request, "arguments", json_object_get(arguments));
    const char *text = json_object_to_json_string_length(
        request, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length);
    if (length >= CONTROL_REQUEST_MAX) {
        failed = fail(error, EMSGSIZE, "the request is too long for vbmcd (%zu bytes of %d)",
                      length, CONTROL_REQUEST_MAX);
    } else {
        failed = send_all(fd, text, length, error);
        if (!failed)
            failed = send_all(fd, "\n", 1, error);
    }
    json_object_put(request);
    return failed;
}

static int receive(int fd, struct input *input, struct cli_client_error *error)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
    ssize_t received;

    if (input->size - input->used < CHUNK) {
        size_t size = 2 * input->size + CHUNK;
        char *bytes = size > 2 * (CONTROL_ANSWER_MAX + CHUNK) ? NULL : realloc(input->bytes, size);
        if (!bytes)
            return fail(error, EMSGSIZE, "the answer of vbmcd is too long");
        input->bytes = bytes;
        input->size = size;
    }
    int ready = poll(&poll_fd, 1, CLI_CLIENT_TIMEOUT_MS);
    if (ready < 0 && errno == EINTR)
        return 0;
    if (ready == 0)
        return fail(error, ETIMEDOUT, "vbmcd did not answer within %d s; its log may say why",
                    CLI_CLIENT_TIMEOUT_MS / 1000);
    received = recv(fd, input->bytes + input->used, input->size - input->used, 0);
    if (received < 0)
        return errno == EINTR ? 0 : fail(error, errno, "no answer of vbmcd: %s", strerror(errno));
    if (received == 0)
        return fail(error, ECONNRESET, "vbmcd closed the connection without an answer");
    input->used += (size_t)received;
    return 0;
}

/* Reads until a whole line is there; parses it and takes it off. The caller puts the object, also
 * after a failure. */
static int receive_object(int fd, struct input *input, struct json_object **object,
                          struct cli_client_error *error)
{
    char *end;

    while (!input->used || !(end = memchr(input->bytes, '\n', input->used))) {
        int failed = receive(fd, input, error);
        if (failed)
            return failed;
    }
    *end = '\0';
    *object = json_tokener_parse(input->bytes);
    size_t length = (size_t)(end - input->bytes) + 1;
    memmove(input->bytes, end + 1, input->used - length);
    input->used -= length;
    if (json_object_is_type(*object, json_type_object))
        return 0;
    return fail(error, EBADMSG, "vbmcd answered with something that is no JSON object");
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    if (!json_object_object_get_ex(object, key, &value) ||
        !json_object_is_type(value, json_type_string))
        return "";
    return json_object_get_string(value);
}

/* What one line of the daemon means: 1 for the final answer with its result, 0 for progress. */
static int take_answer(struct json_object *answer, struct json_object **result,
                       struct cli_client_error *error)
{
    struct json_object *ok, *value = NULL;

    if (!json_object_object_get_ex(answer, "ok", &ok))
        return 0;
    if (json_object_get_boolean(ok)) {
        json_object_object_get_ex(answer, "result", &value);
        *result = json_object_get(value);
        return 1;
    }
    const char *text = text_of(answer, "error");
    error->is_usage = strcmp(text_of(answer, "code"), "usage") == 0;
    return fail(error, EREMOTEIO, "%s", *text ? text : "vbmcd refused without a reason");
}

int cli_client_call(const char *path, const char *verb, struct json_object *arguments,
                    cli_client_progress *progress, void *context, struct json_object **result,
                    struct cli_client_error *error)
{
    CLEANUP_CLOSE int fd = -1;
    struct input input = {0};

    *error = (struct cli_client_error){0};
    *result = NULL;
    int state = connect_daemon(path, &fd, error);
    if (state == 0)
        state = send_request(fd, verb, arguments, error);
    while (state == 0) {
        struct json_object *answer = NULL;
        state = receive_object(fd, &input, &answer, error);
        if (state == 0)
            state = take_answer(answer, result, error);
        if (state == 0 && progress)
            progress(context, text_of(answer, "progress"));
        json_object_put(answer);
    }
    free(input.bytes);
    return state < 0 ? state : 0;
}
