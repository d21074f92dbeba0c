/* Serial over LAN of one BMC: its configuration and who may use it, kept in the store; the one
 * instance that can be active; and the sessions of the LAN that come and go under it. Serves the
 * payload commands (struct bmc_payload_ops) and the server's session events. Loop thread. */
#ifndef VBMC_CONSOLE_SOL_H
#define VBMC_CONSOLE_SOL_H

#include <stdint.h>

#include "vbmc/host/host.h"
#include "vbmc/rmcp/server.h"

/* Who has lost the console to another session has this long to end by itself; then its session is
 * closed. ipmitool ignores the notice and would sit before a dead console until a key is
 * pressed; ipmiconsole ends at once. */
#define CONSOLE_SOL_GRACE_MS 5000

struct bmc;
struct console;
struct console_sol;
struct rmcp_server;
struct saves;
struct store_sol;

/* Of the server's configuration; the context is the struct console_sol. */
extern const struct rmcp_session_events console_sol_events;

/* Gives the bmc its payload operations. What clients set goes to the disk with `saves` (may be NULL
 * for lack of memory), which has to be flushed before the end. NULL if there is no memory. */
struct console_sol *console_sol_new(struct bmc *bmc, struct saves *saves);
/* Ends what is active without a word (console_sol_end says it) and takes the operations back; bmc,
 * server and console are not used any more. NULL is allowed. */
void console_sol_free(struct console_sol *sol);

/* Where payloads go to and come from; needed before anything can be activated. */
void console_sol_connect(struct console_sol *sol, struct rmcp_server *rmcp,
                         struct console *console);
/* The UDP port at which clients reach the BMC. */
void console_sol_set_port(struct console_sol *sol, uint16_t port);
/* What an earlier run stored. Values that cannot be are left out, with a word in the log. */
void console_sol_restore(struct console_sol *sol, const struct store_sol *stored);

/* Takes the console from the session that has it, and tells it so. */
void console_sol_end(struct console_sol *sol);

/* The guest's events: "set in progress" ends at a reset and when it is off. */
void console_sol_host_event(struct console_sol *sol, enum host_event event);

/* The BMC starts again: what is volatile falls back. Its sessions have ended. */
void console_sol_restart(struct console_sol *sol);

void console_sol_tick(struct console_sol *sol, uint64_t now_ms);
/* When console_sol_tick has something to do; UINT64_MAX if it has not. */
uint64_t console_sol_next_deadline(const struct console_sol *sol);

#endif
