/* The System Event Log of one BMC (IPMI 2.0, chapter 31). A record is shown only when it is on
 * disk: a client that was given an id finds it after any crash. Ids are never used twice, until all
 * 65534 are through. Changes happen in the order they were asked for, several additions at a time.
 */
#ifndef VBMC_BMC_SEL_H
#define VBMC_BMC_SEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"

#define SEL_RECORD_SIZE 16
#define SEL_RECORDS_MAX 4096

/* Record ids (section 31.5). */
#define SEL_ID_FIRST 0x0000 /* stands for the oldest record, and is no record's own */
#define SEL_ID_MAX   0xfffe
#define SEL_ID_LAST  0xffff /* stands for the newest; as the next id: there is none */

/* Record types (table 32-1). */
#define SEL_TYPE_EVENT           0x02
#define SEL_TYPE_WITHOUT_TIME    0xe0 /* and above: all 13 bytes are the writer's */
#define SEL_EVENT_REVISION       0x04 /* EvMRev of IPMI 1.5 and 2.0 */
#define SEL_TIME_UNSPECIFIED     0xffffffff
#define SEL_TIME_OF_DAY_FIRST    0x20000000 /* below: seconds since the BMC came up (section 37.1) */
#define SEL_UTC_OFFSET_UNKNOWN   0x07ff
#define SEL_UTC_OFFSET_LIMIT_MIN 1440

/* Bytes of an event record (table 32-1). */
enum {
    SEL_RECORD_TYPE = 2,
    SEL_RECORD_TIME = 3,      /* 4 bytes */
    SEL_RECORD_GENERATOR = 7, /* 2 bytes */
    SEL_RECORD_REVISION = 9,
    SEL_RECORD_SENSOR_TYPE = 10,
    SEL_RECORD_SENSOR_NUMBER = 11,
    SEL_RECORD_EVENT_TYPE = 12, /* with SEL_DEASSERTION */
    SEL_RECORD_DATA = 13,       /* 3 bytes; its first has the offset in [3:0] */
};
#define SEL_DEASSERTION   0x80
#define SEL_GENERATOR_BMC 0x20

/* Additions that wait for the disk. Beyond, events of the BMC are lost and clients are told that it
 * is busy. */
#define SEL_QUEUE_MAX 1024
/* What the disk did not take is tried again so much later. */
#define SEL_RETRY_MS 5000

struct bmc_core;
struct bmc_ticket;
struct sel;
struct sensor_event;

enum sel_full_policy {
    SEL_FULL_DROP_OLDEST,
    SEL_FULL_STOP, /* refuses, sets the overflow flag */
};

/* What is stored beside the records. */
struct sel_state {
    uint16_t next_id;          /* 1 to SEL_ID_MAX; that of the next record if it is free */
    uint32_t added_at;         /* SEL time; SEL_TIME_UNSPECIFIED: never */
    uint32_t erased_at;        /* the same */
    int64_t clock_offset_s;    /* what the BMC's clock is ahead of the machine's */
    int16_t utc_offset_min;    /* or SEL_UTC_OFFSET_UNKNOWN */
    bool overflow;             /* events were lost since the log was cleared */
    uint16_t last_by_software; /* Get Last Processed Event ID (section 30.6) */
    uint16_t last_by_bmc;
};

struct sel_entry {
    uint64_t sequence; /* counts up with every record; from 1 */
    uint8_t record[SEL_RECORD_SIZE];
};

/* One step of the log, to be stored as a whole or not at all. */
struct sel_change {
    struct uuid uuid;
    struct sel_state state;          /* afterwards */
    uint64_t remove_first;           /* sequences of the entries to be removed, both included ... */
    uint64_t remove_last;            /* ... 0: none */
    const struct sel_entry *entries; /* to be added */
    size_t count;
};

struct sel_ops {
    /* Stores the change, which is good until this returns, and calls done once: with 0 when it is
     * on disk, else with a negative error, -EINVAL if trying again is no use. */
    void (*save)(void *context, const struct sel_change *change,
                 void (*done)(void *done_context, int result), void *done_context);
    /* Seconds since 1970 by the machine's clock. */
    int64_t (*machine_time)(void *context);
};

/* Both may log events and call sel_note_processed. */
struct sel_listener {
    /* Told of each event, of the BMC itself or by Platform Event, when it is on disk, or at once
     * under the id 0 when the log is full or the disk has refused it; in their order, once each.
     * Not of what clients put into the log by Add SEL Entry. */
    void (*event)(void *context, const uint8_t record[SEL_RECORD_SIZE]);
    /* Software has processed the log up to that record, and that is on disk. */
    void (*processed)(void *context, uint16_t id);
};

