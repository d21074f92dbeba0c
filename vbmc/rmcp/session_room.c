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

static bool is_same_lesser_user(const struct session *a, const struct session *b)
{
    return !b->administrator && a->user_id == b->user_id;
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

static struct session *find_victim(struct session *const *sessions, size_t count,
                                   const struct share *share, const struct session *newcomer,
                                   uint64_t now_ms)
{
    struct session *victim = NULL;
    unsigned most = 0;

    for (size_t i = 0; i < count; i++) {
        struct session *session = sessions[i];
        if (session->pinned || !share->covers(session, newcomer) ||
            now_ms < session->since_ms + SESSION_ROOM_IDLE_MS)
            continue;
        unsigned crowd = crowd_of(sessions, count, session);
        if (!victim || crowd > most || (crowd == most && session->since_ms < victim->since_ms)) {
            victim = session;
            most = crowd;
        }
    }
    return victim;
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
        *victim = find_victim(sessions, count, &shares[s], newcomer, now_ms);
        return *victim ? SESSION_ROOM_EVICT : SESSION_ROOM_NONE;
    }
    return SESSION_ROOM_FREE;
}
