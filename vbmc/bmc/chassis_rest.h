/* What is left to do of a power action that is owed, by what the guest is like now. */
#ifndef VBMC_BMC_CHASSIS_REST_H
#define VBMC_BMC_CHASSIS_REST_H

#include <stdbool.h>

#include "vbmc/host/host.h"

struct chassis;
struct chassis_action;

/* For chassis_power.c, of a guest whose state is known: whether something is left, and which action
 * that is. One that was not begun is decided when its turn comes. What is of the moment is not
 * repeated. A guest that we left paused on its way up goes on whenever it is found. `*reason`: why
 * it has failed instead, a static string; else NULL. */
bool chassis_is_left(const struct chassis *chassis, const struct chassis_action *owed,
                     enum host_power_action *action, const char **reason);

#endif
