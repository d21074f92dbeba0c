/* What is left to do of a power action that is owed, by what the guest is like now. */
#ifndef VBMC_BMC_CHASSIS_REST_H
#define VBMC_BMC_CHASSIS_REST_H

#include <stdbool.h>

#include "vbmc/host/host.h"

struct chassis;
struct chassis_action;

/* For chassis_power.c, of a guest whose state is known. */
/* Whether something is left, and which action that is. One that was not begun is still to be done,
 * and decided when its turn comes, except for a diagnostic interrupt: who asked for it wanted to
 * see that moment. A reset, a soft shutdown or an interrupt that may have been done is not
 * repeated. A guest that we left paused on its way up goes on whenever it is found. `*reason`: why
 * it has failed instead, a static string; else NULL. */
bool chassis_is_left(const struct chassis *chassis, const struct chassis_action *owed,
                     enum host_power_action *action, const char **reason);

/* Whether the BMC wanted that by itself, and of a guest that has been started again, or has moved,
 * since: what is there now has given no cause for it. */
bool chassis_is_of_another_run(const struct chassis *chassis, const struct chassis_action *action);

#endif
