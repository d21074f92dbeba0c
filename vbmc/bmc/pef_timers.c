#include "vbmc/bmc/pef_timers.h"

#include <errno.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/pef.h"

#define SECOND_MS 1000

/* No delay is longer than its byte says; a clock that was set back would make it so. */
#define DELAY_MAX_MS (UINT8_MAX * SECOND_MS)

static uint64_t now_ms(const struct pef *pef)
{
    return pef->core->hooks->now(pef->core);
}

/* ---- the guest's run ---- */

static bool is_known(const struct pef *pef)
{
    return bmc_core_power_state(pef->core) != HOST_POWER_UNKNOWN;
}

static void note_run(struct pef *pef)
{
    bool known = is_known(pef);

    pef->run = known ? pef->core->host->run : -1;
    pef->place = known ? pef->core->host->place : 0;
    pef->in_doubt = false;
}

/* Of a guest that is known: whether that run of it is over. What has been restored or migrated
 * since is the same guest in another run. */
static bool is_over(const struct pef *pef, int64_t run, int64_t place)
{
    const struct host_domain *host = pef->core->host;

    if (place == 0)
        return false;
    if (!host_power_state_is_on(host->state))
        return run >= 0;
    return host->booted && (host->run != run || host->place != place);
}

void pef_timers_follow_guest(struct pef *pef)
{
    bool is_set = pef->postpone_s != 0 || pef->starts_at_ms != 0 || pef->alerts->starts_at_ms != 0;

    if (!is_set || !is_known(pef))
        return;
    if (pef->in_doubt && is_over(pef, pef->run, pef->place)) {
        log_info("%s: platform event filtering: goes on, the guest's run has ended meanwhile",
                 bmc_core_name(pef->core));
        pef_timers_disarm(pef);
        pef->starts_at_ms = 0;
        alerts_delay_until(pef->alerts, 0);
        pef->has_changed = true;
    }
    pef->in_doubt = false;
    if (pef->place != 0)
        return;
    note_run(pef); /* which nobody knew when they began */
    pef->has_changed = true;
}

/* ---- the postpone timer ---- */

void pef_timers_arm(struct pef *pef, uint8_t seconds)
{
    pef->arms++;
    pef->postpone_s = seconds;
    pef->postponed_until_ms = 0;
    note_run(pef);
}

void pef_timers_count(struct pef *pef)
{
    if (pef->postpone_s == 0 || pef->postpone_s > PEF_POSTPONE_MAX || pef->postponed_until_ms != 0)
        return;
    pef->postponed_until_ms = now_ms(pef) + pef->postpone_s * (uint64_t)SECOND_MS;
    pef->core->hooks->wake_at(pef->core, pef->postponed_until_ms);
    pef->has_changed = true;
}

void pef_timers_disarm(struct pef *pef)
{
    if (pef->postpone_s != 0)
        pef->has_changed = true;
    pef->postpone_s = 0;
    pef->postponed_until_ms = 0;
}

uint8_t pef_postpone_left(const struct pef *pef)
{
    uint64_t now = now_ms(pef);

    if (pef->postponed_until_ms == 0)
        return pef->postpone_s;
    if (pef->postponed_until_ms <= now)
        return 0;
    return (uint8_t)((pef->postponed_until_ms - now + SECOND_MS - 1) / SECOND_MS);
}

/* ---- the startup delays ---- */

/* The end of a delay that begins now; 0: there is none. */
static uint64_t delay_end(const struct pef *pef, bool is_on, uint8_t seconds)
{
    return is_on && seconds > 0 ? now_ms(pef) + seconds * (uint64_t)SECOND_MS : 0;
}

static void set_startup(struct pef *pef, uint64_t at_ms, uint64_t alerts_at_ms)
{
    pef->starts_at_ms = at_ms;
    if (at_ms != 0)
        pef->core->hooks->wake_at(pef->core, at_ms);
    alerts_delay_until(pef->alerts, alerts_at_ms);
}

