/* The serial port of a guest's copy on another hypervisor, to which the guest may be about to
 * move: joined while the copy still waits for it, since what a guest says while nobody is connected
 * is lost. What comes is kept until the port is taken over. Loop thread. */
#ifndef VBMC_CONSOLE_STANDBY_H
#define VBMC_CONSOLE_STANDBY_H

#include <stdbool.h>

#include <uv.h>

struct console_standby;
struct stream;
struct virt_domain;

/* More than a guest says in the moment between its first word there and our knowing. */
#define CONSOLE_STANDBY_MAX ((size_t)256 * 1024)

/* Looks the port of that alias up (NULL: the first) and connects to it, again and again if need be.
 * The domain must be there until console_standby_free or _take. NULL if there is no memory. */
struct console_standby *console_standby_new(uv_loop_t *loop, struct virt_domain *domain,
                                            const char *alias);
/* NULL is allowed. */
void console_standby_free(struct console_standby *standby);

struct virt_domain *console_standby_domain(const struct console_standby *standby);
/* True if it was connected before the guest ran there, and has kept all that came since. */
bool console_standby_is_whole(const struct console_standby *standby);

/* The port as a stream, which reports first what was kept. The standby is gone. *alias, that of the
 * port, is to be freed and may be NULL. NULL if no port was found yet. */
struct stream *console_standby_take(struct console_standby *standby, char **alias);
/* `former`, the stream that the guest had up to now, becomes that stream's, which is opened: what
 * it still holds is reported before what was kept, until it ends, for a second at most. */
void console_standby_drain(struct stream *stream, struct stream *former);

#endif
