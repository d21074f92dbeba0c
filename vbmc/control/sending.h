/* Sends a client more than fits into an answer: the answer, then bytes as frames. */
#ifndef VBMC_CONTROL_SENDING_H
#define VBMC_CONTROL_SENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct control_request;
struct json_object;

/* Answers the request with `result`, sends the bytes as frames CONSOLE_OUTPUT, at the end
 * CONSOLE_END (vbmc/control/console_frame.h), and closes the connection; also if the client does
 * not read for half a minute. Takes over `result` and `bytes` (by free).
 *
 * False if there is no memory, or 16 clients have not read theirs yet: then nothing is answered and
 * both stay the caller's. */
bool control_send(struct control_request *request, struct json_object *result, uint8_t *bytes,
                  size_t size);

#endif
