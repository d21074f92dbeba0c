/* Placement under fire: two or three hypervisors with one guest that connect, vanish, migrate,
 * reboot and die in any order, and a daemon that is killed and started again, by random numbers.
 * What is true is simulated beside what the daemon sees of it, and after every step holds:
 *
 *   - the guest never runs twice;
 *   - the BMC never says that it is off while it runs somewhere;
 *   - every request is answered once, and every action ends.
 *
 * People are taken to know what they do: nobody starts a guest by hand that runs elsewhere, or
 * declares a machine dead that runs it. A seed that fails prints its steps; VBMC_SEED runs one
 * alone, VBMC_SOAK a hundred thousand. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/host/placement.h"
#include "vbmc/host/placement_map.h"

#define HOSTS_MAX   3
#define STEPS       150
#define TRACE_MAX   (STEPS * 4 + 64)
#define TICKETS_MAX (STEPS + 1)

enum qemu { QEMU_NONE, QEMU_RUNS, QEMU_SOURCE, QEMU_TARGET };

/* A machine with its libvirtd, as it is and as the daemon sees it. */
struct host {
    struct host_domain domain; /* the daemon's; there while `seen` */
    struct placement_hypervisor *place;
    const char *name;
    /* True. */
    bool defined;
    enum qemu qemu;
    int64_t run;                  /* libvirt's id of it */
    enum host_stop_reason reason; /* what libvirt says of a domain that is off */
    bool gone;                    /* switched off for good, as far as anybody knows */
    bool configured;
    /* Seen. */
    bool connected;
    bool dirty; /* an event is on its way */
    bool acted; /* and is of what the daemon did itself */
    bool seen;
    enum host_stop_reason told; /* by an event, of an end that has not been looked at */
    /* What libvirt is doing for the daemon. */
    bool busy;
    bool abandoned; /* starts nothing any more */
    enum host_power_action action;
    host_done_fn *done;
    void *context;
};

static struct host hosts[HOSTS_MAX];
static unsigned host_count;
static struct placement_map map;
static struct placement placement;
static struct bmc bmc;
static uint64_t clock_ms;
static struct host *source, *target; /* of the migration under way */
static bool restore_waits;
static unsigned asked, answered;
static uint8_t answers[TICKETS_MAX];
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

static uint32_t draw(uint32_t below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 32) % below;
}

static void __attribute__((format(printf, 1, 2))) note(const char *format, ...)
{
    va_list arguments;

    if (traced == TRACE_MAX)
        return;
    va_start(arguments, format);
    vsnprintf(trace[traced++], sizeof trace[0], format, arguments);
    va_end(arguments);
}

static void broken(const char *what)
{
    fprintf(stderr, "seed %u:\n", seed);
    for (unsigned i = 0; i < traced; i++)
        fprintf(stderr, "  %s\n", trace[i]);
    fail_msg("seed %u: %s", seed, what);
}

static unsigned running(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < host_count; i++)
        count += hosts[i].qemu == QEMU_RUNS || hosts[i].qemu == QEMU_SOURCE;
    return count;
}

static void store(void)
{
    for (unsigned i = 0; i < host_count; i++) {
        stored.listed[i] = false;
        stored.facts[i] = placement_fact_of(&placement, hosts[i].place);
    }
    for (size_t i = 0; i < placement.count; i++) {
        for (unsigned j = 0; j < host_count; j++) {
            if (placement.copies[i].hypervisor == hosts[j].place)
                stored.listed[j] = true;
        }
    }
    placement.changed = false;
}

/* ---- the daemon ---- */

