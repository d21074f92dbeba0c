/* The facility of all servers: it is stepped once a second, and with it the servers that are not at
 * rest. */
#include "vbmc/fleet/facility.h"

#include <errno.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/config/config.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/instance/awake.h"
#include "vbmc/net/login_log.h"
#include "vbmc/state/audit.h"
#include "vbmc/state/facility.h"

#define STEP_MS    1000
#define TRIM_STEPS 5  /* after the last of them */
#define SAVE_STEPS 30 /* what drifts, such as the battery's charge, is stored so often */

struct facility *fleet_facility(struct fleet *fleet)
{
    return &fleet->facility;
}

/* After a pause of the daemon nobody knows what was. */
#define PAUSE_MS 10000

static void wake_all(struct fleet *fleet)
{
    for (size_t i = 0; i < fleet->set.count; i++)
        instance_wake(fleet->set.instances[i]);
}

static void wake_after_pause(struct fleet *fleet, uint64_t since_ms)
{
    for (size_t i = 0; i < fleet->set.count; i++)
        instance_wake_since(fleet->set.instances[i], since_ms);
}

/* True if anything is different for the servers in it. */
static bool step_facility(struct facility *facility, double seconds)
{
    const struct facility before = *facility;

    facility_step(facility, seconds);
    return before.inlet_c != facility->inlet_c || before.battery != facility->battery ||
           before.generator_s != facility->generator_s;
}

static void step_all(struct fleet *fleet)
{
    uint64_t now_ms = uv_hrtime() / 1000000, before_ms = fleet->stepped_ms;
    uint64_t elapsed_ms = before_ms ? now_ms - before_ms : 0;

    fleet->stepped_ms = now_ms;
    if (elapsed_ms > PAUSE_MS)
        wake_after_pause(fleet, before_ms);
    if (step_facility(&fleet->facility, (double)elapsed_ms / 1000))
        wake_all(fleet);
    instance_step_awake(&fleet->awake);
}

/* What was refused may be taken back, for the servers too. */
static void on_settled(void *context, int result)
{
    struct fleet *fleet = context;

    if (result == 0)
        return;
    wake_all(fleet);
    step_all(fleet);
}

static uint64_t clock_now(void *context)
{
    (void)context;
    return uv_hrtime() / 1000000;
}

/* Each step looks whether it is time. */
static void clock_wake_at(void *context, uint64_t at_ms)
{
    (void)context;
    (void)at_ms;
}

static const struct saves_clock saves_clock = {.now = clock_now, .wake_at = clock_wake_at};

int fleet_load_facility(struct fleet *fleet, char *error, size_t size)
{
    fleet->saves = saves_new(fleet->shared.store, "the facility");
    fleet->facility_saved = saves_add(fleet->saves, &facility_save_kind, &fleet->facility);
    int result =
        fleet->facility_saved
            ? facility_state_load(&fleet->facility, fleet->facility_saved, fleet->shared.store)
            : -ENOMEM;

    if (result < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", fleet->config->daemon.state_dir,
                 strerror(-result));
    else
        saves_on_settled(fleet->facility_saved, on_settled, fleet);
    if (fleet->saves)
        saves_set_clock(fleet->saves, &saves_clock, NULL);
    return result;
}

void fleet_facility_changed(struct fleet *fleet, store_done_fn done, void *context)
{
    wake_all(fleet);
    step_all(fleet);
    saves_changed_then(fleet->facility_saved, done, context);
}

static bool drifts(const struct facility *facility)
{
    return facility->utility_lost || facility->crac_failed || facility->battery < 1 ||
           facility->inlet_c != facility->settings.inlet_c;
}

/* Lists of all guests, and what is stored of all BMCs, were in memory for a moment. The allocator
 * keeps what they leave between that which stays, twice as much as a BMC needs. */
static void trim_memory(struct fleet *fleet)
{
    if (fleet->trim_in_steps == 0 || --fleet->trim_in_steps > 0)
        return;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

void fleet_trim_soon(struct fleet *fleet)
{
    fleet->trim_in_steps = TRIM_STEPS;
}

static void on_step(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    step_all(fleet);
    trim_memory(fleet);
    login_log_tell_rest(fleet->shared.login_log, uv_hrtime() / 1000000);
    audit_tick(fleet->audit, uv_hrtime() / 1000000);
    saves_tick(fleet->saves);
    if (++fleet->steps % SAVE_STEPS == 0 && drifts(&fleet->facility) &&
        saves_is_stored(fleet->facility_saved))
        saves_changed(fleet->facility_saved, NULL);
}

void fleet_init_facility(struct fleet *fleet)
{
    facility_init(&fleet->facility, &fleet->config->facility);
    uv_timer_init(fleet->loop, &fleet->facility_timer);
    fleet->facility_timer.data = fleet;
    fleet->shared.facility = &fleet->facility;
    fleet->shared.awake = &fleet->awake;
}

void fleet_run_facility(struct fleet *fleet)
{
    uv_timer_start(&fleet->facility_timer, on_step, STEP_MS, STEP_MS);
    fleet_trim_soon(fleet);
}

void fleet_stop_facility(struct fleet *fleet)
{
    uv_timer_stop(&fleet->facility_timer);
    saves_flush(fleet->saves);
}

void fleet_configure_facility(struct fleet *fleet)
{
    fleet->facility.settings = fleet->config->facility;
    wake_all(fleet);
}
