/* The verb "console": one client of the control socket on the console of one BMC. The connection
 * then speaks the frames of vbmc/control/console_frame.h, where the verb's arguments and result
 * stand too.
 */
#ifndef VBMC_VERBS_CONSOLE_H
#define VBMC_VERBS_CONSOLE_H

#include <stdint.h>

struct control_identity;
struct control_request;
struct instance;
struct json_object;

/* Answers the request, and if it can be granted takes the connection over until the client leaves
 * or the BMC goes. Who is no operator may look, not type. */
void console_session_start(struct instance *instance, struct json_object *arguments,
                           struct control_request *request);

/* Accounts, or a BMC's restarts, may have changed: ends the consoles of those who have come by the
 * SSH address of all BMCs and may no longer do on the BMC what they do, or whose BMC has started
 * again. (Those of a BMC's own address end with the session there.) */
void console_session_review(void);

/* Tells of each open console, but not of who reads its log: on which BMC, whose, since when, and
 * when something was typed last (as uv_hrtime has it, in ms). */
typedef void console_session_visit_fn(void *context, struct instance *instance,
                                      const struct control_identity *identity, uint64_t began_ms,
                                      uint64_t heard_ms);
void console_session_visit(console_session_visit_fn *visit, void *context);

#endif
