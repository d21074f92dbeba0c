#include "vbmc/virt/domain.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/base/array.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"

struct host_domain *virt_domain_host(struct virt_domain *domain)
{
    return &domain->host;
}

const char *virt_domain_name(const struct virt_domain *domain)
{
    return domain->host.name;
}

const struct uuid *virt_domain_uuid(const struct virt_domain *domain)
{
    return &domain->host.uuid;
}

struct virt_domain *virt_domain_of_host(struct host_domain *host)
{
    return CONTAINER_OF(host, struct virt_domain, host);
}

struct hypervisor *virt_domain_hypervisor(struct virt_domain *domain)
{
    return domain->hypervisor;
}

bool virt_domain_is_tagged(const struct virt_domain *domain)
{
    return domain->metadata != NULL;
}

const struct host_metadata *virt_domain_metadata(const struct virt_domain *domain)
{
    return domain->metadata;
}

bool virt_domain_is_migrating(const struct virt_domain *domain)
{
    return domain->host.migrating && domain->host.state == HOST_POWER_PAUSED;
}

bool virt_domain_is_listed(const struct virt_domain *domain)
{
    return domain->persistent || domain->id >= 0;
}

bool virt_domain_is_starting(const struct virt_domain *domain)
{
    return domain->starting && domain->host.state == HOST_POWER_PAUSED;
}

bool virt_domain_has_booted(const struct virt_domain *domain)
{
    return domain->booted;
}

bool virt_domain_seen_live(const struct virt_domain *domain)
{
    return domain->seen_live;
}

void virt_domain_emit(struct virt_domain *domain, enum host_event event)
{
    struct hypervisor *hypervisor = domain->hypervisor;

    if (!domain->vanished && !hypervisor->stopping)
        hypervisor->callbacks->event(hypervisor->context, domain, event);
}

int virt_domain_check_on(const struct host_domain *host, const char **text)
{
    if (host_power_state_is_on(host->state))
        return 0;
    bool is_off = host->state == HOST_POWER_OFF;
    *text = is_off ? "the guest is off" : "the hypervisor cannot be reached";
    return is_off ? -EINVAL : -EHOSTUNREACH;
}
