#include "vbmc/rmcp/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/locked.h"
#include "vbmc/rmcp/crowd.h"
#include "vbmc/rmcp/repeat.h"
#include "vbmc/rmcp/session_room.h"

struct session_table {
    struct session_limits limits;
    uint64_t key;
    const struct session_hooks *hooks;
    void *context;
    uint64_t opened; /* sessions ever */
    uint8_t last_handle;
    bool has_closing;
    uint64_t earliest_ms; /* no session is over before */
    unsigned used;        /* slots behind these are free */
    unsigned room;        /* in `slots` */
    unsigned most;
    struct session *
        *slots; /* NULL: free; no more of them than were needed, none without a session */
};

#define ROOM_FIRST 4

struct session_table *session_table_new(const struct session_limits *limits, uint64_t key,
                                        const struct session_hooks *hooks, void *context)
{
    unsigned most = limits->active + limits->half_open;
    struct session_table *table = most <= CROWD_MAX ? calloc(1, sizeof *table) : NULL;

    if (!table)
        return NULL;
    table->limits = *limits;
    table->key = key;
    table->hooks = hooks;
    table->context = context;
    table->earliest_ms = UINT64_MAX;
    table->most = most;
    return table;
}

/* The slot is empty before anybody is told, so that whatever is done to the table then, more
 * sessions ended included, is safe inside of a walk over the slots. */
static void free_slot(struct session_table *table, struct session **slot, enum session_loss loss)
{
    struct session *session = *slot;

    assert(session);
    uint32_t id = session->exchange.bmc_id;
    bool tell = !session_is_half_open(session);

    *slot = NULL;
    while (table->used > 0 && !table->slots[table->used - 1])
        table->used--;
    if (table->used == 0) {
        free(table->slots);
        table->slots = NULL;
        table->room = 0;
    }
    if (!tell && !session->told)
        table->hooks->lost(table->context, session, loss);
    repeat_cache_free(session->repeats);
    locked_free(session->secret, sizeof *session->secret);
    crypto_wipe(session, sizeof *session);
    free(session);
    if (tell)
        table->hooks->ended(table->context, id);
}

void session_table_free(struct session_table *table)
{
    if (!table)
        return;
    for (unsigned i = 0; i < table->used; i++) {
        if (!table->slots[i])
            continue;
        table->slots[i]->told = true; /* the one to be told is going too */
        free_slot(table, &table->slots[i], SESSION_LOSS_CLOSED);
    }
    free(table->slots);
    free(table);
}

bool session_is_half_open(const struct session *session)
{
    return session->state == SESSION_CHALLENGED;
}

static unsigned count(const struct session_table *table, bool half_open)
{
    unsigned n = 0;

    for (unsigned i = 0; i < table->used; i++) {
        if (table->slots[i] && session_is_half_open(table->slots[i]) == half_open)
            n++;
    }
    return n;
}

unsigned session_table_count_active(const struct session_table *table)
{
    return count(table, false);
}

unsigned session_table_count_half_open(const struct session_table *table)
{
    return count(table, true);
}

void session_table_set_limits(struct session_table *table, const struct session_limits *limits)
{
    table->limits = *limits;
    table->earliest_ms = 0;
}

const struct session_limits *session_table_limits(const struct session_table *table)
{
    return &table->limits;
}

static void evict_half_open(struct session_table *table)
{
    struct crowd_member members[CROWD_MAX];

    for (unsigned i = 0; i < table->used; i++) {
        const struct session *session = table->slots[i];
        members[i].order = CROWD_FREE;
        if (!session || !session_is_half_open(session))
            continue;
        members[i] = crowd_member(&session->peer.remote, table->key, session->order);
        members[i].is_known = session->is_known;
    }
    size_t chosen = crowd_choose(members, table->used);
    if (chosen < table->used)
        free_slot(table, &table->slots[chosen], SESSION_LOSS_ROOM);
}

