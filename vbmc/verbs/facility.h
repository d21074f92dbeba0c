/* The verb "facility": what the servers stand in, its power and its cooling. */
#ifndef VBMC_VERBS_FACILITY_H
#define VBMC_VERBS_FACILITY_H

#include "vbmc/verbs/verb.h"

/* A change is answered when it is on disk.
 *
 * facility {}: {"feeds": [{"feed": "A", "state": "up|down"}], "utility": "ok|lost",
 *     "ups": "line|battery|none", "battery_percent" (0..100; null without UPS),
 *     "generator": "standby|starting|running|failed|none", "crac": "ok|failed", "inlet" (C),
 *     "servers": [{"domain_name", "redundancy": "2N", "feeds": "A B",
 *         "supply": "full|degraded|redundancy lost|non-redundant|insufficient", "power"}]}, with
 *     those servers that the account may know of. A feed is down, too, when it has no power.
 * facility {"item", "which" (of a feed), "state"}: changes it, see facility_set; {}.
 *     SERVICE_FACILITY.
 * facility {"clear": true}: all as it should be; {}. The same. */
verbs_run verbs_facility;

#endif
