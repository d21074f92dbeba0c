/* What the state of the guest says of a power action, and which kind of action it is. */
#ifndef VBMC_BMC_CHASSIS_DECIDE_H
#define VBMC_BMC_CHASSIS_DECIDE_H

#include <stdbool.h>

#include "vbmc/host/host.h"

struct chassis;
struct chassis_action;

/* For chassis_power.c. */
/* What the state of the guest, and of its supplies, decides: 1 if the action has to be carried out,
 * else the result. Power up of a running and power down of a stopped guest succeed without doing
 * anything. */
int chassis_decide(const struct chassis *chassis, enum host_power_action action);
/* Between which the guest is off or paused. */
bool chassis_has_several_steps(const struct chassis *chassis, enum host_power_action action);
/* Between its steps the guest would be off, or paused for its boot override. */
bool chassis_needs_store(const struct chassis *chassis, enum host_power_action action);
/* Was promised, and still means something when the hypervisor or the daemon is back: a diagnostic
 * interrupt is of the moment, and a soft shutdown or a reset that has begun may have been done. */
bool chassis_outlives_a_loss(const struct chassis_action *action);

#endif
