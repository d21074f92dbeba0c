#include "vbmc/rmcp/opening.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/rmcp/crowd.h"

#define OPENINGS_MAX CROWD_MAX

struct room {
    struct opening openings[OPENINGS_MAX];
    struct crowd_member members[OPENINGS_MAX];
};

struct openings {
    uint64_t key;
    uint64_t lifetime_ms;
    uint64_t added; /* ever */
    uint64_t deadline_ms;
    unsigned count;
    struct room *room; /* only while there are any: most BMCs have none most of the time */
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
    free(openings->room);
    openings->room = NULL;
    openings->count = 0;
    openings->deadline_ms = UINT64_MAX;
}

unsigned openings_count(const struct openings *openings)
{
    return openings->count;
}

static bool is_free(const struct room *room, size_t i)
{
    return room->members[i].order == CROWD_FREE;
}

static void release(struct openings *openings, size_t i)
{
    openings->room->members[i].order = CROWD_FREE;
    if (--openings->count == 0)
        openings_clear(openings);
}

static int make_room(struct openings *openings)
{
    openings->room = malloc(sizeof *openings->room);
    if (!openings->room)
        return -ENOMEM;
    for (size_t i = 0; i < OPENINGS_MAX; i++)
        openings->room->members[i].order = CROWD_FREE;
    return 0;
}

static size_t find_free(const struct room *room)
{
    size_t i = 0;

    while (i < OPENINGS_MAX && !is_free(room, i))
        i++;
    return i < OPENINGS_MAX ? i : crowd_choose(room->members, OPENINGS_MAX);
}

int openings_add(struct openings *openings, const struct opening *opening,
                 const union endpoint_address *remote)
{
    uint64_t deadline = opening->since_ms + openings->lifetime_ms;

    if (!openings->room && make_room(openings) < 0)
        return -ENOMEM;
    size_t i = find_free(openings->room);
    openings->count += is_free(openings->room, i);
    openings->room->openings[i] = *opening;
    openings->room->members[i] = crowd_member(remote, openings->key, openings->added++);
    if (deadline < openings->deadline_ms)
        openings->deadline_ms = deadline;
    return 0;
}

/* OPENINGS_MAX if there is none. */
static size_t find(const struct openings *openings, uint32_t id)
{
    size_t i = 0;

    if (!openings->room)
        return OPENINGS_MAX;
    while (i < OPENINGS_MAX && (is_free(openings->room, i) || openings->room->openings[i].id != id))
        i++;
    return i;
}

struct opening *openings_find(struct openings *openings, uint32_t id)
{
    size_t i = find(openings, id);

    return i < OPENINGS_MAX ? &openings->room->openings[i] : NULL;
}

bool openings_expect(const struct openings *openings, uint32_t id,
                     const union endpoint_address *remote)
{
    size_t i = find(openings, id);

    return i < OPENINGS_MAX && openings->room->openings[i].messages < OPENING_MESSAGES_MAX &&
           openings->room->members[i].levels[CROWD_SOURCE] ==
               endpoint_source_hash(remote, openings->key);
}

void openings_remove(struct openings *openings, uint32_t id)
{
    size_t i = find(openings, id);

    if (i < OPENINGS_MAX)
        release(openings, i);
}

void openings_expire(struct openings *openings, uint64_t now_ms)
{
    uint64_t next = UINT64_MAX;

    if (now_ms < openings->deadline_ms)
        return;
    for (size_t i = 0; i < OPENINGS_MAX && openings->room; i++) {
        if (is_free(openings->room, i))
            continue;
        uint64_t deadline = openings->room->openings[i].since_ms + openings->lifetime_ms;
        if (deadline <= now_ms)
            release(openings, i);
        else if (deadline < next)
            next = deadline;
    }
    openings->deadline_ms = next;
}

uint64_t openings_deadline(const struct openings *openings)
{
    return openings->deadline_ms;
}
