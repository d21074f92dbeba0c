/* What is built into the server, as sensors, inventory and DCMI have it. */
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/platform/internal.h"

void platform_follow_hardware(struct platform *platform)
{
    struct bmc *bmc = platform->bmc;
    const struct host_hardware *hardware = bmc->core.host ? bmc->core.host->hardware : NULL;
    unsigned psus = supply_psu_count(&platform->settings->supply);

    sensors_set_hardware(bmc->sensors, hardware, psus);
    if (!hardware)
        return; /* what was there stays: the domain may be back soon */
    if (bmc->fru)
        fru_set_hardware(bmc->fru, bmc->core.host->name, &bmc->core.uuid, hardware, psus,
                         (unsigned)platform->settings->model.psu_rated_watts);
    if (bmc->dcmi)
        dcmi_set_name(bmc->dcmi, bmc->core.host->name);
    if (sdr_note_change(bmc))
        bmc->core.hooks->changed(&bmc->core, BMC_PART_SENSORS, NULL);
    platform_show_states(platform);
}
