/* What the fleet reports of itself. */
#ifndef VBMC_FLEET_WATCH_H
#define VBMC_FLEET_WATCH_H

struct fleet;

/* Calls the watcher (fleet_watch): BMCs have changed. */
void fleet_notify_changed(struct fleet *fleet);
/* The same of accounts, for struct instance_shared. */
void fleet_note_users(void *fleet, const char *ssh);
/* A store_done_fn for a save that no client waits for: failures go to the log. */
void fleet_report_store(void *context, int result);

#endif