void pef_timers_start_up(struct pef *pef)
{
    const struct pef_settings *settings = pef_settings(pef);
    uint8_t control = settings->control;

    note_run(pef);
    set_startup(pef, delay_end(pef, control & PEF_STARTUP_DELAY, settings->startup_delay_s),
                delay_end(pef, control & PEF_ALERT_STARTUP_DELAY, settings->alert_startup_delay_s));
    if (pef->starts_at_ms != 0 || pef->alerts->starts_at_ms != 0)
        pef->has_changed = true;
}

/* ---- time ---- */

void pef_timers_tick(struct pef *pef)
{
    uint64_t now = now_ms(pef);

    if (pef->postponed_until_ms != 0 && now >= pef->postponed_until_ms)
        pef_timers_disarm(pef);
    if (pef->starts_at_ms != 0 && now >= pef->starts_at_ms)
        pef->starts_at_ms = 0;
}

uint64_t pef_next_deadline(const struct pef *pef)
{
    const uint64_t deadlines[] = {pef->postponed_until_ms, pef->starts_at_ms, pef->resumes_at_ms};
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < ARRAY_SIZE(deadlines); i++)
        if (deadlines[i] != 0 && deadlines[i] < first)
            first = deadlines[i];
    return first;
}

/* ---- the store ---- */

static int64_t left_ms(const struct pef *pef, uint64_t at_ms)
{
    uint64_t now = now_ms(pef);

    return at_ms > now ? (int64_t)(at_ms - now) : 0;
}

void pef_take_timers(const struct pef *pef, struct pef_timers *timers)
{
    *timers = (struct pef_timers){
        .arms = pef->arms,
        .postpone_s = pef->postpone_s,
        .postponed_ms = pef->postponed_until_ms != 0 ? left_ms(pef, pef->postponed_until_ms) : -1,
        .startup_ms = left_ms(pef, pef->starts_at_ms),
        .alert_startup_ms = left_ms(pef, pef->alerts->starts_at_ms),
        .run = pef->run,
        .place = pef->place,
    };
}

/* No longer than it was armed for, whatever happened to the clock; it ends with the next tick where
 * it is over. */
static void restore_postpone(struct pef *pef, const struct pef_timers *timers)
{
    int64_t most_ms = timers->postpone_s * (int64_t)SECOND_MS, left = timers->postponed_ms;

    pef->arms = timers->arms;
    pef->postpone_s = timers->postpone_s;
    pef->postponed_until_ms = 0;
    if (left < 0 || timers->postpone_s == 0 || timers->postpone_s > PEF_POSTPONE_MAX)
        return;
    pef->postponed_until_ms = now_ms(pef) + (uint64_t)(left < most_ms ? left : most_ms);
    pef->core->hooks->wake_at(pef->core, pef->postponed_until_ms);
}

void pef_take_back_postpone(struct pef *pef, const struct pef_timers *timers)
{
    struct pef_timers kept = *timers;

    if (timers->arms == pef->arms || timers->postpone_s > PEF_POSTPONE_FOREVER)
        return;
    if (is_known(pef) && is_over(pef, timers->run, timers->place))
        kept.postpone_s = 0; /* its end has come, and is not stored yet */
    restore_postpone(pef, &kept);
    if (kept.postpone_s != 0) {
        pef->run = kept.run;
        pef->place = kept.place;
        pef->in_doubt = !is_known(pef);
    }
    pef->core->hooks->wake_at(pef->core, now_ms(pef)); /* what was held may go on */
}

/* The end of a delay of which that is left; 0: there is none. */
static uint64_t restored_end(const struct pef *pef, int64_t left)
{
    if (left == 0)
        return 0;
    return now_ms(pef) + (uint64_t)(left < DELAY_MAX_MS ? left : DELAY_MAX_MS);
}

int pef_restore_timers(struct pef *pef, const struct pef_timers *timers)
{
    if (timers->postpone_s > PEF_POSTPONE_FOREVER || timers->startup_ms < 0 ||
        timers->alert_startup_ms < 0)
        return -EINVAL;
    restore_postpone(pef, timers);
    set_startup(pef, restored_end(pef, timers->startup_ms),
                restored_end(pef, timers->alert_startup_ms));
    pef->run = timers->run;
    pef->place = timers->place;
    pef->in_doubt = true;
    return 0;
}
