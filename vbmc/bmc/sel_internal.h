/* The event log as sel.c, sel_queue.c and sel_read.c see it. */
#ifndef VBMC_BMC_SEL_INTERNAL_H
#define VBMC_BMC_SEL_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sel_book.h"
#include "vbmc/bmc/ticket.h"

enum sel_operation_kind {
    SEL_OPERATION_ADD,
    SEL_OPERATION_DELETE,
    SEL_OPERATION_CLEAR,
    SEL_OPERATION_SET_TIME,
    SEL_OPERATION_SET_UTC_OFFSET,
    SEL_OPERATION_SET_LAST_BY_SOFTWARE,
    SEL_OPERATION_SET_LAST_BY_BMC,
};

struct sel_operation {
    struct sel_operation *next;
    enum sel_operation_kind kind;
    bool own;             /* of the BMC, which nobody will send again */
    bool is_event;        /* an event, of the BMC or of a client: for the listener, ... */
    bool is_told;         /* ... who knows of it */
    int64_t machine_time; /* when it was asked for */
    int64_t value;        /* id, time, minutes */
    uint8_t record[SEL_RECORD_SIZE];
    struct bmc_ticket ticket;
    uint16_t id; /* of the record that is added */
    int result;  /* what the plan says of it */
};

struct sel_operations {
    struct sel_operation *first;
    struct sel_operation **end;
    unsigned count;
};

struct sel {
    const struct bmc_core *core;
    const struct sel_ops *ops;
    void *context;
    struct sel_book book;
    enum sel_full_policy policy;
    struct sel_operations queue;
    struct sel_operations step; /* being stored */
    struct sel_plan *plan;      /* of that step; NULL: none */
    bool is_starting;
    bool closed;                         /* freed when the save has ended */
    unsigned clients;                    /* operations in the queue that a client waits for */
    unsigned clears;                     /* not finished */
    uint64_t retry_at_ms;                /* 0: nothing failed */
    unsigned lost;                       /* events since it failed */
    const struct sel_listener *listener; /* NULL: nobody */
    void *listener_context;
    uint16_t last_reservation;
    bool is_reserved;
};

void sel_operations_init(struct sel_operations *list);
void sel_operations_append(struct sel_operations *list, struct sel_operation *operation);
/* The first one, taken out; NULL if there is none. */
struct sel_operation *sel_operations_take(struct sel_operations *list);

/* The listener is told of an event that is not in the log. */
void sel_tell_unlogged(const struct sel *sel, struct sel_operation *operation);
/* The same of what the present step, which is on disk, has changed. */
void sel_tell_step(const struct sel *sel);

/* Seconds of the BMC's clock as a record has them. */
uint32_t sel_record_time(int64_t seconds);

#endif
