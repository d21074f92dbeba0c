/* The verb "inject": what breaks in a server. */
#ifndef VBMC_VERBS_FAULTS_H
#define VBMC_VERBS_FAULTS_H

#include "vbmc/verbs/verb.h"

/* A change is answered when it is on disk.
 *
 * inject {"name"}: array of {"target", "kind", "since" (ISO 8601, UTC)}, in the order of injection.
 * inject {"name", "target", "kind"}: breaks it; {}. SERVICE_INJECT.
 * inject {"name", "clear": true [, "target" [, "kind"]]}: {"cleared": count}. The same level. */
verbs_run verbs_inject;

#endif
