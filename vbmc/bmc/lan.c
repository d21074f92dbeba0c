#include "vbmc/bmc/lan.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/channel_key.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/lan_values.h"

#define TEN_SECONDS 10

const struct lan_values lan_defaults = {
    .authentication_enables = {0xff, 0xff, 0xff, 0xff, 0x00}, /* all that there are, but OEM */
    .source = 0x01,                                           /* static */
    .header = {0x40, 0x40, 0x10}, /* TTL 64, don't fragment, minimize delay */
    .arp_control = 0x02,          /* responses */
    .arp_interval = 0x03,         /* 2 s */
    .community = "public",
    .suite_limits = {0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
};

static const struct lan_access default_access = {.mode = LAN_ACCESS_ALWAYS};

void lan_init(struct lan *lan, const struct bmc_core *core, struct channel *channel)
{
    *lan = (struct lan){
        .core = core,
        .channel = channel,
        .configured_limit = channel->limit,
        .stored = default_access,
        .present = default_access,
    };
    lan->key = &lan->no_key;
    lan_apply(lan);
}

void lan_clear(struct lan *lan)
{
    free(lan->held);
    free(lan->pending);
    lan->held = lan->pending = NULL;
    if (lan->key != &lan->no_key)
        channel_key_free(lan->key);
    explicit_bzero(&lan->no_key, sizeof lan->no_key);
    lan->key = &lan->no_key;
}

void lan_set_ops(struct lan *lan, const struct lan_ops *ops, void *context)
{
    lan->ops = ops;
    lan->ops_context = context;
}

/* ---- what holds ---- */

const struct lan_values *lan_held(const struct lan *lan)
{
    return lan->held ? lan->held : &lan_defaults;
}

const struct lan_values *lan_shown(const struct lan *lan)
{
    return lan->pending ? lan->pending : lan_held(lan);
}

static enum privilege limit_of(const struct lan *lan, const struct lan_access *access)
{
    bool is_clients =
        access->limit != PRIVILEGE_HIGHEST && lan->limit_over == lan->configured_limit;

    return is_clients ? access->limit : lan->configured_limit;
}

static bool is_closed(const struct lan *lan)
{
    enum host_power_state state = bmc_core_power_state(lan->core);

    return lan->present.mode == LAN_ACCESS_DISABLED ||
           (lan->present.mode == LAN_ACCESS_PRE_BOOT && host_power_state_is_on(state));
}

void lan_apply(struct lan *lan)
{
    const struct lan_values *values = lan_held(lan);
    struct channel *channel = lan->channel;
    enum privilege limit_before = channel->limit;

    channel->limit = limit_of(lan, &lan->present);
    channel_key_apply(lan->key, channel);
    channel->is_closed = is_closed(lan);
    channel->alerting_off = lan->present.alerting_off;
    channel->per_message_off = lan->present.per_message_off;
    channel->user_level_off = lan->present.user_level_off;
    for (uint8_t suite = 0; suite < CHANNEL_LIMITED; suite++) {
        uint8_t limit = lan_suite_nibble(values->suite_limits + 1, suite);
        if (limit == LAN_SUITE_AS_DEFAULT)
            limit = PRIVILEGE_HIGHEST;
        else if (limit == 0)
            limit = PRIVILEGE_NO_ACCESS;
        channel->suite_limits[suite] = limit;
    }
    for (size_t i = 0; i < CHANNEL_AUTH_LEVELS; i++)
        channel->authentication_off[i] = (uint8_t)~values->authentication_enables[i];
    if (channel->limit != limit_before && lan->core->hooks->logins_changed)
        lan->core->hooks->logins_changed(lan->core);
}

/* Before there is one. */
static void make_key(struct lan *lan)
{
    struct channel_key *key = lan->key == &lan->no_key ? channel_key_new() : NULL;

    if (!key)
        return;
    *key = lan->no_key;
    lan->key = key;
}

/* A limit that a client has set holds until the configured one changes. True if one is dropped that
 * is stored. */
static bool configure_limit(struct lan *lan, enum privilege limit)
{
    bool was_stored = lan->stored.limit != PRIVILEGE_HIGHEST;
    bool is_stale = lan->configured_limit != limit && lan->limit_over == lan->configured_limit;

    if (is_stale) {
        lan->stored.limit = lan->present.limit = PRIVILEGE_HIGHEST;
        lan->limit_over = PRIVILEGE_HIGHEST;
    }
    lan->configured_limit = limit;
    return is_stale && was_stored;
}

bool lan_configure(struct lan *lan, const struct channel *configured, bool address_is_writable)
{
    struct channel before = *lan->channel;
    uint8_t kg[CHANNEL_KG_SIZE] = {0};

    if (before.kg)
        memcpy(kg, before.kg, sizeof kg);
    before.kg = kg;
    lan->address_is_writable = address_is_writable;
    bool is_stale = configure_limit(lan, configured->limit);
    if (configured->has_kg)
        make_key(lan);
    is_stale |= channel_key_configure(lan->key, &lan->core->uuid, configured->kg);
    if (is_stale)
        lan->core->hooks->changed(lan->core, BMC_PART_LAN, NULL);
    *lan->channel = *configured;
    lan_apply(lan);
    bool changed = !channel_equal(&before, lan->channel);
    explicit_bzero(kg, sizeof kg);
    return changed;
}

/* ---- channel access ---- */

struct lan_access lan_access(const struct lan *lan, enum lan_which which)
{
    struct lan_access access = which == LAN_VOLATILE ? lan->present : lan->stored;

    access.limit = limit_of(lan, &access);
    return access;
}

static void change_limit(struct lan *lan, struct lan_access *access, enum privilege limit)
{
    if (lan->limit_over != lan->configured_limit)
        lan->stored.limit = lan->present.limit = PRIVILEGE_HIGHEST;
    lan->limit_over = lan->configured_limit;
    access->limit = limit == lan->configured_limit ? PRIVILEGE_HIGHEST : limit;
}

static bool access_equal(const struct lan_access *a, const struct lan_access *b)
{
    return a->mode == b->mode && a->alerting_off == b->alerting_off &&
           a->per_message_off == b->per_message_off && a->user_level_off == b->user_level_off &&
           a->limit == b->limit;
}

int lan_set_access(struct lan *lan, const struct lan_access_change *change,
                   const struct bmc_ticket *ticket)
{
    struct lan_access *of[] = {[LAN_NON_VOLATILE] = &lan->stored, [LAN_VOLATILE] = &lan->present};
    const struct lan_access before = lan_access(lan, LAN_NON_VOLATILE);

    if (change->access_of != LAN_KEEP) {
        enum privilege limit = of[change->access_of]->limit;
        *of[change->access_of] = change->access;
        of[change->access_of]->limit = limit;
    }
    if (change->limit_of != LAN_KEEP)
        change_limit(lan, of[change->limit_of], change->access.limit);
    lan->present_is_own = true;
    lan_apply(lan);
    const struct lan_access after = lan_access(lan, LAN_NON_VOLATILE);
    if (change->access_of != LAN_NON_VOLATILE && change->limit_of != LAN_NON_VOLATILE &&
        access_equal(&before, &after))
        return 0;
    if (access_equal(&before, &after))
        return bmc_core_unchanged(lan->core, BMC_PART_LAN, ticket);
    lan->core->hooks->changed(lan->core, BMC_PART_LAN, ticket);
    return -EINPROGRESS;
}

/* A limit that a client has set for now alone is over the configured one, and stays. */
bool lan_restore_access(struct lan *lan, const struct lan_access *access, enum privilege limit_over)
{
    bool is_limited = access && access->limit != PRIVILEGE_HIGHEST;
    bool is_stale = is_limited && limit_over != lan->configured_limit;

    lan->stored = access ? *access : default_access;
    if (is_stale)
        lan->stored.limit = PRIVILEGE_HIGHEST;
    if (!lan->present_is_own)
        lan->present = lan->stored;
    if (lan->stored.limit != PRIVILEGE_HIGHEST)
        lan->limit_over = limit_over;
    else if (lan->present.limit == PRIVILEGE_HIGHEST)
        lan->limit_over = PRIVILEGE_HIGHEST;
    lan_apply(lan);
    return is_stale;
}

int lan_set_key(struct lan *lan, const uint8_t key[CHANNEL_KG_SIZE],
                const struct bmc_ticket *ticket)
{
    make_key(lan);
    if (!channel_key_set(lan->key, &lan->core->uuid, key))
        return bmc_core_unchanged(lan->core, BMC_PART_LAN, ticket);
    lan_apply(lan);
    lan->core->hooks->changed(lan->core, BMC_PART_LAN, ticket);
    return -EINPROGRESS;
}

bool lan_restore_key(struct lan *lan, const uint8_t *key, const uint8_t *replaced)
{
    if (key)
        make_key(lan);
    channel_key_restore(lan->key, &lan->core->uuid, key, replaced);
    lan_apply(lan);
    return key && !lan->key->is_clients;
}

/* ---- set in progress ---- */

static struct lan_values *copy_of(const struct lan_values *values)
{
    struct lan_values *copy = malloc(sizeof *copy);

    if (copy)
        *copy = *values;
    return copy;
}

int lan_begin_set(struct lan *lan, uint32_t session)
{
    if (lan->is_set_in_progress)
        return -EALREADY;
    lan->pending = copy_of(lan_held(lan));
    if (!lan->pending)
        return -ENOMEM;
    lan->is_set_in_progress = true;
    lan->setting_session = session;
    return 0;
}

/* They are bytes without gaps; only behind the last of them is there anything else. */
static bool are_equal(const struct lan_values *a, const struct lan_values *b)
{
    const uint8_t *bytes = (const uint8_t *)a;
    size_t size = offsetof(struct lan_values, password_rule) + sizeof a->password_rule;

    return memcmp(bytes, b, size) == 0;
}

int lan_commit_set(struct lan *lan, const struct bmc_ticket *ticket)
{
    if (!lan->pending || are_equal(lan->pending, lan_held(lan)))
        return bmc_core_unchanged(lan->core, BMC_PART_LAN, ticket);
    struct lan_values *copy = copy_of(lan->pending);
    if (!copy)
        return -ENOMEM;
    free(lan->held);
    lan->held = copy;
    lan_apply(lan);
    lan->core->hooks->changed(lan->core, BMC_PART_LAN, ticket);
    return -EINPROGRESS;
}

void lan_end_set(struct lan *lan)
{
    free(lan->pending);
    lan->pending = NULL;
    lan->is_set_in_progress = false;
    lan->setting_session = 0;
}

bool lan_is_setting(const struct lan *lan, uint32_t session)
{
    return lan->pending && session == lan->setting_session;
}

int lan_writable(struct lan *lan, uint32_t session, struct lan_values *values[2])
{
    values[0] = lan->pending;
    values[1] = NULL;
    if (lan_is_setting(lan, session))
        return 0;
    if (!lan->held)
        lan->held = copy_of(&lan_defaults);
    values[1] = lan->held;
    return lan->held ? 0 : -ENOMEM;
}

/* ---- what others go by ---- */

struct lan_destination lan_destination(const struct lan *lan, uint8_t number)
{
    const struct lan_values *values = lan_held(lan);
    const uint8_t *type = values->destination_types[number % LAN_DESTINATIONS];
    const uint8_t *address = values->destination_addresses[number % LAN_DESTINATIONS];
    struct lan_destination destination = {
        .type = (enum lan_destination_type)(type[0] & 0x07),
        .is_acknowledged = (type[0] & 0x80) != 0,
        .timeout_s = type[1] + 1u, /* the field counts from 0 */
        .retries = type[2] & 0x07,
        .has_v6 = address[0] >> 4 == 1,
    };

    /* Gateway and MAC address of an IPv4 one are the kernel's to choose. */
    if (destination.has_v6)
        memcpy(destination.ip, address + 1, 16);
    else
        memcpy(destination.ip, address + 2, 4);
    return destination;
}

void lan_community(const struct lan *lan, char text[LAN_COMMUNITY_SIZE + 1])
{
    memcpy(text, lan_held(lan)->community, LAN_COMMUNITY_SIZE);
    text[LAN_COMMUNITY_SIZE] = '\0';
}

struct lan_password_rule lan_password_rule(const struct lan *lan)
{
    const uint8_t *rule = lan_held(lan)->password_rule;

    return (struct lan_password_rule){
        .is_logged = (rule[0] & 0x01) != 0,
        .threshold = rule[1],
        .reset_s = (uint32_t)(rule[2] | rule[3] << 8) * TEN_SECONDS,
        .lock_out_s = (uint32_t)(rule[4] | rule[5] << 8) * TEN_SECONDS,
    };
}

/* ---- what happens ---- */

void lan_host_event(struct lan *lan, enum host_event event)
{
    bool is_off = event == HOST_EVENT_STATE && bmc_core_power_state(lan->core) == HOST_POWER_OFF;

    if (event == HOST_EVENT_RESET || event == HOST_EVENT_STOPPED || is_off)
        lan_end_set(lan);
    lan->channel->is_closed = is_closed(lan);
}

void lan_session_ended(struct lan *lan, uint32_t session)
{
    if (session != 0 && lan->is_set_in_progress && session == lan->setting_session)
        lan_end_set(lan);
}

void lan_restart(struct lan *lan)
{
    lan_end_set(lan);
    lan->present = lan->stored;
    lan->present_is_own = false;
    if (lan->held) {
        memset(lan->held->destination_types[0], 0, sizeof lan->held->destination_types[0]);
        memset(lan->held->destination_addresses[0], 0, sizeof lan->held->destination_addresses[0]);
        memset(lan->held->destination_vlans[0], 0, sizeof lan->held->destination_vlans[0]);
    }
    lan_apply(lan);
}
