/* The verb "console": one client of the control socket on the console of one BMC. The connection
 * then speaks the frames of vbmc/console_frame.h, where the verb's arguments and result stand too.
 */
#ifndef VBMC_CONSOLE_SESSION_H
#define VBMC_CONSOLE_SESSION_H

#include <json-c/json.h>

struct control_request;
struct instance;

/* Answers the request, and if it can be granted takes the connection over until the client leaves
 * or the BMC goes. Who is no operator may look, not type. */
void console_session_start(struct instance *instance, struct json_object *arguments,
                           struct control_request *request);

#endif
