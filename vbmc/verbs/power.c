#include "vbmc/verbs/power.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"
#include "vbmc/verbs/console.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

static const char *explain(int result)
{
    switch (result) {
    case -EHOSTUNREACH:
        return "its hypervisor cannot be reached, or the domain is not there";
    case -EINVAL:
        return "not possible in the guest's present state (see 'vbmc power NAME status')";
    case -EBUSY:
        return "too many power actions are waiting";
    default:
        return "the hypervisor refused; the daemon's log says why";
    }
}

static void ticket_answered(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        control_reply_error(request, CONTROL_FAILED, "%s", explain(result));
    else
        control_reply_ok(request, NULL);
}

static struct bmc_ticket ticket_for(struct control_request *request)
{
    return (struct bmc_ticket){.done = ticket_answered, .sink = request, .waits_for_end = true};
}

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
    if (control_request_identity(request)->privilege < PRIVILEGE_OPERATOR) {
        verbs_refuse_privilege(request, PRIVILEGE_OPERATOR);
        return;
    }
    for (int action = HOST_POWER_ACTION_DOWN; action <= HOST_POWER_ACTION_SOFT_SHUTDOWN; action++) {
        if (name && strcmp(name, host_power_action_name((enum host_power_action)action)) == 0) {
            struct bmc_ticket ticket = ticket_for(request);
            chassis_control(instance_bmc(instance), (enum host_power_action)action, 0, &ticket);
            return;
        }
    }
    control_reply_error(request, CONTROL_USAGE,
                        "the action is one of on, off, cycle, reset, soft, diag, status");
}

/* Boot device selectors (IPMI 2.0, section 28.13, parameter 5) by their names in `vbmc bootdev`. */
static const struct {
    const char *name;
    uint8_t selector;
} boot_devices[] = {
    {"none", 0x0}, {"pxe", 0x1},   {"disk", 0x2}, {"safe", 0x3},
    {"diag", 0x4}, {"cdrom", 0x5}, {"bios", 0x6}, {"floppy", 0xf},
};

void verbs_add_boot_device(struct json_object *result, const struct bmc *bmc)
{
    const uint8_t *flags = bmc->boot.flags;
    uint8_t selector = flags[0] & BOOT_FLAGS_VALID ? BOOT_FLAGS_DEVICE(flags[1]) : 0;
    const char *obstacle = boot_obstacle(bmc);
    const char *when = selector == 0                      ? ""
                       : flags[0] & BOOT_FLAGS_PERSISTENT ? " (persistent)"
                                                          : " (next boot)";
    char name[8], text[32];

    snprintf(name, sizeof name, "0x%x", selector);
    for (size_t i = 0; i < ARRAY_SIZE(boot_devices); i++) {
        if (boot_devices[i].selector == selector)
            snprintf(name, sizeof name, "%s", boot_devices[i].name);
    }
    snprintf(text, sizeof text, "%s%s", name, when);
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
    const char *names[ARRAY_SIZE(boot_devices)];

    for (size_t i = 0; i < ARRAY_SIZE(boot_devices); i++)
        names[i] = boot_devices[i].name;
    const char *near = name ? nearest_name(name, names, ARRAY_SIZE(names), synonyms) : NULL;
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
    for (size_t i = 0; name && i < ARRAY_SIZE(boot_devices); i++) {
        if (strcmp(name, boot_devices[i].name) != 0)
            continue;
        uint8_t flags[BOOT_FLAGS_SIZE] = {0, (uint8_t)(boot_devices[i].selector << 2)};
        struct bmc_ticket ticket = ticket_for(request);
        flags[0] = BOOT_FLAGS_VALID;
        if (is_persistent)
            flags[0] |= BOOT_FLAGS_PERSISTENT;
        boot_set_flags(instance_bmc(instance), flags, false, &ticket);
        boot_note_chassis_control(instance_bmc(instance)); /* a person's word does not expire */
        return;
    }
    refuse_device(request, name);
}

void verbs_console(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (instance)
        console_session_start(instance, arguments, request);
}
