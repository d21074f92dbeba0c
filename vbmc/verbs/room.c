#include "vbmc/verbs/room.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/platform/inject.h"
#include "vbmc/platform/platform.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

#define ERROR_SIZE 256
#define TEXT_SIZE  64

static bool is_set(struct json_object *arguments, const char *name)
{
    struct json_object *flag = qmp_json_member(arguments, name, json_type_boolean);

    return flag && json_object_get_boolean(flag);
}

/* ---- inject ---- */

static void answer_faults(const struct platform *platform, struct control_request *request)
{
    const struct faults *faults = platform_faults(platform);
    struct json_object *list = json_object_new_array();

    for (unsigned i = 0; i < faults->count; i++) {
        struct json_object *row = json_object_new_object();
        time_t since = (time_t)faults->items[i].since_s;
        char text[TEXT_SIZE];
        struct tm utc;

        fault_format_target(&faults->items[i], text, sizeof text);
        verbs_add_text(row, "target", text);
        fault_format_kind(&faults->items[i], text, sizeof text);
        verbs_add_text(row, "kind", text);
        bool has_time = gmtime_r(&since, &utc) && strftime(text, sizeof text, "%FT%TZ", &utc);
        verbs_add_text(row, "since", has_time ? text : NULL);
        json_object_array_add(list, row);
    }
    control_reply_ok(request, list);
}

static void inject(struct bmc *bmc, const char *target, const char *kind,
                   struct control_request *request)
{
    char error[ERROR_SIZE] = "";
    struct fault fault;

    if (fault_parse(target, kind, &fault, error, sizeof error))
        control_reply_error(request, CONTROL_USAGE, "%s", error);
    else
        verbs_call(request, SERVICE_INJECT, bmc, &(union service_arguments){.fault = &fault});
}

static void answer_cleared(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;
    struct json_object *count;
    unsigned cleared = 0;

    if (result < 0) {
        verbs_refuse(request, SERVICE_CLEAR_FAULTS, result, ticket->text);
        return;
    }
    for (unsigned i = 0; i < ticket->data_length; i++)
        cleared |= (unsigned)ticket->data[i] << 8 * i;
    count = json_object_new_object();
    json_object_object_add(count, "cleared", json_object_new_int((int)cleared));
    control_reply_ok(request, count);
}

static void clear(struct bmc *bmc, const char *target, const char *kind,
                  struct control_request *request)
{
    char error[ERROR_SIZE] = "a kind needs its target";
    struct fault like = {0};
    int result = 0;

    if (target && kind)
        result = fault_parse(target, kind, &like, error, sizeof error);
    else if (target)
        result = fault_parse_target(target, &like, error, sizeof error);
    else if (kind)
        result = -EINVAL;
    if (result < 0) {
        control_reply_error(request, CONTROL_USAGE, "%s", error);
        return;
    }
    const union service_arguments arguments = {
        .clear_faults = {target ? &like : NULL, kind ? &like.kind : NULL},
    };
    verbs_call_then(request, SERVICE_CLEAR_FAULTS, bmc, &arguments, answer_cleared);
}

void verbs_inject(const struct verbs *verbs, struct json_object *arguments,
                  struct control_request *request)
{
    const char *target = qmp_json_string(arguments, "target");
    const char *kind = qmp_json_string(arguments, "kind");
    bool clears = is_set(arguments, "clear"), changes = target || kind || clears;
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    struct bmc *bmc = instance_bmc(instance);
    if (changes && !verbs_permit(request, SERVICE_INJECT))
        return;
    if (!bmc->platform)
        control_reply_error(request, CONTROL_FAILED, "no server model for this BMC");
    else if (!changes)
        answer_faults(bmc->platform, request);
    else if (clears)
        clear(bmc, target, kind, request);
    else if (!target || !kind)
        control_reply_error(request, CONTROL_USAGE, "a target and a kind come together");
    else
        inject(bmc, target, kind, request);
}

/* ---- facility ---- */

static const char *ups_state(const struct facility *facility)
{
    if (!facility_has_ups(facility))
        return "none";
    return facility_on_battery(facility) ? "battery" : "line";
}

static const char *generator_state(const struct facility *facility)
{
    if (!facility->settings.has_generator)
        return "none";
    if (facility->generator_failed)
        return "failed";
    if (facility_generator_runs(facility))
        return "running";
    return facility_generator_starts(facility) ? "starting" : "standby";
}

static const char *supply_text(const struct supply_state *supply)
{
    static const char *const texts[] = {"full", "redundancy lost", "degraded", "non-redundant"};

    if (!supply->sufficient || supply->redundancy >= sizeof texts / sizeof texts[0])
        return "insufficient";
    return texts[supply->redundancy];
}

