#include "vbmc/cli/client.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/control/control.h"

#define CHUNK 4096

struct cli_connection {
    int fd;
    char *bytes; /* from the daemon; a line is taken off the front */
    size_t used;
    size_t size;
    unsigned unanswered;       /* requests */
    struct json_object *parts; /* of the answer that has begun; NULL: none yet */
    int passed_fd;             /* that came with the bytes; -1: none */
};

static const volatile sig_atomic_t *interrupted;

bool cli_client_interrupted(void)
{
    return interrupted && *interrupted;
}

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

int cli_client_timed_out(struct cli_client_error *error)
{
    return fail(error, ETIMEDOUT, "vbmcd did not answer within %d s; its log may say why",
                CLI_CLIENT_TIMEOUT_MS / 1000);
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
    json_object_object_add(request, "parts", json_object_new_boolean(true));
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

static int make_room(struct cli_connection *connection, struct cli_client_error *error)
{
    if (connection->size - connection->used >= CHUNK)
        return 0;
    size_t size = 2 * connection->size + CHUNK;
    char *bytes = size > 2 * (CONTROL_ANSWER_MAX + CHUNK) ? NULL : realloc(connection->bytes, size);
    if (!bytes)
        return fail(error, EMSGSIZE, "the answer of vbmcd is too long");
    connection->bytes = bytes;
    connection->size = size;
    return 0;
}

static void keep_passed_fd(struct cli_connection *connection, struct msghdr *message)
{
    for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
        if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS ||
            part->cmsg_len != CMSG_LEN(sizeof(int)))
            continue;
        if (connection->passed_fd >= 0)
            close(connection->passed_fd);
        memcpy(&connection->passed_fd, CMSG_DATA(part), sizeof(int));
    }
}

/* Waits until there is something to read, or somebody interrupts it. */
static int wait_for_bytes(const struct cli_connection *connection, struct cli_client_error *error)
{
    struct pollfd poll_fd = {.fd = connection->fd, .events = POLLIN};
    int ready = cli_client_interrupted() ? -1 : poll(&poll_fd, 1, CLI_CLIENT_TIMEOUT_MS);

    if (cli_client_interrupted())
        return fail(error, EINTR, "interrupted");
    return ready == 0 ? cli_client_timed_out(error) : 0;
}

