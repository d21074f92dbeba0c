/* A real struct bmc on a fake guest, a fake clock and a fake store, asked through ipmi_dispatch.
 * Messages are written in hexadecimal as the specification's tables have them: NetFn, command, data
 * in; completion code, data out. No cmocka here, so that any test program can link it. */
#ifndef TESTS_FAKE_FAKE_BMC_H
#define TESTS_FAKE_FAKE_BMC_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/fake/fake_host.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/dispatch.h"
#include "vbmc/ipmi/msg.h"

#define FAKE_BMC_NUMBER      5
#define FAKE_BMC_SESSION     0x1001
#define FAKE_BMC_WALL_TIME   INT64_C(1700000000) /* 2023-11-14 22:13:20 UTC */
#define FAKE_BMC_REPLIES_MAX 64
#define FAKE_BMC_SAVES_MAX   64
#define FAKE_BMC_TEXT_SIZE   1024
#define FAKE_BMC_WAITS       "waits"

struct fake_bmc {
    struct bmc bmc;
    struct fake_host host;
    uint64_t now_ms;
    int64_t wall_time;       /* seconds; the test may change it */
    unsigned restarts;       /* that were asked for */
    unsigned logins_changes; /* that the model reported */
    uint64_t wake_at_ms;     /* UINT64_MAX: the model has not asked to be woken */
    /* The store. */
    bool saves_wait; /* saves end by fake_bmc_finish_save, not at once */
    int save_result; /* of those that end at once */
    struct bmc_ticket saves[FAKE_BMC_SAVES_MAX];
    unsigned save_count;
    unsigned saves_finished;
    unsigned changes[BMC_PART_COUNT]; /* that the model reported */
    bool owed_waits;                  /* the save of what is owed ends by owed_ticket */
    int owed_result;                  /* of those that end at once */
    struct bmc_ticket owed_ticket;    /* of the last one */
    struct chassis_action owed[CHASSIS_RECORDS_MAX];
    unsigned owed_count;
    /* Of the requests made by fake_bmc_talk; the test may change them. */
    enum ipmi_origin origin;
    enum privilege privilege;
    uint8_t channel;
    uint8_t lun;
    uint8_t user_id;
    uint32_t session;
    const struct ipmi_session_ops *sessions;
    void *sessions_context;
    /* Answers by request number. */
    struct ipmi_sink sink;
    uint32_t requests;
    uint8_t netfns[FAKE_BMC_REPLIES_MAX];
    struct ipmi_response replies[FAKE_BMC_REPLIES_MAX];
    unsigned reply_count[FAKE_BMC_REPLIES_MAX];
    char text[FAKE_BMC_TEXT_SIZE];
};

/* An administrator's session, a guest in that state, time 1000000. */
void fake_bmc_init(struct fake_bmc *fake, enum host_power_state state);
void fake_bmc_clear(struct fake_bmc *fake);

/* For tests that need one at a time; these fit cmocka, and a test may set up another one. */
extern struct fake_bmc fake_bmc;
int fake_bmc_setup(void **state);
int fake_bmc_teardown(void **state);

/* Passes everything over: for a listener that wants to know of some of it. */
extern const struct bmc_listener fake_bmc_listener;

/* Makes a request. The answer as text ("00 55 00"), FAKE_BMC_WAITS if it has not come yet; valid
 * until the next call. */
const char *fake_bmc_talk(struct fake_bmc *fake, const char *request);
/* The request made last. */
uint32_t fake_bmc_request(const struct fake_bmc *fake);
/* The answer to a request of before, as text. */
const char *fake_bmc_answer(struct fake_bmc *fake, uint32_t request);

/* Lets time pass; the model gets its ticks when it asked for them. */
void fake_bmc_advance(struct fake_bmc *fake, uint64_t ms);
/* The guest's state changes, and the model is told as a driver would. */
void fake_bmc_set_state(struct fake_bmc *fake, enum host_power_state state);
/* Ends the oldest save. */
void fake_bmc_finish_save(struct fake_bmc *fake, int result);

#endif
