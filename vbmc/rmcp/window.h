/* Which session sequence numbers of the other side were seen (IPMI 2.0, section 6.12.13). */
#ifndef VBMC_RMCP_WINDOW_H
#define VBMC_RMCP_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#define WINDOW_BELOW 16    /* this far below the highest a number is still taken, once */
#define WINDOW_ABOVE 32768 /* this far above: many packets may have been lost, none forged */

struct window {
    bool started; /* false: any number but 0 will be the base */
    uint32_t highest;
    uint32_t seen; /* bit n: highest - n was seen */
};

/* True if the number is new and within reach; 0 never is. Changes nothing. */
bool window_accepts(const struct window *window, uint32_t sequence);
/* Remembers an accepted number. Only call it for a packet that proved genuine. */
void window_commit(struct window *window, uint32_t sequence);

#endif
