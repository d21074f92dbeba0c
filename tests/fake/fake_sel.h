/* A real event log for the BMC of fake_bmc.h, on a fake disk that takes what it is told to take,
 * and a fake clock. */
#ifndef TESTS_FAKE_FAKE_SEL_H
#define TESTS_FAKE_FAKE_SEL_H

#include <stdbool.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/bmc/sel.h"

#define FAKE_SEL_TIME 1700000000 /* 2023-11-14 22:13:20 UTC */

struct fake_sel {
    struct sel *sel;
    int64_t machine_time;
    bool waits; /* saves end by fake_sel_finish, not at once */
    int result; /* of those that end at once */
    unsigned saves;
    /* The save under way. */
    void (*done)(void *context, int result);
    void *done_context;
    struct sel_change change;
    struct sel_entry added[256];
    /* The disk. */
    bool has_state;
    struct sel_state state;
    struct sel_entry entries[2 * SEL_RECORDS_MAX];
    size_t count;
};

extern struct fake_sel fake_sel;

/* An empty log on an empty disk, as fake_bmc.bmc.sel; with fake_bmc_setup in front. These fit
 * cmocka. */
int fake_sel_setup(void **state);
int fake_sel_teardown(void **state);
/* The daemon is killed, and started again with what is on the disk. */
void fake_sel_restart(void);
/* Ends the save under way; there has to be one. */
void fake_sel_finish(int result);

/* ---- a client ---- */

struct fake_sel_answer {
    unsigned calls;
    int result;
    uint16_t id;
};

/* A ticket that ends in `answer`, which is emptied. */
struct bmc_ticket fake_sel_ticket(struct fake_sel_answer *answer);
/* Adds an event of sensor `number`, with an id and a time that the BMC has to replace. */
void fake_sel_start_add(struct fake_sel_answer *answer, uint8_t number);
/* The same where the disk takes it at once; the id. */
uint16_t fake_sel_add(uint8_t number);
/* The same; the result. */
int fake_sel_add_result(void);
int fake_sel_delete(uint16_t id);
int fake_sel_clear(void);
/* Adds until there are so many. */
void fake_sel_fill(unsigned count);

/* An event of the BMC itself. */
void fake_sel_log(uint8_t number);

/* ---- what the log shows ---- */

/* Good until the next call. */
const uint8_t *fake_sel_record(unsigned n);
const uint8_t *fake_sel_newest(void);
uint16_t fake_sel_id(unsigned n);
uint32_t fake_sel_time_of(const uint8_t *record);
/* The log shows what is on the disk, and nothing else. */
void fake_sel_expect_on_disk(void);

#endif