static uint64_t session_deadline(const struct session_table *table, const struct session *session)
{
    return session->since_ms +
           (session_is_half_open(session) ? table->limits.half_open_ms : table->limits.idle_ms);
}

static void note_deadline(struct session_table *table, const struct session *session)
{
    uint64_t deadline = session_deadline(table, session);

    if (deadline < table->earliest_ms)
        table->earliest_ms = deadline;
}

static bool has_room(struct session_table *table, unsigned slot)
{
    if (slot < table->room)
        return true;
    unsigned room = table->room ? table->room * 2 : ROOM_FIRST;
    room = room < table->most ? room : table->most;
    if (slot >= room)
        return false;
    struct session **grown = realloc(table->slots, room * sizeof(struct session *));
    if (!grown)
        return false;
    memset(grown + table->room, 0, (room - table->room) * sizeof(struct session *));
    table->slots = grown;
    table->room = room;
    return true;
}

struct session *session_table_open(struct session_table *table,
                                   const struct rakp_exchange *exchange,
                                   const struct endpoint *peer, uint64_t since_ms)
{
    if (session_table_count_half_open(table) >= table->limits.half_open)
        evict_half_open(table);
    unsigned slot = 0;
    while (slot < table->used && table->slots[slot])
        slot++;
    struct session *session = has_room(table, slot) ? calloc(1, sizeof *session) : NULL;
    if (!session)
        return NULL;
    session->state = SESSION_CHALLENGED;
    session->order = table->opened++;
    session->since_ms = since_ms;
    session->exchange = *exchange;
    session->peer = *peer;
    table->slots[slot] = session;
    if (slot >= table->used)
        table->used = slot + 1;
    note_deadline(table, session);
    return session;
}

/* Handles go round, so that one which was just freed does not name a stranger at once. */
static uint8_t take_handle(struct session_table *table)
{
    do {
        table->last_handle++;
    } while (table->last_handle == 0 || session_table_find_handle(table, table->last_handle));
    return table->last_handle;
}

static void evict(struct session_table *table, struct session *session, uint64_t now_ms)
{
    table->hooks->evicted(table->context, session, now_ms - session->since_ms);
    session_table_remove(table, session);
}

/* Those that finished RAKP; how many. */
static size_t gather(struct session_table *table, struct session *sessions[CROWD_MAX])
{
    size_t n = 0;

    for (unsigned i = 0; i < table->used; i++) {
        struct session *session = table->slots[i];
        if (!session || session_is_half_open(session))
            continue;
        session->pinned =
            session->closing || table->hooks->in_use(table->context, session->exchange.bmc_id);
        sessions[n++] = session;
    }
    return n;
}

static int make_room(struct session_table *table, const struct session *newcomer, uint64_t now_ms)
{
    struct session *sessions[CROWD_MAX];
    enum session_room room;

    do {
        struct session *victim = NULL;
        size_t n = gather(table, sessions);
        room = session_room_find(sessions, n, table->limits.active, newcomer, now_ms, &victim);
        if (room == SESSION_ROOM_EVICT)
            evict(table, victim, now_ms);
    } while (room == SESSION_ROOM_EVICT);
    return room == SESSION_ROOM_FREE ? 0 : -ENOSPC;
}

int session_table_give_up_own(struct session_table *table, const struct session *newcomer,
                              uint64_t now_ms)
{
    struct session *sessions[CROWD_MAX];
    struct session *victim = session_room_of_user(sessions, gather(table, sessions), newcomer);

    if (!victim)
        return -ENOSPC;
    evict(table, victim, now_ms);
    return 0;
}

int session_table_establish(struct session_table *table, struct session *session, uint64_t now_ms)
{
    int error = make_room(table, session, now_ms);

    if (error < 0)
        return error;
    session->repeats = repeat_cache_new();
    if (!session->repeats)
        return -ENOMEM;
    session->handle = take_handle(table);
    session->state = SESSION_ESTABLISHED;
    session->since_ms = now_ms;
    session->next_outbound = 1;
    session->began_ms = now_ms;
    session->inbound = window_rmcpplus();
    note_deadline(table, session);
    return 0;
}

