/* Which of many to give up when there is no room for one more: of the network that holds most,
 * there of the smaller one and so on down to the source (IPv6: /48, /56, /64; IPv4: the address),
 * and there of the port that holds most, the oldest; where these are several, one of a source from
 * which nobody has logged in of late. So who takes all of a table takes it from
 * himself, and a flood that bears somebody else's address still has to find his port. */
#ifndef VBMC_RMCP_CROWD_H
#define VBMC_RMCP_CROWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

union endpoint_address;

#define CROWD_MAX  512
#define CROWD_FREE UINT64_MAX /* as the order: nobody is at this place */

enum crowd_level {
    CROWD_SITE, /* /48, what a customer of a provider often has */
    CROWD_LINK, /* /56 */
    CROWD_SOURCE,
    CROWD_ENDPOINT, /* the source with the port */
    CROWD_LEVELS
};

struct crowd_member {
    uint64_t levels[CROWD_LEVELS]; /* hashes, so that nobody outside can foresee them */
    uint64_t order;                /* of arrival */
    bool is_known; /* somebody has logged in from there of late; set by the caller */
};

struct crowd_member crowd_member(const union endpoint_address *remote, uint64_t key,
                                 uint64_t order);

/* The index of the one to give up; `count`, which is at most CROWD_MAX, if there is none. */
size_t crowd_choose(const struct crowd_member *members, size_t count);

#endif
