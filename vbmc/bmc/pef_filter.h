/* Whether an event matches an event filter (IPMI 2.0, section 17.7, table 17-2). */
#ifndef VBMC_BMC_PEF_FILTER_H
#define VBMC_BMC_PEF_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/pef_settings.h"
#include "vbmc/bmc/sel.h"

/* The record is one of an event. An enabled filter matches if all it compares does: generator,
 * sensor type, sensor number and event trigger, each FFh for any; the offset in event data 1, by
 * the mask; and the three bytes of event data. The event trigger is compared with the whole byte
 * "event direction and type": 01h is the assertion of a threshold, 81h its deassertion. */
bool pef_filter_matches(const uint8_t filter[PEF_FILTER_SIZE],
                        const uint8_t record[SEL_RECORD_SIZE]);

#endif
