/* What makes one BMC that of a server: sensors, inventory, DCMI and the physics behind them. Loop
 * thread. */
#ifndef VBMC_INSTANCE_SERVER_H
#define VBMC_INSTANCE_SERVER_H

struct bmc;
struct facility;

/* Gives the BMC its parts; bmc->sel is there already. 0, or -ENOMEM: what is there has to be
 * detached. */
int instance_server_attach(struct bmc *bmc, const struct facility *facility);
/* Takes away those that are there. */
void instance_server_detach(struct bmc *bmc);

#endif
