#include "vbmc/base/hash_index.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_MIN 16

static struct hash_index_node **bucket_of(const struct hash_index *index, uint64_t hash)
{
    return &index->buckets[(size_t)(hash ^ hash >> 32) & (index->size - 1)];
}

static void put(struct hash_index *index, struct hash_index_node *node)
{
    struct hash_index_node **bucket = bucket_of(index, node->hash);

    node->next = *bucket;
    *bucket = node;
    index->count++;
}

/* Without memory it stays as it is, and is slower. */
static void grow(struct hash_index *index)
{
    struct hash_index larger = {.size = index->size > 0 ? index->size * 2 : SIZE_MIN};

    larger.buckets = calloc(larger.size, sizeof(struct hash_index_node *));
    if (!larger.buckets)
        return;
    for (size_t i = 0; i < index->size; i++) {
        struct hash_index_node *node = index->buckets[i];
        while (node) {
            struct hash_index_node *next = node->next;
            put(&larger, node);
            node = next;
        }
    }
    free(index->buckets);
    *index = larger;
}

int hash_index_add(struct hash_index *index, uint64_t hash, void *value)
{
    struct hash_index_node *node = malloc(sizeof *node);

    if (index->count == index->size)
        grow(index);
    if (!node || index->size == 0) {
        free(node);
        return -ENOMEM;
    }
    *node = (struct hash_index_node){.hash = hash, .value = value};
    put(index, node);
    return 0;
}

static struct hash_index_node *take(struct hash_index *index, uint64_t hash, const void *value)
{
    struct hash_index_node **place = index->size > 0 ? bucket_of(index, hash) : NULL;

    while (place && *place && ((*place)->value != value || (*place)->hash != hash))
        place = &(*place)->next;
    struct hash_index_node *node = place ? *place : NULL;
    if (node) {
        *place = node->next;
        index->count--;
    }
    return node;
}

void hash_index_remove(struct hash_index *index, uint64_t hash, const void *value)
{
    free(take(index, hash, value));
}

void hash_index_move(struct hash_index *index, uint64_t from, uint64_t to, const void *value)
{
    struct hash_index_node *node = take(index, from, value);

    node->hash = to;
    put(index, node);
}

void *hash_index_next(const struct hash_index *index, uint64_t hash,
                      const struct hash_index_node **cursor)
{
    const struct hash_index_node *node = *cursor           ? (*cursor)->next
                                         : index->size > 0 ? *bucket_of(index, hash)
                                                           : NULL;

    while (node && node->hash != hash)
        node = node->next;
    *cursor = node;
    return node ? node->value : NULL;
}

void hash_index_clear(struct hash_index *index, void (*free_value)(void *value))
{
    for (size_t i = 0; i < index->size; i++) {
        while (index->buckets[i]) {
            struct hash_index_node *node = index->buckets[i];
            index->buckets[i] = node->next;
            if (free_value)
                free_value(node->value);
            free(node);
        }
    }
    free(index->buckets);
    *index = (struct hash_index){0};
}
