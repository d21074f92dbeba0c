/* {"access": {"mode": 2, "alerting-off": false, "per-message-off": false, "user-level-off": false,
 *             "limit": 4, "limit-over": 4},
 *  "key": {"kg": "00...", "replaced": "00..."}, "parameters": {"16": "7075626c6963..."},
 *  "locked-out": [5]}: channel access as it is when the
 * BMC starts ("limit" only if a client's replaced the configured one, "limit-over"), a client's
 * channel key and the fingerprint of the configured one that it replaced, the LAN configuration
 * parameters that clients have set, by number, and who is locked out without end. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/channel_key.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/lan_parameters.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/bmc/users.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"
#include "vbmc/state/record_number.h"

#define PARAMETER_SIZE_MAX 512

static int add_flag(struct json_object *object, const char *key, bool value)
{
    return qmp_json_add(object, key, json_object_new_boolean(value));
}

static int add_access(struct json_object *record, const struct lan *lan)
{
    const struct lan_access *access = &lan->stored;
    struct json_object *object = json_object_new_object();
    bool failed = qmp_json_add(object, "mode", json_object_new_int(access->mode)) < 0;

    failed |= add_flag(object, "alerting-off", access->alerting_off) < 0;
    failed |= add_flag(object, "per-message-off", access->per_message_off) < 0;
    failed |= add_flag(object, "user-level-off", access->user_level_off) < 0;
    if (access->limit != PRIVILEGE_HIGHEST) {
        failed |= qmp_json_add(object, "limit", json_object_new_int(access->limit)) < 0;
        failed |= qmp_json_add(object, "limit-over", json_object_new_int(lan->limit_over)) < 0;
    }
    failed |= qmp_json_add(record, "access", object) < 0;
    return failed ? -ENOMEM : 0;
}

static int add_key(struct json_object *record, const struct channel_key *key)
{
    struct json_object *object;
    bool failed;

    if (!key->is_clients)
        return 0;
    object = json_object_new_object();
    failed = record_add_hex(object, "kg", key->clients, sizeof key->clients) < 0;
    failed |= record_add_hex(object, "replaced", key->replaced, sizeof key->replaced) < 0;
    failed |= qmp_json_add(record, "key", object) < 0;
    return failed ? -ENOMEM : 0;
}

static int add_parameters(struct json_object *record, const struct lan *lan)
{
    struct json_object *object = json_object_new_object();
    const uint8_t *bytes;
    uint8_t number;
    size_t size;
    bool failed = false;

    for (unsigned n = 0; object && lan_stored_parameter(lan, n, &number, &bytes, &size) == 0; n++) {
        char key[4];
        snprintf(key, sizeof key, "%u", number);
        failed |= record_add_hex(object, key, bytes, size) < 0;
    }
    failed |= qmp_json_add(record, "parameters", object) < 0;
    return failed ? -ENOMEM : 0;
}

static int add_locked_out(struct json_object *record, const struct lockout *lockout)
{
    uint16_t users = lockout_without_end(lockout);
    struct json_object *array = json_object_new_array();
    bool failed = false;

    for (int id = USER_ID_FIRST; array && id <= USER_ID_MAX; id++) {
        if (users >> id & 1)
            failed |= json_object_array_add(array, json_object_new_int(id)) < 0;
    }
    failed |= qmp_json_add(record, "locked-out", array) < 0;
    return failed ? -ENOMEM : 0;
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    if (!record || add_access(record, &bmc->lan) < 0 || add_key(record, bmc->lan.key) < 0 ||
        add_parameters(record, &bmc->lan) < 0 || add_locked_out(record, &bmc->lockout) < 0)
        return NULL;
    return cleanup_steal_pointer(&record);
}

/* ---- reading ---- */

static bool read_flag(struct json_object *object, const char *key)
{
    return json_object_get_boolean(qmp_json_member(object, key, json_type_boolean));
}