static void follow(void)
{
    static const struct bmc_ticket nobody;
    struct placement_decision decision =
        placement_decide(&map, &placement, bmc.core.host, chassis_is_starting(&bmc.chassis), NULL);
    bool stays = bmc.core.host && bmc.core.host->state == HOST_POWER_UNKNOWN;

    (void)nobody;
    if (decision.domain || !stays)
        bmc_set_host(&bmc, decision.domain);
    if (placement.changed)
        store();
    if (restore_waits && bmc.core.host && bmc_power_state(&bmc) != HOST_POWER_UNKNOWN) {
        restore_waits = false;
        if (bmc_power_state(&bmc) == HOST_POWER_OFF) {
            note("  (restored)");
            chassis_restore_power(&bmc.chassis);
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
    if (bmc.core.host == &host->domain)
        bmc_set_host(&bmc, NULL);
    if (host->busy && host->action == HOST_POWER_ACTION_UP)
        end_operation(host, -ENODEV); /* there is nothing to start any more */
    placement_gone(&placement, host->place, reason);
    follow();
}

/* The daemon looks at the guest there, as an event or the list of all domains makes it. */
static void look(struct host *host, bool live)
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
            placement_listed_all(&placement, host->place);
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
    assert_int_equal(placement_see(&placement, &sight, &arrived), 0);
    follow();
    if (bmc.core.host != &host->domain || before == now)
        return;
    bmc_host_event(&bmc, HOST_EVENT_STATE);
    if (was_on && now == HOST_POWER_OFF)
        bmc_host_event(&bmc, HOST_EVENT_STOPPED);
    else if (was_seen && before == HOST_POWER_OFF && !arrived)
        bmc_host_event(&bmc, HOST_EVENT_STARTED);
}

static void look_at_all(void)
{
    for (unsigned i = 0; i < host_count; i++) {
        if (hosts[i].dirty)
            look(&hosts[i], true);
    }
}

/* That takes longer than events of the others are on their way, as does all that people do. */
static void connect_host(struct host *host)
{
    if (host->connected || host->gone || !host->configured)
        return;
    look_at_all();
    note("connect %s", host->name);
    host->connected = host->place->connected = true;
    host->place->dead = false;
    look(host, false);
    follow();
    host->place->known = true;
}

static void disconnect(struct host *host)
{
    if (!host->connected)
        return;
    note("disconnect %s", host->name);
    host->connected = host->place->connected = false;
    host->dirty = false;
    host->told = HOST_STOP_UNKNOWN;
    host->domain.state = HOST_POWER_UNKNOWN;
    if (bmc.core.host == &host->domain)
        bmc_host_event(&bmc, HOST_EVENT_STATE);
    if (host->busy)
        end_operation(host, -EHOSTUNREACH);
    follow();
}

static void start_qemu(struct host *host, enum qemu qemu)
{
    host->qemu = qemu;
    host->run++;
}

static void changed(struct host *host)
{
    host->dirty = host->connected;
}

static void end_qemu(struct host *host, enum host_stop_reason reason)
{
    host->qemu = QEMU_NONE;
    host->reason = reason;
    if (host->connected && host->told != HOST_STOP_MOVED)
        host->told = reason;
    changed(host);
}

/* True if that was its last step. A cycle starts only what it has ended itself. */
static bool carry_out(struct host *host)
{
    bool cycles =
        host->action == HOST_POWER_ACTION_CYCLE && host->qemu == QEMU_RUNS && !host->abandoned;

    note("operation %u at %s", host->action, host->name);
    if (host->action == HOST_POWER_ACTION_UP && host->defined && host->qemu == QEMU_NONE &&
        host->domain.state == HOST_POWER_OFF && !host->abandoned)
        start_qemu(host, QEMU_RUNS);
    else if ((host->action == HOST_POWER_ACTION_DOWN || cycles) && host->qemu == QEMU_RUNS)
        end_qemu(host, HOST_STOP_DESTROYED);
    changed(host);
    host->acted = true;
    if (cycles)
        host->action = HOST_POWER_ACTION_UP;
    return !cycles;
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

static void hook_changed(const struct bmc_core *core, enum bmc_part part,
                         const struct bmc_ticket *ticket)
{
    (void)core;
    if (part == BMC_PART_OWED)
        stored.owed_count = chassis_list_owed(&bmc.chassis, stored.owed);
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

static void start_daemon(void)
{
    static const struct uuid uuid = {{1}};

    bmc_init(&bmc, 1, &uuid, &hooks, NULL);
    bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    for (unsigned i = 0; i < stored.owed_count; i++)
        chassis_restore_owed(&bmc.chassis, &stored.owed[i]);
    for (unsigned i = 0; i < host_count; i++) {
        if (stored.listed[i] || stored.facts[i] != PLACEMENT_FACT_NONE)
            placement_restore(&placement, hosts[i].place, stored.listed[i], stored.facts[i]);
    }
    follow();
}

/* What it was asked and has not answered its clients ask again. */
static void kill_daemon(bool power_was_gone)
{
    note("restart of the daemon%s", power_was_gone ? ", power is back" : "");
    bmc_set_host(&bmc, NULL);

    asked = answered = 0;
    memset(answers, 0, sizeof answers);
    bmc_clear(&bmc);
    placement_clear(&placement);
    for (unsigned i = 0; i < host_count; i++) {
        struct host *host = &hosts[i];
        host->connected = host->place->connected = host->dirty = host->seen = false;
        host->place->known = false;
        host->told = HOST_STOP_UNKNOWN;
        host->busy = false;
        host->done = NULL;
        host->domain.state = HOST_POWER_OFF;
    }
    restore_waits = power_was_gone;
    start_daemon();
}

/* ---- what happens ---- */

static void run_operation(struct host *host)
{
    if (!host->busy || host->qemu == QEMU_SOURCE) /* libvirt lets a migration end first */
        return;
    bool is_over = carry_out(host);
    look_at_all();
    if (is_over)
        end_operation(host, 0);
}

/* By hand or by a cluster manager that sees that it runs nowhere, also in the interval of a power
 * cycle. Where the daemon has told libvirt to start it, libvirt refuses a second start. */
static void start_by_hand(struct host *host)
{
    if (running() > 0 || source || !host->defined || host->gone || !host->configured ||
        !host->connected)
        return;
    note("start by hand at %s", host->name);
    look_at_all();
    start_qemu(host, QEMU_RUNS);
    changed(host);
    look(host, true);
}

static void stop_by_hand(struct host *host)
{
    if (host->qemu != QEMU_RUNS)
        return;
    note("stop by hand at %s", host->name);
    end_qemu(host, draw(2) ? HOST_STOP_SHUTDOWN : HOST_STOP_DESTROYED);
}

/* A copy of a guest that the daemon has never heard of, while that runs on a hypervisor that was
 * never connected, is a new guest to it. */
static void define(struct host *host)
{
    if (host->defined || host->gone || !host->connected || (running() > 0 && !placement.last))
        return;
    note("define at %s", host->name);
    host->defined = true;
    host->reason = HOST_STOP_UNKNOWN;
    changed(host);
    look(host, true);
}

static void undefine(struct host *host)
{
    if (!host->defined || host->qemu != QEMU_NONE || host->busy)
        return;
    note("undefine at %s", host->name);
    host->defined = false;
    host->reason = HOST_STOP_UNKNOWN;
    changed(host);
}

static void begin_migration(struct host *from, struct host *to)
{
    if (source || from == to || from->qemu != QEMU_RUNS || to->qemu != QEMU_NONE || to->gone ||
        !to->configured || to->busy || to->place->dead)
        return;
    note("migrate from %s to %s", from->name, to->name);
    source = from;
    target = to;
    from->qemu = QEMU_SOURCE;
    start_qemu(to, QEMU_TARGET);
    changed(from);
    changed(to);
}

static void end_migration(bool succeeds)
{
    struct host *from = source, *to = target;

    if (!from)
        return;
    note("migration %s", succeeds ? "done" : "failed");
    source = target = NULL;
    if (!succeeds) {
        from->qemu = QEMU_RUNS;
        end_qemu(to, HOST_STOP_FAILED);
        changed(from);
        return;
    }
    end_qemu(from, HOST_STOP_MOVED);
    if (draw(3) == 0) {
        note("  (source undefined)");
        from->defined = false;
    }
    if (draw(3) == 0) {
        note("  (target defined)");
        to->defined = true;
    }
    to->qemu = QEMU_RUNS;
    changed(to);
}

static void restart_libvirtd(struct host *host)
{
    note("libvirtd of %s restarts", host->name);
    if (source == host || target == host)
        end_migration(false);
    disconnect(host);
    host->reason = HOST_STOP_UNKNOWN;
}

static void reboot(struct host *host)
{
    note("%s reboots", host->name);
    if (source == host) {
        target->qemu = QEMU_NONE;
        changed(target);
        source = target = NULL;
    } else if (target == host) {
        end_migration(false);
    }
    disconnect(host);
    host->qemu = QEMU_NONE;
    host->reason = HOST_STOP_UNKNOWN;
}

static void declare_dead(struct host *host)
{
    if (host->connected || host->qemu != QEMU_NONE || host == target || host->gone)
        return;
    note("%s is declared dead", host->name);
    look_at_all();
    if (placement.decided.verdict == PLACEMENT_WAITS && placement.decided.hypervisor == host->place)
        chassis_give_up(&bmc.chassis, "its hypervisor is declared dead");
    host->gone = true;
    host->place->dead = true;
    placement_release(&placement, host->place);
    follow();
}

/* It comes back as a machine that has just booted. */
static void come_back(struct host *host)
{
    if (!host->gone)
        return;
    note("%s is back", host->name);
    host->gone = false;
}

static void take_out(struct host *host)
{
    if (!host->configured || host == source || host == target ||
        (!host->connected && host->qemu != QEMU_NONE))
        return;
    if (host->busy)
        return;
    note("%s is taken out of the configuration", host->name);
    look_at_all();
    host->seen = false;
    if (bmc.core.host == &host->domain)
        bmc_set_host(&bmc, NULL);
    placement_remove(&placement, host->place);
    host->configured = false;
    host->connected = host->place->connected = host->dirty = false;
    host->place->removed = true;
    follow();
}

static void put_back(struct host *host)
{
    if (host->configured)
        return;
    note("%s is in the configuration again", host->name);
    host->configured = true;
    host->place->removed = false;
    follow();
}

static void on_answered(const struct bmc_ticket *ticket, int result)
{
    (void)result;
    if (answers[ticket->numbers[0]]++ > 0)
        broken("a request was answered twice");
    answered++;
}

static void ask(enum host_power_action action)
{
    const struct bmc_ticket ticket = {.done = on_answered, .numbers = {asked}};

    note("asked for %s", host_power_action_name(action));
    asked++;
    chassis_control(&bmc.chassis, action, asked, &ticket);
}

static void tick(uint64_t ms)
{
    clock_ms += ms;
    bmc_tick(&bmc);
}

/* ---- what has to hold ---- */

static void check(void)
{
    for (unsigned i = 0; i < host_count; i++) {
        if (hosts[i].acted && hosts[i].dirty)
            look(&hosts[i], true);
        hosts[i].acted = false;
    }
    if (running() > 1)
        broken("the guest runs twice");
    if (bmc_power_state(&bmc) == HOST_POWER_OFF && running() > 0)
        broken("off is said of a guest that runs");
}

static void step(void)
{
    struct host *host = &hosts[draw(host_count)];

    switch (draw(32)) {
    case 0:
        disconnect(host);
        break;
    case 1:
        restart_libvirtd(host);
        break;
    case 2:
        if (draw(3) == 0)
            reboot(host);
        break;
    case 3:
        start_by_hand(host);
        break;
    case 4:
        stop_by_hand(host);
        break;
    case 5:
        define(host);
        break;
    case 6:
        if (draw(2))
            undefine(host);
        break;
    case 7:
    case 8:
        begin_migration(host, &hosts[draw(host_count)]);
        break;
    case 9:
    case 10:
        end_migration(draw(4) != 0);
        break;
    case 11:
        if (draw(2))
            kill_daemon(draw(2));
        break;
    case 12:
        if (draw(3) == 0)
            declare_dead(host);
        break;
    case 13:
        come_back(host);
        break;
    case 14:
        if (draw(4) == 0)
            take_out(host);
        break;
    case 15:
        put_back(host);
        break;
    case 16:
    case 17:
        ask(HOST_POWER_ACTION_UP);
        break;
    case 18:
        ask(HOST_POWER_ACTION_DOWN);
        break;
    case 19:
        ask(draw(2) ? HOST_POWER_ACTION_HARD_RESET : HOST_POWER_ACTION_CYCLE);
        break;
    case 20:
        tick(300);
        break;
    case 21:
    case 22:
    case 23:
        run_operation(host);
        break;
    case 24:
    case 25:
    case 26:
        connect_host(host);
        break;
    default:
        if (host->dirty)
            look(host, true);
        break;
    }
    check();
}

/* All is connected, and all that was begun ends. */
static void settle(void)
{
    note("settles");
    end_migration(true);
    for (unsigned i = 0; i < host_count; i++) {
        come_back(&hosts[i]);
        put_back(&hosts[i]);
        connect_host(&hosts[i]);
        check();
    }
    look_at_all();
    for (unsigned turn = 0; turn < 8 * CHASSIS_QUEUE_MAX; turn++) {
        for (unsigned i = 0; i < host_count; i++) {
            run_operation(&hosts[i]);
            check();
        }
        tick(1000);
    }
    /* What was accepted for a guest that is nowhere waits for it, for as long as it is worth it. */
    if (bmc.chassis.queued > 0 || (bmc.chassis.owed_count > 0 && bmc.core.host))
        broken("an action did not end");
    if (answered != asked)
        broken("a request was not answered");
    if (running() > 0 && !host_power_state_is_on(bmc_power_state(&bmc)))
        broken("the guest runs, and its BMC does not know");
}

static void begin(unsigned number)
{
    static const char *const names[] = {"a", "b", "c"};

    seed = number;
    random_state = UINT64_C(0x9e3779b97f4a7c15) * (number + 1);
    traced = asked = answered = 0;
    clock_ms = 1000000;
    source = target = NULL;
    restore_waits = false;
    memset(answers, 0, sizeof answers);
    memset(&stored, 0, sizeof stored);
    memset(hosts, 0, sizeof hosts);
    host_count = 2 + draw(2);
    for (unsigned i = 0; i < host_count && i < ARRAY_SIZE(names); i++) {
        struct host *host = &hosts[i];
        host->name = names[i];
        host->domain = (struct host_domain){
            .ops = &ops, .uuid = {{1}}, .name = (char *)"guest", .state = HOST_POWER_OFF};
        host->place = placement_map_get(&map, names[i]);
        host->place->removed = false;
        host->configured = true;
    }
    hosts[0].defined = true;
    hosts[0].qemu = draw(2) ? QEMU_RUNS : QEMU_NONE;
    start_daemon();
}

static void end(void)
{
    bmc_set_host(&bmc, NULL);
    bmc_clear(&bmc);
    placement_clear(&placement);
    placement_map_clear(&map);
}

static void run_seed(unsigned number)
{
    begin(number);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    settle();
    end();
}

static void test_seeds(void **state)
{
    const char *one = getenv("VBMC_SEED"), *soak = getenv("VBMC_SOAK");
    unsigned count = soak && *soak ? 100000 : 1000;

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    if (one) {
        run_seed((unsigned)strtoul(one, NULL, 10));
        return;
    }
    for (unsigned number = 0; number < count; number++)
        run_seed(number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
