/* Power actions of a chassis: their order, when they are answered, and what of them is owed. */
#ifndef VBMC_BMC_CHASSIS_POWER_H
#define VBMC_BMC_CHASSIS_POWER_H

#include <stdint.h>

#include "vbmc/bmc/chassis.h"
#include "vbmc/host/host.h"

struct bmc_ticket;

/* Queues a power action for a session (0: nobody's) and finishes the ticket when it is done, or as
 * accepted after BMC_ANSWER_WITHIN_MS (power up: when the guest is on, after
 * BMC_ANSWER_UP_WITHIN_MS at the latest), but not before the store has it: what was accepted is
 * finished or undone after a restart of the daemon. What the guest's state allows is decided when
 * the action's turn comes: "off, on" in quick succession ends with a running guest. The newest
 * action asked for again by the same session before it is done is its repeat and starts nothing
 * (FreeIPMI repeats under a new rqSeq). Results: 0, -EHOSTUNREACH, -EINVAL (not possible while the
 * guest is off), -EBUSY (the queue is full, or neither the store nor its turn has come to it),
 * -EIO; -ENOSPC and the like where an action of several steps could not be stored; -ETIMEDOUT: it
 * is not stored, and the driver has not finished it. */
void chassis_control(struct chassis *chassis, enum host_power_action action, uint32_t session,
                     const struct bmc_ticket *ticket);
/* The same for the guest itself. What ends it (power down, cycle, hard reset) is answered as
 * accepted when the store has it, and begins CHASSIS_ANSWER_FIRST_MS later: its system sees the
 * answer. If the store takes longer than CHASSIS_ANSWER_STORE_MS, by when QEMU is about to answer
 * for the BMC, it begins unanswered. */
#define CHASSIS_ANSWER_FIRST_MS 1000
#define CHASSIS_ANSWER_STORE_MS 3500
void chassis_control_from_within(struct chassis *chassis, enum host_power_action action,
                                 const struct bmc_ticket *ticket);
/* An action that the BMC takes by itself, for that cause (Get System Restart Cause). It starts when
 * the store has it, or refuses it, after CHASSIS_OWN_STORE_MS at the latest, and is as good as an
 * accepted one of a client: it is finished after a restart of the daemon, and goes on when a lost
 * hypervisor is back; but a reset or an interrupt that may have been done is not repeated, and
 * nothing is done to a guest that has been started again, or has moved, before its turn came; the
 * log says so. One that fails, or that finds the queue full, is a control fault, in log and SEL.
 * The ticket (NULL: nobody waits) is finished when the store has the action, or when that is over
 * before; of one that is owed by then also with the error for which the store does not have it. */
void chassis_act(struct chassis *chassis, enum host_power_action action, enum restart_cause cause,
                 const struct bmc_ticket *ticket);
/* The same, to power up because power is back: for Get System Restart Cause it is the policy's. */
void chassis_restore_power(struct chassis *chassis, const struct bmc_ticket *ticket);

/* An action that the store knows; what does not fit is reported as failed. */
void chassis_restore_owed(struct chassis *chassis, const struct chassis_action *record);
/* Ends for good what is owed or waits: it can never be carried out, as `reason` says. Reported in
 * log and SEL. What the driver has begun goes on there. */
void chassis_give_up(struct chassis *chassis, const char *reason);

/* For bmc.c. */
void chassis_tick(struct chassis *chassis);
/* Before the guest is `next` (NULL: unknown). */
void chassis_cancel(struct chassis *chassis, const struct host_domain *next);
/* Finishes what is owed, as soon as the guest's state is known. */
void chassis_resume_owed(struct chassis *chassis);

#endif
