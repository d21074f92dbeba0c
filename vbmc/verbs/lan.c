#include "vbmc/verbs/lan.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/lan_parameters.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/bmc/users.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

#define PARAMETER_IP      3
#define PARAMETER_MAC     5
#define PARAMETER_MASK    6
#define PARAMETER_GATEWAY 12

void verbs_add_locked_out(struct json_object *result, struct control_request *request,
                          const struct bmc *bmc)
{
    const struct caller caller = verbs_caller(control_request_identity(request));
    char text[USER_ID_MAX * (USER_NAME_MAX + 40)] = "";
    size_t used = 0;

    if (service_permit(SERVICE_USERS_VIEW, &caller) < 0)
        return;
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        uint64_t left_s = lockout_left_s(&bmc->lockout, id);
        const char *separator = used > 0 ? ", " : "", *name = bmc->users.by_id[id].name;
        int length = 0;
        if (left_s == LOCKOUT_NO_END)
            length =
                snprintf(text + used, sizeof text - used, "%s%s (until enabled)", separator, name);
        else if (left_s > 0)
            length = snprintf(text + used, sizeof text - used, "%s%s (another %llu s)", separator,
                              name, (unsigned long long)left_s);
        used += (size_t)length;
    }
    if (used > 0)
        verbs_add_text(result, "locked_out", text);
}

/* A parameter that is an address of 4 or 6 bytes. */
static void add_address(struct json_object *result, const char *key, const struct lan *lan,
                        uint8_t number)
{
    uint8_t bytes[LAN_PARAMETER_MAX];
    char text[32] = "";
    size_t size = 0;

    if (lan_get_parameter(lan, number, 0, 0, bytes, &size) < 0)
        size = 0;
    if (size == 4)
        snprintf(text, sizeof text, "%u.%u.%u.%u", bytes[0], bytes[1], bytes[2], bytes[3]);
    else if (size == 6)
        snprintf(text, sizeof text, "%02x:%02x:%02x:%02x:%02x:%02x", bytes[0], bytes[1], bytes[2],
                 bytes[3], bytes[4], bytes[5]);
    verbs_add_text(result, key, text);
}

static const char *mode_name(enum lan_access_mode mode)
{
    static const char *const names[] = {
        [LAN_ACCESS_DISABLED] = "disabled",
        [LAN_ACCESS_PRE_BOOT] = "pre-boot only",
        [LAN_ACCESS_ALWAYS] = "always available",
        [LAN_ACCESS_SHARED] = "shared",
    };

    return (size_t)mode < ARRAY_SIZE(names) ? names[mode] : "";
}

/* "3 (operator), 17": those with a limit of their own with it. */
static void add_suites(struct json_object *result, const struct channel *channel)
{
    char text[CHANNEL_SUITES_MAX * 24] = "";
    size_t used = 0;

    for (uint8_t i = 0; i < channel->suite_count; i++) {
        uint8_t suite = channel->suites[i];
        enum privilege limit = channel_suite_limit(channel, suite);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%u", i > 0 ? ", " : "", suite);
        if (limit == PRIVILEGE_NO_ACCESS)
            used += (size_t)snprintf(text + used, sizeof text - used, " (unused)");
        else if (limit != channel->limit)
            used += (size_t)snprintf(text + used, sizeof text - used, " (%s)",
                                     service_privilege_name(limit));
    }
    verbs_add_text(result, "cipher_suites", text);
}

static void add_lock_out_rule(struct json_object *result, const struct lan *lan)
{
    const struct lan_password_rule rule = lan_password_rule(lan);
    char text[80] = "never";

    if (rule.threshold > 0 && rule.lock_out_s > 0)
        snprintf(text, sizeof text, "after %u bad passwords, for %u s", rule.threshold,
                 rule.lock_out_s);
    else if (rule.threshold > 0)
        snprintf(text, sizeof text, "after %u bad passwords, until enabled", rule.threshold);
    verbs_add_text(result, "lock_out", text);
}

static struct json_object *describe(struct control_request *request, const struct bmc *bmc)
{
    const struct lan *lan = &bmc->lan;
    const struct lan_access present = lan_access(lan, LAN_VOLATILE);
    const struct lan_access stored = lan_access(lan, LAN_NON_VOLATILE);
    struct json_object *result = json_object_new_object();

    add_address(result, "address", lan, PARAMETER_IP);
    add_address(result, "netmask", lan, PARAMETER_MASK);
    add_address(result, "mac_address", lan, PARAMETER_MAC);
    add_address(result, "gateway", lan, PARAMETER_GATEWAY);
    verbs_add_text(result, "access", mode_name(present.mode));
    verbs_add_text(result, "access_at_start", mode_name(stored.mode));
    verbs_add_text(result, "privilege_limit", service_privilege_name(present.limit));
    add_suites(result, &bmc->channel);
    add_lock_out_rule(result, lan);
    verbs_add_locked_out(result, request, bmc);
    return result;
}

void verbs_lan(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    if (verbs_flag_argument(arguments, "reset"))
        verbs_call(request, SERVICE_LAN_RESET, instance_bmc(instance), NULL);
    else
        control_reply_ok(request, describe(request, instance_bmc(instance)));
}
