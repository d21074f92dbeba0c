/* What the fleet reports of itself. */
#ifndef VBMC_FLEET_WATCH_H
#define VBMC_FLEET_WATCH_H

#include "vbmc/fleet/internal.h"

/* Tells the watcher (fleet_watch) that BMCs have changed. */
void fleet_tell_changed(struct fleet *fleet);
/* A store_done_fn for what nobody waits for: failures go to the log. */
void fleet_report_store(void *context, int result);

#endif
