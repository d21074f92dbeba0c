/* What Platform Event Filtering does about one event. */
#ifndef VBMC_BMC_PEF_ACT_H
#define VBMC_BMC_PEF_ACT_H

#include <stdint.h>

#include "vbmc/bmc/sel.h"

struct pef;

/* For pef.c, which has a log. Looks at the filters, acts on the guest and begins alerts, as they
 * say, and notes the event as processed by the BMC. */
void pef_act(struct pef *pef, const uint8_t record[SEL_RECORD_SIZE]);

#endif
