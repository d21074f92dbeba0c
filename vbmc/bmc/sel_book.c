#include "vbmc/bmc/sel_book.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/sensors.h"

#define ROOM_FIRST 16

/* Sensor type 10h, event logging disabled (table 42-3). */
#define EVENT_TYPE_SENSOR_SPECIFIC 0x6f
#define TYPE_EVENT_LOGGING         0x10
#define DATA3_SENSOR_SPECIFIC      0x30 /* in event data 1 (section 29.7) */
#define UNSPECIFIED                0xff

/* ---- the book ---- */

void sel_book_init(struct sel_book *book)
{
    *book = (struct sel_book){
        .state =
            {
                .next_id = 1,
                .added_at = SEL_TIME_UNSPECIFIED,
                .erased_at = SEL_TIME_UNSPECIFIED,
            },
        .next_sequence = 1,
    };
}

void sel_book_clear(struct sel_book *book)
{
    free(book->entries);
    book->entries = NULL;
    book->count = book->room = 0;
}

static int make_room(struct sel_book *book, unsigned wanted)
{
    unsigned room = book->room ? book->room : ROOM_FIRST;

    if (wanted <= book->room)
        return 0;
    while (room < wanted)
        room *= 2;
    struct sel_entry *entries = reallocarray(book->entries, room, sizeof *entries);
    if (!entries)
        return -ENOMEM;
    book->entries = entries;
    book->room = room;
    return 0;
}

static bool is_own_id(uint16_t id)
{
    return id != SEL_ID_FIRST && id != SEL_ID_LAST;
}

static bool is_valid_state(const struct sel_state *state)
{
    return is_own_id(state->next_id) && (state->utc_offset_min == SEL_UTC_OFFSET_UNKNOWN ||
                                         abs(state->utc_offset_min) <= SEL_UTC_OFFSET_LIMIT_MIN);
}

int sel_book_restore(struct sel_book *book, const struct sel_state *state,
                     const struct sel_entry *entries, size_t count)
{
    if (!is_valid_state(state) || count > SEL_ID_MAX)
        return -EINVAL;
    for (size_t i = 0; i < count; i++) {
        if (!is_own_id(sel_record_id(entries[i].record)) ||
            entries[i].sequence <= (i > 0 ? entries[i - 1].sequence : 0))
            return -EINVAL;
    }
    if (make_room(book, (unsigned)count) < 0)
        return -ENOMEM;
    book->state = *state;
    if (count > 0) {
        memcpy(book->entries, entries, count * sizeof *entries);
        book->next_sequence = entries[count - 1].sequence + 1;
    }
    book->count = (unsigned)count;
    book->told_almost_full = count * 100 >= SEL_ALMOST_FULL_PERCENT * SEL_RECORDS_MAX;
    book->told_full = count >= SEL_RECORDS_MAX - 1;
    return 0;
}

uint16_t sel_record_id(const uint8_t record[SEL_RECORD_SIZE])
{
    return (uint16_t)(record[0] | record[1] << 8);
}

int sel_book_find(const struct sel_book *book, uint16_t id)
{
    for (unsigned i = 0; i < book->count; i++) {
        if (sel_record_id(book->entries[i].record) == id)
            return (int)i;
    }
    return -ENOENT;
}

void sel_record_of_event(const struct sensor_event *event, uint8_t record[SEL_RECORD_SIZE])
{
    struct wire_out out = wire_out_init(record, SEL_RECORD_SIZE);

    wire_put_u16(&out, 0);
    wire_put_u8(&out, SEL_TYPE_EVENT);
    wire_put_u32(&out, 0);
    wire_put_u16(&out, SEL_GENERATOR_BMC);
    wire_put_u8(&out, SEL_EVENT_REVISION);
    wire_put_u8(&out, event->type);
    wire_put_u8(&out, event->number);
    wire_put_u8(&out, (uint8_t)(event->event_type | (event->deassertion ? SEL_DEASSERTION : 0)));
    wire_put_bytes(&out, event->data, sizeof event->data);
    assert(!out.failed && out.pos == SEL_RECORD_SIZE);
}

/* ---- a step ---- */

void sel_plan_begin(struct sel_plan *plan, const struct sel_book *book, enum sel_full_policy policy)
{
    plan->book = book;
    plan->policy = policy;
    plan->state = book->state;
    plan->next_sequence = book->next_sequence;
    plan->told_almost_full = book->told_almost_full;
    plan->told_full = book->told_full;
    plan->remove_from = plan->remove_count = plan->count = 0;
}

/* How many records there will be. */
static unsigned live_count(const struct sel_plan *plan)
{
    return plan->book->count - plan->remove_count + plan->count;
}

static bool has_id(const struct sel_plan *plan, uint16_t id)
{
    int index = sel_book_find(plan->book, id);

    if (index >= 0 && ((unsigned)index < plan->remove_from ||
                       (unsigned)index >= plan->remove_from + plan->remove_count))
        return true;
    for (unsigned i = 0; i < plan->count; i++) {
        if (sel_record_id(plan->entries[i].record) == id)
            return true;
    }
    return false;
}

/* There always is a free one: the log holds far fewer records than there are ids. */
static uint16_t take_id(struct sel_plan *plan)
{
    uint16_t id = plan->state.next_id;

    while (has_id(plan, id))
        id = id == SEL_ID_MAX ? 1 : id + 1;
    plan->state.next_id = id == SEL_ID_MAX ? 1 : id + 1;
    return id;
}

