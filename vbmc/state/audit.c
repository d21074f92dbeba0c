#include "vbmc/state/audit.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hash.h"
#include "vbmc/base/hash_index.h"
#include "vbmc/store/audit.h"

#define KEY_SIZE 1024

/* A record whose equals are counted. */
struct sum {
    struct sum *newer, *older; /* by the last time that an equal one came */
    uint64_t hash, id;
    uint64_t began_ms, heard_ms, counted_ms;
    int64_t until_ms;
    uint32_t more, stored_more;
    bool is_in_log;
    char key[]; /* what is equal in them */
};

/* A record that the store has refused. */
struct owed {
    struct owed *next;
    struct audit_record record;
};

struct audit {
    struct store *store; /* NULL: nothing is kept any more */
    uint64_t last_id, seed, now_ms;
    struct hash_index sums;
    struct sum *newest, *oldest;
    struct owed *owed, **owed_end; /* in their order */
    unsigned owed_count;
    bool owes_in_flight; /* the first of them is being stored */
    uint64_t owed_at_ms; /* not before then */
};

/* ---- what is equal ---- */

/* No text of a record has a line feed in it. */
static void make_key(const struct audit_record *record, char key[KEY_SIZE])
{
    char uuid[UUID_TEXT_SIZE] = "";

    if (record->has_bmc)
        uuid_format(&record->uuid, uuid);
    snprintf(key, KEY_SIZE, "%s\n%s\n%s\n%s\n%s\n%s\n%s\n%s\n%d %d", uuid, record->bmc,
             record->operation, record->detail, record->user, record->way, record->address,
             record->outcome, (int)record->kind, record->result);
}

static void read_key(const char *key, struct audit_record *record)
{
    char uuid[UUID_TEXT_SIZE];
    const struct {
        char *text;
        size_t size;
    } texts[] = {
        {uuid, sizeof uuid},
        {record->bmc, sizeof record->bmc},
        {record->operation, sizeof record->operation},
        {record->detail, sizeof record->detail},
        {record->user, sizeof record->user},
        {record->way, sizeof record->way},
        {record->address, sizeof record->address},
        {record->outcome, sizeof record->outcome},
    };
    int kind = 0;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        size_t length = strcspn(key, "\n");
        snprintf(texts[i].text, texts[i].size, "%.*s", (int)length, key);
        key += length + (key[length] != '\0');
    }
    record->has_bmc = uuid_parse(uuid, &record->uuid) == 0;
    sscanf(key, "%d %d", &kind, &record->result);
    record->kind = (enum audit_kind)kind;
}

static struct sum *find_sum(const struct audit *audit, uint64_t hash, const char *key)
{
    const struct hash_index_node *cursor = NULL;
    struct sum *sum;

    while ((sum = hash_index_next(&audit->sums, hash, &cursor))) {
        if (strcmp(sum->key, key) == 0)
            return sum;
    }
    return NULL;
}

/* ---- counting ---- */

static void unlink_sum(struct audit *audit, struct sum *sum)
{
    *(sum->newer ? &sum->newer->older : &audit->newest) = sum->older;
    *(sum->older ? &sum->older->newer : &audit->oldest) = sum->newer;
}

static void link_newest(struct audit *audit, struct sum *sum)
{
    sum->newer = NULL;
    sum->older = audit->newest;
    *(audit->newest ? &audit->newest->newer : &audit->oldest) = sum;
    audit->newest = sum;
}

static void store_count(struct audit *audit, struct sum *sum)
{
    sum->counted_ms = audit->now_ms;
    if (sum->more == sum->stored_more || !audit->store)
        return;
    if (store_audit_set_more(audit->store, sum->id, sum->more, sum->until_ms) == 0)
        sum->stored_more = sum->more;
}

/* The log has the first of them already: with the same id it is told how many more there were. */
static void tell_sum(const struct sum *sum)
{
    struct audit_record record = {.id = sum->id, .more = sum->more, .until_ms = sum->until_ms};

    if (sum->more == 0 || sum->is_in_log)
        return;
    read_key(sum->key, &record);
    record.time_ms = sum->until_ms;
    audit_log(&record, LOG_LEVEL_INFO);
}

