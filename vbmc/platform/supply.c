/* What the power supplies deliver. The chassis asks nobody: it is told of each change. */
#include "vbmc/base/array.h"
#include "vbmc/physics/facility.h"
#include "vbmc/platform/internal.h"

static void tell_chassis(struct platform *platform)
{
    chassis_set_supply(&platform->bmc->chassis, platform->supply.sufficient, platform->dark_cause);
}

void platform_evaluate_supply(struct platform *platform)
{
    uint8_t faults[SUPPLY_PSUS_MAX];

    for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
        faults[i] = faults_of_psu(platform->faults, i);
    supply_evaluate(&platform->settings->supply, facility_feeds_live(platform->facility), faults,
                    &platform->supply);
    tell_chassis(platform);
}

void platform_set_dark(struct platform *platform, unsigned cause)
{
    platform->dark_cause = cause;
    tell_chassis(platform);
}
