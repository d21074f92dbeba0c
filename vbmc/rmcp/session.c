#include "vbmc/rmcp/session.h"

#include <errno.h>
#include <stdlib.h>

struct session_table {
    struct session_limits limits;
    session_ended_fn *ended;
    session_abandoned_fn *abandoned;
    void *context;
    uint64_t opened; /* sessions ever */
    uint8_t last_handle;
    unsigned size;
    struct session *slots[]; /* NULL: free */
};

struct session_table *session_table_new(const struct session_limits *limits,
                                        session_ended_fn *ended, session_abandoned_fn *abandoned,
                                        void *context)
{
    unsigned size = limits->active + limits->half_open;
    struct session_table *table = calloc(1, sizeof *table + size * sizeof(struct session *));

    if (!table)
        return NULL;
    table->limits = *limits;
    table->ended = ended;
    table->abandoned = abandoned;
    table->context = context;
    table->size = size;
    return table;
}

/* The slot is empty before anybody is told, so that whatever is done to the table then, more
 * sessions ended included, is safe inside of a walk over the slots. */
static void free_slot(struct session_table *table, struct session **slot)
{
    struct session *session = *slot;
    uint32_t id = session->exchange.bmc_id;
    bool tell = !session_is_half_open(session);

    *slot = NULL;
    repeat_cache_free(session->repeats);
    crypto_wipe(session, sizeof *session);
    free(session);
    if (tell)
        table->ended(table->context, id);
}

void session_table_free(struct session_table *table)
{
    if (!table)
        return;
    for (unsigned i = 0; i < table->size; i++) {
        if (table->slots[i])
            free_slot(table, &table->slots[i]);
    }
    free(table);
}

bool session_is_half_open(const struct session *session)
{
    return session->state == SESSION_OPENED || session->state == SESSION_CHALLENGED;
}

static unsigned count(const struct session_table *table, bool half_open)
{
    unsigned n = 0;

    for (unsigned i = 0; i < table->size; i++) {
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
}

const struct session_limits *session_table_limits(const struct session_table *table)
{
    return &table->limits;
}

static void evict_oldest_half_open(struct session_table *table)
{
    struct session **oldest = NULL;

    for (unsigned i = 0; i < table->size; i++) {
        struct session **slot = &table->slots[i];
        if (*slot && session_is_half_open(*slot) && (!oldest || (*slot)->order < (*oldest)->order))
            oldest = slot;
    }
    if (oldest)
        free_slot(table, oldest);
}

struct session *session_table_open(struct session_table *table, uint32_t id, uint64_t now_ms)
{
    if (session_table_count_half_open(table) >= table->limits.half_open)
        evict_oldest_half_open(table);
    for (unsigned i = 0; i < table->size; i++) {
        if (table->slots[i])
            continue;
        struct session *session = calloc(1, sizeof *session);
        if (!session)
            return NULL;
        session->state = SESSION_OPENED;
        session->order = table->opened++;
        session->since_ms = now_ms;
        session->exchange.bmc_id = id;
        table->slots[i] = session;
        return session;
    }
    return NULL;
}

/* Handles go round, so that one which was just freed does not name a stranger at once. */
static uint8_t take_handle(struct session_table *table)
{
    do {
        table->last_handle++;
    } while (table->last_handle == 0 || session_table_find_handle(table, table->last_handle));
    return table->last_handle;
}

int session_table_establish(struct session_table *table, struct session *session, uint64_t now_ms)
{
    if (session_table_count_active(table) >= table->limits.active)
        return -ENOSPC;
    session->repeats = repeat_cache_new();
    if (!session->repeats)
        return -ENOMEM;
    session->handle = take_handle(table);
    session->state = SESSION_ESTABLISHED;
    session->since_ms = now_ms;
    session->next_outbound = 1;
    session->inbound = (struct window){.started = false};
    return 0;
}

void session_table_remove(struct session_table *table, struct session *session)
{
    for (unsigned i = 0; i < table->size; i++) {
        if (table->slots[i] == session) {
            free_slot(table, &table->slots[i]);
            return;
        }
    }
}

void session_table_sweep(struct session_table *table)
{
    for (unsigned i = 0; i < table->size; i++) {
        if (table->slots[i] && table->slots[i]->closing)
            free_slot(table, &table->slots[i]);
    }
}

static uint64_t session_deadline(const struct session_table *table, const struct session *session)
{
    return session->since_ms +
           (session_is_half_open(session) ? table->limits.half_open_ms : table->limits.idle_ms);
}

void session_table_expire(struct session_table *table, uint64_t now_ms)
{
    for (unsigned i = 0; i < table->size; i++) {
        struct session *session = table->slots[i];
        if (!session || session_deadline(table, session) > now_ms)
            continue;
        if (session->state == SESSION_CHALLENGED)
            table->abandoned(table->context, session);
        free_slot(table, &table->slots[i]);
    }
}

uint64_t session_table_deadline(const struct session_table *table)
{
    uint64_t next = UINT64_MAX;

    for (unsigned i = 0; i < table->size; i++) {
        if (table->slots[i] && session_deadline(table, table->slots[i]) < next)
            next = session_deadline(table, table->slots[i]);
    }
    return next;
}

struct session *session_table_find(const struct session_table *table, uint32_t id)
{
    for (unsigned i = 0; i < table->size; i++) {
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
    for (unsigned i = 0; i < table->size; i++) {
        struct session *session = table->slots[i];
        if (session && handle != 0 && session->handle == handle && !session->closing)
            return session;
    }
    return NULL;
}

struct session *session_table_find_nth(const struct session_table *table, unsigned n)
{
    for (unsigned i = 0; i < table->size; i++) {
        struct session *session = table->slots[i];
        if (session && !session_is_half_open(session) && !session->closing && n-- == 1)
            return session;
    }
    return NULL;
}

void session_table_close_user(struct session_table *table, uint8_t user_id)
{
    for (unsigned i = 0; i < table->size; i++) {
        struct session *session = table->slots[i];
        if (session && (user_id == 0 || session->user_id == user_id))
            session->closing = true;
    }
}

uint32_t session_take_outbound(struct session *session)
{
    uint32_t sequence = session->next_outbound;

    session->next_outbound = sequence == UINT32_MAX ? 1 : sequence + 1;
    return sequence;
}
