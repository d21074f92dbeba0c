#include "vbmc/instance/instance.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/console/boot_watch.h"
#include "vbmc/console/console.h"
#include "vbmc/state/bmcs.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/placement.h"
#include "vbmc/state/saves.h"
#include "vbmc/state/sel.h"
#include "vbmc/instance/server.h"
#include "vbmc/console/sol.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/rmcp/server.h"

#define SESSION_TOLERANCE_MS                                                                       \
    3000 /* beside the configured time-out (section 6.12.15: 60 s +/- 3 s) */

struct instance {
    const struct instance_shared *shared;
    struct bmc bmc;
    struct rmcp_server *rmcp;
    struct console_sol *sol;
    unsigned session_timeout_s;
    struct store_bmc record;
    struct virt_domain *domain;
    struct placement placement;
    struct console *console;
    struct boot_watch *boot_watch;
    char *boot_live; /* the driver's boot record, kept while no domain is there */
    char *boot_stored;
    struct saves *saves;
    struct saves_part *record_saved;
    struct saves_part *placement_saved;
    struct placement_owner placement_owner;
    struct parts *parts; /* goes when what is being stored has ended, as the instance does */
    struct udp_socket *socket;
    bool owns_socket;
    union endpoint_address address;
    char error[INSTANCE_ERROR_SIZE];
    uv_timer_t timer;
    uint64_t timer_at_ms; /* UINT64_MAX: not running */
};

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* ---- timers ---- */

static void on_timer(uv_timer_t *timer);

static void wake_at(struct instance *instance, uint64_t at_ms)
{
    uint64_t now = now_ms();

    if (at_ms >= instance->timer_at_ms)
        return;
    instance->timer_at_ms = at_ms;
    uv_update_time(instance->shared->loop);
    uv_timer_start(&instance->timer, on_timer, at_ms > now ? at_ms - now : 0, 0);
}

/* The model says when it has something to do when that comes up; the sessions are asked. */
static void on_timer(uv_timer_t *timer)
{
    struct instance *instance = CONTAINER_OF(timer, struct instance, timer);

    instance->timer_at_ms = UINT64_MAX;
    bmc_tick(&instance->bmc);
    rmcp_server_tick(instance->rmcp, now_ms());
    console_sol_tick(instance->sol, now_ms());
    wake_at(instance, bmc_next_deadline(&instance->bmc));
    wake_at(instance, console_sol_next_deadline(instance->sol));
    wake_at(instance, rmcp_server_next_deadline(instance->rmcp));
}

/* ---- what the model needs of the outside ---- */

static void driver_record(struct bmc *bmc, const char **live, const char **stored)
{
    const struct instance *instance = bmc->owner;
    const struct virt_domain *domain = instance->domain;

    *live = domain ? virt_domain_boot_live(domain) : instance->boot_live;
    *stored = domain ? virt_domain_boot_stored(domain) : instance->boot_stored;
}

static void hook_changed(struct bmc *bmc, enum bmc_part part, const struct bmc_ticket *ticket)
{
    const struct instance *instance = bmc->owner;

    parts_changed(instance->parts, part, ticket);
}

static void hook_wake_at(struct bmc *bmc, uint64_t at_ms)
{
    wake_at(bmc->owner, at_ms);
}

static uint64_t hook_now(struct bmc *bmc)
{
    (void)bmc;
    return now_ms();
}

static int64_t hook_wall_time(struct bmc *bmc)
{
    int64_t seconds = (int64_t)time(NULL);

    return bmc->sel ? sel_time(bmc->sel, seconds) : seconds;
}

static const struct bmc_hooks hooks = {
    .changed = hook_changed,
    .wake_at = hook_wake_at,
    .now = hook_now,
    .wall_time = hook_wall_time,
};

/* ---- sessions ---- */

static void send_datagram(void *context, const struct endpoint *to, const uint8_t *bytes,
                          size_t length)
{
    struct instance *instance = context;

    if (instance->socket)
        udp_socket_send(instance->socket, to, bytes, length);
}

static void on_login_failed(void *context, uint8_t user_id)
{
    struct instance *instance = context;

    (void)user_id;
    platform_note_login_failure(instance->bmc.platform);
}

static struct rmcp_server *new_rmcp_server(struct instance *instance)
{
    struct rmcp_config config = {
        .bmc_number = instance->bmc.number,
        .bmc = &instance->bmc,
        .users = &instance->bmc.users,
        .channel = &instance->bmc.channel,
        .sink = instance->shared->sink,
        .send = send_datagram,
        .send_context = instance,
        .events = &console_sol_events,
        .events_context = instance->sol,
        .login_failed = on_login_failed,
        .login_context = instance,
        .login_log = instance->shared->login_log,
    };

