#include "vbmc/instance/guest.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/console/boot_watch.h"
#include "vbmc/console/console.h"
#include "vbmc/console/sol.h"
#include "vbmc/inband/inband.h"
#include "vbmc/inband/interface.h"
#include "vbmc/instance/inband.h"
#include "vbmc/instance/internal.h"
#include "vbmc/platform/platform.h"
#include "vbmc/virt/hypervisor.h"

static void keep_text(char **kept, const char *text)
{
    free(*kept);
    *kept = text ? strdup(text) : NULL;
}

void instance_set_domain(struct instance *instance, struct virt_domain *domain)
{
    if (instance->domain == domain)
        return;
    if (instance->domain) {
        keep_text(&instance->boot_live, virt_domain_boot_live(instance->domain));
        keep_text(&instance->boot_stored, virt_domain_boot_stored(instance->domain));
    }
    if (domain &&
        virt_domain_restore_boot_record(domain, instance->boot_live, instance->boot_stored) < 0)
        log_warning("%s: ignoring the stored boot record, which is corrupt", instance->record.name);
    instance->domain = domain;
    console_set_domain(instance->console, domain);
    bmc_set_host(&instance->bmc, domain ? virt_domain_host(domain) : NULL);
    instance_follow_inband(instance);
}

void instance_expect(struct instance *instance, struct virt_domain *copy)
{
    if (copy != instance->domain)
        console_expect(instance->console, copy);
}

void instance_lose_copy(struct instance *instance, const struct virt_domain *copy)
{
    console_lose_copy(instance->console, copy);
}

void instance_lose_hypervisor(struct instance *instance, const struct hypervisor *hypervisor)
{
    if (instance->domain && virt_domain_hypervisor(instance->domain) == hypervisor)
        instance_set_domain(instance, NULL);
    console_lose_hypervisor(instance->console, hypervisor);
}

struct virt_domain *instance_domain(const struct instance *instance)
{
    return instance->domain;
}

void instance_set_lost_until(struct instance *instance, uint64_t time_ms)
{
    instance->lost_until_ms = time_ms;
}

uint64_t instance_lost_until(const struct instance *instance)
{
    return instance->lost_until_ms;
}

void instance_host_event(struct instance *instance, enum host_event event)
{
    struct hub *hub = console_hub(instance->console);

    if (event == HOST_EVENT_HARDWARE)
        instance_follow_inband(instance);
    if (event == HOST_EVENT_STARTED && instance->inband && instance->bmc.core.host->booted)
        inband_interface_started(inband_interface(instance->inband));
    bmc_host_event(&instance->bmc, event);
    console_sol_host_event(instance->sol, event);
    if (hub && (event == HOST_EVENT_STARTED || event == HOST_EVENT_RESET))
        boot_watch_arm(instance->boot_watch, hub);
    console_host_event(instance->console, event);
}

void instance_note_restart(struct instance *instance)
{
    platform_note_restart(instance->bmc.platform);
}
