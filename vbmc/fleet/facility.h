/* The facility of all servers: it and they are stepped once a second. */
#ifndef VBMC_FLEET_FACILITY_H
#define VBMC_FLEET_FACILITY_H

#include <stddef.h>

struct fleet;

/* Makes it as it is configured, with its timer not yet running. */
void fleet_init_facility(struct fleet *fleet);
/* Takes over what is stored of it. 0, or a negative error with its text. */
int fleet_load_facility(struct fleet *fleet, char *error, size_t size);
void fleet_run_facility(struct fleet *fleet);
void fleet_stop_facility(struct fleet *fleet);
/* Memory was used for a moment that is not needed any more: it is given back in some seconds. */
void fleet_trim_soon(struct fleet *fleet);
/* Follows the configuration. */
void fleet_configure_facility(struct fleet *fleet);

#endif
