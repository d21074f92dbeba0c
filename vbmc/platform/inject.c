#include "vbmc/platform/inject.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/sensors.h"
#include "vbmc/platform/internal.h"
#include "vbmc/platform/platform.h"

#define MEMORY_CORRECTABLE_OFFSET 0 /* IPMI 2.0, table 42-3 */
#define UNSPECIFIED               0xff

const struct faults *platform_faults(const struct platform *platform)
{
    return platform->faults;
}

static const struct host_nic *nic_of(const struct platform *platform, const struct fault *fault)
{
    const struct host_domain *host = platform->bmc->core.host;
    unsigned long index = strtoul(fault->instance, NULL, 10);

    if (!host || !host->hardware || index >= host->hardware->nic_count)
        return NULL;
    return host_hardware_nic(host->hardware, (unsigned)index);
}

static bool has_disk(const struct host_hardware *hardware, const char *target)
{
    for (unsigned i = 0; i < hardware->disk_count; i++) {
        if (strcmp(hardware->disks[i].target, target) == 0)
            return true;
    }
    return false;
}

/* What the server does not have cannot break. */
static bool has_part(const struct platform *platform, const struct fault *fault, char *error,
                     size_t size)
{
    const struct host_domain *host = platform->bmc->core.host;
    const struct host_hardware *hardware = host ? host->hardware : NULL;
    unsigned psus = supply_psu_count(&platform->settings->supply);
    unsigned long number = strtoul(fault->instance, NULL, 10);

    error[0] = '\0';
    switch (fault->target) {
    case FAULT_TARGET_DISK:
        if (!hardware || !has_disk(hardware, fault->instance))
            snprintf(error, size, "the guest has no disk %s", fault->instance);
        break;
    case FAULT_TARGET_NIC:
        if (!nic_of(platform, fault))
            snprintf(error, size, "the guest has %u NICs; they are counted from 0",
                     hardware ? hardware->nic_count : 0);
        break;
    case FAULT_TARGET_PSU:
        if (number < 1 || number > psus)
            snprintf(error, size, "the server has the PSUs 1 to %u", psus);
        break;
    case FAULT_TARGET_FAN:
        if (number < 1 || number > MODEL_FANS)
            snprintf(error, size, "the server has the fans 1 to %d", MODEL_FANS);
        break;
    case FAULT_TARGET_TEMP:
        if (strncmp(fault->instance, "cpu", 3) == 0 && fault->instance[3] && hardware &&
            strtoul(fault->instance + 3, NULL, 10) > hardware->sockets)
            snprintf(error, size, "the server has the CPUs 1 to %u", hardware->sockets);
        break;
    default:
        break;
    }
    return error[0] == '\0';
}

int platform_inject(struct platform *platform, const struct fault *fault, char *error,
                    size_t error_size)
{
    if (!has_part(platform, fault, error, error_size))
        return -ENOENT;
    if (!fault_stays(fault)) {
        if (fault->kind == FAULT_ECC_CORRECTABLE)
            sensors_raise(platform->bmc->sensors, SENSOR_MEMORY, MEMORY_CORRECTABLE_OFFSET,
                          UNSPECIFIED, UNSPECIFIED);
        return 0;
    }
    struct faults *faults = platform_own_faults(platform);
    if (!faults || faults_add(faults, fault) < 0) {
        snprintf(error, error_size, "there are %d faults already", FAULTS_MAX);
        return -ENOSPC;
    }
    platform_wake(platform);
    platform_step(platform);
    return 0;
}

unsigned platform_clear_faults(struct platform *platform, const struct fault *like,
                               const enum fault_kind *kind)
{
    /* Links that an earlier run of the daemon took down have to be known by now. */
    platform_follow_links(platform);
    unsigned cleared =
        platform->faults->count > 0 ? faults_clear(platform_own_faults(platform), like, kind) : 0;

    platform_wake(platform);
    platform_step(platform);
    return cleared;
}

void platform_restore_faults(struct platform *platform, const struct faults *faults)
{
    platform_wake(platform);
    struct faults *own =
        faults->count + platform->faults->count > 0 ? platform_own_faults(platform) : NULL;
    if (own)
        *own = *faults;
    platform_evaluate_supply(platform);
}
