/* The way of a BMC's alerts to the network. */
#ifndef VBMC_INSTANCE_ALERTS_H
#define VBMC_INSTANCE_ALERTS_H

struct instance;

/* Has its alerts sent from the address at which it is asked, as long as it lives. */
void instance_connect_alerts(struct instance *instance);

#endif
