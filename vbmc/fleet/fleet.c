#include "vbmc/fleet/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connect.h"
#include "vbmc/fleet/disconnect.h"
#include "vbmc/fleet/discovery.h"
#include "vbmc/fleet/ending.h"
#include "vbmc/fleet/facility.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/fleet/load.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/fleet/restore.h"
#include "vbmc/fleet/search.h"
#include "vbmc/fleet/sections.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/instance/stored.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/login_log.h"
#include "vbmc/service/audit.h"
#include "vbmc/state/audit.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/lock.h"
#include "vbmc/store/lock_wait.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/loop.h"

#define SAVE_HOURS_MS UINT64_C(600000)

static struct instance *find_number(void *context, uint32_t number)
{
    const struct fleet *fleet = context;

    return bmcset_find_number(&fleet->set, number);
}

/* A set-up of OpenStack's tool and no configuration of ours: no BMCs but those of the set-up. */
static void follow_openstack(struct fleet *fleet)
{
    const struct openstack *openstack = fleet->openstack;
    struct config *config = fleet->config;

    if (openstack && (openstack->path || openstack->bmc_count > 0) && !config->path)
        config->bmc.discover = CONFIG_DISCOVER_NONE;
}

/* Power-on hours of guests that run on are stored now and then, not only when they stop. */
static void on_save_hours(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    for (size_t i = 0; i < fleet->set.count; i++) {
        struct bmc *bmc = instance_bmc(fleet->set.instances[i]);
        if (host_power_state_is_on(bmc_power_state(bmc)))
            bmc->core.hooks->changed(&bmc->core, BMC_PART_CHASSIS, NULL);
    }
}

/* What is there before anything is served. */
static int prepare(struct fleet *fleet, char *error, size_t size)
{
    fleet->inbox = inbox_new(fleet->loop);
    fleet->shared.limiter = limiter_new();
    fleet->shared.login_log = login_log_new();
    if (!fleet->state_dir || !fleet->sink || !fleet->inband_sink || !fleet->inbox ||
        !fleet->shared.limiter || !fleet->shared.login_log || virt_loop_start(fleet->loop) < 0) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    follow_openstack(fleet);
    return 0;
}

static int open_store(struct fleet *fleet, char *error, size_t size)
{
    int lock = fleet->lock;

    fleet->lock = -1;
    int result =
        store_open_locked(fleet->loop, fleet->state_dir, lock, &fleet->shared.store, error, size);
    if (result < 0)
        return result;
    result = audit_new(fleet->shared.store, &fleet->audit);
    if (result < 0)
        snprintf(error, size, "%s/state.db: the audit trail: %s", fleet->state_dir,
                 strerror(-result));
    return result;
}

/* By its URI alone a local hypervisor is that of the other machine too, whose guests would be taken
 * for gone, with their BMCs and event logs. A daemon by itself may have moved, with its guests. */
static int check_machine(const struct fleet *fleet, char *error, size_t size)
{
    const struct config *config = fleet->config;

    for (size_t i = 0; i < config->hypervisor_count && fleet->is_paired && fleet->moved_here; i++) {
        const struct config_hypervisor *hypervisor = &config->hypervisors[i];
        if (!hypervisor_uri_is_local(hypervisor->uri))
            continue;
        snprintf(error, size,
                 "[hypervisor %s]: another machine served %s before, where %s was another "
                 "hypervisor: a standby needs URIs with the host, as qemu+ssh://HOST/system",
                 hypervisor->name, fleet->state_dir, hypervisor->uri);
        return -EINVAL;
    }
    return 0;
}

static int load(struct fleet *fleet, char *error, size_t size)
{
    fleet_note_boot(fleet);
    int result = check_machine(fleet, error, size);
    if (result == 0)
        result = fleet_load_facility(fleet, error, size);
    if (result == 0)
        result = fleet_load_bmcs(fleet, error, size);
    if (result == 0 && (result = fleet_load_dead_hypervisors(fleet)) < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", fleet->state_dir,
                 strerror(-result));
    return result;
}

