/* Splits a QMP byte stream into JSON objects. QEMU ends each with CR LF or LF and never breaks a
 * line inside one (docs/interop/qmp-spec.txt, 2.1). A line is bounded, so that a server that never
 * ends one costs no more memory than the bound. */
#ifndef QMP_FRAMING_H
#define QMP_FRAMING_H

#include <stddef.h>

/* Longest line taken, without its line feed. The replies to the commands we send are under 1 KiB;
 * only dumps such as query-qmp-schema come near this. */
#define QMP_LINE_MAX ((size_t)256 * 1024)

struct json_object;
struct qmp_framing;

/* *framing becomes the caller's, to be released by qmp_framing_free. 0 or -ENOMEM. */
int qmp_framing_create(struct qmp_framing **framing);
void qmp_framing_free(struct qmp_framing *framing); /* NULL is allowed */

/* Takes bytes up to the end of the next object, moving *bytes and *size past what it took. *message
 * becomes the object, owned by the caller, or NULL when all bytes are taken and none is complete:
 *
 *     while ((result = qmp_framing_next(framing, &bytes, &size, &message)) == 0 && message)
 *
 * Empty lines are skipped. 0; -EPROTO for a line that is not a JSON object, -EMSGSIZE for one over
 * QMP_LINE_MAX, -ENOMEM. After an error the stream has no known position: every later call fails
 * the same way. */
int qmp_framing_next(struct qmp_framing *framing, const char **bytes, size_t *size,
                     struct json_object **message);

#endif
