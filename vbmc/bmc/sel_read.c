/* Reading the event log, its reservations, and what does not get into it. */
#include <errno.h>
#include <string.h>

#include "vbmc/bmc/sel_internal.h"

/* ---- time ---- */

int64_t sel_time(const struct sel *sel, int64_t machine_seconds)
{
    return machine_seconds + sel->book.state.clock_offset_s;
}

uint32_t sel_record_time(int64_t seconds)
{
    return seconds < 0                      ? 0
           : seconds < SEL_TIME_UNSPECIFIED ? (uint32_t)seconds
                                            : SEL_TIME_UNSPECIFIED - 1;
}

uint32_t sel_now(const struct sel *sel)
{
    return sel_record_time(sel_time(sel, sel->ops->machine_time(sel->context)));
}

void sel_pass_event(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE])
{
    uint8_t stamped[SEL_RECORD_SIZE];

    if (!sel->listener)
        return;
    memcpy(stamped, record, sizeof stamped);
    sel_record_stamp(stamped, 0, sel_now(sel));
    sel->listener->event(sel->listener_context, stamped);
}

/* ---- reading ---- */

const struct sel_state *sel_state(const struct sel *sel)
{
    return &sel->book.state;
}

enum sel_full_policy sel_policy(const struct sel *sel)
{
    return sel->policy;
}

unsigned sel_count(const struct sel *sel)
{
    return sel->book.count;
}

unsigned sel_percent(const struct sel *sel)
{
    return sel->book.count >= SEL_RECORDS_MAX ? 100 : sel->book.count * 100 / SEL_RECORDS_MAX;
}

uint16_t sel_states(const struct sel *sel)
{
    unsigned percent = sel_percent(sel);

    return (uint16_t)((percent >= SEL_ALMOST_FULL_PERCENT ? 1 << SEL_OFFSET_ALMOST_FULL : 0) |
                      (percent == 100 ? 1 << SEL_OFFSET_FULL : 0));
}

int sel_record(const struct sel *sel, unsigned n, uint8_t record[SEL_RECORD_SIZE])
{
    if (n >= sel->book.count)
        return -ENOENT;
    memcpy(record, sel->book.entries[n].record, SEL_RECORD_SIZE);
    return 0;
}

int sel_find(const struct sel *sel, uint16_t id, unsigned *n)
{
    int index = sel->book.count == 0 ? -ENOENT
                : id == SEL_ID_FIRST ? 0
                : id == SEL_ID_LAST  ? (int)sel->book.count - 1
                                     : sel_book_find(&sel->book, id);

    if (index < 0)
        return index;
    *n = (unsigned)index;
    return 0;
}

/* ---- reservations ---- */

uint16_t sel_reserve(struct sel *sel)
{
    if (++sel->last_reservation == 0)
        sel->last_reservation = 1;
    sel->is_reserved = true;
    return sel->last_reservation;
}

bool sel_is_reserved(const struct sel *sel, uint16_t reservation)
{
    return sel->is_reserved && reservation == sel->last_reservation;
}

bool sel_may_ask_progress(const struct sel *sel, uint16_t reservation)
{
    return reservation != 0 && reservation == sel->last_reservation;
}
