/* Between the callbacks of the hypervisors, the placement of each guest (placement.h) and the
 * domain that its BMC shows. What changes is stored, so that a restart of the daemon knows it too.
 */
#include "vbmc/fleet/placement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/metadata.h"
#include "vbmc/fleet/restore.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/host/placement.h"
#include "vbmc/host/placement_map.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/placement.h"
#include "vbmc/virt/hypervisor.h"

/* ---- storing ---- */

int fleet_load_dead_hypervisors(struct fleet *fleet)
{
    struct store_dead_hypervisor *rows;
    size_t count;
    int result = store_dead_hypervisors_load(fleet->shared.store, &rows, &count);

    for (size_t i = 0; result == 0 && i < count; i++) {
        struct placement_hypervisor *place = placement_map_get(&fleet->map, rows[i].uri);
        if (place)
            place->dead = true;
    }
    if (result == 0)
        store_dead_hypervisors_free(rows, count);
    return result;
}

void fleet_restore_placement(struct fleet *fleet, struct instance *instance,
                             const struct store_placement *row)
{
    struct placement_hypervisor *place = placement_map_get(&fleet->map, row->uri);
    enum placement_fact fact =
        row->fact <= PLACEMENT_FACT_AWAY ? (enum placement_fact)row->fact : PLACEMENT_FACT_NONE;

    if (!place || placement_restore(instance_placement(instance), place, row->listed, fact) < 0)
        log_error("%s: out of memory: not known where it is", instance_record(instance)->name);
}

/* ---- which copy counts ---- */

static void report(struct instance *instance, const struct placement_decision *before)
{
    const struct placement *placement = instance_placement(instance);
    const struct placement_decision *now = &placement->decided;
    const char *name = instance_record(instance)->name;
    char text[256];

    if (before->verdict == now->verdict && before->hypervisor == now->hypervisor &&
        before->also == now->also)
        return;
    placement_explain(placement, text, sizeof text);
    if (now->also)
        log_error("%s: %s: stop one of them", name, text);
    else if (now->verdict == PLACEMENT_LEFT || now->verdict == PLACEMENT_ELSEWHERE)
        log_warning("%s: %s; its BMC answers busy", name, text);
    else if (now->verdict == PLACEMENT_COUNTS && before->hypervisor &&
             before->hypervisor != now->hypervisor)
        log_info("%s: %s, no longer on %s", name, text, before->hypervisor->name);
    else
        log_debug("%s: %s", name, text);
}

/* While its hypervisor is not connected a domain's state is unknown, and it may as well stay. */
static bool may_stay(const struct virt_domain *domain)
{
    return domain && !hypervisor_is_up(virt_domain_hypervisor((struct virt_domain *)domain));
}

/* A guest that has ended, and may not be started again here until another hypervisor is connected:
 * the BMC loses its domain, and its policy and event log have to know of the end before that. */
static void report_end(struct instance *instance)
{
    const struct bmc *bmc = instance_bmc(instance);

    if (bmc_power_state(bmc) != HOST_POWER_OFF || !host_stop_is_end(bmc->core.host->stop_reason) ||
        bmc->chassis.on_since_ms == 0)
        return;
    instance_host_event(instance, HOST_EVENT_STATE);
    instance_host_event(instance, HOST_EVENT_STOPPED);
}

void fleet_follow_placement(struct fleet *fleet, struct instance *instance)
{
    struct placement *placement = instance_placement(instance);
    struct virt_domain *present = instance_domain(instance);
    struct placement_decision before = placement->decided;
    struct placement_decision decision = placement_decide(
        &fleet->map, placement, present, chassis_is_starting(&instance_bmc(instance)->chassis),
        instance_record(instance)->uri);

    report(instance, &before);
    if (present && !decision.domain && !may_stay(present))
        report_end(instance);
    if (decision.domain || !may_stay(present))
        instance_set_domain(instance, decision.domain);
    if (decision.domain && decision.domain != present) {
        fleet_follow_name(fleet, instance);
        fleet_follow_metadata(fleet, instance);
    }
    instance_note_placement(instance);
    fleet_restore_power(fleet, instance);
}

static bool starts_by_us(struct instance *instance, const struct virt_domain *domain)
{
    return instance_domain(instance) == domain &&
           chassis_is_starting(&instance_bmc(instance)->chassis);
}

/* What others start may be the target of a migration, whose source still runs. */
static enum placement_state state_of(struct instance *instance, struct virt_domain *domain)
{
    if (!host_power_state_is_on(virt_domain_host(domain)->state))
        return PLACEMENT_OFF;
    if (virt_domain_is_migrating(domain) ||
        (virt_domain_is_starting(domain) && !starts_by_us(instance, domain)))
        return PLACEMENT_MIGRATING;
    return PLACEMENT_ON;
}

