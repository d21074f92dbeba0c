/* Changes wait in a queue. One step at a time, of as many additions as wait or of one other change,
 * is planned on what is on disk, stored, and applied to what is shown when the store says that it
 * is on disk too. If it is not, nothing has happened: clients are told, and the events of the BMC
 * go back to the head of the queue, to be tried again when some time has passed or a client asks
 * for something. */
#include "vbmc/bmc/sel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/sel_book.h"
#include "vbmc/bmc/sel_internal.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/ticket.h"

/* Sensor types 10h and 12h (table 42-3). */
#define EVENT_TYPE_SENSOR_SPECIFIC 0x6f
#define TYPE_EVENT_LOGGING         0x10
#define OFFSET_LOG_CLEARED         0x02
#define TYPE_SYSTEM_EVENT          0x12
#define OFFSET_CLOCK_SYNC          0x05
#define DATA2_SENSOR_SPECIFIC      0xc0 /* in event data 1 (section 29.7) */
#define CLOCK_SYNC_FIRST           0x00 /* event data 2, of the SEL clock */
#define CLOCK_SYNC_SECOND          0x80
#define UNSPECIFIED                0xff

/* ---- planning ---- */

static void plan_event(struct sel_plan *plan, const struct sensor_event *event, uint32_t time)
{
    uint8_t record[SEL_RECORD_SIZE];

    sel_record_of_event(event, record);
    sel_plan_add(plan, record, time);
}

static void plan_clear(struct sel_plan *plan, uint32_t time)
{
    const struct sensor_event cleared = {
        .type = TYPE_EVENT_LOGGING,
        .number = SENSOR_SEL,
        .event_type = EVENT_TYPE_SENSOR_SPECIFIC,
        .data = {OFFSET_LOG_CLEARED, UNSPECIFIED, UNSPECIFIED},
    };

    sel_plan_remove(plan, 0, plan->book->count, time);
    plan_event(plan, &cleared, time);
}

static void plan_set_time(struct sel_plan *plan, const struct sel_operation *operation,
                          uint32_t time)
{
    struct sensor_event sync = {
        .type = TYPE_SYSTEM_EVENT,
        .number = SENSOR_CLOCK,
        .event_type = EVENT_TYPE_SENSOR_SPECIFIC,
        .data = {DATA2_SENSOR_SPECIFIC | OFFSET_CLOCK_SYNC, CLOCK_SYNC_FIRST, UNSPECIFIED},
    };

    plan_event(plan, &sync, time);
    plan->state.clock_offset_s = operation->value - operation->machine_time;
    sync.data[1] = CLOCK_SYNC_SECOND;
    plan_event(plan, &sync, (uint32_t)operation->value);
}

static int plan_addition(struct sel_plan *plan, struct sel_operation *operation, uint32_t time)
{
    int id = sel_plan_add(plan, operation->record, time);

    if (id < 0)
        return id;
    operation->id = (uint16_t)id;
    operation->ticket.data[0] = (uint8_t)id;
    operation->ticket.data[1] = (uint8_t)(id >> 8);
    return 0;
}

static int plan_deletion(struct sel_plan *plan, const struct sel_operation *operation,
                         uint32_t time)
{
    int index = sel_book_find(plan->book, (uint16_t)operation->value);

    if (index < 0)
        return index;
    sel_plan_remove(plan, (unsigned)index, 1, time);
    return 0;
}

static int plan_operation(const struct sel *sel, struct sel_operation *operation)
{
    struct sel_plan *plan = sel->plan;
    uint32_t time = sel_record_time(sel_time(sel, operation->machine_time));

    switch (operation->kind) {
    case SEL_OPERATION_ADD:
        return plan_addition(plan, operation, time);
    case SEL_OPERATION_DELETE:
        return plan_deletion(plan, operation, time);
    case SEL_OPERATION_CLEAR:
        plan_clear(plan, time);
        return 0;
    case SEL_OPERATION_SET_TIME:
        plan_set_time(plan, operation, time);
        return 0;
    case SEL_OPERATION_SET_UTC_OFFSET:
        plan->state.utc_offset_min = (int16_t)operation->value;
        return 0;
    case SEL_OPERATION_SET_LAST_BY_SOFTWARE:
        plan->state.last_by_software = (uint16_t)operation->value;
        return 0;
    case SEL_OPERATION_SET_LAST_BY_BMC:
        plan->state.last_by_bmc = (uint16_t)operation->value;
        return 0;
    }
    return -EINVAL;
}

/* ---- storing ---- */

static void finish(struct sel *sel, struct sel_operation *operation, int result)
{
    if (operation->kind == SEL_OPERATION_CLEAR)
        sel->clears--;
    bmc_ticket_finish(&operation->ticket, result);
    free(operation);
}

static void note_recovery(struct sel *sel)
{
    char uuid[UUID_TEXT_SIZE];

    sel->retry_at_ms = 0;
    if (sel->lost == 0)
        return;
    uuid_format(&sel->core->uuid, uuid);
    log_error("%s: %u events could not be kept for the event log", uuid, sel->lost);
    sel->lost = 0;
}

