/* A server at rest is not stepped. It is awake again from the moment at which anything happens that
 * a step looks at; what it reads in between is what it read before. */
#include "vbmc/bmc/dcmi.h"
#include "vbmc/platform/internal.h"
#include "vbmc/platform/platform.h"

bool platform_is_at_rest(const struct platform *platform)
{
    return platform->is_at_rest;
}

void platform_on_awake(struct platform *platform, void (*awake)(void *context), void *context)
{
    platform->awake = awake;
    platform->awake_context = context;
}

/* No time has passed at rest: all had settled. */
static void wake(struct platform *platform, uint64_t since_ms)
{
    if (!platform->is_at_rest)
        return;
    platform->is_at_rest = false;
    platform->stepped_ms = since_ms;
    if (platform->bmc->dcmi)
        dcmi_release_power(platform->bmc->dcmi, since_ms);
    if (platform->awake)
        platform->awake(platform->awake_context);
}

void platform_wake_since(struct platform *platform, uint64_t since_ms)
{
    platform->states_are_old = true;
    wake(platform, since_ms);
}

void platform_wake(struct platform *platform)
{
    platform->states_are_old = true;
    platform_wake_for_load(platform);
}

void platform_wake_for_load(struct platform *platform)
{
    const struct bmc_core *core = &platform->bmc->core;

    if (platform->is_at_rest)
        wake(platform, core->hooks->now(core));
}

void platform_rest(struct platform *platform, const struct model_readings *before, double seconds)
{
    const struct bmc *bmc = platform->bmc;

    if (!model_has_settled(before, &platform->model.readings, seconds) ||
        (platform->load.known && !platform->load_stands) || !platform_has_quiet_power(platform) ||
        platform->links.busy || platform->links.count > 0 ||
        (bmc->dcmi && !dcmi_is_at_rest(bmc->dcmi)))
        return;
    platform->is_at_rest = true;
    if (bmc->dcmi && bmc_power_state(bmc) != HOST_POWER_UNKNOWN)
        dcmi_hold_power(bmc->dcmi);
}
