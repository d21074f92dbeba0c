#include "tests/fake/bad_client.h"

#include <errno.h>
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/fake/fake_server.h"
#include "tests/fake/fake_sol.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/state/record.h"
#include "vbmc/state/records.h"

#define WAITS (-1)

struct bad_client bad_client;

/* ---- a whole server ---- */

static unsigned closed;
static enum privilege raised;

static int set_privilege(void *context, uint32_t current, enum privilege level)
{
    (void)context;
    (void)current;
    raised = level;
    return 0;
}

static int close_session(void *context, uint32_t session)
{
    (void)context;
    closed += session == FAKE_BMC_SESSION;
    return session == FAKE_BMC_SESSION ? 0 : -ENOENT;
}

static uint32_t find_handle(void *context, uint8_t handle)
{
    (void)context;
    return handle == 1 ? FAKE_BMC_SESSION : 0;
}

static uint32_t find_nth(void *context, unsigned n)
{
    (void)context;
    return n == 1 ? FAKE_BMC_SESSION : 0;
}

static int session_info(void *context, uint32_t session, struct ipmi_session_info *info)
{
    (void)context;
    *info = (struct ipmi_session_info){.handle = 1, .user_id = USER_ID_FIRST};
    return session == FAKE_BMC_SESSION ? 0 : -ENOENT;
}

static void count_sessions(void *context, unsigned *slots, unsigned *active)
{
    (void)context;
    *slots = 40;
    *active = 1;
}

static const struct ipmi_session_ops session_ops = {
    .set_privilege = set_privilege,
    .close = close_session,
    .find_handle = find_handle,
    .find_nth = find_nth,
    .info = session_info,
    .count = count_sessions,
};

int bad_client_setup(void **state)
{
    fake_sel_setup(state);
    fake_server_setup(state); /* which begins with another BMC */
    fake_bmc.bmc.sel = fake_sel.sel;
    fake_bmc.bmc.fru = fru_new();
    fake_bmc.bmc.payload = &fake_sol_ops;
    users_add(&fake_bmc.bmc.users, "admin", "secret", PRIVILEGE_ADMINISTRATOR);
    fake_sol_reset();
    fake_sel_add(1);
    return 0;
}

int bad_client_teardown(void **state)
{
    fru_free(fake_bmc.bmc.fru);
    fake_bmc.bmc.fru = NULL;
    fake_server_teardown(state);
    return fake_sel_teardown(state);
}

void bad_client_start_again(void)
{
    bad_client_teardown(NULL);
    bad_client_setup(NULL);
}

/* ---- what there is to change ---- */

static struct {
    struct bmc bmc;
    unsigned changes[BMC_PART_COUNT];
    unsigned host_calls, restarts, sel_saves, sol_changes, closed;
    enum privilege raised;
    char *records;
} before;

/* What is kept outside of struct bmc, as text; the caller's to free. */
static char *copy_records(void)
{
    struct json_object *all = json_object_new_array();

    for (unsigned i = 0; i < BMC_PART_COUNT; i++) {
        const struct record_kind *kind = record_kind_of((enum bmc_part)i);
        if (kind)
            json_object_array_add(all, kind->encode(&fake_bmc.bmc));
    }
    char *text = strdup(json_object_to_json_string_ext(all, JSON_C_TO_STRING_PLAIN));
    json_object_put(all);
    assert_non_null(text);
    return text;
}

void bad_client_remember(void)
{
    chassis_poh_minutes(&fake_bmc.bmc.chassis); /* counted up to now, as reading does */
    free(before.records);
    memcpy(&before.bmc, &fake_bmc.bmc, sizeof before.bmc); /* with what is between the members */
    memcpy(before.changes, fake_bmc.changes, sizeof before.changes);
    before.host_calls = fake_bmc.host.count;
    before.restarts = fake_bmc.restarts;
    before.sel_saves = fake_sel.saves;
    before.sol_changes = fake_sol.changes;
    before.closed = closed;
    before.raised = raised;
    before.records = copy_records();
}

