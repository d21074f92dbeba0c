/* The control socket: how `vbmc` talks to the daemon.
 *
 * A Unix stream socket carries one JSON object per line. A request is
 *     {"verb":"list","arguments":{...}}
 * and is answered by any number of {"progress":"text"} lines and then exactly one of
 *     {"ok":true,"result":<any JSON>}
 *     {"ok":false,"error":"one line","code":"exists|not-found|usage|failed"}
 * A request with "parts":true is content to get a long list in parts: {"part":[...]} lines with its
 * first items, and a result that is the rest of them.
 * A client may send further requests on the same connection; each waits for the one before it.
 *
 * Who may connect: without a group root and the daemon's own user (the socket has mode 0600, and
 * the peer's credentials are checked as well); with a group also its members, by mode 0660.
 * What they send is hostile until it has passed the checks here: the length of a line, JSON that is
 * valid UTF-8, an object with a "verb" of lower case letters and an "arguments" object, no string
 * with a NUL in it. What the arguments mean is the handler's to check. */
#ifndef VBMC_CONTROL_CONTROL_H
#define VBMC_CONTROL_CONTROL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <uv.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/privilege.h"

#define CONTROL_SOCKET_NAME  "control.sock"
#define CONTROL_SOCKET_PATH  "/run/vbmc/" CONTROL_SOCKET_NAME /* of the default runtime-dir */
#define CONTROL_REQUEST_MAX  (64 * 1024)       /* bytes of a request, newline included */
#define CONTROL_ANSWER_MAX   (8 * 1024 * 1024) /* bytes of an answer, or of a part of it */
#define CONTROL_PROGRESS_MAX (64 * 1024)       /* unsent bytes beyond which progress is dropped */
#define CONTROL_CLIENTS_MAX  64                /* of the listener */
#define CONTROL_ADOPTED_MAX  512 /* with those of control_adopt; streams taken over do not count */

struct control;
struct control_request;
struct json_object;

#define CONTROL_ACCOUNT_SIZE 64

/* On whose behalf a connection asks. */
struct control_identity {
    char account[CONTROL_ACCOUNT_SIZE];
    bool by_ssh;                      /* else by the socket in the file system */
    bool by_key;                      /* logged in by key, not by password */
    char address[ENDPOINT_TEXT_SIZE]; /* where it is; "": on this machine */
    pid_t pid;                        /* of the client; 0: not known */
    enum privilege privilege;         /* administrator on the socket in the file system */
    bool one_bmc;                     /* only the BMC `uuid` exists for it */
    struct uuid uuid;
};

enum control_code {
    CONTROL_EXISTS,    /* there already is what was to be made */
    CONTROL_NOT_FOUND, /* no such domain, BMC or hypervisor */
    CONTROL_USAGE,     /* the request makes no sense; `vbmc` exits 2 */
    CONTROL_FAILED,    /* everything else */
};

/* Called on the loop for each request that is well formed. `verb` and `arguments` (always an
 * object, possibly empty) are borrowed and die with the answer. The handler owns `request` until it
 * answers it exactly once, now or later, by control_reply_ok or control_reply_error; it must do so
 * also when the client is gone or control_free was called meanwhile, which drops the answer. */
typedef void control_handler(void *context, const char *verb, struct json_object *arguments,
                             struct control_request *request);

/* Listens on `path`, creating its directory (mode 0755, one level) where it is missing. `gid` is
 * the group that may connect, or -1 for none. A stale socket is replaced; a lock (`path` with
 * ".lock" appended) is held as long as the process lives, so that two daemons never share one path.
 * Ignores SIGPIPE for the process.
 *
 * 0; -EADDRINUSE when another daemon is alive there; -EPERM for a directory in which others could
 * replace the socket; else the system's negative error. `error` (of `size` bytes) then says why in
 * one line. The loop, the handler and the context must outlive the control. */
int control_new(uv_loop_t *loop, const char *path, gid_t gid, control_handler *handler,
                void *context, struct control **control, char *error, size_t size);
/* Closes every connection and removes the socket. The loop must run once more before it is closed.
 * Requests not yet answered stay valid. NULL is allowed. */
void control_free(struct control *control);

/* Answers with `result`, whose reference is taken over; NULL stands for an empty object. An answer
 * over CONTROL_ANSWER_MAX becomes an error. Frees the request. */
void control_reply_ok(struct control_request *request, struct json_object *result);
/* Whether the client takes a list in parts. */
bool control_request_takes_parts(const struct control_request *request);
/* Called from a later turn of the loop when the part has been written to the client's socket, which
 * has room for a few; or the client is gone, and the request is only to be answered, to nobody. */
typedef void control_next_fn(void *context, bool is_gone);
/* Sends the next items of the list that is the answer to a request that takes parts; `items`, an
 * array, is taken over. False if the client is gone, or there is no memory, or the part is over
 * CONTROL_ANSWER_MAX: `next` is not called then, and the request is to be answered with an error.
 */
bool control_reply_part(struct control_request *request, struct json_object *items,
                        control_next_fn *next, void *context);
/* Answers with an error, in one line of at most 1023 bytes. Frees the request. */
void control_reply_error(struct control_request *request, enum control_code code,
                         const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Who asks. Borrowed; good until the answer. */
const struct control_identity *control_request_identity(const struct control_request *request);

/* Lowers the privilege of who asks, for this request alone. */
void control_request_limit(struct control_request *request, enum privilege limit);

/* Answers as control_reply_ok, after which the connection carries whatever the two sides have
 * agreed on: `stream` is the caller's from now on, who reads it, writes to it, and closes it as a
 * handle of its own (uv_close, then the memory is released by `control_stream_closed`, which is to
 * be passed to uv_close). Bytes that the client has sent already are returned first by
 * control_stream_take. NULL, with the request freed, when the client is gone. */
uv_stream_t *control_request_take_over(struct control_request *request, struct json_object *result);
/* Bytes that came with the request: up to `size` of them are moved to `bytes`; 0 if there are none
 * (left). */
size_t control_stream_take(uv_stream_t *stream, uint8_t *bytes, size_t size);
void control_stream_closed(uv_handle_t *stream);

/* Serves a connected stream socket as if it had come in by the listener, for that identity; `fd`
 * is taken over. Loop thread. 0, or a negative error with `fd` closed: -EUSERS beyond
 * CONTROL_ADOPTED_MAX. */
int control_adopt(struct control *control, int fd, const struct control_identity *identity);

/* Tells of each adopted connection of the socket that the request came by, in no order: whose it
 * is, when it came, and its latest request (both as uv_hrtime has it, in ms). */
typedef void control_visit_fn(void *context, const struct control_identity *identity,
                              uint64_t began_ms, uint64_t heard_ms);
void control_visit_adopted(const struct control_request *request, control_visit_fn *visit,
                           void *context);

/* Answers with a further connection for the same identity: a connected socket that comes as
 * SCM_RIGHTS with the first byte of the answer {"ok":true,"result":{}}. For a client that was
 * handed its connection and cannot open others. */
void control_reply_connection(struct control_request *request);

/* Tells the client how things go, before the answer. Dropped when the client does not read. */
void control_progress(struct control_request *request, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
