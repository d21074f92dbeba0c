/* What a server does about its power by itself: without enough supply it goes dark, hard, and comes
 * back by its power restore policy; past the non-recoverable temperature it switches itself off;
 * over an active power limit its CPUs are slowed down. */
#include "vbmc/base/log.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/platform/internal.h"

#define RETRY_MS     10000
#define RESTARTS_MAX 3 /* of a guest that does not start when its power is back */

/* Nobody waits for these; one at a time. What has failed is tried again, but not each second. True
 * if it was begun. */
static bool act(struct platform *platform, enum host_power_action action)
{
    static const struct bmc_ticket nobody;
    struct bmc *bmc = platform->bmc;
    uint64_t now_ms = bmc->core.hooks->now(&bmc->core);

    if (bmc->chassis.queued > 0 || (platform->acted.any && platform->acted.action == action &&
                                    now_ms - platform->acted.at_ms < RETRY_MS))
        return false;
    platform->acted.any = true;
    platform->acted.action = action;
    platform->acted.at_ms = now_ms;
    if (action == HOST_POWER_ACTION_UP)
        chassis_restore_power(&bmc->chassis, NULL);
    else
        chassis_control(&bmc->chassis, action, 0, &nobody);
    return true;
}

/* ---- supply ---- */

static enum power_event find_dark_cause(const struct supply_state *supply)
{
    if (supply->live)
        return POWER_EVENT_OVERLOAD;
    return supply->ac_lost ? POWER_EVENT_AC_FAILED : POWER_EVENT_FAULT;
}

static void become_dark(struct platform *platform)
{
    platform_set_dark(platform, find_dark_cause(&platform->supply));
    platform->restarts = 0;
}

static void go_dark(struct platform *platform)
{
    if (!platform->dark_cause) {
        log_warning("%s: insufficient power supply capacity: powering off",
                    bmc_core_name(&platform->bmc->core));
        become_dark(platform);
    }
    act(platform, HOST_POWER_ACTION_DOWN);
}

/* For good: somebody else has to start it. */
static void stay_off(struct platform *platform)
{
    struct bmc *bmc = platform->bmc;

    platform_set_dark(platform, 0);
    bmc->chassis.was_on = false;
    bmc->core.hooks->changed(&bmc->core, BMC_PART_CHASSIS, NULL);
}

static void come_back(struct platform *platform)
{
    const struct chassis *chassis = &platform->bmc->chassis;
    bool wanted = chassis_wants_power(chassis, chassis->was_on);

    if (platform->restarts == 0)
        log_info("%s: power is back: %s (power restore policy)",
                 bmc_core_name(&platform->bmc->core), wanted ? "powering on" : "staying off");
    if (!wanted || platform->restarts == RESTARTS_MAX)
        stay_off(platform);
    else if (act(platform, HOST_POWER_ACTION_UP))
        platform->restarts++;
}

/* At the start of the daemon: a server without supply that was on when it was last heard of was
 * ended for that; one with supply that is off now was ended by somebody meanwhile. */
void platform_look_first(struct platform *platform)
{
    const struct chassis *chassis = &platform->bmc->chassis;

    if (platform->looked || bmc_power_state(platform->bmc) == HOST_POWER_UNKNOWN)
        return;
    platform->looked = true;
    if (platform_is_on(platform) || !chassis->was_on_last_run)
        return;
    if (platform->supply.sufficient) {
        stay_off(platform);
        return;
    }
    become_dark(platform);
    chassis_note_power_lost(&platform->bmc->chassis, platform->dark_cause);
}

/* While an action is under way it is not clear yet what comes of it. */
static void guard_supply(struct platform *platform)
{
    if (bmc_power_state(platform->bmc) == HOST_POWER_UNKNOWN)
        return;
    platform_look_first(platform);
    if (!platform->supply.sufficient) {
        platform->restarts = 0;
        if (platform_is_on(platform))
            go_dark(platform);
    } else if (platform->dark_cause && platform->bmc->chassis.queued == 0) {
        if (platform_is_on(platform))
            platform_set_dark(platform, 0);
        else
            come_back(platform);
    }
}

/* ---- heat ---- */

static bool is_over(const struct platform *platform, unsigned number)
{
    struct sensor_view view;
    double limit;

    return sensors_view(platform->bmc->sensors, (uint8_t)number, &view) == 0 && view.available &&
           sensors_threshold(platform->bmc->sensors, (uint8_t)number, SENSOR_UNR, &limit) == 0 &&
           view.value >= limit;
}

static bool is_too_hot(const struct platform *platform)
{
    if (is_over(platform, SENSOR_INLET_TEMP))
        return true;
    for (unsigned i = 0; i < MODEL_SOCKETS_MAX; i++) {
        if (is_over(platform, SENSOR_CPU_TEMP + i))
            return true;
    }
    return false;
}

