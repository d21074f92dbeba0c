/* The last bytes of an endless sequence. Each byte has an absolute 64-bit position, which never
 * changes and never comes again; the ring holds those from ring_start to before ring_end. Any
 * number of readers keep a position each; the ring knows nothing of them. */
#ifndef VBMC_BASE_RING_H
#define VBMC_BASE_RING_H

#include <stddef.h>
#include <stdint.h>

struct ring;

/* An empty ring for `capacity` bytes (at least 1), at position 0. NULL if there is no memory. */
struct ring *ring_new(size_t capacity);
void ring_free(struct ring *ring); /* NULL is allowed */

size_t ring_capacity(const struct ring *ring);
/* Position of the oldest byte held. */
uint64_t ring_start(const struct ring *ring);
/* Position that the next byte will get. */
uint64_t ring_end(const struct ring *ring);

/* Adds bytes at the end; as many of the oldest go as do not fit. `bytes` must not be in the ring.
 */
void ring_append(struct ring *ring, const void *bytes, size_t size);
/* Empties the ring; the next byte will get `position`. */
void ring_restart(struct ring *ring, uint64_t position);

/* The bytes from `position` (not before ring_start) that lie in one piece; what follows these, if
 * anything, a second call returns. 0 at ring_end. The pointer is good until the ring changes. */
size_t ring_peek(const struct ring *ring, uint64_t position, const uint8_t **bytes);

/* Where the last `lines` lines begin; ring_start if there are not that many. A last line without
 * its line feed counts as one. */
uint64_t ring_find_lines(const struct ring *ring, size_t lines);

#endif
