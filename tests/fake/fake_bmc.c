#include "tests/fake/fake_bmc.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/ipmi/msg.h"

/* ---- the outside of the model ---- */

/* What is owed has its own place: it waits only where a test says so. */
static void save_owed(struct fake_bmc *fake, const struct bmc_ticket *ticket)
{
    fake->owed_count = chassis_list_owed(&fake->bmc.chassis, fake->owed);
    fake->owed_ticket = *ticket;
    if (!fake->owed_waits)
        bmc_ticket_finish(ticket, fake->owed_result);
}

static void forget_finished_saves(struct fake_bmc *fake)
{
    fake->save_count -= fake->saves_finished;
    memmove(fake->saves, fake->saves + fake->saves_finished,
            fake->save_count * sizeof fake->saves[0]);
    fake->saves_finished = 0;
}

static void changed(const struct bmc_core *core, enum bmc_part part,
                    const struct bmc_ticket *ticket)
{
    struct fake_bmc *fake = core->owner;

    fake->changes[part]++;
    if (part == BMC_PART_OWED) {
        save_owed(fake, ticket);
        return;
    }
    if (fake->save_count == FAKE_BMC_SAVES_MAX)
        forget_finished_saves(fake);
    assert(fake->save_count < FAKE_BMC_SAVES_MAX);
    fake->saves[fake->save_count++] = ticket ? *ticket : (struct bmc_ticket){0};
    if (!fake->saves_wait)
        fake_bmc_finish_save(fake, fake->save_result);
}

static bool is_stored(const struct bmc_core *core, enum bmc_part part)
{
    const struct fake_bmc *fake = core->owner;

    (void)part;
    return fake->saves_finished == fake->save_count;
}

static void wake_at(const struct bmc_core *core, uint64_t at_ms)
{
    struct fake_bmc *fake = core->owner;

    if (at_ms < fake->wake_at_ms)
        fake->wake_at_ms = at_ms;
}

static void restart(const struct bmc_core *core)
{
    ((struct fake_bmc *)core->owner)->restarts++;
}

static void logins_changed(const struct bmc_core *core)
{
    ((struct fake_bmc *)core->owner)->logins_changes++;
}

static uint64_t now(const struct bmc_core *core)
{
    return ((struct fake_bmc *)core->owner)->now_ms;
}

static int64_t wall_time(const struct bmc_core *core)
{
    return ((struct fake_bmc *)core->owner)->wall_time;
}

static const struct bmc_hooks hooks = {
    .changed = changed,
    .is_stored = is_stored,
    .wake_at = wake_at,
    .restart = restart,
    .logins_changed = logins_changed,
    .now = now,
    .wall_time = wall_time,
};

static void pass_over(void *context)
{
    (void)context;
}

static void pass_over_event(void *context, enum host_event event)
{
    (void)context, (void)event;
}

static void pass_over_action(void *context, enum host_power_action action)
{
    (void)context, (void)action;
}

static void pass_over_sensor(void *context, uint8_t number, uint8_t offset, uint8_t data2)
{
    (void)context, (void)number, (void)offset, (void)data2;
}

const struct bmc_listener fake_bmc_listener = {
    .host_set = pass_over,
    .host_event = pass_over_event,
    .action_begun = pass_over_action,
    .action_failed = pass_over,
    .sensor_event = pass_over_sensor,
};

void fake_bmc_finish_save(struct fake_bmc *fake, int result)
{
    assert(fake->saves_finished < fake->save_count);
    const struct bmc_ticket ticket = fake->saves[fake->saves_finished++];
    bmc_ticket_finish(&ticket, result);
}

void fake_bmc_advance(struct fake_bmc *fake, uint64_t ms)
{
    uint64_t end = fake->now_ms + ms;

    while (fake->wake_at_ms <= end) {
        fake->now_ms = fake->wake_at_ms > fake->now_ms ? fake->wake_at_ms : fake->now_ms;
        fake->wake_at_ms = UINT64_MAX;
        bmc_tick(&fake->bmc);
        wake_at(&fake->bmc.core, bmc_next_deadline(&fake->bmc));
        assert(fake->wake_at_ms > fake->now_ms); /* a tick does all that is due */
    }
    fake->now_ms = end;
}

void fake_bmc_set_state(struct fake_bmc *fake, enum host_power_state state)
{
    enum host_power_state previous = fake->host.domain.state;
    bool was_on = host_power_state_is_on(previous), is_on = host_power_state_is_on(state);

    if (state == previous)
        return;
    fake->host.domain.state = state;
    bmc_host_event(&fake->bmc, HOST_EVENT_STATE);
    if (state == HOST_POWER_UNKNOWN || previous == HOST_POWER_UNKNOWN || was_on == is_on)
        return;
    bmc_host_event(&fake->bmc, is_on ? HOST_EVENT_STARTED : HOST_EVENT_STOPPED);
}

