#include "vbmc/base/hash_index.h"

#include <errno.h>
#include <stdlib.h>

#define SIZE_MIN 16

static size_t first_slot(const struct hash_index *index, uint64_t hash)
{
    return (size_t)(hash ^ hash >> 32) & (index->size - 1);
}

static size_t slot_after(const struct hash_index *index, size_t i)
{
    return (i + 1) & (index->size - 1);
}

/* Where a further value of that hash goes. */
static void put(struct hash_index *index, const struct hash_index_slot *slot)
{
    size_t i = first_slot(index, slot->hash);

    while (index->slots[i].value)
        i = slot_after(index, i);
    index->slots[i] = *slot;
}

static int grow(struct hash_index *index)
{
    struct hash_index larger = {.size = index->size > 0 ? index->size * 2 : SIZE_MIN};

    larger.slots = calloc(larger.size, sizeof *larger.slots);
    if (!larger.slots)
        return -ENOMEM;
    for (size_t i = 0; i < index->size; i++) {
        if (index->slots[i].value)
            put(&larger, &index->slots[i]);
    }
    larger.count = index->count;
    free(index->slots);
    *index = larger;
    return 0;
}

int hash_index_add(struct hash_index *index, uint64_t hash, void *value)
{
    if (index->count + 1 > index->size / 4 * 3 && grow(index) < 0)
        return -ENOMEM;
    put(index, &(struct hash_index_slot){hash, value});
    index->count++;
    return 0;
}

/* Those that follow without a gap may have been put there since their own slots were taken. */
void hash_index_remove(struct hash_index *index, uint64_t hash, const void *value)
{
    if (index->size == 0)
        return;
    size_t i = first_slot(index, hash);
    while (index->slots[i].value &&
           (index->slots[i].value != value || index->slots[i].hash != hash))
        i = slot_after(index, i);
    if (!index->slots[i].value)
        return;
    index->slots[i].value = NULL;
    index->count--;
    for (i = slot_after(index, i); index->slots[i].value; i = slot_after(index, i)) {
        struct hash_index_slot moved = index->slots[i];
        index->slots[i].value = NULL;
        put(index, &moved);
    }
}

void *hash_index_next(const struct hash_index *index, uint64_t hash, size_t *cursor)
{
    if (index->size == 0)
        return NULL;
    size_t i = (first_slot(index, hash) + *cursor) & (index->size - 1);
    for (; index->slots[i].value; i = slot_after(index, i)) {
        ++*cursor;
        if (index->slots[i].hash == hash)
            return index->slots[i].value;
    }
    return NULL;
}

void hash_index_clear(struct hash_index *index)
{
    free(index->slots);
    *index = (struct hash_index){0};
}
