/* {"power-limit": {"active", "action", "watts", "correction-ms", "sampling-s"},
 *  "thermal-limit": {"actions", "celsius", "exception-s"}, "identifier": "6e61...",
 *  "dhcp": {"discovery", "initial-timeout-s", "contact-timeout-s", "contact-retry-s"}}
 *
 * A thermal limit that a client has not marked as persistent is not stored. */
#include <errno.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/state/record.h"
#include "vbmc/state/record_hex.h"
#include "vbmc/state/record_number.h"

static int add_power_limit(struct json_object *record, const struct dcmi_power_limit *limit)
{
    struct json_object *object = json_object_new_object();
    bool failed = qmp_json_add(object, "active", json_object_new_boolean(limit->active)) < 0;

    failed |= record_add_number(object, "action", limit->action) < 0;
    failed |= record_add_number(object, "watts", limit->watts) < 0;
    failed |= record_add_number(object, "correction-ms", limit->correction_ms) < 0;
    failed |= record_add_number(object, "sampling-s", limit->sampling_s) < 0;
    failed |= qmp_json_add(record, "power-limit", object) < 0;
    return failed ? -ENOMEM : 0;
}

static int read_power_limit(struct json_object *object, struct dcmi *dcmi)
{
    int64_t action, watts, correction_ms, sampling_s;
    struct json_object *active = qmp_json_member(object, "active", json_type_boolean);

    if (!active || !record_read_number(object, "action", 0, UINT8_MAX, &action) ||
        !record_read_number(object, "watts", 0, UINT16_MAX, &watts) ||
        !record_read_number(object, "correction-ms", 0, UINT32_MAX, &correction_ms) ||
        !record_read_number(object, "sampling-s", 0, UINT16_MAX, &sampling_s))
        return -EINVAL;
    return dcmi_set_power_limit(dcmi, &(struct dcmi_power_limit){
                                          .active = json_object_get_boolean(active),
                                          .action = (enum dcmi_power_action)action,
                                          .watts = (uint16_t)watts,
                                          .correction_ms = (uint32_t)correction_ms,
                                          .sampling_s = (uint16_t)sampling_s,
                                      });
}

static int add_thermal_limit(struct json_object *record, const struct dcmi_thermal_limit *limit)
{
    if (!(limit->actions & DCMI_THERMAL_PERSISTENT))
        return 0;
    struct json_object *object = json_object_new_object();
    bool failed = record_add_number(object, "actions", limit->actions) < 0;
    failed |= record_add_number(object, "celsius", limit->celsius) < 0;
    failed |= record_add_number(object, "exception-s", limit->exception_s) < 0;
    failed |= qmp_json_add(record, "thermal-limit", object) < 0;
    return failed ? -ENOMEM : 0;
}

static int read_thermal_limit(struct json_object *object, struct dcmi *dcmi)
{
    int64_t actions, celsius, exception_s;

    if (!record_read_number(object, "actions", 0, UINT8_MAX, &actions) ||
        !record_read_number(object, "celsius", 0, UINT8_MAX, &celsius) ||
        !record_read_number(object, "exception-s", 0, UINT16_MAX, &exception_s))
        return -EINVAL;
    return dcmi_set_thermal_limit(
        dcmi,
        &(struct dcmi_thermal_limit){(uint8_t)actions, (uint8_t)celsius, (uint16_t)exception_s});
}

static int add_identifier(struct json_object *record, const struct dcmi *dcmi)
{
    char identifier[DCMI_IDENTIFIER_MAX];

    if (!dcmi_identifier_is_set(dcmi))
        return 0;
    size_t length = dcmi_identifier(dcmi, identifier);
    return record_add_hex(record, "identifier", (const uint8_t *)identifier, length);
}

static int read_identifier(struct json_object *value, struct dcmi *dcmi)
{
    uint8_t identifier[DCMI_IDENTIFIER_MAX];
    int length = record_read_hex(value, identifier, sizeof identifier);

    return length < 0 ? length
                      : dcmi_set_identifier(dcmi, (const char *)identifier, (size_t)length);
}

static int add_dhcp(struct json_object *record, const struct dcmi_dhcp *dhcp)
{
    struct json_object *object = json_object_new_object();
    bool failed = record_add_number(object, "discovery", dhcp->discovery) < 0;

    failed |= record_add_number(object, "initial-timeout-s", dhcp->initial_timeout_s) < 0;
    failed |= record_add_number(object, "contact-timeout-s", dhcp->contact_timeout_s) < 0;
    failed |= record_add_number(object, "contact-retry-s", dhcp->contact_retry_s) < 0;
    failed |= qmp_json_add(record, "dhcp", object) < 0;
    return failed ? -ENOMEM : 0;
}

static int read_dhcp(struct json_object *object, struct dcmi *dcmi)
{
    int64_t discovery, initial, timeout, retry;

    if (!record_read_number(object, "discovery", 0, UINT8_MAX, &discovery) ||
        !record_read_number(object, "initial-timeout-s", 0, UINT8_MAX, &initial) ||
        !record_read_number(object, "contact-timeout-s", 0, UINT16_MAX, &timeout) ||
        !record_read_number(object, "contact-retry-s", 0, UINT16_MAX, &retry))
        return -EINVAL;
    dcmi_set_dhcp(dcmi, &(struct dcmi_dhcp){(uint8_t)discovery, (uint8_t)initial, (uint16_t)timeout,
                                            (uint16_t)retry});
    return 0;
}

static struct json_object *encode(const struct bmc *bmc)
{
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    if (!record)
        return NULL;
    if (bmc->dcmi &&
        (add_power_limit(record, dcmi_power_limit(bmc->dcmi)) < 0 ||
         add_thermal_limit(record, dcmi_thermal_limit(bmc->dcmi)) < 0 ||
         add_identifier(record, bmc->dcmi) < 0 || add_dhcp(record, dcmi_dhcp(bmc->dcmi)) < 0))
        return NULL;
    return cleanup_steal_pointer(&record);
}

static int decode(struct bmc *bmc, struct json_object *record)
{
    static const struct {
        const char *key;
        int (*read)(struct json_object *value, struct dcmi *dcmi);
    } members[] = {
        {"power-limit", read_power_limit},
        {"thermal-limit", read_thermal_limit},
        {"identifier", read_identifier},
        {"dhcp", read_dhcp},
    };
    bool is_wrong = false;

    if (!bmc->dcmi)
        return 0;
    dcmi_reset(bmc->dcmi);
    for (size_t i = 0; record && i < sizeof members / sizeof members[0]; i++) {
        struct json_object *value;
        if (json_object_object_get_ex(record, members[i].key, &value))
            is_wrong |= members[i].read(value, bmc->dcmi) < 0;
    }
    return is_wrong ? -EINVAL : 0;
}

const struct record_kind record_dcmi = {.name = "dcmi", .encode = encode, .decode = decode};
