/* Changes of single BMCs by an administrator (see also fleet.h). */
#ifndef VBMC_FLEET_CHANGES_H
#define VBMC_FLEET_CHANGES_H

#include "vbmc/fleet/fleet.h"

struct store_bmc;

/* Stores the record (which is copied) of a BMC that is added, then makes it, or makes it of a
 * discovered one. -EEXIST where one was added before. */
void fleet_add_record(struct fleet *fleet, const struct store_bmc *record, fleet_done_fn *done,
                      void *context);

#endif
