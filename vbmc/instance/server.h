/* What makes one BMC that of a server: sensors, inventory, DCMI and the physics behind them, with
 * their settings in the store. Loop thread. */
#ifndef VBMC_INSTANCE_SERVER_H
#define VBMC_INSTANCE_SERVER_H

#include "vbmc/bmc/bmc.h"
#include "vbmc/platform/platform.h"
#include "vbmc/store/store.h"

struct instance_server;

/* Gives the BMC its parts; bmc->sel is there already. NULL if there is no memory. */
struct instance_server *instance_server_new(struct bmc *bmc, struct store *store,
                                            const struct facility *facility);
/* Takes them away. NULL is allowed. */
void instance_server_free(struct instance_server *server);
/* Takes over a document of the store. */
void instance_server_restore(struct instance_server *server, const char *name, const char *text);
/* For bmc_hooks. */
void instance_server_save(struct instance_server *server, enum bmc_part part,
                          const struct bmc_ticket *ticket);

#endif
