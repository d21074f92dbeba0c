#include "vbmc/virt/domain_index.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/hash.h"
#include "vbmc/base/hash_index.h"
#include "vbmc/base/uuid_map.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"

static uint64_t hash_name(const char *name)
{
    return hash_bytes(HASH_BEGIN, name, strlen(name));
}

struct virt_domain *hypervisor_find_domain(struct hypervisor *hypervisor, const struct uuid *uuid)
{
    return uuid_map_get(&hypervisor->by_uuid, uuid);
}

struct virt_domain *hypervisor_next_named(struct hypervisor *hypervisor, const char *name,
                                          const struct hash_index_node **cursor)
{
    struct virt_domain *domain;

    do
        domain = hash_index_next(&hypervisor->by_name, hash_name(name), cursor);
    while (domain && strcmp(domain->host.name, name) != 0);
    return domain;
}

int virt_domain_index_add(struct virt_domain *domain)
{
    struct hypervisor *hypervisor = domain->hypervisor;

    if (uuid_map_put(&hypervisor->by_uuid, &domain->host.uuid, domain) < 0)
        return -ENOMEM;
    if (hash_index_add(&hypervisor->by_name, hash_name(domain->host.name), domain) < 0) {
        uuid_map_remove(&hypervisor->by_uuid, &domain->host.uuid);
        return -ENOMEM;
    }
    hypervisor->domain_generation++;
    return 0;
}

void virt_domain_index_remove(struct virt_domain *domain)
{
    struct hypervisor *hypervisor = domain->hypervisor;

    hypervisor->domain_generation++;
    uuid_map_remove(&hypervisor->by_uuid, &domain->host.uuid);
    hash_index_remove(&hypervisor->by_name, hash_name(domain->host.name), domain);
}

void virt_domain_index_rename(struct virt_domain *domain, const char *before)
{
    if (!domain->vanished)
        hash_index_move(&domain->hypervisor->by_name, hash_name(before),
                        hash_name(domain->host.name), domain);
}

void virt_domain_index_clear(struct hypervisor *hypervisor)
{
    uuid_map_clear(&hypervisor->by_uuid);
    hash_index_clear(&hypervisor->by_name, NULL);
}