int session_make_secret(struct session *session)
{
    if (!session->secret)
        session->secret = locked_calloc(1, sizeof *session->secret);
    return session->secret ? 0 : -ENOMEM;
}

void session_heard(struct session *session, const struct endpoint *from, uint32_t sequence,
                   uint64_t now_ms)
{
    window_commit(&session->inbound, sequence);
    session->peer = *from;
    session->since_ms = now_ms;
    session->state = SESSION_ACTIVE;
}

void session_table_remove(struct session_table *table, struct session *session)
{
    for (unsigned i = 0; i < table->used; i++) {
        if (table->slots[i] == session) {
            free_slot(table, &table->slots[i], SESSION_LOSS_CLOSED);
            return;
        }
    }
}

void session_table_close(struct session_table *table, struct session *session)
{
    session->closing = table->has_closing = true;
}

void session_table_sweep(struct session_table *table)
{
    if (!table->has_closing)
        return;
    table->has_closing = false;
    for (unsigned i = 0; i < table->used; i++) {
        if (table->slots[i] && table->slots[i]->closing)
            free_slot(table, &table->slots[i], SESSION_LOSS_CLOSED);
    }
}

void session_table_expire(struct session_table *table, uint64_t now_ms)
{
    if (now_ms < table->earliest_ms)
        return;
    for (unsigned i = 0; i < table->used; i++) {
        struct session *session = table->slots[i];
        if (!session || session_deadline(table, session) > now_ms)
            continue;
        free_slot(table, &table->slots[i], SESSION_LOSS_TIME);
    }
    table->earliest_ms = session_table_deadline(table);
}

uint64_t session_table_deadline(const struct session_table *table)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < table->used; i++) {
        if (table->slots[i] && session_deadline(table, table->slots[i]) < next)
            next = session_deadline(table, table->slots[i]);
    }
    return next;
}

uint64_t session_table_earliest_deadline(const struct session_table *table)
{
    return table->earliest_ms;
}

struct session *session_table_find(const struct session_table *table, uint32_t id)
{
    for (unsigned i = 0; i < table->used; i++) {
        struct session *session = table->slots[i];
        if (session && session->exchange.bmc_id == id && !session->closing)
            return session;
    }
    return NULL;
}

struct session *session_table_find_active(const struct session_table *table, uint32_t id)
{
    struct session *session = session_table_find(table, id);

    return session && !session_is_half_open(session) ? session : NULL;
}

struct session *session_table_find_handle(const struct session_table *table, uint8_t handle)
{
    for (unsigned i = 0; i < table->used; i++) {
        struct session *session = table->slots[i];
        if (session && handle != 0 && session->handle == handle && !session->closing)
            return session;
    }
    return NULL;
}

struct session *session_table_find_nth(const struct session_table *table, unsigned n)
{
    for (unsigned i = 0; i < table->used; i++) {
        struct session *session = table->slots[i];
        if (session && !session_is_half_open(session) && !session->closing && n-- == 1)
            return session;
    }
    return NULL;
}

void session_table_close_user(struct session_table *table, uint8_t user_id, uint32_t except)
{
    for (unsigned i = 0; i < table->used; i++) {
        struct session *session = table->slots[i];
        if (session && (user_id == 0 || session->user_id == user_id) &&
            (except == 0 || session->exchange.bmc_id != except))
            session_table_close(table, session);
    }
}

unsigned session_table_count_user(const struct session_table *table, uint8_t user_id)
{
    unsigned n = 0;

    for (unsigned i = 0; i < table->used; i++) {
        const struct session *session = table->slots[i];
        n += session && !session_is_half_open(session) && !session->closing &&
             session->user_id == user_id;
    }
    return n;
}

uint32_t session_take_outbound(struct session *session)
{
    uint32_t sequence = session->next_outbound;

    session->next_outbound = sequence == UINT32_MAX ? 1 : sequence + 1;
    return sequence;
}