static void guard_heat(struct platform *platform)
{
    if (!platform_is_on(platform) || !is_too_hot(platform))
        return;
    if (!platform->tripped)
        log_warning("%s: over its temperature limit: powering off",
                    bmc_core_name(&platform->bmc->core));
    platform->tripped = true;
    act(platform, HOST_POWER_ACTION_DOWN);
}

void platform_guard_power(struct platform *platform)
{
    guard_supply(platform);
    guard_heat(platform);
}

/* ---- power limit ---- */

#define QUOTA_FULL      1000
#define QUOTA_LEAST     50
#define QUOTA_STEP      50 /* upwards, each period */
#define QUOTA_PERIOD_MS 2000
#define QUOTA_RETRY_MS  60000
#define LIMIT_MARGIN    0.95 /* below this share of the limit the guest gets more again */

static void quota_answered(void *context, int result, const char *text)
{
    struct bmc *bmc = context;
    struct platform_quota *quota = &bmc->platform->quota;
    bool is_void = quota->is_void;

    quota->busy = quota->is_void = false;
    if (is_void)
        return;
    if (result == 0) {
        quota->permille = quota->asked;
        quota->unsure = quota->told = false;
        return;
    }
    quota->retry_ms = bmc->core.hooks->now(&bmc->core) + QUOTA_RETRY_MS;
    if (!quota->told)
        log_warning("%s: the power limit could not be enforced: %s", bmc->core.host->name, text);
    quota->told = true;
}

/* One request at a time: the driver does not keep their order. */
static void set_quota(struct platform *platform, unsigned permille)
{
    struct host_domain *host = platform->bmc->core.host;
    struct platform_quota *quota = &platform->quota;

    if (quota->busy || !host_can_set_cpu_quota(host) ||
        (permille == quota->permille && !quota->unsure))
        return;
    quota->asked = permille;
    quota->busy = true;
    host_set_cpu_quota(host, permille, quota_answered, platform->bmc);
}

/* What a change has done is seen by the samples after it only. */
static bool is_decision_due(const struct platform *platform, uint64_t now_ms)
{
    const struct platform_quota *quota = &platform->quota;

    return !quota->busy && platform->load.known &&
           (platform->load_stands || platform->load_at_ms != quota->load_at_ms) &&
           now_ms - quota->decided_ms >= QUOTA_PERIOD_MS;
}

static void decide_quota(struct platform *platform, unsigned limit)
{
    unsigned permille = platform->quota.permille ? platform->quota.permille : QUOTA_FULL;
    double watts = platform->model.readings.system_w;

    if (watts > limit)
        permille = (unsigned)(permille * limit / watts);
    else if (watts < limit * LIMIT_MARGIN)
        permille += QUOTA_STEP;
    if (permille < QUOTA_LEAST)
        permille = QUOTA_LEAST;
    set_quota(platform, permille < QUOTA_FULL ? permille : 0);
}

void platform_limit_power(struct platform *platform)
{
    unsigned limit = platform->bmc->dcmi ? dcmi_power_limit_watts(platform->bmc->dcmi) : 0;
    uint64_t now_ms = platform->bmc->core.hooks->now(&platform->bmc->core);
    struct platform_quota *quota = &platform->quota;

    if (!platform_is_on(platform) || now_ms < quota->retry_ms)
        return;
    if (limit == 0 || !platform->settings->enforce_power_limit) {
        if (quota->permille != 0) /* else it is the administrator's own, or none */
            set_quota(platform, 0);
    } else if (is_decision_due(platform, now_ms)) {
        quota->decided_ms = now_ms;
        quota->load_at_ms = platform->load_at_ms;
        decide_quota(platform, limit);
    }
}

void platform_forget_quota(struct platform *platform)
{
    struct platform_quota *quota = &platform->quota;

    quota->permille = 0;
    quota->retry_ms = 0;
    quota->unsure = false;
    quota->is_void = quota->busy;
}

void platform_doubt_quota(struct platform *platform)
{
    struct platform_quota *quota = &platform->quota;

    quota->busy = quota->is_void = false;
    quota->unsure = true;
}

bool platform_has_quiet_power(const struct platform *platform)
{
    const struct bmc *bmc = platform->bmc;
    bool is_limited = platform->settings->enforce_power_limit && bmc->dcmi &&
                      dcmi_power_limit_watts(bmc->dcmi) > 0;

    return platform->supply.sufficient && !platform->dark_cause && bmc->chassis.queued == 0 &&
           !(platform_is_on(platform) && is_too_hot(platform)) && !is_limited &&
           platform->quota.permille == 0 && !platform->quota.busy;
}
