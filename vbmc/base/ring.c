#include "vbmc/base/ring.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ring {
    size_t capacity;
    uint64_t start;
    uint64_t end;
    uint8_t bytes[]; /* that of position p at p % capacity */
};

struct ring *ring_new(size_t capacity)
{
    struct ring *ring;

    assert(capacity > 0);
    if (capacity > SIZE_MAX - sizeof *ring)
        return NULL;
    ring = malloc(sizeof *ring + capacity); /* not calloc: what is not used costs no memory */
    if (!ring)
        return NULL;
    ring->capacity = capacity;
    ring->start = ring->end = 0;
    return ring;
}

void ring_free(struct ring *ring)
{
    free(ring);
}

size_t ring_capacity(const struct ring *ring)
{
    return ring->capacity;
}

uint64_t ring_start(const struct ring *ring)
{
    return ring->start;
}

uint64_t ring_end(const struct ring *ring)
{
    return ring->end;
}

void ring_append(struct ring *ring, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;

    if (size > ring->capacity) { /* the first of them would be gone at once */
        size_t skipped = size - ring->capacity;
        from += skipped;
        size -= skipped;
        ring->end += skipped;
    }
    while (size > 0) {
        size_t at = ring->end % ring->capacity;
        size_t piece = size < ring->capacity - at ? size : ring->capacity - at;
        memcpy(ring->bytes + at, from, piece);
        from += piece;
        size -= piece;
        ring->end += piece;
    }
    if (ring->end - ring->start > ring->capacity)
        ring->start = ring->end - ring->capacity;
}

void ring_restart(struct ring *ring, uint64_t position)
{
    ring->start = ring->end = position;
}

size_t ring_peek(const struct ring *ring, uint64_t position, const uint8_t **bytes)
{
    size_t at = position % ring->capacity;
    uint64_t left = ring->end - position;

    assert(position >= ring->start && position <= ring->end);
    *bytes = ring->bytes + at;
    return left < ring->capacity - at ? left : ring->capacity - at;
}

uint64_t ring_find_lines(const struct ring *ring, size_t lines)
{
    uint64_t position = ring->end;

    if (lines == 0)
        return position;
    if (position > ring->start)
        position--; /* the last byte ends its line or is in it: a line feed there opens none */
    while (position > ring->start) {
        if (ring->bytes[(position - 1) % ring->capacity] == '\n' && --lines == 0)
            break;
        position--;
    }
    return position;
}
