/* The verb "lan": the LAN channel of one BMC as clients have set it. */
#ifndef VBMC_VERBS_LAN_H
#define VBMC_VERBS_LAN_H

#include "vbmc/verbs/verb.h"

struct bmc;
struct json_object;

/* lan {"name"}: {"address", "netmask", "mac_address", "gateway", "access", "access_at_start",
 * "privilege_limit", "cipher_suites", "lock_out", "locked_out"}.
 * lan {"name", "reset": true}: what it was before any client set it; administrators. */
verbs_run verbs_lan;

/* Adds "locked_out": "admin (another 250 s), bob (until enabled)", for who may see accounts
 * (SERVICE_USERS_VIEW); nothing if nobody is. */
void verbs_add_locked_out(struct json_object *result, struct control_request *request,
                          const struct bmc *bmc);

#endif