static void end_sum(struct audit *audit, struct sum *sum)
{
    store_count(audit, sum);
    tell_sum(sum);
    unlink_sum(audit, sum);
    hash_index_remove(&audit->sums, sum->hash, sum);
    free(sum);
}

/* Whether an equal one was written before, with which this one is counted. */
static bool count(struct audit *audit, const struct audit_record *record, uint64_t hash,
                  const char *key)
{
    struct sum *sum = find_sum(audit, hash, key);

    if (!sum)
        return false;
    sum->more += 1 + record->more;
    sum->until_ms = record->time_ms;
    sum->heard_ms = audit->now_ms;
    unlink_sum(audit, sum);
    link_newest(audit, sum);
    return true;
}

/* Where there is no memory each gets its own record. */
static void begin_sum(struct audit *audit, const struct audit_record *record, uint64_t hash,
                      const char *key)
{
    struct sum *sum = calloc(1, sizeof *sum + strlen(key) + 1);

    if (!sum || hash_index_add(&audit->sums, hash, sum) < 0) {
        free(sum);
        return;
    }
    sum->hash = hash;
    sum->id = record->id;
    sum->more = sum->stored_more = record->more;
    sum->until_ms = record->until_ms;
    sum->is_in_log = record->is_in_log;
    sum->began_ms = sum->heard_ms = sum->counted_ms = audit->now_ms;
    memcpy(sum->key, key, strlen(key) + 1);
    link_newest(audit, sum);
    if (audit->sums.count > AUDIT_SUMS_MAX)
        end_sum(audit, audit->oldest);
}

/* ---- what the disk has refused ---- */

static void drop_first_owed(struct audit *audit)
{
    struct owed *first = audit->owed;

    audit->owed = first->next;
    if (!audit->owed)
        audit->owed_end = &audit->owed;
    audit->owed_count--;
    free(first);
}

static void owe(struct audit *audit, const struct audit_record *record)
{
    struct owed *owed = malloc(sizeof *owed);

    if (!owed)
        return;
    if (audit->owed_count == AUDIT_OWED_MAX && !audit->owes_in_flight)
        drop_first_owed(audit);
    *owed = (struct owed){.record = *record};
    *audit->owed_end = owed;
    audit->owed_end = &owed->next;
    audit->owed_count++;
    audit->owed_at_ms = audit->now_ms + AUDIT_OWED_EACH_MS;
}

static void store_owed(struct audit *audit);

static void on_owed_stored(void *context, int result)
{
    struct audit *audit = context;

    audit->owes_in_flight = false;
    if (result < 0) {
        audit->owed_at_ms = audit->now_ms + AUDIT_OWED_EACH_MS;
        return;
    }
    drop_first_owed(audit);
    store_owed(audit);
}

static void store_owed(struct audit *audit)
{
    if (!audit->owed || audit->owes_in_flight || !audit->store)
        return;
    audit->owes_in_flight =
        store_audit_add(audit->store, &audit->owed->record, on_owed_stored, audit) == 0;
}

void audit_tick(struct audit *audit, uint64_t now_ms)
{
    struct sum *next;

    audit->now_ms = now_ms;
    if (now_ms >= audit->owed_at_ms)
        store_owed(audit);
    for (struct sum *sum = audit->oldest; sum; sum = next) {
        next = sum->newer;
        if (now_ms - sum->heard_ms >= AUDIT_QUIET_MS || now_ms - sum->began_ms >= AUDIT_DAY_MS)
            end_sum(audit, sum);
        else if (now_ms - sum->counted_ms >= AUDIT_COUNTS_EACH_MS)
            store_count(audit, sum);
    }
}

/* ---- writing ---- */

/* A record on its way to the disk. */
struct keeping {
    struct audit *audit;
    struct audit_record record;
    audit_done *done;
    void *context;
};

/* What is not on disk is counted with nothing. */
static void forget_sum(struct audit *audit, const struct audit_record *record)
{
    char key[KEY_SIZE];

    make_key(record, key);
    struct sum *sum = find_sum(audit, hash_bytes(audit->seed, key, strlen(key)), key);
    if (sum && sum->id == record->id)
        end_sum(audit, sum);
}

