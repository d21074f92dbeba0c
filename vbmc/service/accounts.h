/* Accounts of vbmc.conf that have logged in by the SSH address of all BMCs. What they may do on one
 * of them is decided by that BMC's own accounts (vbmc/bmc/users.h), as at its own address. */
#ifndef VBMC_SERVICE_ACCOUNTS_H
#define VBMC_SERVICE_ACCOUNTS_H

#include <stdbool.h>

#include "vbmc/bmc/privilege.h"

struct bmc;
struct caller;

/* The level that the caller has on that BMC: its own, but of such an account at most that of the
 * BMC's account and of its channel. PRIVILEGE_NONE: on the BMC the account is disabled, has another
 * name, no level, or a password that is not the one that the caller knows (who logged in by key
 * needs none). A BMC with an account of its own instead of those of vbmc.conf (`vbmc add`) has none
 * of theirs to change. */
enum privilege service_level_on(const struct caller *caller, const struct bmc *bmc);

/* Whether the BMC has locked such an account out (IPMI 2.0, section 23.2, parameter 26): it begins
 * nothing there for now. service_call refuses it every operation there, and the verbs refuse what
 * only reads. What began before goes on, as sessions of IPMI and those at the BMC's own address do:
 * a console that is open shows what comes, and takes what is typed, but no BREAK and no NMI. */
bool service_is_locked_out(const struct caller *caller, const struct bmc *bmc);

#endif
