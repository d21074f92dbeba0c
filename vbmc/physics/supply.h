/* The power supplies of a server: which of them deliver, whether that is enough, and what is left
 * of the redundancy. Pure.
 *
 * `needed` PSUs carry the server (N). The policies N, N+1, 2N and 2N+1 say how many are built in;
 * they are on the feeds A and B in turn unless the configuration says otherwise. */
#ifndef VBMC_PHYSICS_SUPPLY_H
#define VBMC_PHYSICS_SUPPLY_H

#include <stdbool.h>
#include <stdint.h>

#define SUPPLY_PSUS_MAX  6
#define SUPPLY_FEEDS_MAX 4

enum supply_redundancy {
    SUPPLY_N,
    SUPPLY_N_PLUS_1,
    SUPPLY_2N,
    SUPPLY_2N_PLUS_1,
};

/* "N", "N+1", "2N", "2N+1". */
const char *supply_redundancy_name(enum supply_redundancy redundancy);
/* 0, or -EINVAL. Any case. */
int supply_redundancy_parse(const char *text, enum supply_redundancy *redundancy);

struct supply_layout {
    enum supply_redundancy redundancy;
    unsigned needed;                /* N: 1..2 */
    unsigned feed_count;            /* of the `feeds` given: PSU n is on feeds[n % feed_count] */
    uint8_t feeds[SUPPLY_PSUS_MAX]; /* 0 is A */
};

/* 2N on A and B, N = 1. */
void supply_layout_set_defaults(struct supply_layout *layout);
/* PSUs built in. */
unsigned supply_psu_count(const struct supply_layout *layout);
/* Feed of the PSU (from 0). */
unsigned supply_psu_feed(const struct supply_layout *layout, unsigned psu);

enum supply_psu_fault { /* bits */
                        SUPPLY_PSU_AC_LOST = 1,
                        SUPPLY_PSU_FAILED = 2,
                        SUPPLY_PSU_REMOVED = 4,
                        SUPPLY_PSU_PREDICTIVE = 8, /* still delivers */
};

struct supply_state {
    uint8_t live;    /* bit N: PSU N + 1 delivers */
    uint8_t ac_lost; /* bit N: it is there and has no AC, by its feed or its own fault */
    bool sufficient; /* at least `needed` deliver */
    /* Offset of the generic event type 0Bh (IPMI 2.0, table 42-2):
     *   0 fully redundant                all PSUs of a redundant policy deliver
     *   2 redundancy degraded            not all, but more than are needed
     *   1 redundancy lost                just as many as are needed
     *   3 non-redundant, sufficient      policy N, which has nothing to lose
     *   5 non-redundant, insufficient    too few, with any policy */
    uint8_t redundancy;
};

/* `feeds_live`: bit N, feed N has power. faults: one set of bits for each PSU. */
void supply_evaluate(const struct supply_layout *layout, uint8_t feeds_live,
                     const uint8_t faults[SUPPLY_PSUS_MAX], struct supply_state *state);

#endif
