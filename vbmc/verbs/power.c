#include "vbmc/verbs/power.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/base/nearest.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/console.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

#define SELECTORS 16 /* of boot devices */

static void answer_power_status(struct instance *instance, struct control_request *request)
{
    enum host_power_state state = bmc_power_state(instance_bmc(instance));
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "power", json_object_new_string(verbs_state_name(state)));
    control_reply_ok(request, result);
}

void verbs_power(const struct verbs *verbs, struct json_object *arguments,
                 struct control_request *request)
{
    const char *name = qmp_json_string(arguments, "action");
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    if (name && strcmp(name, "status") == 0) {
        answer_power_status(instance, request);
        return;
    }
    if (!verbs_permit(request, SERVICE_POWER))
        return;
    for (int action = HOST_POWER_ACTION_DOWN; action <= HOST_POWER_ACTION_SOFT_SHUTDOWN; action++) {
        if (name && strcmp(name, host_power_action_name((enum host_power_action)action)) == 0) {
            verbs_call(request, SERVICE_POWER, instance_bmc(instance),
                       &(union service_arguments){.power = (enum host_power_action)action});
            return;
        }
    }
    control_reply_error(request, CONTROL_USAGE,
                        "the action is one of on, off, cycle, reset, soft, diag, status");
}

void verbs_add_boot_device(struct json_object *result, const struct bmc *bmc)
{
    const uint8_t *flags = bmc->boot.flags;
    uint8_t selector = flags[0] & BOOT_FLAGS_VALID ? BOOT_FLAGS_DEVICE(flags[1]) : 0;
    const char *obstacle = boot_obstacle(&bmc->boot);
    const char *when = selector == 0                      ? ""
                       : flags[0] & BOOT_FLAGS_PERSISTENT ? " (persistent)"
                                                          : " (next boot)";
    const char *name = boot_selector_name(selector);
    char text[32];

    if (name)
        snprintf(text, sizeof text, "%s%s", name, when);
    else
        snprintf(text, sizeof text, "0x%x%s", selector, when);
    json_object_object_add(result, "boot_device", json_object_new_string(text));
    json_object_object_add(result, "boot_obstacle",
                           obstacle ? json_object_new_string(obstacle) : NULL);
}

static void refuse_device(struct control_request *request, const char *name)
{
    static const struct nearest_synonym synonyms[] = {
        {"network", "pxe"}, {"net", "pxe"},      {"hd", "disk"},    {"hdd", "disk"},
        {"cd", "cdrom"},    {"dvd", "cdrom"},    {"usb", "floppy"}, {"setup", "bios"},
        {"menu", "bios"},   {"default", "none"}, {NULL, NULL},
    };
    const char *names[SELECTORS];
    size_t count = 0;

    for (unsigned selector = 0; selector < SELECTORS; selector++) {
        if (boot_selector_name(selector))
            names[count++] = boot_selector_name(selector);
    }
    const char *near = name ? nearest_name(name, names, count, synonyms) : NULL;
    control_reply_error(request, CONTROL_USAGE,
                        "the device is one of none, pxe, disk, safe, diag, cdrom, bios, floppy"
                        "%s%s%s",
                        near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

void verbs_bootdev(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    const char *name = qmp_json_string(arguments, "device");
    struct json_object *persistent = qmp_json_member(arguments, "persistent", json_type_boolean);
    bool is_persistent = persistent && json_object_get_boolean(persistent);
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    for (uint8_t selector = 0; name && selector < SELECTORS; selector++) {
        if (!boot_selector_name(selector) || strcmp(name, boot_selector_name(selector)) != 0)
            continue;
        const union service_arguments device = {
            .boot_flags =
                {
                    .flags = {is_persistent ? BOOT_FLAGS_VALID | BOOT_FLAGS_PERSISTENT
                                            : BOOT_FLAGS_VALID,
                              (uint8_t)(selector << 2)},
                    .stays = true, /* a person's word does not expire */
                },
        };
        verbs_call(request, SERVICE_BOOT_FLAGS, instance_bmc(instance), &device);
        return;
    }
    refuse_device(request, name);
}

void verbs_console(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (instance && verbs_admit(request, SERVICE_CONSOLE, instance_bmc(instance), NULL))
        console_session_start(instance, arguments, request);
}
