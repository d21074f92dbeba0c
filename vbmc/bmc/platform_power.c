/* What a server does about its power by itself: without enough supply it goes dark, hard, and comes
 * back by its power restore policy; past the non-recoverable temperature it switches itself off;
 * over an active power limit its CPUs are slowed down. */
#include <errno.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/platform_internal.h"

#define THRESHOLD_UNR 5 /* in the order of Get Sensor Thresholds */

static bool is_on(const struct platform *platform)
{
    return host_power_state_is_on(bmc_power_state(platform->bmc));
}

static const char *name_of(const struct platform *platform)
{
    return platform->bmc->host ? platform->bmc->host->name : "a BMC";
}

/* Nobody waits for these; one at a time. */
static void control(struct platform *platform, enum host_power_action action)
{
    static const struct bmc_ticket nobody;

    if (platform->bmc->chassis.queued == 0)
        chassis_control(platform->bmc, action, 0, &nobody);
}

/* ---- supply ---- */

static void go_dark(struct platform *platform)
{
    if (!platform->dark)
        log_warning("%s: its power supplies cannot carry it any more: it loses power",
                    name_of(platform));
    platform->dark = true;
    control(platform, HOST_POWER_ACTION_DOWN);
}

static void come_back(struct platform *platform)
{
    const struct chassis *chassis = &platform->bmc->chassis;
    bool restore = chassis->restore_policy == POWER_RESTORE_ALWAYS_ON ||
                   (chassis->restore_policy == POWER_RESTORE_PREVIOUS && chassis->was_on);

    platform->dark = false;
    log_info("%s: it has power again and %s, by its power restore policy", name_of(platform),
             restore ? "is started" : "stays off");
    if (restore)
        chassis_restore_power(platform->bmc);
    else
        platform->bmc->chassis.was_on = false;
}

static void guard_supply(struct platform *platform)
{
    enum host_power_state state = bmc_power_state(platform->bmc);

    if (state == HOST_POWER_UNKNOWN)
        return;
    bool first_look = !platform->looked;
    platform->looked = true;
    if (!platform->supply.sufficient) {
        if (is_on(platform))
            go_dark(platform);
        else if (first_look && platform->bmc->chassis.was_on_last_run)
            platform->dark = true; /* it was ended for this in an earlier run of the daemon */
    } else if (platform->dark && state == HOST_POWER_OFF) {
        come_back(platform);
    } else if (platform->dark && is_on(platform)) {
        platform->dark = false; /* power came back before it was off */
    }
}

/* ---- heat ---- */

static bool is_over(const struct platform *platform, unsigned number)
{
    struct sensor_view view;
    double limit;

    return sensors_view(platform->bmc->sensors, (uint8_t)number, &view) == 0 && view.available &&
           sensors_threshold(platform->bmc->sensors, (uint8_t)number, THRESHOLD_UNR, &limit) == 0 &&
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
    if (!is_on(platform) || !is_too_hot(platform))
        return;
    if (!platform->tripped)
        log_warning("%s: too hot, it switches itself off", name_of(platform));
    platform->tripped = true;
    control(platform, HOST_POWER_ACTION_DOWN);
}

void platform_guard_power(struct platform *platform)
{
    guard_supply(platform);
    guard_heat(platform);
}

/* ---- power limit ---- */

#define QUOTA_FULL      1000
#define QUOTA_LEAST     50
#define QUOTA_STEP      50   /* upwards, each period */
#define QUOTA_PERIOD_MS 2000 /* that of the samples: a change has to be seen before the next */
#define LIMIT_MARGIN    0.95 /* below this share of the limit the guest gets more again */

static void quota_set(void *context, int result, const char *text)
{
    struct bmc *bmc = context;

    if (result < 0 && bmc->host)
        log_warning("%s: its power limit cannot slow it down: %s", bmc->host->name,
                    text ? text : strerror(-result));
}

static void set_quota(struct platform *platform, unsigned permille)
{
    struct host_domain *host = platform->bmc->host;

    if (permille == platform->quota_permille || !host || !host->ops->set_cpu_quota)
        return;
    platform->quota_permille = permille;
    host->ops->set_cpu_quota(host, permille, quota_set, platform->bmc);
}

void platform_limit_power(struct platform *platform)
{
    unsigned limit = platform->bmc->dcmi ? dcmi_power_limit_watts(platform->bmc->dcmi) : 0;
    double watts = platform->model.readings.system_w;
    uint64_t now_ms = platform->bmc->hooks->now(platform->bmc);
    unsigned permille = platform->quota_permille ? platform->quota_permille : QUOTA_FULL;

    if (!is_on(platform)) {
        platform->quota_permille = 0; /* a new start begins without */
        return;
    }
    if (limit == 0 || !platform->settings.enforce_power_limit) {
        set_quota(platform, 0);
        return;
    }
    if (now_ms - platform->quota_ms < QUOTA_PERIOD_MS)
        return;
    platform->quota_ms = now_ms;
    if (watts > limit)
        permille = (unsigned)(permille * limit / watts);
    else if (watts < limit * LIMIT_MARGIN)
        permille += QUOTA_STEP;
    if (permille < QUOTA_LEAST)
        permille = QUOTA_LEAST;
    set_quota(platform, permille < QUOTA_FULL ? permille : 0);
}
