/* Serial over LAN of one BMC: its configuration and who may use it, kept in the store; the one
 * instance that can be active; and the sessions of the LAN that come and go under it. Serves the
 * payload commands (struct bmc_payload_ops) and the server's session events. Loop thread. */
#ifndef VBMC_CONSOLE_SOL_H
#define VBMC_CONSOLE_SOL_H

#include <stdint.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/console/console.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/store/sol.h"
#include "vbmc/store/store.h"

/* Who has lost the console to another session has this long to end by itself; then its session is
 * closed. ipmitool does not heed the news and would sit before a dead console until a key is
 * pressed; ipmiconsole ends at once. */
#define INSTANCE_SOL_GRACE_MS 5000

struct instance_sol;

/* Of the server's configuration; the context is the struct instance_sol. */
extern const struct rmcp_session_events instance_sol_events;

/* Gives the bmc its payload operations. NULL if there is no memory. */
struct instance_sol *instance_sol_new(struct bmc *bmc, struct store *store);
/* Ends what is active without a word (instance_sol_end says it) and takes the operations back; bmc,
 * server and console are not used any more. NULL is allowed. */
void instance_sol_free(struct instance_sol *sol);

/* Where payloads go to and come from; needed before anything can be activated. */
void instance_sol_connect(struct instance_sol *sol, struct rmcp_server *rmcp,
                          struct instance_console *console);
/* The UDP port at which clients reach the BMC. */
void instance_sol_set_port(struct instance_sol *sol, uint16_t port);
/* What an earlier run stored. Values that cannot be are left out, with a word in the log. */
void instance_sol_restore(struct instance_sol *sol, const struct store_sol *stored);

/* Takes the console from whoever has it, and says so to him. */
void instance_sol_end(struct instance_sol *sol);

/* The guest's events: "set in progress" ends at a reset and when it is off. */
void instance_sol_host_event(struct instance_sol *sol, enum host_event event);

void instance_sol_tick(struct instance_sol *sol, uint64_t now_ms);
/* When instance_sol_tick has something to do; UINT64_MAX if it has not. */
uint64_t instance_sol_next_deadline(const struct instance_sol *sol);

#endif
