#include "vbmc/rmcp/session_room.h"

#include <stdbool.h>

#include "vbmc/base/array.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/rmcp/session.h"

#define FIFTHS 5

static bool is_same_source(const struct session *a, const struct session *b)
{
    return endpoint_source(&a->peer.remote) == endpoint_source(&b->peer.remote);
}

static bool is_same_user(const struct session *a, const struct session *b)
{
    return a->user_id == b->user_id;
}

static bool is_same_lesser_user(const struct session *a, const struct session *b)
{
    return !b->administrator && is_same_user(a, b);
}

static bool is_same_lesser_user_and_source(const struct session *a, const struct session *b)
{
    return is_same_lesser_user(a, b) && is_same_source(a, b);
}

static bool are_lesser(const struct session *a, const struct session *b)
{
    return !a->administrator && !b->administrator;
}

static bool is_any(const struct session *a, const struct session *b)
{
    (void)a;
    (void)b;
    return true;
}

static const struct share {
    bool (*covers)(const struct session *session, const struct session *newcomer);
    unsigned fifths;
} shares[] = {
    {is_same_lesser_user_and_source, 2},
    {is_same_lesser_user, 3},
    {is_same_source, 4},
    {are_lesser, 4},
    {is_any, 5},
};

static unsigned share_limit(const struct share *share, unsigned limit)
{
    unsigned part = limit * share->fifths / FIFTHS;

    return part > 0 ? part : 1;
}

/* How many sessions its user and its source have. */
static unsigned crowd_of(struct session *const *sessions, size_t count,
                         const struct session *session)
{
    unsigned crowd = 0;

    for (size_t i = 0; i < count; i++) {
        crowd += sessions[i]->user_id == session->user_id;
        crowd += is_same_source(sessions[i], session);
    }
    return crowd;
}

static bool may_go(const struct session *session, const struct session *newcomer,
                   const struct share *share, uint64_t until_ms)
{
    return !session->pinned && share->covers(session, newcomer) && session->since_ms <= until_ms;
}

/* Of those that have been idle since then. */
static struct session *find_victim(struct session *const *sessions, size_t count,
                                   const struct share *share, const struct session *newcomer,
                                   uint64_t until_ms)
{
    struct session *victim = NULL;
    unsigned most = 0;

    for (size_t i = 0; i < count; i++) {
        struct session *session = sessions[i];
        if (!may_go(session, newcomer, share, until_ms))
            continue;
        unsigned crowd = crowd_of(sessions, count, session);
        if (!victim || crowd > most || (crowd == most && session->since_ms < victim->since_ms)) {
            victim = session;
            most = crowd;
        }
    }
    return victim;
}

/* For an administrator, whatever the time of those that are there. */
static struct session *find_any_victim(struct session *const *sessions, size_t count,
                                       const struct share *share, const struct session *newcomer)
{
    struct session *victim = NULL;

    for (size_t i = 0; i < count; i++) {
        struct session *session = sessions[i];
        if (!may_go(session, newcomer, share, UINT64_MAX))
            continue;
        bool is_lesser = victim && victim->administrator && !session->administrator;
        bool is_greater = victim && !victim->administrator && session->administrator;
        if (!victim || is_lesser || (!is_greater && session->since_ms < victim->since_ms))
            victim = session;
    }
    return victim;
}

struct session *session_room_of_user(struct session *const *sessions, size_t count,
                                     const struct session *newcomer)
{
    static const struct share of_user = {.covers = is_same_user};

    return find_any_victim(sessions, count, &of_user, newcomer);
}

enum session_room session_room_find(struct session *const *sessions, size_t count, unsigned limit,
                                    const struct session *newcomer, uint64_t now_ms,
                                    struct session **victim)
{
    for (size_t s = 0; s < ARRAY_SIZE(shares); s++) {
        unsigned used = 0;
        for (size_t i = 0; i < count; i++)
            used += shares[s].covers(sessions[i], newcomer);
        if (used < share_limit(&shares[s], limit))
            continue;
        *victim = now_ms < SESSION_ROOM_IDLE_MS ? NULL
                                                : find_victim(sessions, count, &shares[s], newcomer,
                                                              now_ms - SESSION_ROOM_IDLE_MS);
        if (!*victim && newcomer->administrator)
            *victim = find_any_victim(sessions, count, &shares[s], newcomer);
        return *victim ? SESSION_ROOM_EVICT : SESSION_ROOM_NONE;
    }
    return SESSION_ROOM_FREE;
}
