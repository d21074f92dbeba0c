/* Connects to hypervisors. */
#ifndef VBMC_FLEET_CONNECT_H
#define VBMC_FLEET_CONNECT_H

#include <stdbool.h>

struct fleet;
struct hypervisor_settings;

/* The connection to the hypervisor of that URI, begun if it is new. NULL if there is no memory. */
struct fleet_connection *fleet_connect(struct fleet *fleet,
                                       const struct hypervisor_settings *settings, bool configured);
/* Those that the configuration or an OpenStack set-up names. */
void fleet_start_hypervisors(struct fleet *fleet);
/* Those that stood by report their domains from now on. */
void fleet_begin_hypervisors(struct fleet *fleet);

#endif
