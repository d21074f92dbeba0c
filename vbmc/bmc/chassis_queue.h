/* The power actions that wait or are owed, as struct chassis has them. Nothing here begins one. */
#ifndef VBMC_BMC_CHASSIS_QUEUE_H
#define VBMC_BMC_CHASSIS_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/chassis.h"

/* Whether an action that may start the guest is under way. */
bool chassis_is_starting(const struct chassis *chassis);

/* For BMC_PART_OWED and for the start of the daemon: what is to be stored, owed before queued.
 * Returns how many there are, at most CHASSIS_RECORDS_MAX. */
unsigned chassis_list_owed(const struct chassis *chassis,
                           struct chassis_action records[CHASSIS_RECORDS_MAX]);

/* For chassis.c and chassis_power.c. */
/* The guest is on: power up is answered. What is left of it (its boot device) goes on. */
void chassis_accept_power_up(struct chassis *chassis);
/* One more at the end of the queue, which is not full, to be filled. NULL: no memory. */
struct chassis_action *chassis_add_queued(struct chassis *chassis);
/* When who waits for it is told that it is not stored; UINT64_MAX: not for that. */
uint64_t chassis_unstored_deadline(const struct chassis_action *action);
/* Accepted, and the hypervisor was lost on the way: goes on when it is back. False if there are too
 * many. */
bool chassis_keep_owed(struct chassis *chassis, const struct chassis_action *action);
/* When the action at the head starts although the store does not have it yet. UINT64_MAX: it has
 * started, or does not. */
uint64_t chassis_start_by_ms(const struct chassis *chassis);

/* For bmc.c: the time by which chassis_tick is due. */
uint64_t chassis_next_deadline(const struct chassis *chassis);

#endif
