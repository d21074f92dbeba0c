#include "vbmc/rmcp/opening.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/rmcp/crowd.h"

#define OPENINGS_MAX   CROWD_MAX
#define OPENINGS_FIRST 8 /* places at first; doubled as needed */

struct place {
    struct opening opening;
    struct crowd_member member;
};

struct openings {
    uint64_t key;
    uint64_t lifetime_ms;
    uint64_t added; /* ever */
    uint64_t deadline_ms;
    unsigned count;
    size_t size;          /* places */
    struct place *places; /* only while there are any: most BMCs have none most of the time */
};

struct openings *openings_new(uint64_t key, uint64_t lifetime_ms)
{
    struct openings *openings = calloc(1, sizeof *openings);

    if (!openings)
        return NULL;
    openings->key = key;
    openings->lifetime_ms = lifetime_ms;
    openings->deadline_ms = UINT64_MAX;
    return openings;
}

void openings_free(struct openings *openings)
{
    if (!openings)
        return;
    openings_clear(openings);
    free(openings);
}

void openings_clear(struct openings *openings)
{
    free(openings->places);
    openings->places = NULL;
    openings->size = 0;
    openings->count = 0;
    openings->deadline_ms = UINT64_MAX;
}

unsigned openings_count(const struct openings *openings)
{
    return openings->count;
}

static bool is_free(const struct place *place)
{
    return place->member.order == CROWD_FREE;
}

static void release(struct openings *openings, struct place *place)
{
    place->member.order = CROWD_FREE;
    if (--openings->count == 0)
        openings_clear(openings);
}

/* A datagram for each of thousands of BMCs must not take the memory of a full table for each. */
static int make_room(struct openings *openings)
{
    size_t size = openings->size == 0 ? OPENINGS_FIRST : 2 * openings->size;
    struct place *places = realloc(openings->places, size * sizeof *places);

    if (!places)
        return -ENOMEM;
    for (size_t i = openings->size; i < size; i++)
        places[i].member.order = CROWD_FREE;
    openings->places = places;
    openings->size = size;
    return 0;
}

static struct place *give_up(const struct openings *openings)
{
    struct crowd_member members[OPENINGS_MAX];

    for (size_t i = 0; i < openings->size; i++)
        members[i] = openings->places[i].member;
    return &openings->places[crowd_choose(members, openings->size)];
}

static struct place *find_free(const struct openings *openings)
{
    for (size_t i = 0; i < openings->size; i++) {
        if (is_free(&openings->places[i]))
            return &openings->places[i];
    }
    return NULL;
}

/* NULL if there is no memory. */
static struct place *take_place(struct openings *openings)
{
    if (openings->count == openings->size && openings->size < OPENINGS_MAX &&
        make_room(openings) < 0 && openings->size == 0)
        return NULL;
    struct place *place = find_free(openings);
    if (!place)
        return give_up(openings);
    openings->count++;
    return place;
}

int openings_add(struct openings *openings, const struct opening *opening,
                 const union endpoint_address *remote)
{
    uint64_t deadline = opening->since_ms + openings->lifetime_ms;
    struct place *place = take_place(openings);

    if (!place)
        return -ENOMEM;
    place->opening = *opening;
    place->member = crowd_member(remote, openings->key, openings->added++);
    place->member.is_known = opening->is_known;
    if (deadline < openings->deadline_ms)
        openings->deadline_ms = deadline;
    return 0;
}

static struct place *find(const struct openings *openings, uint32_t id)
{
    for (size_t i = 0; i < openings->size; i++) {
        struct place *place = &openings->places[i];
        if (!is_free(place) && place->opening.id == id)
            return place;
    }
    return NULL;
}

struct opening *openings_find(struct openings *openings, uint32_t id)
{
    struct place *place = find(openings, id);

    return place ? &place->opening : NULL;
}

bool openings_expect(const struct openings *openings, uint32_t id,
                     const union endpoint_address *remote)
{
    const struct place *place = find(openings, id);

    return place && place->opening.messages < OPENING_MESSAGES_MAX &&
           place->member.levels[CROWD_SOURCE] == endpoint_source_hash(remote, openings->key);
}

void openings_remove(struct openings *openings, uint32_t id)
{
    struct place *place = find(openings, id);

    if (place)
        release(openings, place);
}

void openings_expire(struct openings *openings, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;

    if (now_ms < openings->deadline_ms)
        return;
    for (size_t i = 0; i < openings->size; i++) { /* none when the last is released */
        struct place *place = &openings->places[i];
        if (is_free(place))
            continue;
        uint64_t deadline = place->opening.since_ms + openings->lifetime_ms;
        if (deadline <= now_ms)
            release(openings, place);
        else if (deadline < next)
            next = deadline;
    }
    openings->deadline_ms = next;
}

uint64_t openings_deadline(const struct openings *openings)
{
    return openings->deadline_ms;
}
