/* FNV-1a, 64 bits: the same for the same bytes on any machine, in any run. Not for bytes that an
 * attacker chooses, who can make many with the same hash. */
#ifndef VBMC_BASE_HASH_H
#define VBMC_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BEGIN UINT64_C(0xcbf29ce484222325)

/* Goes on from `hash`, which is HASH_BEGIN at first. */
static inline uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < size; i++)
        hash = (hash ^ byte[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
