/* SEL records in words, for `vbmc sel`. */
#ifndef VBMC_VERBS_SEL_TEXT_H
#define VBMC_VERBS_SEL_TEXT_H

#include <stdint.h>

#include "vbmc/bmc/sel.h"

struct sensors;

/* {"id", "time", "generator", "type", "sensor", "event", "direction", "severity", "raw"}: time in
 * ISO 8601, null if it is not known; severity "ok", "warning" or "critical"; raw in hexadecimal.
 * `sensors` gives names and units and may be NULL. To be put by the caller. */
struct json_object *sel_text_row(const struct sensors *sensors,
                                 const uint8_t record[SEL_RECORD_SIZE]);

#endif
