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
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/placement_world.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/chassis_queue.h"
#include "vbmc/host/placement_map.h"

#define STEPS       150
#define TICKETS_MAX (STEPS + 1)

static unsigned asked, answered;
static uint8_t answers[TICKETS_MAX];

static unsigned running(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < world.host_count; i++)
        count += world.hosts[i].qemu == QEMU_RUNS || world.hosts[i].qemu == QEMU_SOURCE;
    return count;
}

/* ---- what happens ---- */

/* What it was asked and has not answered its clients ask again. */
static void kill_daemon(bool power_was_gone)
{
    world_note("restart of the daemon%s", power_was_gone ? ", power is back" : "");
    bmc_set_host(&world.bmc, NULL);

    asked = answered = 0;
    memset(answers, 0, sizeof answers);
    bmc_clear(&world.bmc);
    chassis_clear(&world.bmc.chassis);
    placement_clear(&world.placement);
    for (unsigned i = 0; i < world.host_count; i++) {
        struct host *host = &world.hosts[i];
        host->connected = host->place->connected = host->dirty = host->seen = false;
        host->place->known = false;
        host->told = HOST_STOP_UNKNOWN;
        host->busy = false;
        host->done = NULL;
        host->domain.state = HOST_POWER_OFF;
    }
    world.restore_waits = power_was_gone;
    world_start_daemon();
}

/* By hand or by a cluster manager that sees that it runs nowhere, also in the interval of a power
 * cycle. Where the daemon has told libvirt to start it, libvirt refuses a second start. */
static void start_by_hand(struct host *host)
{
    if (running() > 0 || world.source || !host->defined || host->gone || !host->configured ||
        !host->connected)
        return;
    world_note("start by hand at %s", host->name);
    world_look_at_all();
    world_start_qemu(host, QEMU_RUNS);
    world_changed(host);
    world_look(host, true);
}

static void stop_by_hand(struct host *host)
{
    if (host->qemu != QEMU_RUNS)
        return;
    world_note("stop by hand at %s", host->name);
    world_end_qemu(host, world_draw(2) ? HOST_STOP_SHUTDOWN : HOST_STOP_DESTROYED);
}

/* A copy of a guest that the daemon has never heard of, while that runs on a hypervisor that was
 * never connected, is a new guest to it. */
static void define(struct host *host)
{
    if (host->defined || host->gone || !host->connected || (running() > 0 && !world.placement.last))
        return;
    world_note("define at %s", host->name);
    host->defined = true;
    host->reason = HOST_STOP_UNKNOWN;
    world_changed(host);
    world_look(host, true);
}

static void undefine(struct host *host)
{
    if (!host->defined || host->qemu != QEMU_NONE || host->busy)
        return;
    world_note("undefine at %s", host->name);
    host->defined = false;
    host->reason = HOST_STOP_UNKNOWN;
    world_changed(host);
}

static void begin_migration(struct host *from, struct host *to)
{
    if (world.source || from == to || from->qemu != QEMU_RUNS || to->qemu != QEMU_NONE ||
        to->gone || !to->configured || to->busy || to->place->dead)
        return;
    world_note("migrate from %s to %s", from->name, to->name);
    world.source = from;
    world.target = to;
    from->qemu = QEMU_SOURCE;
    world_start_qemu(to, QEMU_TARGET);
    world_changed(from);
    world_changed(to);
}

static void end_migration(bool succeeds)
{
    struct host *from = world.source, *to = world.target;

    if (!from)
        return;
    world_note("migration %s", succeeds ? "done" : "failed");
    world.source = world.target = NULL;
    if (!succeeds) {
        from->qemu = QEMU_RUNS;
        world_end_qemu(to, HOST_STOP_FAILED);
        world_changed(from);
        return;
    }
    world_end_qemu(from, HOST_STOP_MOVED);
    if (world_draw(3) == 0) {
        world_note("  (source undefined)");
        from->defined = false;
    }
    if (world_draw(3) == 0) {
        world_note("  (target defined)");
        to->defined = true;
    }
    to->qemu = QEMU_RUNS;
    world_changed(to);
}

static void restart_libvirtd(struct host *host)
{
    world_note("libvirtd of %s restarts", host->name);
    if (world.source == host || world.target == host)
        end_migration(false);
    world_disconnect(host);
    host->reason = HOST_STOP_UNKNOWN;
}

static void reboot(struct host *host)
{
    world_note("%s reboots", host->name);
    if (world.source == host) {
        world.target->qemu = QEMU_NONE;
        world_changed(world.target);
        world.source = world.target = NULL;
    } else if (world.target == host) {
        end_migration(false);
    }
    world_disconnect(host);
    host->qemu = QEMU_NONE;
    host->reason = HOST_STOP_UNKNOWN;
}

static void declare_dead(struct host *host)
{
    if (host->connected || host->qemu != QEMU_NONE || host == world.target || host->gone)
        return;
    world_note("%s is declared dead", host->name);
    world_look_at_all();
    if (world.placement.decided.verdict == PLACEMENT_WAITS &&
        world.placement.decided.hypervisor == host->place)
        chassis_give_up(&world.bmc.chassis, "its hypervisor is declared dead");
    host->gone = true;
    host->place->dead = true;
    placement_release(&world.placement, host->place);
    world_follow();
}

