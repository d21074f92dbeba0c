/* What the files of verbs share. */
#ifndef VBMC_VERBS_INTERNAL_H
#define VBMC_VERBS_INTERNAL_H

#include "vbmc/instance.h"
#include "vbmc/verbs.h"

typedef void verbs_run(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request);

/* The instance that the argument "name" means, if the asking account may know of it; NULL after an
 * error was answered. */
struct instance *verbs_named_instance(const struct verbs *verbs, struct json_object *arguments,
                                      struct control_request *request);

/* Answers that a higher level is needed. */
void verbs_refuse_privilege(struct control_request *request, enum privilege needed);

/* verbs_power.c: "on", "off", ... as the verb power prints it. */
const char *verbs_state_name(enum host_power_state state);
verbs_run verbs_power, verbs_bootdev, verbs_console;

/* verbs_guest.c, for a guest that hangs or has no console.
 *
 * add-serial {"name"}: {"text": from when on the guest has it}.
 * screenshot {"name"}: {"mime", "size"}, then frames of vbmc/console_frame.h: the picture as
 *     CONSOLE_OUTPUT, at the end CONSOLE_END.
 * dump {"name", "file"}: with progress, {"text": what was written}. It goes on when the
 *     client leaves. */
verbs_run verbs_add_serial, verbs_screenshot, verbs_dump;

/* verbs_fru.c
 *
 * fru {"name"}: [{"id", "device", "area", "field", "value"}].
 * fru {"name", "asset_tag"}: sets it. */
verbs_run verbs_fru;

#endif
