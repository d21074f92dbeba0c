/* The verb "audit": who did what. */
#ifndef VBMC_VERBS_AUDIT_H
#define VBMC_VERBS_AUDIT_H

#include "vbmc/verbs/verb.h"

/* audit {"name", "last": how many, "since": seconds since 1970}: records of the audit trail as
 * audit_json (vbmc/base/audit.h) makes them, oldest first. Without a name of all BMCs, also of
 * those that are gone, and of the daemon; a UUID finds those of a BMC that is gone. For
 * administrators. */
verbs_run verbs_audit;

#endif
