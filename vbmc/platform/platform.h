/* What makes a guest look like a server: takes the guest's figures and the facility's state, runs
 * the physics (vbmc/physics/), and feeds sensors, event log, inventory and DCMI with what follows.
 */
#ifndef VBMC_PLATFORM_PLATFORM_H
#define VBMC_PLATFORM_PLATFORM_H

#include <stdbool.h>
#include <stdint.h>

struct bmc;
struct facility;
struct platform;
struct server_settings;

/* `facility` outlives it. NULL if there is no memory. */
struct platform *platform_new(struct bmc *bmc, const struct facility *facility);
void platform_free(struct platform *platform);
void platform_configure(struct platform *platform, const struct server_settings *settings);
const struct server_settings *platform_settings(const struct platform *platform);

/* Lets the time since the last call pass. About once a second, unless the server is at rest. */
void platform_step(struct platform *platform);
/* At rest, all has settled, and nothing is under way: a step would change nothing. Until something
 * happens to the server, which is then awake, no time has to pass in it. */
bool platform_is_at_rest(const struct platform *platform);
/* `awake` is called when a server that was at rest is so no more. */
void platform_on_awake(struct platform *platform, void (*awake)(void *context), void *context);
/* Something may be different, up to now or (platform_wake_since) from that time on. What is told by
 * the listener or set by a function of the platform needs no such call. */
void platform_wake(struct platform *platform);
void platform_wake_since(struct platform *platform, uint64_t since_ms);
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
