/* What makes a guest look like a server: takes the guest's figures and the facility's state, runs
 * the physics (vbmc/physics/), and feeds sensors, event log, inventory and DCMI with what follows.
 */
#ifndef VBMC_PLATFORM_PLATFORM_H
#define VBMC_PLATFORM_PLATFORM_H

struct bmc;
struct facility;
struct platform;
struct server_settings;

/* `facility` outlives it. NULL if there is no memory. */
struct platform *platform_new(struct bmc *bmc, const struct facility *facility);
void platform_free(struct platform *platform);
void platform_configure(struct platform *platform, const struct server_settings *settings);
const struct server_settings *platform_settings(const struct platform *platform);

/* Lets the time since the last call pass. About once a second. */
void platform_step(struct platform *platform);
/* For bmc->core.listener of a BMC that has a platform. */
extern const struct bmc_listener platform_listener;
/* There is another host_domain, or none: as the listener tells it. */
void platform_set_host(struct platform *platform);
/* A log-in to the BMC has failed. Of many only some an hour are logged, so that guessing does not
 * flush the log. */
void platform_note_login_failure(struct platform *platform);
/* The daemon has started. */
void platform_note_restart(struct platform *platform);
/* The guest's system has come up, as its console shows. */
void platform_note_boot_completed(struct platform *platform);

#endif
