/* Verbs for a guest that hangs or has no console. */
#ifndef VBMC_VERBS_GUEST_H
#define VBMC_VERBS_GUEST_H

#include "vbmc/verbs/verb.h"

/* add-serial {"name"}: {"text": from when on the guest has it}.
 * screenshot {"name"}: {"mime", "size"}, then frames of vbmc/control/console_frame.h: the picture
 * as CONSOLE_OUTPUT, at the end CONSOLE_END. dump {"name", "file"}: with progress, {"text": what
 * was written}. It goes on when the client leaves. */
verbs_run verbs_add_serial, verbs_screenshot, verbs_dump;

#endif
