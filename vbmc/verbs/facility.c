#include "vbmc/verbs/facility.h"

#include <json-c/json.h>
#include <math.h>
#include <stdio.h>

#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/view.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/physics/supply.h"
#include "vbmc/platform/inject.h"
#include "vbmc/platform/platform.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/verbs.h"

#define TEXT_SIZE 64

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

    verbs_add_text(row, "domain_name", instance_view(instance).name);
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
        verbs_add_name(verbs, request, instances[i], verbs_has_plain_name(instances, count, i),
                       row);
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

    if (verbs_flag_argument(arguments, "clear"))
        verbs_call(request, SERVICE_FACILITY, NULL, &(union service_arguments){0});
    else if (change.facility.item && change.facility.state)
        verbs_call(request, SERVICE_FACILITY, NULL, &change);
    else
        control_reply_error(request, CONTROL_USAGE, "item and state must be given together");
}

void verbs_facility(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    if (json_object_object_length(arguments) == 0)
        answer_facility(verbs, request);
    else if (verbs_permit(request, SERVICE_FACILITY))
        change_facility(arguments, request);
}