    memcpy(config.guid, instance->bmc.guid, sizeof config.guid);
    return rmcp_server_new(&config);
}

void instance_receive(struct instance *instance, const struct endpoint *from, const uint8_t *bytes,
                      size_t length)
{
    uint64_t now = now_ms();

    if (!rmcp_server_expects(instance->rmcp, from, bytes, length) &&
        !limiter_admit(instance->shared->limiter, instance->bmc.number, &from->remote, now))
        return;
    rmcp_server_receive(instance->rmcp, from, bytes, length, now);
    wake_at(instance, rmcp_server_next_deadline(instance->rmcp));
}

static void on_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                        size_t length)
{
    instance_receive(context, from, bytes, length);
}

bool instance_session(struct instance *instance, unsigned n, struct instance_session *session)
{
    const struct bmc *bmc = &instance->bmc;
    uint32_t id = rmcp_session_ops.find_nth(instance->rmcp, n);
    struct ipmi_session_info info;

    if (id == 0 || rmcp_session_ops.info(instance->rmcp, id, &info) < 0)
        return false;
    *session = (struct instance_session){
        .user = info.user_id <= USER_ID_MAX ? bmc->users.by_id[info.user_id].name : "",
        .privilege = info.privilege,
        .remote = info.remote,
        .has_sol = bmc->payload && bmc->payload->owner(bmc->payload_context).session == id,
        .began_ms = info.began_ms,
        .heard_ms = info.heard_ms,
    };
    return true;
}

void instance_reply(struct instance *instance, const struct ipmi_token *token,
                    const struct ipmi_response *response)
{
    rmcp_server_complete(instance->rmcp, token, response, now_ms());
}

/* ---- life ---- */

static void on_placement_settled(void *context, int result)
{
    struct instance *instance = context;

    if (result == 0)
        return;
    log_error("%s: where its guest is could not be stored: %s", instance->record.name,
              strerror(-result));
    instance->placement.changed = true; /* and is stored with the next change, or later */
}

static int begin_saves(struct instance *instance)
{
    char uuid[UUID_TEXT_SIZE];

    uuid_format(&instance->bmc.uuid, uuid);
    instance->placement_owner = (struct placement_owner){&instance->bmc.uuid, &instance->placement};
    instance->saves = saves_new(instance->shared->store, uuid);
    instance->record_saved = saves_add(instance->saves, &bmcs_save_kind, &instance->record);
    instance->placement_saved =
        saves_add(instance->saves, &placement_save_kind, &instance->placement_owner);
    instance->parts =
        instance->saves ? parts_new(&instance->bmc, instance->saves, driver_record) : NULL;
    if (!instance->record_saved || !instance->placement_saved || !instance->parts)
        return -ENOMEM;
    saves_on_settled(instance->placement_saved, on_placement_settled, instance);
    return 0;
}

static void restore_state(struct instance *instance, const struct store_chassis *chassis,
                          const struct store_boot *boot)
{
    if (chassis)
        parts_restore_chassis(instance->parts, chassis);
    if (boot) {
        parts_restore_boot(instance->parts, boot);
        instance->boot_live = boot->live ? strdup(boot->live) : NULL;
        instance->boot_stored = boot->stored ? strdup(boot->stored) : NULL;
    }
}

/* The last of it is on disk. */
static void on_saves_gone(void *context)
{
    struct instance *instance = context;

    parts_free(instance->parts);
    store_bmc_clear(&instance->record);
    placement_clear(&instance->placement);
    free(instance->boot_live);
    free(instance->boot_stored);
    free(instance);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct instance *instance = CONTAINER_OF((uv_timer_t *)handle, struct instance, timer);

    saves_free(instance->saves, on_saves_gone, instance);
}

static void on_booted(void *context)
{
    struct instance *instance = context;

    platform_note_boot_completed(instance->bmc.platform);
}