/* Where the disk does not take it, the log has to. */
static int keep_in_log(const struct audit_record *record, int result)
{
    struct audit_record told = *record;

    snprintf(told.outcome, sizeof told.outcome, "%.100s (not stored: %s)", record->outcome,
             strerror(-result));
    return audit_log(&told, LOG_LEVEL_ERROR) == 0 ? 0 : result;
}

static void end(struct audit *audit, const struct audit_record *record, int result,
                audit_done *done, void *context)
{
    if (result < 0 && record->is_summed)
        forget_sum(audit, record);
    if (result < 0 && record->kind == AUDIT_CHANGE)
        owe(audit, record);
    if (result < 0)
        result = keep_in_log(record, result);
    if (done)
        done(context, result);
}

static void on_stored(void *context, int result)
{
    struct keeping keeping = *(struct keeping *)context;

    free(context);
    if (keeping.record.is_along && result == 0) /* how it ended was not known before */
        audit_log(&keeping.record, LOG_LEVEL_INFO);
    end(keeping.audit, &keeping.record, result, keeping.done, keeping.context);
}

static void keep(void *context, const struct audit_record *put, audit_done *done,
                 void *done_context)
{
    struct audit *audit = context;
    struct audit_record record = *put;
    char key[KEY_SIZE];

    if (record.is_summed) {
        make_key(&record, key);
        uint64_t hash = hash_bytes(audit->seed, key, strlen(key));
        if (count(audit, &record, hash, key)) {
            if (done)
                done(done_context, 0);
            return;
        }
        record.id = ++audit->last_id;
        record.until_ms = record.more > 0 ? record.time_ms : 0;
        begin_sum(audit, &record, hash, key);
    } else {
        record.id = ++audit->last_id;
    }
    if (!record.is_in_log && !record.is_along)
        audit_log(&record, LOG_LEVEL_INFO);
    struct keeping *keeping = audit->store ? malloc(sizeof *keeping) : NULL;
    int result = audit->store ? -ENOMEM : -ESHUTDOWN;
    if (keeping) {
        *keeping = (struct keeping){audit, record, done, done_context};
        result = record.is_along
                     ? store_audit_add_along(audit->store, &keeping->record, on_stored, keeping)
                     : store_audit_add(audit->store, &record, on_stored, keeping);
    }
    if (result < 0) {
        free(keeping);
        end(audit, &record, result, done, done_context);
    }
}

void audit_list(struct audit *audit, const struct audit_query *query, audit_listed *listed,
                void *context)
{
    for (struct sum *sum = audit->oldest; sum; sum = sum->newer)
        store_count(audit, sum);
    int result = audit->store ? store_audit_list(audit->store, query, listed, context) : -ESHUTDOWN;
    if (result < 0)
        listed(context, result, NULL, 0);
}

/* ---- life ---- */

int audit_new(struct store *store, struct audit **audit)
{
    struct audit *made = calloc(1, sizeof *made);
    int result = made ? store_audit_load_last(store, &made->last_id) : -ENOMEM;

    if (result == 0 && getrandom(&made->seed, sizeof made->seed, 0) != (ssize_t)sizeof made->seed)
        result = -EIO;
    if (result < 0) {
        free(made);
        return result;
    }
    made->store = store;
    made->owed_end = &made->owed;
    *audit = made;
    audit_keep_by(keep, made);
    return 0;
}

void audit_stop(struct audit *audit)
{
    if (!audit || !audit->store)
        return;
    while (audit->oldest)
        end_sum(audit, audit->oldest);
    for (const struct owed *owed = audit->owed; owed; owed = owed->next) {
        if (owed != audit->owed || !audit->owes_in_flight)
            store_audit_add(audit->store, &owed->record, NULL, NULL);
    }
    audit->store = NULL;
}

void audit_free(struct audit *audit)
{
    if (!audit)
        return;
    audit_keep_by(NULL, NULL);
    while (audit->oldest)
        end_sum(audit, audit->oldest);
    while (audit->owed)
        drop_first_owed(audit);
    hash_index_clear(&audit->sums, NULL);
    free(audit);
}
