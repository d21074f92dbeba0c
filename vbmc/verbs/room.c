#include "vbmc/verbs/room.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/platform/inject.h"
#include "vbmc/platform/platform.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

#define ERROR_SIZE 256
#define TEXT_SIZE  64

static const char not_stored[] = "the change could not be stored; the daemon's log says why";

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

static void injected(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        control_reply_error(request, CONTROL_FAILED, "%s", not_stored);
    else
        control_reply_ok(request, NULL);
}

static void inject(struct bmc *bmc, const char *target, const char *kind,
                   struct control_request *request)
{
    struct bmc_ticket ticket = {.done = injected, .sink = request};
    char error[ERROR_SIZE] = "";
    struct fault fault;

    if (fault_parse(target, kind, &fault, error, sizeof error)) {
        control_reply_error(request, CONTROL_USAGE, "%s", error);
        return;
    }
    fault.since_s = time(NULL);
    int result = platform_inject(bmc->platform, &fault, error, sizeof error);
    if (result == -ENOSPC)
        control_reply_error(request, CONTROL_FAILED, "a server has at most %d faults at once",
                            FAULTS_MAX);
    else if (result < 0)
        control_reply_error(request, result == -ENOENT ? CONTROL_NOT_FOUND : CONTROL_FAILED, "%s",
                            error[0] ? error : strerror(-result));
    else /* also where nothing stays: the event is on disk when this is */
        bmc->hooks->changed(bmc, BMC_PART_FAULTS, &ticket);
}

static void answer_cleared(struct control_request *request, unsigned cleared)
{
    struct json_object *result = json_object_new_object();

    json_object_object_add(result, "cleared", json_object_new_int((int)cleared));
    control_reply_ok(request, result);
}

static void cleared_on_disk(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        control_reply_error(request, CONTROL_FAILED, "%s", not_stored);
    else
        answer_cleared(request, ticket->numbers[0]);
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
    unsigned cleared =
        platform_clear_faults(bmc->platform, target ? &like : NULL, kind ? &like.kind : NULL);
    struct bmc_ticket ticket = {.done = cleared_on_disk, .sink = request, .numbers = {cleared}};
    if (cleared == 0)
        answer_cleared(request, 0);
    else
        bmc->hooks->changed(bmc, BMC_PART_FAULTS, &ticket);
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
    if (changes && control_request_identity(request)->privilege < PRIVILEGE_ADMINISTRATOR)
        verbs_refuse_privilege(request, PRIVILEGE_ADMINISTRATOR);
    else if (!bmc->platform)
        control_reply_error(request, CONTROL_FAILED, "this BMC has no server around it");
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

static void room_changed(void *context, int result)
{
    struct control_request *request = context;

    if (result < 0)
        control_reply_error(request, CONTROL_FAILED, "%s", not_stored);
    else
        control_reply_ok(request, NULL);
}

static void change_facility(const struct verbs *verbs, struct json_object *arguments,
                            struct control_request *request)
{
    struct facility *facility = fleet_facility(verbs->fleet);
    const char *item = qmp_json_string(arguments, "item");
    const char *state = qmp_json_string(arguments, "state");
    char error[ERROR_SIZE] = "an item of the room and its state come together";
    int result = 0;

    if (is_set(arguments, "clear"))
        facility_clear(facility);
    else
        result = item && state ? facility_set(facility, item, qmp_json_string(arguments, "which"),
                                              state, error, sizeof error)
                               : -EINVAL;
    if (result < 0)
        control_reply_error(request, CONTROL_USAGE, "%s", error);
    else
        fleet_facility_changed(verbs->fleet, room_changed, request);
}

void verbs_facility(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    const struct control_identity *identity = control_request_identity(request);

    if (json_object_object_length(arguments) == 0)
        answer_facility(verbs, request);
    else if (identity->privilege < PRIVILEGE_ADMINISTRATOR)
        verbs_refuse_privilege(request, PRIVILEGE_ADMINISTRATOR);
    else if (identity->one_bmc)
        control_reply_error(request, CONTROL_FAILED, "this login is for one BMC only");
    else
        change_facility(verbs, arguments, request);
}