struct instance *instance_new(const struct instance_shared *shared, uint32_t number,
                              const struct store_bmc *record, const struct store_chassis *chassis,
                              const struct store_boot *boot)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (!instance)
        return NULL;
    instance->shared = shared;
    instance->timer_at_ms = UINT64_MAX;
    uv_timer_init(shared->loop, &instance->timer);
    bmc_init(&instance->bmc, number, &record->uuid, &hooks, instance);
    if (begin_saves(instance) < 0) {
        instance_free(instance);
        return NULL;
    }
    restore_state(instance, chassis, boot);
    sel_rows_open(&instance->bmc, shared->store);
    instance->console = console_new(shared->loop, shared->state_dir, &record->uuid);
    int result = instance_server_attach(&instance->bmc, shared->facility);
    instance->boot_watch = boot_watch_new(on_booted, instance);
    instance->sol = console_sol_new(&instance->bmc, instance->saves);
    instance->rmcp = instance->sol ? new_rmcp_server(instance) : NULL;
    if (result < 0 || !instance->console || !instance->boot_watch || !instance->rmcp ||
        store_bmc_copy(&instance->record, record) < 0) {
        instance_free(instance);
        return NULL;
    }
    console_sol_connect(instance->sol, instance->rmcp, instance->console);
    return instance;
}

void instance_restore_owed(struct instance *instance, const struct store_owed *owed)
{
    parts_restore_owed(instance->parts, owed);
}

void instance_restore_sol(struct instance *instance, const struct store_sol *sol)
{
    console_sol_restore(instance->sol, sol);
}

void instance_restore_document(struct instance *instance, const char *name, const char *text)
{
    parts_restore_document(instance->parts, name, text);
}

void instance_free(struct instance *instance)
{
    if (!instance)
        return;
    instance_set_domain(instance, NULL);
    instance_stop_listening(instance);
    rmcp_server_free(instance->rmcp);
    saves_flush(instance->saves);
    console_sol_free(instance->sol);
    boot_watch_free(instance->boot_watch);
    console_free(instance->console);
    instance_server_detach(&instance->bmc);
    sel_rows_close(&instance->bmc);
    bmc_clear(&instance->bmc);
    uv_close((uv_handle_t *)&instance->timer, on_timer_closed);
}

/* ---- configuration ---- */

static void fill_users(const struct instance *instance, const struct config *config,
                       struct users *users)
{
    const struct store_bmc *record = &instance->record;

    memset(users, 0, sizeof *users);
    if (record->username && record->password) {
        if (users_add(users, record->username, record->password, PRIVILEGE_ADMINISTRATOR) < 0)
            log_error("%s: its user name or password is not one that IPMI can carry", record->name);
        return;
    }
    for (size_t i = 0; i < config->user_count; i++)
        users_add(users, config->users[i].name, config->users[i].password, config->users[i].limit);
}

/* Ends the sessions of users who are no longer what they were. */
static void replace_users(struct instance *instance, struct users *users)
{
    struct users *present = &instance->bmc.users;

    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (!user_equal(&present->by_id[id], &users->by_id[id]))
            rmcp_server_end_user_sessions(instance->rmcp, id);
    }
    *present = *users;
    users_clear(users);
}

void instance_configure(struct instance *instance, const struct config *config)
{
    const struct config_domain *section =
        config_find_domain(config, instance->record.name, &instance->record.uuid);
    const struct channel *channel = section ? &section->channel : &config->bmc.channel;
    struct users users;

    fill_users(instance, config, &users);
    replace_users(instance, &users);
    bool changed = !channel_equal(&instance->bmc.channel, channel);
    instance->bmc.channel = *channel;
    if (instance->bmc.sel)
        sel_set_policy(instance->bmc.sel, config->bmc.sel_full);
    platform_configure(instance->bmc.platform, section ? &section->server : &config->bmc.server);
    instance->bmc.manufacturer = config->bmc.manufacturer;
    if (instance->session_timeout_s != config->bmc.session_timeout_s) {
        instance->session_timeout_s = config->bmc.session_timeout_s;
        rmcp_server_set_idle_ms(instance->rmcp, instance->session_timeout_s * UINT64_C(1000) +
                                                    SESSION_TOLERANCE_MS);
    }
    if (changed)
        rmcp_server_end_all_sessions(instance->rmcp);
    if (console_configure(instance->console, config, instance->record.name,
                          &instance->record.uuid) < 0)
        log_error("%s: no memory for its console", instance->record.name);
}

/* ---- sockets ---- */

void instance_set_address(struct instance *instance, const union endpoint_address *address)
{
    instance->address = *address;
}

static void close_socket(struct instance *instance)
{
    if (instance->socket && instance->sol)
        console_sol_end(instance->sol); /* as long as it can be said */
    if (instance->owns_socket)
        udp_socket_close(instance->socket);
    if (instance->socket && instance->rmcp)
        rmcp_server_end_all_sessions(instance->rmcp);
    instance->socket = NULL;
    instance->owns_socket = false;
}

