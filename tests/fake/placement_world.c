#include "tests/fake/placement_world.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/host/placement_map.h"

#define TRACE_MAX 664 /* lines; what is behind them is not kept */

struct placement_world world;

static struct placement_map map;
static uint64_t clock_ms;
/* What a restart of the daemon finds. */
static struct {
    enum placement_fact facts[HOSTS_MAX];
    bool listed[HOSTS_MAX];
    struct chassis_action owed[CHASSIS_RECORDS_MAX];
    unsigned owed_count;
} stored;
static uint64_t random_state;
static unsigned seed;
static char trace[TRACE_MAX][48];
static unsigned traced;

/* ---- help ---- */

uint32_t world_draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

void world_note(const char *format, ...)
{
    va_list arguments;

    if (traced == TRACE_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(trace[traced++], sizeof trace[0], format, arguments);
    va_end(arguments);
}

void world_broken(const char *what)
{
    fprintf(stderr, "seed %u:\n", seed);
    for (unsigned i = 0; i < traced; i++)
        fprintf(stderr, "  %s\n", trace[i]);
    fail_msg("seed %u: %s", seed, what);
}

static void store(void)
{
    for (unsigned i = 0; i < world.host_count; i++) {
        stored.listed[i] = false;
        stored.facts[i] = placement_fact_of(&world.placement, world.hosts[i].place);
    }
    for (size_t i = 0; i < world.placement.count; i++) {
        for (unsigned j = 0; j < world.host_count; j++) {
            if (world.placement.copies[i].hypervisor == world.hosts[j].place)
                stored.listed[j] = true;
        }
    }
    world.placement.changed = false;
}

/* ---- the daemon ---- */

void world_follow(void)
{
    struct placement_decision decision = placement_decide(
        &map, &world.placement, world.bmc.core.host, chassis_is_starting(&world.bmc.chassis), NULL);
    bool stays = world.bmc.core.host && world.bmc.core.host->state == HOST_POWER_UNKNOWN;

    if (decision.domain || !stays)
        bmc_set_host(&world.bmc, decision.domain);
    if (world.placement.changed)
        store();
    if (world.restore_waits && world.bmc.core.host &&
        bmc_power_state(&world.bmc) != HOST_POWER_UNKNOWN) {
        world.restore_waits = false;
        if (bmc_power_state(&world.bmc) == HOST_POWER_OFF) {
            world_note("  (restored)");
            chassis_restore_power(&world.bmc.chassis, NULL);
        }
    }
}

static enum host_power_state state_of(const struct host *host)
{
    switch (host->qemu) {
    case QEMU_RUNS:
    case QEMU_SOURCE:
        return HOST_POWER_RUNNING;
    case QEMU_TARGET:
        return HOST_POWER_PAUSED;
    default:
        return HOST_POWER_OFF;
    }
}

static void end_operation(struct host *host, int result)
{
    host_done_fn *done = host->done;

    host->busy = false;
    host->done = NULL;
    if (done)
        done(host->context, result, NULL);
}

static void lose(struct host *host, enum host_stop_reason reason)
{
    host->seen = false;
    if (world.bmc.core.host == &host->domain)
        bmc_set_host(&world.bmc, NULL);
    if (host->busy && host->action == HOST_POWER_ACTION_UP)
        end_operation(host, -ENODEV); /* there is nothing to start any more */
    placement_gone(&world.placement, host->place, reason);
    world_follow();
}

void world_look(struct host *host, bool live)
{
    bool was_seen = host->seen;
    enum host_power_state before = host->domain.state, now = state_of(host);
    bool was_on = was_seen && before != HOST_POWER_OFF && before != HOST_POWER_UNKNOWN;
    bool arrived;

    host->dirty = false;
    if (!host->defined && host->qemu == QEMU_NONE) {
        if (was_seen)
            lose(host, host->told);
        else
            placement_listed_all(&world.placement, host->place);
        host->told = HOST_STOP_UNKNOWN;
        return;
    }
    host->seen = true;
    host->domain.state = now;
    host->domain.migrating = host->qemu == QEMU_TARGET;
    host->domain.run = now == HOST_POWER_OFF ? -1 : host->run;
    enum host_stop_reason reason = host->reason;
    if (reason == HOST_STOP_UNKNOWN ||
        (reason == HOST_STOP_FAILED && host->told == HOST_STOP_MOVED))
        reason = host->told; /* as virt/incident.c has it */
    host->told = HOST_STOP_UNKNOWN;
    const struct placement_sight sight = {
        .hypervisor = host->place,
        .domain = &host->domain,
        .state = host->qemu == QEMU_TARGET ? PLACEMENT_MIGRATING
                 : now == HOST_POWER_OFF   ? PLACEMENT_OFF
                                           : PLACEMENT_ON,
        .stop_reason = reason,
        .live = live,
    };
    assert_int_equal(placement_see(&world.placement, &sight, &arrived), 0);
    world_follow();
    if (world.bmc.core.host != &host->domain || before == now)
        return;
    bmc_host_event(&world.bmc, HOST_EVENT_STATE);
    if (was_on && now == HOST_POWER_OFF)
        bmc_host_event(&world.bmc, HOST_EVENT_STOPPED);
    else if (was_seen && before == HOST_POWER_OFF && !arrived)
        bmc_host_event(&world.bmc, HOST_EVENT_STARTED);
}

void world_look_at_all(void)
{
    for (unsigned i = 0; i < world.host_count; i++) {
        if (world.hosts[i].dirty)
            world_look(&world.hosts[i], true);
    }
}

/* That takes longer than events of the others are on their way, as does all that people do. */
void world_connect(struct host *host)
{
    if (host->connected || host->gone || !host->configured)
        return;
    world_look_at_all();
    world_note("connect %s", host->name);
    host->connected = host->place->connected = true;
    host->place->dead = false;
    world_look(host, false);
    world_follow();
    host->place->known = true;
}

void world_disconnect(struct host *host)
{
    if (!host->connected)
        return;
    world_note("disconnect %s", host->name);
    host->connected = host->place->connected = false;
    host->dirty = false;
    host->told = HOST_STOP_UNKNOWN;
    host->domain.state = HOST_POWER_UNKNOWN;
    if (world.bmc.core.host == &host->domain)
        bmc_host_event(&world.bmc, HOST_EVENT_STATE);
    if (host->busy)
        end_operation(host, -EHOSTUNREACH);
    world_follow();
}

/* ---- the hypervisors ---- */

void world_start_qemu(struct host *host, enum qemu qemu)
{
    host->qemu = qemu;
    host->run++;
}

void world_changed(struct host *host)
{
    host->dirty = host->connected;
}

void world_end_qemu(struct host *host, enum host_stop_reason reason)
{
    host->qemu = QEMU_NONE;
    host->reason = reason;
    if (host->connected && host->told != HOST_STOP_MOVED)
        host->told = reason;
    world_changed(host);
}

/* True if that was its last step. A cycle starts only what it has ended itself. */
static bool carry_out(struct host *host)
{
    bool cycles =
        host->action == HOST_POWER_ACTION_CYCLE && host->qemu == QEMU_RUNS && !host->abandoned;

    world_note("operation %u at %s", host->action, host->name);
    if (host->action == HOST_POWER_ACTION_UP && host->defined && host->qemu == QEMU_NONE &&
        host->domain.state == HOST_POWER_OFF && !host->abandoned)
        world_start_qemu(host, QEMU_RUNS);
    else if ((host->action == HOST_POWER_ACTION_DOWN || cycles) && host->qemu == QEMU_RUNS)
        world_end_qemu(host, HOST_STOP_DESTROYED);
    world_changed(host);
    host->acted = true;
    if (cycles)
        host->action = HOST_POWER_ACTION_UP;
    return !cycles;
}

void world_run_operation(struct host *host)
{
    if (!host->busy || host->qemu == QEMU_SOURCE) /* libvirt lets a migration end first */
        return;
    bool is_over = carry_out(host);
    world_look_at_all();
    if (is_over)
        end_operation(host, 0);
}

static void guest_power(struct host_domain *domain, enum host_power_action action,
                        unsigned interval, host_done_fn *done, void *context)
{
    struct host *host = CONTAINER_OF(domain, struct host, domain);

    (void)interval;
    /* Begun for a BMC that let go of the guest, and ends before the next begins. */
    while (host->busy && !carry_out(host))
        continue;
    host->busy = true;
    host->abandoned = false;
    host->action = action;
    if (action == HOST_POWER_ACTION_UP && host->qemu != QEMU_NONE)
        host->action = HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT; /* libvirt refuses it at once */
    host->done = done;
    host->context = context;
}

static void guest_set_boot(struct host_domain *domain, const struct host_boot_override *override,
                           host_done_fn *done, void *context)
{
    (void)domain;
    (void) override;
    done(context, 0, NULL);
}

static void guest_cancel(struct host_domain *domain, void *context)
{
    struct host *host = CONTAINER_OF(domain, struct host, domain);

    if (host->context != context)
        return;
    host->done = NULL;
    host->abandoned = true; /* what has begun goes on */
}

static const struct host_ops ops = {
    .power = guest_power, .set_boot = guest_set_boot, .cancel = guest_cancel};

/* ---- the BMC ---- */

static void hook_changed(const struct bmc_core *core, enum bmc_part part,
                         const struct bmc_ticket *ticket)
{
    (void)core;
    if (part == BMC_PART_OWED)
        stored.owed_count = chassis_list_owed(&world.bmc.chassis, stored.owed);
    bmc_ticket_finish(ticket, 0);
}

static void hook_wake_at(const struct bmc_core *core, uint64_t at_ms)
{
    (void)core;
    (void)at_ms;
}

static uint64_t hook_now(const struct bmc_core *core)
{
    (void)core;
    return clock_ms;
}

static int64_t hook_wall_time(const struct bmc_core *core)
{
    (void)core;
    return 1700000000;
}

static const struct bmc_hooks hooks = {
    .changed = hook_changed,
    .wake_at = hook_wake_at,
    .now = hook_now,
    .wall_time = hook_wall_time,
};

void world_start_daemon(void)
{
    static const struct uuid uuid = {{1}};

    chassis_clear(&world.bmc.chassis);
    bmc_init(&world.bmc, 1, &uuid, &hooks, NULL);
    world.bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    for (unsigned i = 0; i < stored.owed_count; i++)
        chassis_restore_owed(&world.bmc.chassis, &stored.owed[i]);
    for (unsigned i = 0; i < world.host_count; i++) {
        if (stored.listed[i] || stored.facts[i] != PLACEMENT_FACT_NONE)
            placement_restore(&world.placement, world.hosts[i].place, stored.listed[i],
                              stored.facts[i]);
    }
    world_follow();
}

void world_tick(uint64_t ms)
{
    clock_ms += ms;
    bmc_tick(&world.bmc);
}

/* ---- beginning and end ---- */

void world_begin(unsigned number)
{
    static const char *const names[] = {"a", "b", "c"};

    seed = number;
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
    traced = 0;
    clock_ms = 1000000;
    world.source = world.target = NULL;
    world.restore_waits = false;
    memset(&stored, 0, sizeof stored);
    memset(world.hosts, 0, sizeof world.hosts);
    world.host_count = 2 + world_draw(2);
    for (unsigned i = 0; i < world.host_count && i < ARRAY_SIZE(names); i++) {
        struct host *host = &world.hosts[i];
        host->name = names[i];
        host->domain = (struct host_domain){
            .ops = &ops, .uuid = {{1}}, .name = (char *)"guest", .state = HOST_POWER_OFF};
        host->place = placement_map_get(&map, names[i]);
        host->place->removed = false;
        host->configured = true;
    }
    world.hosts[0].defined = true;
    world.hosts[0].qemu = world_draw(2) ? QEMU_RUNS : QEMU_NONE;
    world_start_daemon();
}

void world_end(void)
{
    bmc_set_host(&world.bmc, NULL);
    bmc_clear(&world.bmc);
    chassis_clear(&world.bmc.chassis);
    placement_clear(&world.placement);
    placement_map_clear(&map);
}