/* Leaves in the queue, in their order, the events of the BMC that are worth another try, and moves
 * all other operations to `ended`. */
static void keep_own_events(struct sel *sel, int result, struct sel_operations *ended)
{
    struct sel_operations step = sel->step, queue = sel->queue;
    struct sel_operation *operation;

    sel_operations_init(&sel->step);
    sel_operations_init(&sel->queue);
    while ((operation = sel_operations_take(&step))) {
        bool is_kept = operation->own && result != -EINVAL;
        sel->lost += operation->own && !is_kept;
        sel_operations_append(is_kept ? &sel->queue : ended, operation);
    }
    while ((operation = sel_operations_take(&queue)))
        sel_operations_append(operation->own ? &sel->queue : ended, operation);
    sel->clients = 0;
    sel->retry_at_ms = sel->core->hooks->now(sel->core) + SEL_RETRY_MS;
}

static void end_step(struct sel *sel, int result)
{
    struct sel_operations ended;
    struct sel_operation *operation;
    bool was_starting = sel->is_starting;

    sel->is_starting = true; /* what comes meanwhile waits behind what is there */
    sel_operations_init(&ended);
    if (result < 0) {
        for (operation = sel->step.first; operation; operation = operation->next)
            sel_tell_unlogged(sel, operation);
        keep_own_events(sel, result, &ended);
    } else {
        sel_plan_apply(sel->plan, &sel->book);
        sel_tell_step(sel);
        while ((operation = sel_operations_take(&sel->step)))
            sel_operations_append(&ended, operation);
        note_recovery(sel);
    }
    free(sel->plan);
    sel->plan = NULL;
    while ((operation = sel_operations_take(&ended)))
        finish(sel, operation, operation->result < 0 ? operation->result : result);
    sel->is_starting = was_starting;
}

static void start(struct sel *sel);

static void on_saved(void *context, int result)
{
    struct sel *sel = context;

    if (sel->closed) {
        free(sel);
        return;
    }
    end_step(sel, result);
    start(sel);
}

/* As many additions as come one after the other, or one of anything else. */
static void take_step(struct sel *sel)
{
    do {
        struct sel_operation *operation = sel_operations_take(&sel->queue);
        if (!operation->own)
            sel->clients--;
        sel_operations_append(&sel->step, operation);
    } while (sel->step.first->kind == SEL_OPERATION_ADD && sel->queue.first &&
             sel->queue.first->kind == SEL_OPERATION_ADD &&
             sel->step.count < SEL_PLAN_ADDITIONS_MAX);
}

static void begin_step(struct sel *sel)
{
    take_step(sel);
    sel->plan = malloc(sizeof *sel->plan);
    if (!sel->plan) {
        end_step(sel, -ENOMEM);
        return;
    }
    sel_plan_begin(sel->plan, &sel->book, sel->policy);
    for (struct sel_operation *operation = sel->step.first; operation; operation = operation->next)
        operation->result = plan_operation(sel, operation);
    if (sel_plan_is_empty(sel->plan) || sel_plan_reserve(sel->plan, &sel->book) < 0) {
        end_step(sel, sel_plan_is_empty(sel->plan) ? 0 : -ENOMEM);
        return;
    }
    struct sel_change change = sel_plan_change(sel->plan);
    change.uuid = sel->core->uuid;
    sel->ops->save(sel->context, &change, on_saved, sel);
}

static bool is_time_to_try(const struct sel *sel)
{
    return sel->clients > 0 || sel->retry_at_ms == 0 ||
           sel->core->hooks->now(sel->core) >= sel->retry_at_ms;
}

static void start(struct sel *sel)
{
    if (sel->is_starting)
        return;
    sel->is_starting = true;
    while (!sel->plan && sel->queue.first && is_time_to_try(sel))
        begin_step(sel);
    sel->is_starting = false;
    if (!sel->plan && sel->queue.first) /* also what has come since the disk refused */
        sel->core->hooks->wake_at(sel->core, sel->retry_at_ms);
}

void sel_tick(struct sel *sel)
{
    if (sel)
        start(sel);
}

uint64_t sel_next_deadline(const struct sel *sel)
{
    return sel && !sel->plan && sel->queue.first ? sel->retry_at_ms : UINT64_MAX;
}

/* ---- changing ---- */

static struct sel_operation *new_operation(struct sel *sel, enum sel_operation_kind kind)
{
    if (sel->queue.count + sel->step.count >= SEL_QUEUE_MAX)
        return NULL;
    struct sel_operation *operation = calloc(1, sizeof *operation);
    if (operation) {
        operation->kind = kind;
        operation->machine_time = sel->ops->machine_time(sel->context);
    }
    return operation;
}

/* Takes a client's operation, which may be NULL. */
static void submit(struct sel *sel, struct sel_operation *operation,
                   const struct bmc_ticket *ticket)
{
    if (!operation) {
        bmc_ticket_finish(ticket, -EBUSY);
        return;
    }
    operation->ticket = *ticket;
    if (operation->kind == SEL_OPERATION_CLEAR)
        sel->clears++;
    sel->clients++;
    sel_operations_append(&sel->queue, operation);
    start(sel);
}