/* ---- the client ---- */

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    struct fake_bmc *fake = context;

    assert(token->bmc == FAKE_BMC_NUMBER && token->request <= fake->requests);
    assert(fake->reply_count[token->request] == 0); /* exactly once */
    fake->reply_count[token->request]++;
    fake->replies[token->request] = *response;
}

static size_t read_hex(const char *text, uint8_t *bytes, size_t size)
{
    size_t length = 0;

    for (char *end; *text; text = end + strspn(end, " ")) {
        assert(length < size);
        bytes[length++] = (uint8_t)strtoul(text, &end, 16);
        assert(end == text + 2);
    }
    return length;
}

uint32_t fake_bmc_request(const struct fake_bmc *fake)
{
    return fake->requests;
}

/* What stands behind the command in the message that goes out. */
const char *fake_bmc_answer(struct fake_bmc *fake, uint32_t request)
{
    const struct ipmi_msg msg = {.netfn = fake->netfns[request]};
    uint8_t bytes[IPMI_RESPONSE_MAX + 8];
    int used = 0;

    if (fake->reply_count[request] == 0)
        return FAKE_BMC_WAITS;
    int length = ipmi_msg_build_response(&msg, &fake->replies[request], bytes, sizeof bytes);
    for (int i = 6; i < length - 1; i++)
        used += snprintf(fake->text + used, sizeof fake->text - (size_t)used, "%s%02x",
                         i > 6 ? " " : "", bytes[i]);
    return fake->text;
}

const char *fake_bmc_talk(struct fake_bmc *fake, const char *text)
{
    struct ipmi_response response;
    uint8_t bytes[2 + IPMI_MSG_DATA_MAX];
    size_t length = read_hex(text, bytes, sizeof bytes);

    assert(length >= 2 && fake->requests + 1 < FAKE_BMC_REPLIES_MAX);
    fake->netfns[++fake->requests] = bytes[0];
    const struct ipmi_msg msg = {
        .rs_address = IPMI_BMC_ADDRESS,
        .netfn = bytes[0],
        .rs_lun = fake->lun,
        .command = bytes[1],
        .data = bytes + 2,
        .data_length = length - 2,
    };
    const struct ipmi_request request = {
        .bmc = &fake->bmc,
        .msg = &msg,
        .token = {FAKE_BMC_NUMBER, fake->session, fake->requests},
        .origin = fake->origin,
        .channel = fake->channel,
        .privilege = fake->privilege,
        .user_id = fake->user_id,
        .sessions = fake->sessions,
        .sessions_context = fake->sessions_context,
        .sink = &fake->sink,
        .now_ms = fake->now_ms,
    };
    if (ipmi_dispatch(&request, &response) == IPMI_ANSWERED)
        reply(fake, &request.token, &response);
    return fake_bmc_answer(fake, fake->requests);
}

/* ---- life ---- */

void fake_bmc_init(struct fake_bmc *fake, enum host_power_state state)
{
    static const struct uuid uuid = {{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0x4d, 0xef, 0x81, 0x23,
                                      0x45, 0x67, 0x89, 0xab, 0xcd, 0xef}};

    *fake = (struct fake_bmc){
        .now_ms = 1000000,
        .wall_time = FAKE_BMC_WALL_TIME,
        .wake_at_ms = UINT64_MAX,
        .origin = IPMI_ORIGIN_LAN_SESSION,
        .privilege = PRIVILEGE_ADMINISTRATOR,
        .channel = CHANNEL_LAN,
        .user_id = USER_ID_FIRST,
        .session = FAKE_BMC_SESSION,
        .sink = {.reply = reply, .context = fake},
    };
    fake_host_init(&fake->host, state);
    bmc_init(&fake->bmc, FAKE_BMC_NUMBER, &uuid, &hooks, fake);
    bmc_set_host(&fake->bmc, &fake->host.domain);
    /* The guest has been told that there is no override. */
    fake->host.count = fake->host.finished = 0;
    fake->changes[BMC_PART_CHASSIS] = fake->save_count = fake->saves_finished = 0;
}

void fake_bmc_clear(struct fake_bmc *fake)
{
    bmc_clear(&fake->bmc);
    chassis_clear(&fake->bmc.chassis);
}

struct fake_bmc fake_bmc;
static bool is_there;

int fake_bmc_setup(void **state)
{
    fake_bmc_teardown(state);
    log_set_level(LOG_LEVEL_ERROR);
    fake_bmc_init(&fake_bmc, HOST_POWER_RUNNING);
    is_there = true;
    return 0;
}

int fake_bmc_teardown(void **state)
{
    (void)state;
    if (is_there)
        fake_bmc_clear(&fake_bmc);
    is_there = false;
    return 0;
}