/* It comes back as a machine that has just booted. */
static void come_back(struct host *host)
{
    if (!host->gone)
        return;
    world_note("%s is back", host->name);
    host->gone = false;
}

static void take_out(struct host *host)
{
    if (!host->configured || host == world.source || host == world.target ||
        (!host->connected && host->qemu != QEMU_NONE))
        return;
    if (host->busy)
        return;
    world_note("%s is taken out of the configuration", host->name);
    world_look_at_all();
    host->seen = false;
    if (world.bmc.core.host == &host->domain)
        bmc_set_host(&world.bmc, NULL);
    placement_remove(&world.placement, host->place);
    host->configured = false;
    host->connected = host->place->connected = host->dirty = false;
    host->place->removed = true;
    world_follow();
}

static void put_back(struct host *host)
{
    if (host->configured)
        return;
    world_note("%s is in the configuration again", host->name);
    host->configured = true;
    host->place->removed = false;
    world_follow();
}

static void on_answered(const struct bmc_ticket *ticket, int result)
{
    (void)result;
    if (answers[ticket->numbers[0]]++ > 0)
        world_broken("a request was answered twice");
    answered++;
}

static void ask(enum host_power_action action)
{
    const struct bmc_ticket ticket = {.done = on_answered, .numbers = {asked}};

    world_note("asked for %s", host_power_action_name(action));
    asked++;
    chassis_control(&world.bmc.chassis, action, asked, &ticket);
}

/* ---- what has to hold ---- */

static void check(void)
{
    for (unsigned i = 0; i < world.host_count; i++) {
        if (world.hosts[i].acted && world.hosts[i].dirty)
            world_look(&world.hosts[i], true);
        world.hosts[i].acted = false;
    }
    if (running() > 1)
        world_broken("the guest runs twice");
    if (bmc_power_state(&world.bmc) == HOST_POWER_OFF && running() > 0)
        world_broken("off is said of a guest that runs");
}

/* What machines and people do. */
static void befall(struct host *host, unsigned what)
{
    switch (what) {
    case 0:
        world_disconnect(host);
        break;
    case 1:
        restart_libvirtd(host);
        break;
    case 2:
        if (world_draw(3) == 0)
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
        if (world_draw(2))
            undefine(host);
        break;
    case 7:
    case 8:
        begin_migration(host, &world.hosts[world_draw(world.host_count)]);
        break;
    case 9:
    case 10:
        end_migration(world_draw(4) != 0);
        break;
    case 11:
        if (world_draw(2))
            kill_daemon(world_draw(2));
        break;
    case 12:
        if (world_draw(3) == 0)
            declare_dead(host);
        break;
    case 13:
        come_back(host);
        break;
    case 14:
        if (world_draw(4) == 0)
            take_out(host);
        break;
    default:
        put_back(host);
        break;
    }
}

/* What clients do, and what goes its way. */
static void go_on(struct host *host, unsigned what)
{
    switch (what) {
    case 16:
    case 17:
        ask(HOST_POWER_ACTION_UP);
        break;
    case 18:
        ask(HOST_POWER_ACTION_DOWN);
        break;
    case 19:
        ask(world_draw(2) ? HOST_POWER_ACTION_HARD_RESET : HOST_POWER_ACTION_CYCLE);
        break;
    case 20:
        world_tick(300);
        break;
    case 21:
    case 22:
    case 23:
        world_run_operation(host);
        break;
    case 24:
    case 25:
    case 26:
        world_connect(host);
        break;
    default:
        if (host->dirty)
            world_look(host, true);
        break;
    }
}

static void step(void)
{
    struct host *host = &world.hosts[world_draw(world.host_count)];
    unsigned what = world_draw(32);

    if (what < 16)
        befall(host, what);
    else
        go_on(host, what);
    check();
}

/* All is connected, and all that was begun ends. */
static void settle(void)
{
    world_note("settles");
    end_migration(true);
    for (unsigned i = 0; i < world.host_count; i++) {
        come_back(&world.hosts[i]);
        put_back(&world.hosts[i]);
        world_connect(&world.hosts[i]);
        check();
    }
    world_look_at_all();
    for (unsigned turn = 0; turn < 8 * CHASSIS_QUEUE_MAX; turn++) {
        for (unsigned i = 0; i < world.host_count; i++) {
            world_run_operation(&world.hosts[i]);
            check();
        }
        world_tick(1000);
    }
    /* What was accepted for a guest that is nowhere waits for it, for as long as it is worth it. */
    if (world.bmc.chassis.queued > 0 || (world.bmc.chassis.owed_count > 0 && world.bmc.core.host))
        world_broken("an action did not end");
    if (answered != asked)
        world_broken("a request was not answered");
    if (running() > 0 && !host_power_state_is_on(bmc_power_state(&world.bmc)))
        world_broken("the guest runs, and its BMC does not know");
}

static void run_seed(unsigned number)
{
    asked = answered = 0;
    memset(answers, 0, sizeof answers);
    world_begin(number);
    for (unsigned i = 0; i < STEPS; i++)
        step();
    settle();
    world_end();
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
