/* What of the watchdog timer has come to pass and is still to be done to the guest: the interrupt
 * before its end, the action at its end. It is done when it is on disk that it has come, so that a
 * daemon that is killed does not do it again. From then on until the chassis has it on disk, as a
 * power action of its own, it is stored as due, and done after a restart. If the disk refuses or
 * takes longer than WATCHDOG_STORE_MS it is done all the same, once, and stored when it can be; a
 * daemon that is killed before that finds the timer at its end again. */
#ifndef VBMC_BMC_WATCHDOG_DUE_H
#define VBMC_BMC_WATCHDOG_DUE_H

#include <stdint.h>

#include "vbmc/bmc/watchdog.h"

/* What has come waits so long for the disk. */
#define WATCHDOG_STORE_MS 80

/* For watchdog.c. */
/* The interrupt of a countdown has come, or its end with that action (WATCHDOG_ACTION_NONE too):
 * due to the guest as it is known now, and to be stored. */
void watchdog_due_interrupt(struct watchdog *watchdog);
void watchdog_due_end(struct watchdog *watchdog, enum watchdog_action action);
/* Stores what has been added, and then does it. */
void watchdog_due_store(struct watchdog *watchdog);
/* The guest may be seen again: does what has waited for that, unless the chassis has it on disk,
 * the guest is off, or it has been started again, or has moved, since. */
void watchdog_due_follow_guest(struct watchdog *watchdog);
void watchdog_due_tick(struct watchdog *watchdog);
/* UINT64_MAX: nothing is due at a time of its own. */
uint64_t watchdog_due_deadline(const struct watchdog *watchdog);

#endif
