/* The verbs "inject" and "facility": what breaks in a server and in the room around it. */
#ifndef VBMC_VERBS_ROOM_H
#define VBMC_VERBS_ROOM_H

#include "vbmc/verbs/verb.h"

/* A change is answered when it is on disk.
 *
 * inject {"name"}: array of {"target", "kind", "since" (ISO 8601, UTC)}, in the order of injection.
 * inject {"name", "target", "kind"}: breaks it; {}. Administrators.
 * inject {"name", "clear": true [, "target" [, "kind"]]}: {"cleared": count}. Administrators.
 * facility {}: {"feeds": [{"feed": "A", "state": "up|down"}], "utility": "ok|lost",
 *     "ups": "line|battery|none", "battery_percent" (0..100; null without UPS),
 *     "generator": "standby|starting|running|failed|none", "crac": "ok|failed", "inlet" (C),
 *     "servers": [{"domain_name", "redundancy": "2N", "feeds": "A B",
 *         "supply": "full|degraded|redundancy lost|non-redundant|insufficient", "power"}]}, with
 *     those servers that the account may know of. A feed is down, too, when it has no power.
 * facility {"item", "which" (of a feed), "state"}: changes it, see facility_set; {}. Administrators
 *     of all BMCs.
 * facility {"clear": true}: all as it should be; {}. The same. */
verbs_run verbs_inject, verbs_facility;

#endif