/* "A B": on which feeds the PSUs are, each once. */
static void format_feeds(const struct supply_layout *layout, char text[TEXT_SIZE])
{
    unsigned seen = 0;
    size_t used = 0;

    text[0] = '\0';
    for (unsigned psu = 0; psu < supply_psu_count(layout); psu++) {
        unsigned feed = supply_psu_feed(layout, psu);
        if (feed >= SUPPLY_FEEDS_MAX || (seen >> feed & 1))
            continue;
        seen |= 1u << feed;
        used += (size_t)snprintf(text + used, TEXT_SIZE - used, "%s%c", used ? " " : "",
                                 (char)('A' + feed));
    }
}

/* Reckoned now, so that a change shows before the server's next step. */
static struct json_object *describe_server(const struct facility *facility,
                                           struct instance *instance)
{
    const struct bmc *bmc = instance_bmc(instance);
    struct json_object *row = json_object_new_object();
    uint8_t faults[SUPPLY_PSUS_MAX];
    struct supply_state supply;
    char feeds[TEXT_SIZE];

    verbs_add_text(row, "domain_name", instance_record(instance)->name);
    if (bmc->platform) {
        const struct supply_layout *layout = &platform_settings(bmc->platform)->supply;
        for (unsigned psu = 0; psu < SUPPLY_PSUS_MAX; psu++)
            faults[psu] = faults_of_psu(platform_faults(bmc->platform), psu);
        supply_evaluate(layout, facility_feeds_live(facility), faults, &supply);
        format_feeds(layout, feeds);
        verbs_add_text(row, "redundancy", supply_redundancy_name(layout->redundancy));
        verbs_add_text(row, "feeds", feeds);
        verbs_add_text(row, "supply", supply_text(&supply));
    }
    verbs_add_text(row, "power", verbs_state_name(bmc_power_state(bmc)));
    return row;
}

static struct json_object *describe_feeds(const struct facility *facility)
{
    struct json_object *feeds = json_object_new_array();
    uint8_t live = facility_feeds_live(facility);

    for (unsigned i = 0; i < facility->settings.feed_count && i < SUPPLY_FEEDS_MAX; i++) {
        struct json_object *feed = json_object_new_object();
        char letter[2] = {(char)('A' + i), '\0'};

        verbs_add_text(feed, "feed", letter);
        verbs_add_text(feed, "state", live >> i & 1 ? "up" : "down");
        json_object_array_add(feeds, feed);
    }
    return feeds;
}

static void answer_facility(const struct verbs *verbs, struct control_request *request)
{
    const struct facility *facility = fleet_facility(verbs->fleet);
    struct json_object *result = json_object_new_object(), *servers = json_object_new_array();
    size_t count;
    CLEANUP_FREE struct instance **instances = verbs_visible_instances(verbs, request, &count);
    char inlet[TEXT_SIZE];

    snprintf(inlet, sizeof inlet, "%.1f", facility->inlet_c);
    json_object_object_add(result, "feeds", describe_feeds(facility));
    verbs_add_text(result, "utility", facility->utility_lost ? "lost" : "ok");
    verbs_add_text(result, "ups", ups_state(facility));
    json_object_object_add(result, "battery_percent",
                           facility_has_ups(facility)
                               ? json_object_new_int((int)lround(100 * facility->battery))
                               : NULL);
    verbs_add_text(result, "generator", generator_state(facility));
    verbs_add_text(result, "crac", facility->crac_failed ? "failed" : "ok");
    json_object_object_add(result, "inlet", json_object_new_double_s(facility->inlet_c, inlet));
    for (size_t i = 0; i < count; i++) {
        struct json_object *row = describe_server(facility, instances[i]);
        verbs_add_name(verbs, request, instances, count, i, row);
        json_object_array_add(servers, row);
    }
    json_object_object_add(result, "servers", servers);
    control_reply_ok(request, result);
}

static void change_facility(struct json_object *arguments, struct control_request *request)
{
    const union service_arguments change = {
        .facility = {qmp_json_string(arguments, "item"), qmp_json_string(arguments, "which"),
                     qmp_json_string(arguments, "state")},
    };

    if (is_set(arguments, "clear"))
        verbs_call(request, SERVICE_FACILITY, NULL, &(union service_arguments){0});
    else if (change.facility.item && change.facility.state)
        verbs_call(request, SERVICE_FACILITY, NULL, &change);
    else
        control_reply_error(request, CONTROL_USAGE,
                            "an item of the facility and its state come together");
}

void verbs_facility(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    if (json_object_object_length(arguments) == 0)
        answer_facility(verbs, request);
    else if (verbs_permit(request, SERVICE_FACILITY))
        change_facility(arguments, request);
}