/* True if the guest has come from another hypervisor. */
static bool see(struct fleet *fleet, struct instance *instance, struct virt_domain *domain,
                bool live)
{
    const struct host_domain *host = virt_domain_host(domain);
    struct fleet_connection *connection =
        fleet_connection_of(fleet, virt_domain_hypervisor(domain));
    bool arrived = false;

    if (!connection || host->state == HOST_POWER_UNKNOWN)
        return false;
    const struct placement_sight sight = {
        .hypervisor = connection->place,
        .domain = domain,
        .state = state_of(instance, domain),
        .stop_reason = host->stop_reason,
        .unlisted = !virt_domain_is_listed(domain),
        .booted = virt_domain_has_booted(domain) || starts_by_us(instance, domain),
        .live = live,
    };
    connection->place->connected = hypervisor_is_up(connection->hypervisor);
    if (placement_see(instance_placement(instance), &sight, &arrived) < 0)
        log_error("%s: out of memory: not known where it is", host->name);
    return arrived;
}

void fleet_see_copy(struct fleet *fleet, struct instance *instance, struct virt_domain *domain)
{
    fleet->arrived = see(fleet, instance, domain, virt_domain_seen_live(domain)) ? domain : NULL;
    fleet_follow_placement(fleet, instance);
}

static void see_hidden(struct fleet_connection *connection, struct instance *instance)
{
    struct placement *placement = instance_placement(instance);

    connection->place->connected = hypervisor_is_up(connection->hypervisor);
    if (!hypervisor_hides(connection->hypervisor, &instance_record(instance)->uuid))
        placement_unhide(placement, connection->place);
    else if (placement_hide(placement, connection->place) < 0)
        log_error("%s: out of memory: not known where it is", instance_record(instance)->name);
}

void fleet_see_hidden(struct fleet *fleet, struct instance *instance, struct hypervisor *hypervisor)
{
    struct fleet_connection *connection = fleet_connection_of(fleet, hypervisor);

    if (connection)
        see_hidden(connection, instance);
    fleet_follow_placement(fleet, instance);
}

void fleet_see_copies(struct fleet *fleet, struct instance *instance)
{
    const struct uuid *uuid = &instance_record(instance)->uuid;

    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        struct virt_domain *domain = hypervisor_find_domain(connection->hypervisor, uuid);
        if (domain)
            see(fleet, instance, domain, false);
        see_hidden(connection, instance);
    }
    fleet_follow_placement(fleet, instance);
}

void fleet_lose_copy(struct fleet *fleet, struct instance *instance, struct virt_domain *domain)
{
    struct fleet_connection *connection =
        fleet_connection_of(fleet, virt_domain_hypervisor(domain));

    if (instance_domain(instance) == domain)
        instance_set_domain(instance, NULL);
    if (connection)
        placement_gone(instance_placement(instance), connection->place,
                       virt_domain_host(domain)->stop_reason);
    fleet_follow_placement(fleet, instance);
}

/* ---- hypervisors that come and go ---- */

static bool waits_for(struct instance *instance, const struct placement_hypervisor *place)
{
    const struct placement *placement = instance_placement(instance);

    return placement->decided.verdict == PLACEMENT_WAITS && placement->decided.hypervisor == place;
}

size_t fleet_count_waiting(const struct fleet *fleet, const struct placement_hypervisor *place)
{
    size_t count = 0;

    for (size_t i = 0; i < fleet->set.count; i++)
        count += waits_for(fleet->set.instances[i], place);
    return count;
}

/* What was asked of guests there is not carried out on a copy elsewhere. */
static void give_up_actions(struct fleet *fleet, const struct placement_hypervisor *place)
{
    for (size_t i = 0; i < fleet->set.count; i++) {
        const struct placement *placement = instance_placement(fleet->set.instances[i]);
        if (waits_for(fleet->set.instances[i], place) ||
            placement_fact_of(placement, place) == PLACEMENT_FACT_AWAY)
            chassis_give_up(&instance_bmc(fleet->set.instances[i])->chassis,
                            "its hypervisor is declared dead");
    }
}

void fleet_follow_placements(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->set.count; i++)
        fleet_follow_placement(fleet, fleet->set.instances[i]);
}

static void clear_dead_mark(struct fleet *fleet, struct placement_hypervisor *place)
{
    if (!place->dead)
        return;
    place->dead = false;
    log_warning("hypervisor %s is connected: no longer declared dead", place->name);
    store_dead_hypervisor_put(fleet->shared.store, place->uri, false, fleet_report_store, NULL);
}