static int read_access(struct json_object *object, struct bmc *bmc)
{
    int64_t mode, limit = PRIVILEGE_HIGHEST, over = PRIVILEGE_HIGHEST;

    if (!record_read_number(object, "mode", LAN_ACCESS_DISABLED, LAN_ACCESS_SHARED, &mode))
        return -EINVAL;
    bool is_limited = json_object_object_get_ex(object, "limit", NULL);
    if (is_limited &&
        (!record_read_number(object, "limit", PRIVILEGE_CALLBACK, PRIVILEGE_OEM, &limit) ||
         !record_read_number(object, "limit-over", PRIVILEGE_CALLBACK, PRIVILEGE_OEM, &over)))
        return -EINVAL;
    const struct lan_access access = {
        .mode = (enum lan_access_mode)mode,
        .alerting_off = read_flag(object, "alerting-off"),
        .per_message_off = read_flag(object, "per-message-off"),
        .user_level_off = read_flag(object, "user-level-off"),
        .limit = (enum privilege)limit,
    };
    return lan_restore_access(&bmc->lan, &access, (enum privilege)over);
}

static int read_key(struct json_object *object, struct bmc *bmc)
{
    uint8_t kg[CHANNEL_KG_SIZE], replaced[CHANNEL_KEY_FINGERPRINT_SIZE];

    if (record_read_hex(qmp_json_member(object, "kg", json_type_string), kg, sizeof kg) !=
            (int)sizeof kg ||
        record_read_hex(qmp_json_member(object, "replaced", json_type_string), replaced,
                        sizeof replaced) != (int)sizeof replaced)
        return -EINVAL;
    return lan_restore_key(&bmc->lan, kg, replaced);
}

static int read_parameter(struct lan *lan, const char *key, struct json_object *value)
{
    uint8_t bytes[PARAMETER_SIZE_MAX];
    char *end;
    unsigned long number = strtoul(key, &end, 10);
    int size = record_read_hex(value, bytes, sizeof bytes);

    if (end == key || *end != '\0' || number > UINT8_MAX || size < 0)
        return -EINVAL;
    return lan_restore_parameter(lan, (uint8_t)number, bytes, (size_t)size);
}

static int read_parameters(struct json_object *object, struct bmc *bmc)
{
    int result = 0;

    if (!json_object_is_type(object, json_type_object))
        return -EINVAL;
    json_object_object_foreach(object, key, value)
    {
        if (read_parameter(&bmc->lan, key, value) < 0)
            result = -EINVAL;
    }
    return result;
}

static int read_locked_out(struct json_object *array, struct bmc *bmc)
{
    uint16_t users = 0;
    int64_t id;

    if (!json_object_is_type(array, json_type_array))
        return -EINVAL;
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        if (!qmp_json_integer(json_object_array_get_idx(array, i), &id) || id < USER_ID_FIRST ||
            id > USER_ID_MAX)
            return -EINVAL;
        users |= (uint16_t)(1u << id);
    }
    return lockout_restore(&bmc->lockout, users);
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    static const struct {
        const char *key;
        /* 0; 1: the configuration has overtaken it; -EINVAL. */
        int (*read)(struct json_object *value, struct bmc *bmc);
    } members[] = {
        {"access", read_access},
        {"key", read_key},
        {"parameters", read_parameters},
        {"locked-out", read_locked_out},
    };
    bool is_wrong = false, is_stale = false;

    lan_restore_access(&bmc->lan, NULL, PRIVILEGE_HIGHEST);
    lan_restore_key(&bmc->lan, NULL, NULL);
    lan_forget_parameters(&bmc->lan);
    is_wrong |= lockout_restore(&bmc->lockout, 0) < 0;
    for (size_t i = 0; record && i < sizeof members / sizeof members[0]; i++) {
        struct json_object *value;
        if (!json_object_object_get_ex(record, members[i].key, &value))
            continue;
        int result = members[i].read(value, bmc);
        is_wrong |= result < 0;
        is_stale |= result > 0;
    }
    return is_wrong ? -EINVAL : is_stale;
}

const struct record_kind record_lan = {.name = "lan", .encode = encode, .decode = decode};