void sel_record_stamp(uint8_t record[SEL_RECORD_SIZE], uint16_t id, uint32_t time)
{
    struct wire_out out = wire_out_init(record, SEL_RECORD_SIZE);

    wire_put_u16(&out, id);
    wire_reserve(&out, SEL_RECORD_TIME - SEL_RECORD_TYPE);
    if (record[SEL_RECORD_TYPE] < SEL_TYPE_WITHOUT_TIME)
        wire_put_u32(&out, time);
}

static uint16_t append(struct sel_plan *plan, const uint8_t record[SEL_RECORD_SIZE], uint32_t time)
{
    assert(plan->count < SEL_PLAN_ENTRIES_MAX);
    struct sel_entry *entry = &plan->entries[plan->count];
    uint16_t id = take_id(plan);

    entry->sequence = plan->next_sequence++;
    memcpy(entry->record, record, SEL_RECORD_SIZE);
    sel_record_stamp(entry->record, id, time);
    plan->count++;
    plan->state.added_at = time;
    return id;
}

static void append_fullness(struct sel_plan *plan, uint8_t offset, unsigned percent, uint32_t time)
{
    const struct sensor_event event = {
        .type = TYPE_EVENT_LOGGING,
        .number = SENSOR_SEL,
        .event_type = EVENT_TYPE_SENSOR_SPECIFIC,
        .data = {DATA3_SENSOR_SPECIFIC | offset, UNSPECIFIED, (uint8_t)percent},
    };
    uint8_t record[SEL_RECORD_SIZE];

    sel_record_of_event(&event, record);
    append(plan, record, time);
}

/* The last free place is for the record that says so. */
static void tell_fullness(struct sel_plan *plan, uint32_t time)
{
    if (!plan->told_almost_full &&
        live_count(plan) * 100 >= SEL_ALMOST_FULL_PERCENT * SEL_RECORDS_MAX) {
        plan->told_almost_full = true;
        append_fullness(plan, SEL_OFFSET_ALMOST_FULL, live_count(plan) * 100 / SEL_RECORDS_MAX,
                        time);
    }
    if (!plan->told_full && live_count(plan) == SEL_RECORDS_MAX - 1) {
        plan->told_full = true;
        append_fullness(plan, SEL_OFFSET_FULL, 100, time);
    }
}

int sel_plan_add(struct sel_plan *plan, const uint8_t record[SEL_RECORD_SIZE], uint32_t time)
{
    while (live_count(plan) >= SEL_RECORDS_MAX) {
        if (plan->policy == SEL_FULL_STOP) {
            plan->state.overflow = true;
            return -ENOSPC;
        }
        assert(plan->remove_from == 0 && plan->remove_count < plan->book->count);
        plan->remove_count++;
    }
    uint16_t id = append(plan, record, time);
    tell_fullness(plan, time);
    return id;
}

void sel_plan_remove(struct sel_plan *plan, unsigned from, unsigned count, uint32_t time)
{
    assert(plan->count == 0 && plan->remove_count == 0 && from + count <= plan->book->count);
    plan->remove_from = from;
    plan->remove_count = count;
    plan->state.erased_at = time;
    if (count == plan->book->count)
        plan->state.overflow = false;
    if (live_count(plan) * 100 < SEL_ALMOST_FULL_PERCENT * SEL_RECORDS_MAX)
        plan->told_full = false;
    if (live_count(plan) * 100 < SEL_ALMOST_FULL_REARM_PERCENT * SEL_RECORDS_MAX)
        plan->told_almost_full = false;
}

int sel_plan_reserve(const struct sel_plan *plan, struct sel_book *book)
{
    return make_room(book, book->count + plan->count);
}

static bool is_same_state(const struct sel_state *a, const struct sel_state *b)
{
    return a->next_id == b->next_id && a->added_at == b->added_at && a->erased_at == b->erased_at &&
           a->clock_offset_s == b->clock_offset_s && a->utc_offset_min == b->utc_offset_min &&
           a->overflow == b->overflow && a->last_by_software == b->last_by_software &&
           a->last_by_bmc == b->last_by_bmc;
}

bool sel_plan_is_empty(const struct sel_plan *plan)
{
    return plan->count == 0 && plan->remove_count == 0 &&
           is_same_state(&plan->state, &plan->book->state);
}

struct sel_change sel_plan_change(const struct sel_plan *plan)
{
    struct sel_change change = {
        .state = plan->state,
        .entries = plan->entries,
        .count = plan->count,
    };

    if (plan->remove_count > 0) {
        const struct sel_entry *entries = plan->book->entries + plan->remove_from;
        change.remove_first = entries[0].sequence;
        change.remove_last = entries[plan->remove_count - 1].sequence;
    }
    return change;
}

void sel_plan_apply(const struct sel_plan *plan, struct sel_book *book)
{
    unsigned behind = plan->remove_from + plan->remove_count;

    assert(book == plan->book && book->count - plan->remove_count + plan->count <= book->room);
    if (plan->remove_count > 0) {
        memmove(book->entries + plan->remove_from, book->entries + behind,
                (book->count - behind) * sizeof *book->entries);
        book->count -= plan->remove_count;
    }
    if (plan->count > 0) {
        memcpy(book->entries + book->count, plan->entries, plan->count * sizeof *plan->entries);
        book->count += plan->count;
    }
    book->state = plan->state;
    book->next_sequence = plan->next_sequence;
    book->told_almost_full = plan->told_almost_full;
    book->told_full = plan->told_full;
}