static int serve(struct fleet *fleet, char *error, size_t size)
{
    int result = open_store(fleet, error, size);

    if (result < 0)
        return result;
    if (fleet->config->user_count == 0)
        log_warning(
            "no [user] is configured: only BMCs made by 'vbmc add --username' accept logins");
    addresses_configure(&fleet->addresses, fleet->config, &fleet->set);
    result = load(fleet, error, size);
    if (result < 0)
        return result;
    uv_timer_start(&fleet->hours, on_save_hours, SAVE_HOURS_MS, SAVE_HOURS_MS);
    fleet_store_boot(fleet);
    /* At the end of a former run BMCs may have stored behind the mark of their deletion what they
     * were. Not at a reload: a deletion that is under way may be taken back. */
    if (fleet->deleted)
        store_bmcs_clear_deleted(fleet->shared.store, fleet_report_store, NULL);
    fleet_run_facility(fleet);
    fleet_start_hypervisors(fleet);
    fleet_follow_placements(fleet); /* what each waits for until they are connected */
    fleet_begin_hypervisors(fleet);
    return 0;
}

static void on_restarted(void *context)
{
    fleet_notify_changed(context);
}

static void init_shared(struct fleet *fleet)
{
    fleet->sink = instance_sink_new(find_number, fleet);
    fleet->shared.loop = fleet->loop;
    fleet->shared.sink = fleet->sink;
    fleet->inband_sink = instance_inband_sink_new(find_number, fleet);
    fleet->shared.inband_sink = fleet->inband_sink;
    fleet->runtime_dir = strdup(fleet->config->daemon.runtime_dir);
    fleet->shared.runtime_dir = fleet->runtime_dir;
    fleet->shared.state_dir = fleet->state_dir;
    fleet->shared.restarted = on_restarted;
    fleet->shared.restarted_context = fleet;
    fleet->shared.users_changed = fleet_note_users;
    fleet->shared.users_context = fleet;
}

/* Without memory for it `config` and `openstack` are freed. */
static struct fleet *new_fleet(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                               char *error, size_t size)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);

    if (!fleet) {
        config_free(config);
        openstack_free(openstack);
        snprintf(error, size, "out of memory");
        return NULL;
    }
    fleet->loop = loop;
    fleet->lock = -1;
    fleet->started_ms = uv_now(loop);
    fleet->config = config;
    fleet->state_dir = strdup(config->daemon.state_dir); /* for good: a reload changes no folder */
    fleet->openstack = openstack;
    init_shared(fleet);
    uv_timer_init(loop, &fleet->reaper);
    fleet->reaper.data = fleet;
    uv_timer_init(loop, &fleet->hours);
    fleet->hours.data = fleet;
    uv_timer_init(loop, &fleet->restore);
    fleet->restore.data = fleet;
    uv_timer_init(loop, &fleet->listen_again);
    fleet->listen_again.data = fleet;
    uv_timer_init(loop, &fleet->grace);
    fleet->grace.data = fleet;
    fleet_init_facility(fleet);
    return fleet;
}

int fleet_start(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                struct fleet **started, char *error, size_t size)
{
    struct fleet *fleet = new_fleet(loop, config, openstack, error, size);

    *started = NULL;
    if (!fleet)
        return -ENOMEM;
    int result = prepare(fleet, error, size);
    if (result == 0)
        result = serve(fleet, error, size);
    if (result < 0) {
        fleet_stop(fleet, NULL);
        return result;
    }
    *started = fleet;
    return 0;
}

/* ---- standing by ---- */

static void on_lock_taken(void *context, int lock)
{
    struct fleet *fleet = context;

    fleet->lock = lock;
    fleet->locked(fleet->locked_context);
}

static int wait_for_lock(struct fleet *fleet, char *error, size_t size)
{
    fleet->wait = lock_wait_start(fleet->loop, fleet->state_dir, on_lock_taken, fleet);
    if (!fleet->wait) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    fleet_start_hypervisors(fleet);
    return 0;
}

int fleet_stand_by(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                   void (*locked)(void *context), void *context, struct fleet **started,
                   char *error, size_t size)
{
    struct fleet *fleet = new_fleet(loop, config, openstack, error, size);

    *started = NULL;
    if (!fleet)
        return -ENOMEM;
    fleet->is_paired = true;
    fleet->locked = locked;
    fleet->locked_context = context;
    int result = prepare(fleet, error, size);
    if (result == 0)
        result = store_lock_take(fleet->state_dir, STORE_LOCK_STAND, &fleet->lock, error, size);
    if (result == 0)
        result = serve(fleet, error, size);
    else if (result != -ENOTSUP && result != -ENOMEM)
        result = wait_for_lock(fleet, error, size);
    if (result < 0) {
        fleet_stop(fleet, NULL);
        return result;
    }
    *started = fleet;
    return 0;
}

int fleet_take_over(struct fleet *fleet, char *error, size_t size)
{
    lock_wait_stop(fleet->wait);
    fleet->wait = NULL;
    return serve(fleet, error, size);
}

