/* Disks on which requests have failed since the guest was started or reset. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/platform/internal.h"

bool platform_fail_disk(struct platform *platform, const char *target)
{
    if (!platform->failed_disks)
        platform->failed_disks = calloc(HOST_DISKS_MAX, sizeof *platform->failed_disks);
    for (unsigned i = 0; platform->failed_disks && i < HOST_DISKS_MAX; i++) {
        if (strcmp(platform->failed_disks[i], target) == 0)
            return false;
        if (platform->failed_disks[i][0])
            continue;
        snprintf(platform->failed_disks[i], sizeof platform->failed_disks[i], "%s", target);
        return true;
    }
    return false;
}

void platform_forget_missing_disks(struct platform *platform)
{
    const struct host_hardware *hardware = platform->bmc->core.host->hardware;

    for (unsigned i = 0; hardware && platform->failed_disks && i < HOST_DISKS_MAX; i++) {
        bool is_there = false;
        for (unsigned n = 0; n < hardware->disk_count && !is_there; n++)
            is_there = strcmp(hardware->disks[n].target, platform->failed_disks[i]) == 0;
        if (!is_there)
            platform->failed_disks[i][0] = '\0';
    }
}

void platform_forget_disk_failures(struct platform *platform)
{
    free(platform->failed_disks);
    platform->failed_disks = NULL;
}

bool platform_disk_has_failed(const struct platform *platform, const char *target)
{
    for (unsigned i = 0; platform->failed_disks && i < HOST_DISKS_MAX; i++) {
        if (strcmp(platform->failed_disks[i], target) == 0)
            return true;
    }
    return false;
}