/* An empty log. Uses the time and the wake-up of the hooks; the owner puts it into bmc->sel.
 * NULL if there is no memory. */
struct sel *sel_new(const struct bmc_core *core, const struct sel_ops *ops, void *context);
/* Events that no save has begun for are lost, clients that wait get -ECANCELED. Memory goes when
 * the last save has ended. NULL is allowed. */
void sel_free(struct sel *sel);
/* What was stored, entries by their sequence; before anything else. Copies. 0, -ENOMEM, or -EINVAL
 * for what cannot have been stored. */
int sel_restore(struct sel *sel, const struct sel_state *state, const struct sel_entry *entries,
                size_t count);
void sel_set_policy(struct sel *sel, enum sel_full_policy policy);
enum sel_full_policy sel_policy(const struct sel *sel);
/* NULL: nobody. */
void sel_set_listener(struct sel *sel, const struct sel_listener *listener, void *context);

/* ---- changing; each finishes its ticket when it is on disk ---- */

/* Logs an event of the BMC's own sensors, stamped with the BMC's clock of now. While the disk takes
 * nothing the event is kept and tried again. */
void sel_log(struct sel *sel, const struct sensor_event *event);
/* Adds a record; its id, and its time unless its type has none, are the BMC's. The new id is put
 * into the first two bytes of the ticket's data, whose length the caller sets. Results: 0, -ENOSPC
 * (full, or the disk is), -EBUSY, or what the store said. */
void sel_add(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE],
             const struct bmc_ticket *ticket);
/* The same of an event message that a client has sent (section 29.3). */
void sel_add_event(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE],
                   const struct bmc_ticket *ticket);
/* An event message that is not to be logged: only the listener is told, under the id 0. */
void sel_pass_event(struct sel *sel, const uint8_t record[SEL_RECORD_SIZE]);
/* By the record's own id. -ENOENT if it is gone by then. */
void sel_delete(struct sel *sel, uint16_t id, const struct bmc_ticket *ticket);
/* Leaves one record, which says that the log was cleared. */
void sel_clear(struct sel *sel, const struct bmc_ticket *ticket);
/* A clear is under way. */
bool sel_is_clearing(const struct sel *sel);
/* Moves the clock, and logs the pair of events that tells its former and its new time. */
void sel_set_time(struct sel *sel, uint32_t seconds, const struct bmc_ticket *ticket);
void sel_set_utc_offset(struct sel *sel, int16_t minutes, const struct bmc_ticket *ticket);
/* by_bmc: that of the BMC, else that of software. */
void sel_set_last_processed(struct sel *sel, bool by_bmc, uint16_t id,
                            const struct bmc_ticket *ticket);

/* The same of the BMC by itself, stored when it can be. */
void sel_note_processed(struct sel *sel, uint16_t id);

/* ---- reading: what is on disk ---- */

const struct sel_state *sel_state(const struct sel *sel);
unsigned sel_count(const struct sel *sel);
/* 0..100, rounded down. */
unsigned sel_percent(const struct sel *sel);
/* The states of SENSOR_SEL (table 42-3, type 10h): full, almost full. The log writes the events
 * that belong to them itself, as the last place is kept for the one that says full. */
uint16_t sel_states(const struct sel *sel);
/* The n-th, oldest first; -ENOENT. */
int sel_record(const struct sel *sel, unsigned n, uint8_t record[SEL_RECORD_SIZE]);
/* Which one has that id, SEL_ID_FIRST and SEL_ID_LAST included; -ENOENT. */
int sel_find(const struct sel *sel, uint16_t id, unsigned *n);
uint16_t sel_record_id(const uint8_t record[SEL_RECORD_SIZE]);

/* The BMC's clock when the machine's says so (seconds since 1970). */
int64_t sel_time(const struct sel *sel, int64_t machine_seconds);
/* The BMC's clock now, as records have it. */
uint32_t sel_now(const struct sel *sel);

/* ---- reservations (section 31.4) ---- */

/* A new one, never 0, which cancels the one before. */
uint16_t sel_reserve(struct sel *sel);
/* Whether it is the present one. A clear ends it. Records keep their ids when others come or go, so
 * that neither additions nor deletions disturb who reads, and ipmitool deletes several records
 * under one reservation. */
bool sel_is_reserved(const struct sel *sel, uint16_t reservation);
/* Whether the progress of a clear may be asked for under it: until there is another one, also after
 * the clear has ended it. */
bool sel_may_ask_progress(const struct sel *sel, uint16_t reservation);

/* ---- for bmc.c; NULL is allowed ---- */

void sel_tick(struct sel *sel);
uint64_t sel_next_deadline(const struct sel *sel);

#endif
