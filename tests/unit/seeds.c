#include "tests/unit/seeds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t next, end;
static bool within; /* the loop: it was not left by seeds_next() */

static void tell_failed(void)
{
    if (within)
        fprintf(stderr, "failed with seed %" PRIu64 "; VBMC_SEED=%" PRIu64 " runs it alone\n",
                next - 1, next - 1);
    within = false;
}

void seeds_begin(uint64_t in_check, uint64_t in_soak)
{
    static bool registered;
    const char *one = getenv("VBMC_SEED");
    const char *soak = getenv("VBMC_SOAK");

    if (!registered)
        atexit(tell_failed);
    registered = true;
    tell_failed();
    next = one && *one ? strtoull(one, NULL, 0) : 0;
    end = one && *one ? next + 1 : soak && *soak ? in_soak : in_check;
}

bool seeds_next(uint64_t *seed)
{
    within = next < end;
    if (within)
        *seed = next++;
    return within;
}

uint32_t seeds_random(uint64_t *state, uint32_t below)
{
    uint64_t mixed = *state += UINT64_C(0x9E3779B97F4A7C15);

    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94D049BB133111EB);
    mixed ^= mixed >> 31;
    return (uint32_t)((mixed >> 32) * below >> 32);
}