static int receive(struct cli_connection *connection, struct cli_client_error *error)
{
    /* Room for one descriptor: the kernel closes what is beyond. */
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr aligned;
    } control;

    int failed = make_room(connection, error);
    if (failed)
        return failed;
    struct iovec vector = {
        .iov_base = connection->bytes + connection->used,
        .iov_len = connection->size - connection->used,
    };
    struct msghdr message = {
        .msg_iov = &vector,
        .msg_iovlen = 1,
        .msg_control = control.bytes,
        .msg_controllen = sizeof control.bytes,
    };
    ssize_t received = recvmsg(connection->fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (received < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (received < 0)
        return fail(error, errno, "no answer of vbmcd: %s", strerror(errno));
    if (received == 0)
        return fail(error, ECONNRESET, "vbmcd closed the connection without an answer");
    keep_passed_fd(connection, &message);
    connection->used += (size_t)received;
    return 0;
}

/* Parses the first line and takes it off: 1; 0 if there is no whole one. The caller puts the
 * object, also after a failure. */
static int take_object(struct cli_connection *connection, struct json_object **object,
                       struct cli_client_error *error)
{
    char *end = connection->bytes ? memchr(connection->bytes, '\n', connection->used) : NULL;

    if (!end)
        return 0;
    *end = '\0';
    *object = json_tokener_parse(connection->bytes);
    size_t length = (size_t)(end - connection->bytes) + 1;
    memmove(connection->bytes, end + 1, connection->used - length);
    connection->used -= length;
    if (json_object_is_type(*object, json_type_object))
        return 1;
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

/* The whole list from its parts so far, and the items of one more. */
static void add_part(struct cli_connection *connection, struct json_object *part)
{
    if (!connection->parts) {
        connection->parts = json_object_get(part);
        return;
    }
    for (size_t i = 0; i < json_object_array_length(part); i++)
        json_object_array_add(connection->parts,
                              json_object_get(json_object_array_get_idx(part, i)));
}

static void forget_parts(struct cli_connection *connection)
{
    json_object_put(connection->parts);
    connection->parts = NULL;
}

/* What came in parts ends with this. */
static struct json_object *take_result(struct cli_connection *connection,
                                       struct json_object *answer)
{
    struct json_object *value = json_object_object_get(answer, "result");

    if (!connection->parts || !json_object_is_type(value, json_type_array))
        return json_object_get(value);
    add_part(connection, value);
    value = connection->parts;
    connection->parts = NULL;
    return value;
}

/* What one line of the daemon means: 1 for the final answer with its result, 0 for what comes
 * before. */
static int take_answer(struct cli_connection *connection, struct json_object *answer,
                       struct json_object **result, struct cli_client_error *error)
{
    struct json_object *ok, *part;

    if (json_object_object_get_ex(answer, "part", &part) &&
        json_object_is_type(part, json_type_array))
        add_part(connection, part);
    if (!json_object_object_get_ex(answer, "ok", &ok))
        return 0;
    if (json_object_get_boolean(ok)) {
        *result = take_result(connection, answer);
        forget_parts(connection);
        return 1;
    }
    forget_parts(connection);
    const char *text = text_of(answer, "error");
    error->is_usage = strcmp(text_of(answer, "code"), "usage") == 0;
    return fail(error, EREMOTEIO, "%s", *text ? text : "vbmcd refused without a reason");
}

void cli_client_watch_interrupts(const volatile sig_atomic_t *flag)
{
    interrupted = flag;
}

struct cli_connection *cli_connection_adopt(int fd)
{
    struct cli_connection *connection = calloc(1, sizeof *connection);

    if (!connection) {
        close(fd);
        return NULL;
    }
    connection->fd = fd;
    connection->passed_fd = -1;
    return connection;
}

int cli_connection_open(const char *path, struct cli_connection **connection,
                        struct cli_client_error *error)
{
    int fd = -1;

    *error = (struct cli_client_error){0};
    *connection = NULL;
    int failed = connect_daemon(path, &fd, error);
    if (failed)
        return failed;
    *connection = cli_connection_adopt(fd);
    return *connection ? 0 : fail(error, ENOMEM, "out of memory");
}

void cli_connection_free(struct cli_connection *connection)
{
    if (!connection)
        return;
    close(connection->fd);
    if (connection->passed_fd >= 0)
        close(connection->passed_fd);
    forget_parts(connection);
    free(connection->bytes);
    free(connection);
}

int cli_connection_fd(const struct cli_connection *connection)
{
    return connection->fd;
}

int cli_connection_begin(struct cli_connection *connection, const char *verb,
                         struct json_object *arguments, struct cli_client_error *error)
{
    *error = (struct cli_client_error){0};
    forget_parts(connection); /* of an answer that was interrupted */
    int failed = send_request(connection->fd, verb, arguments, error);
    if (!failed)
        connection->unanswered++;
    return failed;
}

/* What has come of the answer: as cli_connection_continue. */
static int take_answers(struct cli_connection *connection, cli_client_progress *progress,
                        void *context, struct json_object **result, struct cli_client_error *error)
{
    struct json_object *answer = NULL;
    int state;

    while ((state = take_object(connection, &answer, error)) > 0) {
        bool is_final = json_object_object_get_ex(answer, "ok", NULL);
        bool is_ours = connection->unanswered <= 1; /* else of one that was interrupted */
        if (is_final)
            connection->unanswered--;
        int done = is_ours ? take_answer(connection, answer, result, error) : 0;
        if (done == 0 && is_ours && progress && json_object_object_get_ex(answer, "progress", NULL))
            progress(context, text_of(answer, "progress"));
        json_object_put(answer);
        answer = NULL;
        if (done)
            return done;
    }
    json_object_put(answer);
    return state;
}

int cli_connection_continue(struct cli_connection *connection, cli_client_progress *progress,
                            void *context, struct json_object **result,
                            struct cli_client_error *error)
{
    *error = (struct cli_client_error){0};
    *result = NULL;
    int failed = receive(connection, error);
    return failed ? failed : take_answers(connection, progress, context, result, error);
}

int cli_connection_ask(struct cli_connection *connection, const char *verb,
                       struct json_object *arguments, cli_client_progress *progress, void *context,
                       struct json_object **result, struct cli_client_error *error)
{
    *result = NULL;
    int state = cli_connection_begin(connection, verb, arguments, error);
    if (state == 0)
        state = take_answers(connection, progress, context, result, error);
    while (state == 0) {
        state = wait_for_bytes(connection, error);
        if (state == 0)
            state = cli_connection_continue(connection, progress, context, result, error);
    }
    return state < 0 ? state : 0;
}

int cli_connection_clone(struct cli_connection *connection, struct cli_connection **clone,
                         struct cli_client_error *error)
{
    struct json_object *result;

    *clone = NULL;
    int failed = cli_connection_ask(connection, "connect", NULL, NULL, NULL, &result, error);
    if (failed)
        return failed;
    json_object_put(result);
    if (connection->passed_fd < 0)
        return fail(error, EBADMSG, "vbmcd answered without a connection");
    *clone = cli_connection_adopt(connection->passed_fd);
    connection->passed_fd = -1;
    return *clone ? 0 : fail(error, ENOMEM, "out of memory");
}

struct cli_stream cli_connection_take_over(struct cli_connection *connection)
{
    struct cli_stream stream = {
        .fd = connection->fd,
        .bytes = (uint8_t *)connection->bytes,
        .size = connection->used,
    };

    if (connection->passed_fd >= 0)
        close(connection->passed_fd);
    forget_parts(connection);
    free(connection);
    return stream;
}

void cli_stream_close(struct cli_stream *stream)
{
    if (stream->fd >= 0)
        close(stream->fd);
    free(stream->bytes);
    *stream = CLI_STREAM_NONE;
}

int cli_client_call(const char *path, const char *verb, struct json_object *arguments,
                    cli_client_progress *progress, void *context, struct json_object **result,
                    struct cli_client_error *error)
{
    struct cli_connection *connection;

    *result = NULL;
    int failed = cli_connection_open(path, &connection, error);
    if (failed)
        return failed;
    failed = cli_connection_ask(connection, verb, arguments, progress, context, result, error);
    cli_connection_free(connection);
    return failed;
}
