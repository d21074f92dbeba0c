/* Finds values by the hash (vbmc/base/hash.h) of what they are known by, in a time that does not
 * depend on how many there are. Several values may have one hash: the caller compares what they are
 * known by. */
#ifndef VBMC_BASE_HASH_INDEX_H
#define VBMC_BASE_HASH_INDEX_H

#include <stddef.h>
#include <stdint.h>

struct hash_index_node {
    struct hash_index_node *next; /* in the same bucket */
    uint64_t hash;
    void *value; /* the caller's */
};

/* The beginning is all zeros. */
struct hash_index {
    struct hash_index_node **buckets;
    size_t size; /* of the buckets: 0, or a power of two */
    size_t count;
};

/* `value` is not NULL. 0, or -ENOMEM. */
int hash_index_add(struct hash_index *index, uint64_t hash, void *value);
/* Nothing if the value is not there with that hash. */
void hash_index_remove(struct hash_index *index, uint64_t hash, const void *value);
/* The value, which is there, has another hash from here on. Cannot fail. */
void hash_index_move(struct hash_index *index, uint64_t from, uint64_t to, const void *value);
/* The values of that hash one after another, NULL after the last. `*cursor` is NULL for the first;
 * the index must not change meanwhile. */
void *hash_index_next(const struct hash_index *index, uint64_t hash,
                      const struct hash_index_node **cursor);
/* Frees the index; the values by `free_value`, unless that is NULL. */
void hash_index_clear(struct hash_index *index, void (*free_value)(void *value));

#endif
