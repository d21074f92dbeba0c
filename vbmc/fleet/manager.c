#include "vbmc/fleet/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/virt/loop.h"
#include "vbmc/net/login_log.h"

#define SAVE_HOURS_MS UINT64_C(600000)

void manager_report_store(void *context, int result)
{
    (void)context;
    if (result < 0)
        log_error("state not stored: %s", strerror(-result));
}

static void reply_to_session(void *context, const struct ipmi_token *token,
                             const struct ipmi_response *response)
{
    struct manager *manager = context;
    struct instance *instance = bmcset_find_number(&manager->set, token->bmc);

    if (instance)
        instance_reply(instance, token, response);
}

static void start_configured_hypervisors(struct manager *manager)
{
    const struct config *config = manager->config;

    for (size_t i = 0; i < config->hypervisor_count; i++) {
        const struct hypervisor_settings settings = {
            .name = config->hypervisors[i].name,
            .uri = config->hypervisors[i].uri,
            .sasl_username = config->hypervisors[i].sasl_username,
            .sasl_password = config->hypervisors[i].sasl_password,
            .sample_period_s = config->hypervisors[i].sample_period_s,
            .runtime_dir = config->daemon.runtime_dir,
        };
        if (!manager_add_link(manager, &settings, true))
            log_error("hypervisor %s: no memory", settings.name);
    }
}

static void start_openstack_hypervisors(struct manager *manager)
{
    for (size_t i = 0; manager->openstack && i < manager->openstack->bmc_count; i++) {
        const struct openstack_bmc *bmc = &manager->openstack->bmcs[i];
        const struct hypervisor_settings settings = {
            .name = bmc->libvirt_uri,
            .uri = bmc->libvirt_uri,
            .sasl_username = bmc->libvirt_sasl_username,
            .sasl_password = bmc->libvirt_sasl_password,
            .runtime_dir = manager->config->daemon.runtime_dir,
        };
        if (bmc->libvirt_uri)
            manager_add_link(manager, &settings, true);
    }
}

/* A set-up of OpenStack's tool and no configuration of ours: then only its BMCs are wanted. */
static void follow_openstack(struct manager *manager)
{
    const struct openstack *openstack = manager->openstack;
    struct config *config = manager->config;

    if (openstack && (openstack->path || openstack->bmc_count > 0) && !config->path)
        config->bmc.discover = CONFIG_DISCOVER_NONE;
}

/* Power-on hours of guests that run on are stored now and then, not only when they stop. */
static void on_save_hours(uv_timer_t *timer)
{
    static const struct bmc_ticket nobody;
    struct manager *manager = timer->data;

    for (size_t i = 0; i < manager->set.count; i++) {
        struct bmc *bmc = instance_bmc(manager->set.instances[i]);
        if (host_power_state_is_on(bmc_power_state(bmc)))
            bmc->hooks->save_chassis(bmc, &nobody);
        manager_save_placement(manager, manager->set.instances[i]); /* if that failed before */
    }
}

static int start(struct manager *manager, char *error, size_t size)
{
    int result = store_open(manager->loop, manager->config->daemon.state_dir,
                            &manager->shared.store, error, size);

    if (result < 0)
        return result;
    manager->inbox = inbox_new(manager->loop);
    manager->shared.limiter = limiter_new();
    manager->shared.login_log = login_log_new();
    if (!manager->inbox || !manager->shared.limiter || !manager->shared.login_log ||
        virt_loop_start(manager->loop) < 0) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    if (manager->config->user_count == 0)
        log_warning("no [user] is configured: only BMCs made by 'vbmc add --username' take logins");
    follow_openstack(manager);
    manager_note_boot(manager);
    result = manager_load_room(manager, error, size);
    if (result == 0)
        result = manager_load_bmcs(manager, error, size);
    if (result == 0 && (result = manager_load_dead_hypervisors(manager)) < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", manager->state_dir,
                 strerror(-result));
    if (result < 0)
        return result;
    uv_timer_start(&manager->hours, on_save_hours, SAVE_HOURS_MS, SAVE_HOURS_MS);
    manager_run_room(manager);
    start_configured_hypervisors(manager);
    start_openstack_hypervisors(manager);
    manager_follow_placements(manager); /* what each waits for until they are connected */
    return 0;
}

