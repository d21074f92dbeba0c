/* Seeds of randomized unit tests: few in `make check`, many in `make soak`, and one alone to see a
 * failure again.
 *
 *     seeds_begin(1000, 100000);
 *     for (uint64_t seed; seeds_next(&seed);) {
 *         uint64_t state = seed;
 *         ... seeds_random(&state, 6) ...
 *     }
 *
 * Where the test fails within the loop, the program says for which seed. */
#ifndef VBMC_TESTS_UNIT_SEEDS_H
#define VBMC_TESTS_UNIT_SEEDS_H

#include <stdbool.h>
#include <stdint.h>

/* From here on seeds_next() gives `in_check` seeds from 0 on, or `in_soak` where the environment
 * has VBMC_SOAK, which `make soak` sets; where it has VBMC_SEED=NUMBER, that one only. */
void seeds_begin(uint64_t in_check, uint64_t in_soak);

/* False when there is no more. */
bool seeds_next(uint64_t *seed);

/* The next number, 0 .. below - 1, of the sequence whose state is at `state`, which begins as any
 * seed: the same on each machine. `below` is at least 1. SplitMix64. */
uint32_t seeds_random(uint64_t *state, uint32_t below);

#endif