static void submit_value(struct sel *sel, enum sel_operation_kind kind, int64_t value,
                         const struct bmc_ticket *ticket)
{
    struct sel_operation *operation = new_operation(sel, kind);

    if (operation)
        operation->value = value;
    submit(sel, operation, ticket);
}

/* An event of the BMC that not even the queue has room for. */
static void lose(struct sel *sel, const struct sensor_event *event)
{
    struct sel_operation lost = {.is_event = true,
                                 .machine_time = sel->ops->machine_time(sel->context)};

    sel->lost++;
    sel_record_of_event(event, lost.record);
    sel_tell_unlogged(sel, &lost);
}

void sel_log(struct sel *sel, const struct sensor_event *event)
{
    struct sel_operation *operation = new_operation(sel, SEL_OPERATION_ADD);

    if (!operation) {
        lose(sel, event);
        return;
    }
    operation->own = operation->is_event = true;
    sel_record_of_event(event, operation->record);
    sel_operations_append(&sel->queue, operation);
    start(sel);
}

static void add(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE], bool is_event,
                const struct bmc_ticket *ticket)
{
    struct sel_operation *operation = new_operation(sel, SEL_OPERATION_ADD);

    if (operation) {
        operation->is_event = is_event;
        memcpy(operation->record, record, SEL_RECORD_SIZE);
    }
    submit(sel, operation, ticket);
}

void sel_add(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE],
             const struct bmc_ticket *ticket)
{
    add(sel, record, false, ticket);
}

void sel_add_event(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE],
                   const struct bmc_ticket *ticket)
{
    add(sel, record, true, ticket);
}

void sel_delete(struct sel *sel, uint16_t id, const struct bmc_ticket *ticket)
{
    submit_value(sel, SEL_OPERATION_DELETE, id, ticket);
}

void sel_clear(struct sel *sel, const struct bmc_ticket *ticket)
{
    sel->is_reserved = false;
    submit_value(sel, SEL_OPERATION_CLEAR, 0, ticket);
}

bool sel_is_clearing(const struct sel *sel)
{
    return sel->clears > 0;
}

void sel_set_time(struct sel *sel, uint32_t seconds, const struct bmc_ticket *ticket)
{
    submit_value(sel, SEL_OPERATION_SET_TIME, seconds, ticket);
}

void sel_set_utc_offset(struct sel *sel, int16_t minutes, const struct bmc_ticket *ticket)
{
    submit_value(sel, SEL_OPERATION_SET_UTC_OFFSET, minutes, ticket);
}

void sel_set_last_processed(struct sel *sel, bool by_bmc, uint16_t id,
                            const struct bmc_ticket *ticket)
{
    submit_value(sel, by_bmc ? SEL_OPERATION_SET_LAST_BY_BMC : SEL_OPERATION_SET_LAST_BY_SOFTWARE,
                 id, ticket);
}

void sel_note_processed(struct sel *sel, uint16_t id)
{
    struct sel_operation *operation = sel->queue.first;

    while (operation && !(operation->own && operation->kind == SEL_OPERATION_SET_LAST_BY_BMC))
        operation = operation->next;
    if (operation) { /* waits, and says it of this one too */
        operation->value = id;
        return;
    }
    operation = new_operation(sel, SEL_OPERATION_SET_LAST_BY_BMC);
    if (!operation)
        return;
    operation->own = true;
    operation->value = id;
    sel_operations_append(&sel->queue, operation);
    start(sel);
}

/* ---- life ---- */

struct sel *sel_new(const struct bmc_core *core, const struct sel_ops *ops, void *context)
{
    struct sel *sel = calloc(1, sizeof *sel);

    if (!sel)
        return NULL;
    sel->core = core;
    sel->ops = ops;
    sel->context = context;
    sel_book_init(&sel->book);
    sel_operations_init(&sel->queue);
    sel_operations_init(&sel->step);
    return sel;
}

int sel_restore(struct sel *sel, const struct sel_state *state, const struct sel_entry *entries,
                size_t count)
{
    return sel_book_restore(&sel->book, state, entries, count);
}

void sel_set_policy(struct sel *sel, enum sel_full_policy policy)
{
    sel->policy = policy;
}

void sel_set_listener(struct sel *sel, const struct sel_listener *listener, void *context)
{
    sel->listener = listener;
    sel->listener_context = context;
}

void sel_free(struct sel *sel)
{
    struct sel_operation *operation;

    if (!sel)
        return;
    sel->is_starting = true; /* nothing begins any more */
    while ((operation = sel_operations_take(&sel->step)) ||
           (operation = sel_operations_take(&sel->queue)))
        finish(sel, operation, -ECANCELED);
    sel_book_clear(&sel->book);
    sel->closed = sel->plan != NULL;
    free(sel->plan);
    if (!sel->closed)
        free(sel);
}
