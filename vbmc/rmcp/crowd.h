/* Which of many to give up when there is no room for one more: of the source that holds most, and
 * there of the port that holds most, the oldest. So who takes all of a table takes it from himself,
 * and a flood that bears somebody else's address still has to find his port. */
#ifndef VBMC_RMCP_CROWD_H
#define VBMC_RMCP_CROWD_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"

#define CROWD_MAX  512
#define CROWD_FREE UINT64_MAX /* as the order: nobody is at this place */

struct crowd_member {
    uint64_t source;   /* endpoint_source_hash, so that nobody outside can foresee it */
    uint64_t endpoint; /* the same with the port */
    uint64_t order;    /* of arrival */
};

struct crowd_member crowd_member(const union endpoint_address *remote, uint64_t key,
                                 uint64_t order);

/* The index of the one to give up; `count`, which is at most CROWD_MAX, if there is none. */
size_t crowd_choose(const struct crowd_member *members, size_t count);

#endif
