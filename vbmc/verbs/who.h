/* The verb "who": who is logged in, by IPMI, by SSH, and on the consoles. */
#ifndef VBMC_VERBS_WHO_H
#define VBMC_VERBS_WHO_H

#include "vbmc/verbs/verb.h"

/* who {} or {"name"}: a list of {"domain_name" (null: of all BMCs), "type" ("IPMI", "SOL", "SSH",
 *     "console"), "user", "address" ("": this machine), "privilege", "since" (ISO 8601, UTC),
 *     "idle" (seconds without a packet, a command or a key)}, of the BMCs that the account may
 *     know of. */
verbs_run verbs_who;

#endif