bool bad_client_is_as_before(void)
{
    /* How often the guest has asked is no change. */
    fake_bmc.bmc.guest_changes = before.bmc.guest_changes;
    fake_bmc.bmc.guest_events = before.bmc.guest_events;
    return memcmp(&before.bmc, &fake_bmc.bmc, sizeof before.bmc) == 0 &&
           memcmp(before.changes, fake_bmc.changes, sizeof before.changes) == 0 &&
           before.host_calls == fake_bmc.host.count && before.restarts == fake_bmc.restarts &&
           before.sel_saves == fake_sel.saves && before.sol_changes == fake_sol.changes &&
           before.closed == closed && before.raised == raised;
}

void bad_client_expect_as_before(const struct command *row)
{
    char *records = copy_records();
    bool is_same = bad_client_is_as_before() && strcmp(records, before.records) == 0;

    free(records);
    if (!is_same)
        fail_msg("%s has changed something", row ? row->name : "one of them");
}

/* ---- a client ---- */

static int late_code;

static void on_reply(void *context, const struct ipmi_token *token,
                     const struct ipmi_response *response)
{
    (void)context;
    (void)token;
    late_code = response->completion_code;
}

static const struct ipmi_sink sink = {.reply = on_reply};

int bad_client_ask(const struct command *row, const uint8_t *data, size_t length)
{
    /* From memory of that size, so that a read behind it is seen. */
    uint8_t *exact = malloc(length ? length : 1);
    struct ipmi_response response;

    if (length)
        memcpy(exact, data, length);
    const struct ipmi_msg msg = {
        .rs_address = IPMI_BMC_ADDRESS,
        .netfn = row->netfn,
        .rs_lun = bad_client.lun,
        .rq_address = 0x81,
        .command = row->number,
        .data = exact,
        .data_length = length,
    };
    bool in_session = bad_client.origin == IPMI_ORIGIN_LAN_SESSION;
    const struct ipmi_request request = {
        .bmc = &fake_bmc.bmc,
        .msg = &msg,
        .token = {FAKE_BMC_NUMBER, in_session ? FAKE_BMC_SESSION : 0, 1},
        .origin = bad_client.origin,
        .channel = bad_client.channel,
        .privilege = (enum privilege)bad_client.privilege,
        .user_id = USER_ID_FIRST,
        .sessions = in_session ? &session_ops : NULL,
        .sink = &sink,
        .now_ms = fake_bmc.now_ms,
    };
    late_code = WAITS;
    int code =
        ipmi_dispatch(&request, &response) == IPMI_ANSWERED ? response.completion_code : late_code;
    free(exact);
    fake_bmc.save_count = fake_bmc.saves_finished = 0;
    return code;
}

void bad_client_as_administrator(void)
{
    bad_client.origin = IPMI_ORIGIN_LAN_SESSION;
    bad_client.privilege = PRIVILEGE_ADMINISTRATOR;
    bad_client.channel = CHANNEL_LAN;
    bad_client.lun = 0;
}

void bad_client_as_guest(void)
{
    bad_client.origin = IPMI_ORIGIN_SYSTEM_INTERFACE;
    bad_client.channel = CHANNEL_SYSTEM_INTERFACE;
}

void bad_client_as_allowed(const struct command *row)
{
    bad_client_as_administrator();
    if (row->privilege == COMMAND_FOR_SYSTEM)
        bad_client_as_guest();
}

void bad_client_expect(const struct command *row, const char *what, int code, int wanted)
{
    if (code != wanted)
        fail_msg("%s (%02x %02x), %s: %02x, not %02x", row->name, row->netfn, row->number, what,
                 (unsigned)code, (unsigned)wanted);
    if (!bad_client_is_as_before())
        fail_msg("%s, %s has changed something", row->name, what);
}

int bad_client_teardown_group(void **state)
{
    (void)state;
    free(before.records);
    return 0;
}
