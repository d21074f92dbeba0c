/* The serial console of one BMC: the hub, with the guest's serial port behind it whichever way that
 * is reached, the notices of what happens to the guest, and the list of who is there. Loop thread.
 *
 * The hub exists as long as the BMC. The serial port is looked up in the running domain's XML each
 * time the guest starts, and opened: always, or (console = on-demand) while somebody is there. */
#ifndef VBMC_CONSOLE_CONSOLE_H
#define VBMC_CONSOLE_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "vbmc/host/host.h"

struct config;
struct config_declared;
struct console;
struct hypervisor;
struct uuid;
struct virt_domain;

/* `state_dir` is where the history is kept. NULL if there is no memory. */
struct console *console_new(uv_loop_t *loop, const char *state_dir, const struct uuid *uuid);
/* Readers and writers of the hub are told that it is gone. NULL is allowed. */
void console_free(struct console *console);

/* Removes the history of a domain whose BMC is forgotten. */
void console_forget(const char *state_dir, const struct uuid *uuid);

/* What the configuration says for this domain, and `declared` for what it does not. The size of the
 * history is that of the first call. 0 or -ENOMEM. */
int console_configure(struct console *console, const struct config *config, const char *name,
                      const struct uuid *uuid, const struct config_declared *declared);
/* The domain appeared or (NULL) went. Where the guest ran on one hypervisor and another's copy of
 * it takes the place, it has moved: readers are told, and what may be missing. */
void console_set_domain(struct console *console, struct virt_domain *domain);
/* Another hypervisor has a copy of the guest, in this state: one that is on may be what the guest
 * is moving to. Only while the guest runs. */
void console_expect(struct console *console, struct virt_domain *copy);
/* That copy is about to be freed; or all of that hypervisor. */
void console_lose_copy(struct console *console, const struct virt_domain *copy);
void console_lose_hypervisor(struct console *console, const struct hypervisor *hypervisor);
/* The driver's events, in the order they happened. */
void console_host_event(struct console *console, enum host_event event);

/* NULL before the first console_configure. */
struct hub *console_hub(struct console *console);
/* Lines of history that a new client is shown first. */
unsigned console_replay_lines(const struct console *console);
/* Where the bytes come from, or why they do not; one line. */
const char *console_source(const struct console *console);

/* Why the running guest has no console for as long as it runs: its domain has no serial port, not
 * the one that the configuration names, or one of a type that cannot be opened. One line; NULL
 * while that is not so, or not known. */
const char *console_problem(const struct console *console);
/* True while the serial port of the running guest is being looked for or connected to. */
bool console_is_opening(const struct console *console);
/* Looks for the running guest's serial port now, if it is not open: one may have been added. With
 * on-demand and nobody there it is not opened, but console_problem is as of now. */
void console_look_again(struct console *console);

/* Sends a break to the guest's UART, for magic SysRq. 0, and `done` runs exactly once, perhaps
 * before this returns, with -ENODEV if the domain goes before; or, with `done` never called,
 * -ENOTCONN when the guest is off or has no serial port, -ENOTSUP, -EBUSY while too many are still
 * to be answered, or -ENOMEM. */
int console_send_break(struct console *console, host_done_fn *done, void *context);

/* ---- who is there ---- */

struct console_user;

#define CONSOLE_WHO_SIZE 104

/* Somebody opens the console, as `who` ("admin by SSH from 192.0.2.1"); the others are told. With
 * on-demand the serial port is open from the first to the last. NULL if there is no memory. */
struct console_user *console_join(struct console *console, const char *who);
/* NULL is allowed; so is a person whose console is gone. */
void console_leave(struct console_user *person);
/* Who is there, except `person` (NULL: nobody excepted), separated by commas; "" for nobody. */
void console_people(const struct console *console, const struct console_user *person, char *text,
                    size_t size);

#endif