void fleet_place_connection_change(struct fleet *fleet, struct fleet_connection *connection)
{
    struct placement_hypervisor *place = connection->place;
    bool is_up = hypervisor_is_up(connection->hypervisor);

    if (connection->placed && !is_up && !connection->placed_up)
        return; /* another attempt has failed, which changes nothing */
    connection->placed = true;
    connection->placed_up = is_up;
    place->connected = is_up;
    if (place->connected) {
        clear_dead_mark(fleet, place);
        for (size_t i = 0; i < fleet->set.count; i++)
            placement_listed_all(instance_placement(fleet->set.instances[i]), place);
    }
    fleet_follow_placements(fleet);
    place->known |= place->connected;
    size_t waiting = place->connected ? 0 : fleet_count_waiting(fleet, place);
    if (waiting > 0 && waiting != connection->waiting)
        log_warning("hypervisor %s: %zu BMCs answer busy until it is connected, as it may run their"
                    " guests ('vbmc list' names them; 'vbmc hypervisor %s declare-dead' if it will"
                    " not come back)",
                    place->name, waiting, place->name);
    connection->waiting = waiting;
}

void fleet_place_connection_removal(struct fleet *fleet, struct fleet_connection *connection)
{
    struct placement_hypervisor *place = connection->place;

    for (size_t i = 0; i < fleet->set.count; i++)
        placement_remove(instance_placement(fleet->set.instances[i]), place);
    place->removed = true;
    place->connected = false;
    fleet_follow_placements(fleet);
}

/* ---- declaring one dead ---- */

struct declaration {
    struct fleet *fleet;
    struct placement_hypervisor *place;
    fleet_done_fn *done;
    void *context;
};

static bool is_held(struct instance *instance)
{
    enum placement_verdict verdict = instance_placement(instance)->decided.verdict;

    return verdict == PLACEMENT_WAITS || verdict == PLACEMENT_LEFT;
}

/* Lets go of the guests that the hypervisor may have, and says which; their number. */
static size_t release_guests(struct fleet *fleet, const struct placement_hypervisor *place,
                             FILE *names)
{
    size_t count = 0;

    for (size_t i = 0; i < fleet->set.count; i++) {
        struct instance *instance = fleet->set.instances[i];
        const char *name = instance_record(instance)->name;
        bool was_held = is_held(instance);
        placement_release(instance_placement(instance), place);
        fleet_follow_placement(fleet, instance);
        if (!was_held || is_held(instance))
            continue;
        log_warning("%s: released from hypervisor %s, which is declared dead", name, place->name);
        fprintf(names, "%s%s", count++ > 0 ? ", " : ": ", name);
    }
    return count;
}

static void declare(const struct declaration *declaration)
{
    struct fleet *fleet = declaration->fleet;
    struct placement_hypervisor *place = declaration->place;
    CLEANUP_FREE char *names = NULL, *text = NULL;
    size_t size;
    FILE *stream = open_memstream(&names, &size);

    if (!stream) {
        declaration->done(declaration->context, -ENOMEM, "out of memory");
        return;
    }
    give_up_actions(fleet, place);
    place->dead = true;
    size_t count = release_guests(fleet, place, stream);
    if (fclose(stream) != 0 ||
        asprintf(&text, "%zu guest%s released%s", count, count == 1 ? " is" : "s are", names) < 0)
        text = NULL;
    log_warning("hypervisor %s is declared dead: %zu guests that it may have run are released",
                place->name, count);
    declaration->done(declaration->context, 0, text ? text : "the guests are named in the log");
}

static void on_declared(void *context, int result)
{
    CLEANUP_FREE struct declaration *declaration = context;
    struct fleet *fleet = declaration->fleet;
    struct placement_hypervisor *place = declaration->place;

    if (result < 0) {
        declaration->done(declaration->context, result, strerror(-result));
        return;
    }
    if (fleet->stopping) { /* a mark of one that is connected by now goes at the next start */
        declaration->done(declaration->context, -EBUSY, "the daemon is stopping");
        return;
    }
    if (place->connected) { /* meanwhile */
        store_dead_hypervisor_put(fleet->shared.store, place->uri, false, fleet_report_store, NULL);
        declaration->done(declaration->context, -EBUSY, "it is connected now");
        return;
    }
    declare(declaration);
}

void fleet_declare_dead(struct fleet *fleet, const char *name, fleet_done_fn *done, void *context)
{
    struct placement_hypervisor *place = placement_map_find_named(&fleet->map, name);
    struct declaration *declaration = place ? malloc(sizeof *declaration) : NULL;
    char message[320];

    if (!place) {
        snprintf(message, sizeof message, "no hypervisor is called %.200s", name);
        done(context, -ENOENT, message);
        return;
    }
    if (!declaration || place->connected) {
        free(declaration);
        snprintf(message, sizeof message, "hypervisor %.200s is connected: it is not dead", name);
        done(context, place->connected ? -EBUSY : -ENOMEM,
             place->connected ? message : "out of memory");
        return;
    }
    *declaration = (struct declaration){fleet, place, done, context};
    int result =
        store_dead_hypervisor_put(fleet->shared.store, place->uri, true, on_declared, declaration);
    if (result < 0)
        on_declared(declaration, result);
}

const struct placement_map *fleet_placement_map(const struct fleet *fleet)
{
    return &fleet->map;
}
