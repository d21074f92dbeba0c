/* One BMC follows the configuration. */
#ifndef VBMC_INSTANCE_CONFIGURE_H
#define VBMC_INSTANCE_CONFIGURE_H

struct config;
struct instance;

/* Replaces users, channel and time-out; sessions that are no longer valid end. A record with a user
 * of its own (`vbmc add --username`) has that one alone. */
void instance_configure(struct instance *instance, const struct config *config);

#endif