const char *fleet_waits_for(const struct fleet *fleet)
{
    return fleet->wait ? lock_wait_reason(fleet->wait) : NULL;
}

/* ---- the end ---- */

void fleet_stop(struct fleet *fleet, struct fleet **owner)
{
    fleet->stopping = true;
    fleet->owner = owner;
    lock_wait_stop(fleet->wait);
    fleet->wait = NULL;
    if (fleet->lock >= 0)
        close(fleet->lock);
    fleet->lock = -1;
    uv_timer_stop(&fleet->listen_again);
    fleet_stop_facility(fleet); /* it stores now and then, and the store goes first */
    /* The BMCs go first: they let go of their domains and store what they know. */
    while (fleet->set.count > 0)
        fleet_drop_instance(fleet, fleet->set.instances[0]);
    bmcset_clear(&fleet->set);
    fleet_end_waiting(fleet);
    while (fleet->connections) {
        struct fleet_connection *connection = fleet->connections;
        fleet->connections = connection->next;
        fleet_disconnect(fleet, connection);
    }
    fleet_finish_stopping(fleet);
}

void fleet_flush(struct fleet *fleet)
{
    service_audit_stop();
    audit_stop(fleet->audit);
    store_close(fleet->shared.store);
    fleet->shared.store = NULL;
}

void fleet_list_audit(struct fleet *fleet, const struct audit_query *query, audit_listed *listed,
                      void *context)
{
    audit_list(fleet->audit, query, listed, context);
}

const char *fleet_default_address(const struct fleet *fleet)
{
    return fleet->config->bmc.address;
}

bool fleet_is_openstack(const struct fleet *fleet)
{
    return fleet->config->daemon.compat == CONFIG_COMPAT_OPENSTACK;
}

const struct config *fleet_config(const struct fleet *fleet)
{
    return fleet->config;
}

const struct bmcset *fleet_bmcs(const struct fleet *fleet)
{
    return &fleet->set;
}

static void warn_of_restart(const struct config *old, const struct config *new)
{
    if (strcmp(old->daemon.state_dir, new->daemon.state_dir) != 0 ||
        strcmp(old->daemon.runtime_dir, new->daemon.runtime_dir) != 0)
        log_warning("changed folders take effect when vbmcd is restarted");
}

static void review_hypervisors(struct fleet *fleet)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next)
        connection->configured = false;
    fleet_start_hypervisors(fleet);
    fleet_release_connections(fleet);
}

/* Domains that may have a BMC now, or no longer. */
static void review_domains(struct fleet *fleet)
{
    char error[256];

    for (size_t i = fleet->set.count; i-- > 0;) {
        struct instance *instance = fleet->set.instances[i];
        struct virt_domain *domain = instance_domain(instance);
        if (!fleet_wants_record(fleet, instance_record(instance)))
            fleet_drop_instance(fleet, instance);
        else if (domain)
            fleet_drop_untagged(fleet, instance, domain);
    }
    if (fleet_load_bmcs(fleet, error, sizeof error) < 0)
        log_error("%s", error);
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(connection->hypervisor, domain))) {
            struct instance *instance = fleet_bmc_of(domain);
            if (!instance)
                fleet_discover(fleet, domain);
            else
                fleet_drop_untagged(fleet, instance, domain);
        }
    }
    for (size_t i = 0; i < fleet->set.count; i++)
        fleet_see_copies(fleet, fleet->set.instances[i]);
}

/* All but the hypervisors is for when it serves. */
static void reload_standby(struct fleet *fleet, struct config *config)
{
    config_free(fleet->config);
    fleet->config = config;
    follow_openstack(fleet);
    review_hypervisors(fleet);
    log_info("configuration reloaded");
}

void fleet_reload(struct fleet *fleet, struct config *config)
{
    struct config *old = fleet->config;

    warn_of_restart(old, config);
    if (fleet->wait) {
        reload_standby(fleet, config);
        return;
    }
    fleet_close_shared_socket(fleet, &config->bmc);
    fleet->config = config;
    config_free(old);
    follow_openstack(fleet);
    addresses_configure(&fleet->addresses, config, &fleet->set);
    fleet_configure_facility(fleet);
    for (size_t i = 0; i < fleet->set.count; i++)
        instance_configure(fleet->set.instances[i], config);
    review_hypervisors(fleet);
    review_domains(fleet);
    fleet_notify_changed(fleet);
    fleet_log_sections(fleet);
    log_info("configuration reloaded: %zu users, %zu BMCs", config->user_count, fleet->set.count);
}
