/* The verbs about the daemon itself. */
#ifndef VBMC_VERBS_DAEMON_H
#define VBMC_VERBS_DAEMON_H

#include "vbmc/verbs/verb.h"

/* reload {}: reads the configuration again; {["notes": what of it is without effect]}.
 * status {}: {"version", "log", "bmcs", "running" (counts), "hypervisors": [{"name", "uri",
 * "state", "error"}], "notes"}. connect {}: {} with another connection to the daemon, for those who
 * were handed one and cannot open another. */
verbs_run verbs_reload, verbs_status, verbs_connect;

#endif
