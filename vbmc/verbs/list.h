/* The verbs "list" and "show": BMCs, where they are, and what is to be said of each. */
#ifndef VBMC_VERBS_LIST_H
#define VBMC_VERBS_LIST_H

#include "vbmc/verbs/verb.h"

struct instance;

/* list {["power": true], ["select": true]}: a list of {"domain_name", "status", "address", "port",
 * "power", "note"}; "power" is left out with compat = openstack unless asked for, "note" if there
 * is nothing to note. With "select" it has what selection.h adds.
 * show {"name"}: one BMC, with its tags and what health.h, placement.h and power.h add. */
verbs_run verbs_list, verbs_show;

/* "running", "down" (stopped by an administrator) or "error" (it does not listen). */
const char *verbs_status_of(struct instance *instance);

#endif
