#include "vbmc/instance/network.h"

#include <string.h>

#include "vbmc/instance/hooks.h"
#include "vbmc/instance/internal.h"
#include "vbmc/net/interface.h"
#include "vbmc/rmcp/server.h"

/* The machine's network is asked again for a BMC when it listens, when the configuration is read,
 * and after a while. */
#define FACTS_LAST_MS 30000
#define VIEW_LASTS_MS 5000

#define MAC_LOCAL 0x02 /* administered locally, for one station */

/* A BMC that shares its address with others, or whose interface has no MAC, has one of its own: of
 * the UUID, so that it stays. */
static void make_mac(const struct instance *instance, uint8_t mac[6])
{
    memcpy(mac, instance->bmc.core.uuid.bytes + 10, 6);
    for (size_t i = 0; i < 6; i++)
        mac[i] ^= instance->bmc.core.uuid.bytes[i];
    mac[0] = MAC_LOCAL;
}

/* Of the view of all BMCs: a BMC listens anew, so addresses may have come. */
static bool is_outdated;

/* The view of all BMCs. */
static const struct interface_view *present_view(uint64_t now_ms)
{
    static struct interface_view view;
    static uint64_t taken_ms;

    if (is_outdated || taken_ms == 0 || now_ms - taken_ms >= VIEW_LASTS_MS) {
        interface_view_clear(&view);
        interface_view_take(&view);
        taken_ms = now_ms;
        is_outdated = false;
    }
    return &view;
}

void instance_forget_network(struct instance *instance)
{
    instance->facts_ms = 0;
    is_outdated = true;
}

static const struct interface_facts *facts_of(struct instance *instance)
{
    uint64_t now = instance_now_ms();

    if (instance->facts_ms == 0 || now - instance->facts_ms >= FACTS_LAST_MS) {
        interface_look(present_view(now), &instance->address, &instance->facts);
        instance->facts_ms = now;
    }
    return &instance->facts;
}

static void look(void *context, struct lan_network *network)
{
    static const uint8_t nothing[16];
    struct instance *instance = context;
    const struct interface_facts facts = *facts_of(instance);
    uint16_t port = endpoint_address_port(&instance->address);

    network->has_v4 = memcmp(facts.address, nothing, sizeof facts.address) != 0;
    network->has_v6 = memcmp(facts.ipv6, nothing, sizeof facts.ipv6) != 0;
    memcpy(network->ip, facts.address, sizeof network->ip);
    memcpy(network->mask, facts.mask, sizeof network->mask);
    memcpy(network->gateway, facts.gateway, sizeof network->gateway);
    memcpy(network->ipv6, facts.ipv6, sizeof network->ipv6);
    network->ipv6_prefix = facts.ipv6_prefix;
    memcpy(network->ipv6_gateway, facts.ipv6_gateway, sizeof network->ipv6_gateway);
    memcpy(network->mac, facts.mac, sizeof network->mac);
    if (port != LAN_PORT_DEFAULT || memcmp(facts.mac, nothing, sizeof facts.mac) == 0)
        make_mac(instance, network->mac);
    if (port != 0)
        network->port = port;
}

/* The counters stop at FFFFh (section 23.4). */
static uint16_t capped(uint64_t now, uint64_t cleared)
{
    return now - cleared < UINT16_MAX ? (uint16_t)(now - cleared) : UINT16_MAX;
}

static struct instance_datagrams count(const struct instance *instance)
{
    const struct rmcp_counters *counters = rmcp_server_counters(instance->rmcp);
    uint64_t foreign = counters->dropped[RMCP_DROP_CLASS] + counters->dropped[RMCP_DROP_MALFORMED];

    return (struct instance_datagrams){counters->received, counters->sent,
                                       counters->received - foreign};
}

static void statistics(void *context, struct lan_statistics *statistics)
{
    const struct instance *instance = context;
    const struct instance_datagrams *cleared = &instance->datagrams_cleared;
    const struct instance_datagrams datagrams = count(instance);

    statistics->received = capped(datagrams.received, cleared->received);
    statistics->sent = capped(datagrams.sent, cleared->sent);
    statistics->valid = capped(datagrams.valid, cleared->valid);
}

static void clear_statistics(void *context)
{
    struct instance *instance = context;

    instance->datagrams_cleared = count(instance);
}

const struct lan_ops instance_lan_ops = {
    .network = look,
    .statistics = statistics,
    .clear_statistics = clear_statistics,
};