int manager_start(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                  struct manager **started, char *error, size_t size)
{
    struct manager *manager = calloc(1, sizeof *manager);

    *started = NULL;
    if (!manager) {
        config_free(config);
        openstack_free(openstack);
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    manager->loop = loop;
    manager->config = config;
    manager->state_dir =
        strdup(config->daemon.state_dir); /* for good: a reload changes no folder */
    manager->openstack = openstack;
    manager->sink = (struct ipmi_sink){.reply = reply_to_session, .context = manager};
    manager->shared.loop = loop;
    manager->shared.sink = &manager->sink;
    manager->shared.state_dir = manager->state_dir;
    uv_timer_init(loop, &manager->reaper);
    manager->reaper.data = manager;
    uv_timer_init(loop, &manager->hours);
    manager->hours.data = manager;
    uv_timer_init(loop, &manager->restore);
    manager->restore.data = manager;
    uv_timer_init(loop, &manager->listen_again);
    manager->listen_again.data = manager;
    uv_timer_init(loop, &manager->farewell);
    manager->farewell.data = manager;
    manager_begin_room(manager);
    int result = manager->state_dir ? start(manager, error, size) : -ENOMEM;
    if (result < 0) {
        manager_stop(manager, NULL);
        return result;
    }
    *started = manager;
    return 0;
}

static void on_room_closed(uv_handle_t *handle)
{
    struct manager *manager = CONTAINER_OF((uv_timer_t *)handle, struct manager, room);

    if (manager->owner)
        *manager->owner = NULL;
    free(manager->state_dir);
    free(manager);
}

static void on_reaper_closed(uv_handle_t *handle)
{
    struct manager *manager = handle->data;

    uv_close((uv_handle_t *)&manager->room, on_room_closed);
}

static void on_hours_closed(uv_handle_t *handle)
{
    struct manager *manager = handle->data;

    uv_close((uv_handle_t *)&manager->reaper, on_reaper_closed);
}

static void on_restore_closed(uv_handle_t *handle)
{
    struct manager *manager = handle->data;

    uv_close((uv_handle_t *)&manager->hours, on_hours_closed);
}

static void on_farewell_closed(uv_handle_t *handle)
{
    struct manager *manager = handle->data;

    uv_close((uv_handle_t *)&manager->restore, on_restore_closed);
}

static void on_listen_again_closed(uv_handle_t *handle)
{
    struct manager *manager = handle->data;

    uv_close((uv_handle_t *)&manager->farewell, on_farewell_closed);
}

void manager_finish_stopping(struct manager *manager)
{
    if (manager->ending > 0)
        return;
    if (manager->inbox)
        virt_loop_stop();
    inbox_free(manager->inbox);
    manager_close_shared_socket(manager, NULL);
    free(manager->deleted);
    store_close(manager->shared.store); /* its last answers still look at the hypervisors */
    manager->shared.store = NULL;
    placement_map_clear(&manager->map);
    limiter_free(manager->shared.limiter);
    login_log_free(manager->shared.login_log);
    config_free(manager->config);
    openstack_free(manager->openstack);
    uv_close((uv_handle_t *)&manager->listen_again, on_listen_again_closed);
}

void manager_stop(struct manager *manager, struct manager **owner)
{
    manager->stopping = true;
    manager->owner = owner;
    uv_timer_stop(&manager->listen_again);
    manager_stop_room(manager); /* it stores now and then, and the store goes first */
    /* The BMCs go first: they let go of their domains and store what they know. */
    while (manager->set.count > 0)
        manager_drop_instance(manager, manager->set.instances[0]);
    bmcset_clear(&manager->set);
    manager_end_waiting(manager);
    while (manager->links) {
        struct link *link = manager->links;
        manager->links = link->next;
        manager_stop_link(manager, link);
    }
    manager_finish_stopping(manager);
}

void manager_flush(struct manager *manager)
{
    store_close(manager->shared.store);
    manager->shared.store = NULL;
}

void manager_watch(struct manager *manager, void (*changed)(void *context), void *context)
{
    manager->changed = changed;
    manager->changed_context = context;
}

void manager_tell_changed(struct manager *manager)
{
    if (manager->changed)
        manager->changed(manager->changed_context);
}

const struct config *manager_config(const struct manager *manager)
{
    return manager->config;
}

const struct bmcset *manager_bmcs(const struct manager *manager)
{
    return &manager->set;
}

static void warn_of_restart(const struct config *old, const struct config *new)
{
    if (strcmp(old->daemon.state_dir, new->daemon.state_dir) != 0 ||
        strcmp(old->daemon.runtime_dir, new->daemon.runtime_dir) != 0)
        log_warning("changed folders take effect when vbmcd is started again");
}

static void start_hypervisors(struct manager *manager)
{
    for (struct link *link = manager->links; link; link = link->next)
        link->configured = false;
    start_configured_hypervisors(manager);
    start_openstack_hypervisors(manager);
    manager_release_links(manager);
}

/* Domains that may have a BMC now, or no longer. */
static void review_domains(struct manager *manager)
{
    char error[256];

    for (size_t i = manager->set.count; i-- > 0;) {
        struct instance *instance = manager->set.instances[i];
        struct virt_domain *domain = instance_domain(instance);
        if (!manager_wants_record(manager, instance_record(instance)))
            manager_drop_instance(manager, instance);
        else if (domain)
            manager_drop_untagged(manager, instance, domain);
    }
    if (manager_load_bmcs(manager, error, sizeof error) < 0)
        log_error("%s", error);
    for (struct link *link = manager->links; link; link = link->next) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(link->hypervisor, domain))) {
            struct instance *instance = bmcset_find_uuid(&manager->set, virt_domain_uuid(domain));
            if (!instance)
                manager_discover(manager, domain);
            else
                manager_drop_untagged(manager, instance, domain);
        }
    }
    for (size_t i = 0; i < manager->set.count; i++)
        manager_see_copies(manager, manager->set.instances[i]);
}

void manager_reload(struct manager *manager, struct config *config)
{
    struct config *old = manager->config;

    warn_of_restart(old, config);
    manager_close_shared_socket(manager, &config->bmc);
    manager->config = config;
    config_free(old);
    follow_openstack(manager);
    manager_configure_room(manager);
    for (size_t i = 0; i < manager->set.count; i++)
        instance_configure(manager->set.instances[i], config);
    start_hypervisors(manager);
    review_domains(manager);
    manager_tell_changed(manager);
    manager_log_sections(manager);
    log_info("configuration reloaded: %zu users, %zu BMCs", config->user_count, manager->set.count);
}
