/* The postpone timer and the startup delays of Platform Event Filtering (IPMI 2.0, sections 17.3,
 * 17.4 and 30.2), for pef.c. They belong to one run of the guest: its end and its reset end them,
 * and so does, after a start of the daemon, the first look at a guest in another run.
 *
 * What they change of what is stored they note in has_changed; the caller reports it, and releases
 * what is held. */
#ifndef VBMC_BMC_PEF_TIMERS_H
#define VBMC_BMC_PEF_TIMERS_H

#include <stdint.h>

struct pef;

/* The timer is armed (0: disarmed) by a client; it does not count yet. */
void pef_timers_arm(struct pef *pef, uint8_t seconds);
/* It counts from now on, if it is armed with a countdown that has not begun. */
void pef_timers_count(struct pef *pef);
void pef_timers_disarm(struct pef *pef);
/* The guest starts: the delays begin. */
void pef_timers_start_up(struct pef *pef);
/* The guest's state is another, or is known now. */
void pef_timers_follow_guest(struct pef *pef);
/* What has ended by now. */
void pef_timers_tick(struct pef *pef);

#endif
