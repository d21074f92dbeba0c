/* The records of a System Event Log as they are on disk, and the steps from one such state to the
 * next: planned, stored by somebody else, then applied. No I/O, no clock. For sel.c. */
#ifndef VBMC_BMC_SEL_BOOK_H
#define VBMC_BMC_SEL_BOOK_H

#include "vbmc/bmc/sel.h"

/* Of sensor type 10h (table 42-3). */
#define SEL_OFFSET_FULL        0x04
#define SEL_OFFSET_ALMOST_FULL 0x05

/* Full in this many percent: worth an event. */
#define SEL_ALMOST_FULL_PERCENT 80
/* Below this the event may come again. */
#define SEL_ALMOST_FULL_REARM_PERCENT 75

#define SEL_PLAN_ADDITIONS_MAX 128
#define SEL_PLAN_ENTRIES_MAX   (SEL_PLAN_ADDITIONS_MAX + 2) /* almost full, full */

struct sel_book {
    struct sel_state state;
    struct sel_entry *entries; /* oldest first */
    unsigned count;
    unsigned room;
    uint64_t next_sequence;
    bool told_almost_full;
    bool told_full;
};

/* A step that has not been taken. The book does not change while there is one. */
struct sel_plan {
    const struct sel_book *book;
    enum sel_full_policy policy;
    struct sel_state state;
    uint64_t next_sequence;
    bool told_almost_full;
    bool told_full;
    unsigned remove_from; /* index in the book */
    unsigned remove_count;
    struct sel_entry entries[SEL_PLAN_ENTRIES_MAX];
    unsigned count;
};

void sel_book_init(struct sel_book *book);
void sel_book_clear(struct sel_book *book);
/* As sel_restore. */
int sel_book_restore(struct sel_book *book, const struct sel_state *state,
                     const struct sel_entry *entries, size_t count);
/* The index of a record by its own id; -ENOENT. */
int sel_book_find(const struct sel_book *book, uint16_t id);

/* A step that changes nothing yet. */
void sel_plan_begin(struct sel_plan *plan, const struct sel_book *book,
                    enum sel_full_policy policy);
/* Adds a record under the next free id, stamped with `time` unless its type has none, and what is
 * to be said about the log getting full. Up to SEL_PLAN_ADDITIONS_MAX of these. The id, or -ENOSPC
 * (policy stop; the overflow flag is set). */
int sel_plan_add(struct sel_plan *plan, const uint8_t record[SEL_RECORD_SIZE], uint32_t time);
/* Removes entries of the book; the first thing in a plan. */
void sel_plan_remove(struct sel_plan *plan, unsigned from, unsigned count, uint32_t time);
/* Makes room for what is planned, so that applying cannot fail. 0 or -ENOMEM. */
int sel_plan_reserve(const struct sel_plan *plan, struct sel_book *book);
bool sel_plan_is_empty(const struct sel_plan *plan);
struct sel_change sel_plan_change(const struct sel_plan *plan);
/* Takes the step. */
void sel_plan_apply(const struct sel_plan *plan, struct sel_book *book);

/* Puts the id into the record, and the time unless its type has none. */
void sel_record_stamp(uint8_t record[SEL_RECORD_SIZE], uint16_t id, uint32_t time);
/* An event of the BMC itself (table 32-1); id and time are filled in by sel_plan_add. */
void sel_record_of_event(const struct sensor_event *event, uint8_t record[SEL_RECORD_SIZE]);

#endif
