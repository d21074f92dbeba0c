/* Links of NICs that `vbmc inject` takes down. Each second what is wanted is compared with what was
 * done, so that neither a hypervisor that is away for a while nor a NIC that is plugged in is
 * forgotten. One request at a time: the driver does not keep their order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/platform/internal.h"

#define RETRY_MS 10000

bool platform_nic_is_injected_down(const struct platform *platform, unsigned index)
{
    char name[16];

    if (platform->faults->count == 0)
        return false;
    snprintf(name, sizeof name, "%u", index);
    return faults_has(platform->faults, FAULT_TARGET_NIC, name, FAULT_DOWN);
}

/* By its address, which two NICs may share: libvirt tells them apart by nothing else. */
static bool is_wanted_down(const struct platform *platform, const uint8_t mac[6])
{
    const struct host_hardware *hardware = platform->bmc->core.host->hardware;

    for (unsigned i = 0; i < hardware->nic_count; i++) {
        const struct host_nic *nic = host_hardware_nic(hardware, i);
        if (memcmp(nic->mac, mac, sizeof nic->mac) == 0 &&
            platform_nic_is_injected_down(platform, i))
            return true;
    }
    return false;
}

static struct platform_link *find(struct platform_links *links, const uint8_t mac[6])
{
    for (unsigned i = 0; i < links->count; i++) {
        if (memcmp(links->items[i].mac, mac, sizeof links->items[i].mac) == 0)
            return &links->items[i];
    }
    return NULL;
}

static struct platform_link *add(struct platform_links *links, const uint8_t mac[6])
{
    if (!links->items)
        links->items = calloc(HOST_NICS_MAX, sizeof *links->items);
    if (!links->items || links->count == HOST_NICS_MAX)
        return NULL;
    struct platform_link *link = &links->items[links->count++];
    *link = (struct platform_link){0};
    memcpy(link->mac, mac, sizeof link->mac);
    return link;
}

static void answered(void *context, int result, const char *text)
{
    struct bmc *bmc = context;
    struct platform *platform = bmc->platform;
    struct platform_links *links = &platform->links;
    /* Of a run of the guest that is over by now it says nothing. */
    struct platform_link *link = links->is_void ? NULL : find(links, links->asked);

    links->busy = links->is_void = false;
    if (link && result == 0) {
        link->is_down = !links->asked_up;
        link->told = false;
    } else if (link) {
        link->retry_ms = bmc->core.hooks->now(&bmc->core) + RETRY_MS;
        if (!link->told)
            log_warning("%s: the link of a NIC could not be set: %s", bmc->core.host->name, text);
        link->told = true;
    }
    platform_follow_links(platform);
}

static void ask(struct platform *platform, const struct platform_link *link, bool up)
{
    struct host_domain *host = platform->bmc->core.host;
    struct platform_links *links = &platform->links;

    memcpy(links->asked, link->mac, sizeof links->asked);
    links->asked_up = up;
    links->busy = true;
    host_set_link(host, links->asked, up, answered, platform->bmc);
}

static void follow_nic(struct platform *platform, const struct host_nic *nic)
{
    struct platform_links *links = &platform->links;
    bool down = is_wanted_down(platform, nic->mac);
    struct platform_link *link = find(links, nic->mac);

    if (!link && down && (link = add(links, nic->mac)))
        link->is_down = nic->link_down; /* by an earlier run of the daemon */
    if (!link)
        return;
    if (link->is_down == down) {
        if (!down)
            *link = links->items[--links->count];
        return;
    }
    if (platform->bmc->core.hooks->now(&platform->bmc->core) >= link->retry_ms)
        ask(platform, link, !down);
}

void platform_follow_links(struct platform *platform)
{
    const struct host_domain *host = platform->bmc->core.host;

    if (!host || !host->hardware || !host_can_set_link(host) ||
        !host_power_state_is_on(host->state))
        return;
    for (unsigned i = 0; i < host->hardware->nic_count && !platform->links.busy; i++)
        follow_nic(platform, host_hardware_nic(host->hardware, i));
}

void platform_forget_links(struct platform *platform)
{
    struct platform_links *links = &platform->links;

    links->count = 0;
    links->is_void = links->busy;
}

void platform_doubt_links(struct platform *platform)
{
    struct platform_links *links = &platform->links;
    unsigned kept = 0;

    links->busy = links->is_void = false;
    /* What is to be down still will be found by what its NIC is like. */
    for (unsigned i = 0; i < links->count; i++) {
        const struct host_domain *host = platform->bmc->core.host;
        if (!host || !host->hardware || !is_wanted_down(platform, links->items[i].mac))
            links->items[kept++] = links->items[i];
    }
    links->count = kept;
}
