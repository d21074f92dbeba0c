/* Finds values by the hash (vbmc/base/hash.h) of what they are known by, in a time that does not
 * depend on how many there are. Several values may have one hash: the caller compares what they are
 * known by. */
#ifndef VBMC_BASE_HASH_INDEX_H
#define VBMC_BASE_HASH_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct hash_index_slot {
    uint64_t hash;
    void *value; /* the caller's; NULL: the slot is free */
};

/* The beginning is all zeros. */
struct hash_index {
    struct hash_index_slot *slots;
    size_t size; /* 0, or a power of two; a quarter of the slots are always free */
    size_t count;
};

/* `value` is not NULL. 0, or -ENOMEM, which cannot happen directly after a value was removed. */
int hash_index_add(struct hash_index *index, uint64_t hash, void *value);
/* Nothing if it is not there with that hash. */
void hash_index_remove(struct hash_index *index, uint64_t hash, const void *value);
/* The values of that hash one after another, NULL after the last. `*cursor` is 0 for the first; the
 * index must not change meanwhile. */
void *hash_index_next(const struct hash_index *index, uint64_t hash, size_t *cursor);
/* Frees the index, not the values. */
void hash_index_clear(struct hash_index *index);

#endif
