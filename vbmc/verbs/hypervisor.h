/* The verb "hypervisor": what administrators are told of the hypervisors, and what they say. */
#ifndef VBMC_VERBS_HYPERVISOR_H
#define VBMC_VERBS_HYPERVISOR_H

#include "vbmc/verbs/verb.h"

/* hypervisor {}: [{"name", "uri", "state" ("connected", "disconnected", "declared dead",
 * "removed"), "error", "waiting" (BMCs that answer busy until it is connected)}]. hypervisor
 * {"name", "action": "declare-dead"}: releases its guests; {"text": which}. */
verbs_run verbs_hypervisor;

#endif
