/* BMCs of earlier runs. */
#ifndef VBMC_FLEET_LOAD_H
#define VBMC_FLEET_LOAD_H

#include <stdbool.h>
#include <stddef.h>

struct fleet;
struct store_bmc;

/* Brings up those that are not there yet; they answer before their hypervisors are connected. 0, or
 * a negative error with its text. */
int fleet_load_bmcs(struct fleet *fleet, char *error, size_t size);
/* Whether the configuration lets the BMC of that record be. */
bool fleet_wants_record(const struct fleet *fleet, const struct store_bmc *record);

#endif
