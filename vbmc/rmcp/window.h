/* Which session sequence numbers of the other side were seen (IPMI 2.0, sections 6.12.12 and
 * 6.12.13). */
#ifndef VBMC_RMCP_WINDOW_H
#define VBMC_RMCP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* RMCP+: where it starts is not known. */
#define WINDOW_BELOW 16    /* this far below the highest a number is still taken, once */
#define WINDOW_ABOVE 32768 /* this far above: many packets may have been lost, none forged */
/* IPMI 1.5: the first number is agreed on. */
#define WINDOW_LAN15 8 /* below and above (section 6.12.12) */

struct window {
    bool started;          /* false: any number but 0 will be the base */
    uint32_t below, above; /* how far a number may be from the highest; below is at most 31 */
    uint32_t highest;
    uint32_t seen; /* bit n: highest - n was seen */
};

/* The window of a session of RMCP+, which any number starts. */
struct window window_rmcpplus(void);
/* The window of a session of IPMI 1.5 whose first number, which is not 0, is to come. */
struct window window_lan15(uint32_t first);

/* True if the number is new and within reach; 0 never is. Changes nothing. */
bool window_accepts(const struct window *window, uint32_t sequence);
/* Remembers an accepted number. Only call it for a packet that proved genuine. */
void window_commit(struct window *window, uint32_t sequence);

#endif