static void use_socket(struct instance *instance, struct udp_socket *socket, bool owns)
{
    char text[ENDPOINT_TEXT_SIZE];

    instance->socket = socket;
    instance->owns_socket = owns;
    console_sol_set_port(instance->sol, udp_socket_port(socket));
    if (instance->error[0]) {
        endpoint_address_format(&instance->address, text);
        log_info("%s: listens on UDP %s now", instance->record.name, text);
    }
    instance->error[0] = '\0';
}

int instance_listen(struct instance *instance)
{
    struct udp_socket *socket;

    close_socket(instance);
    int result =
        udp_socket_open(instance->shared->loop, &instance->address, on_datagram, instance, &socket);
    if (result == 0)
        use_socket(instance, socket, true);
    return result;
}

void instance_listen_shared(struct instance *instance, struct udp_socket *socket)
{
    close_socket(instance);
    use_socket(instance, socket, false);
}

void instance_note_error(struct instance *instance, const char *text)
{
    if (strcmp(instance->error, text) == 0)
        return;
    snprintf(instance->error, sizeof instance->error, "%s", text);
    log_error("%s: %s", instance->record.name, instance->error);
}

void instance_stop_listening(struct instance *instance)
{
    close_socket(instance);
    instance->error[0] = '\0';
}

bool instance_is_listening(const struct instance *instance)
{
    return instance->socket != NULL;
}

const union endpoint_address *instance_address(const struct instance *instance)
{
    return &instance->address;
}

const char *instance_error(const struct instance *instance)
{
    return instance->error;
}

/* ---- the domain ---- */

static void keep_text(char **kept, const char *text)
{
    free(*kept);
    *kept = text ? strdup(text) : NULL;
}

void instance_set_domain(struct instance *instance, struct virt_domain *domain)
{
    if (instance->domain == domain)
        return;
    if (instance->domain) {
        keep_text(&instance->boot_live, virt_domain_boot_live(instance->domain));
        keep_text(&instance->boot_stored, virt_domain_boot_stored(instance->domain));
    }
    if (domain &&
        virt_domain_restore_boot_record(domain, instance->boot_live, instance->boot_stored) < 0)
        log_warning("%s: stored boot record is unreadable and left out", instance->record.name);
    instance->domain = domain;
    console_set_domain(instance->console, domain);
    bmc_set_host(&instance->bmc, domain ? virt_domain_host(domain) : NULL);
}

void instance_expect(struct instance *instance, struct virt_domain *copy)
{
    if (copy != instance->domain)
        console_expect(instance->console, copy);
}

void instance_lose_copy(struct instance *instance, const struct virt_domain *copy)
{
    console_lose_copy(instance->console, copy);
}

void instance_lose_hypervisor(struct instance *instance, const struct hypervisor *hypervisor)
{
    if (instance->domain && virt_domain_hypervisor(instance->domain) == hypervisor)
        instance_set_domain(instance, NULL);
    console_lose_hypervisor(instance->console, hypervisor);
}

struct virt_domain *instance_domain(const struct instance *instance)
{
    return instance->domain;
}

void instance_host_event(struct instance *instance, enum host_event event)
{
    struct hub *hub = console_hub(instance->console);

    bmc_host_event(&instance->bmc, event);
    console_sol_host_event(instance->sol, event);
    if (hub && (event == HOST_EVENT_STARTED || event == HOST_EVENT_RESET))
        boot_watch_arm(instance->boot_watch, hub);
    console_host_event(instance->console, event);
}

void instance_step(struct instance *instance)
{
    platform_step(instance->bmc.platform);
}

void instance_note_restart(struct instance *instance)
{
    platform_note_restart(instance->bmc.platform);
}

struct console *instance_console(struct instance *instance)
{
    return instance->console;
}

struct placement *instance_placement(struct instance *instance)
{
    return &instance->placement;
}

void instance_note_placement(struct instance *instance)
{
    if (!instance->placement.changed)
        return;
    instance->placement.changed = false;
    saves_changed(instance->placement_saved, NULL);
}

struct bmc *instance_bmc(struct instance *instance)
{
    return &instance->bmc;
}

struct store_bmc *instance_record(struct instance *instance)
{
    return &instance->record;
}

int instance_replace_record(struct instance *instance, const struct store_bmc *record)
{
    struct store_bmc copy;

    if (store_bmc_copy(&copy, record) < 0)
        return -ENOMEM;
    store_bmc_clear(&instance->record);
    instance->record = copy;
    return 0;
}

void instance_record_changed(struct instance *instance, store_done_fn done, void *context)
{
    saves_changed_then(instance->record_saved, done, context);
}
