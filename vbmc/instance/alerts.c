#include "vbmc/instance/alerts.h"

#include <errno.h>
#include <string.h>

#include "vbmc/alert/pet.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/instance/hooks.h"
#include "vbmc/instance/internal.h"
#include "vbmc/net/udp.h"

#define TRAP_PORT  162 /* RFC 1157, section 4 */
#define PRODUCT_ID 0x0001

static union endpoint_address address_of(const struct lan_destination *to)
{
    union endpoint_address address = {.any.sa_family = AF_INET};

    if (to->has_v6) {
        address.in6.sin6_family = AF_INET6;
        memcpy(&address.in6.sin6_addr, to->ip, 16);
    } else {
        memcpy(&address.in.sin_addr, to->ip, 4);
    }
    endpoint_address_set_port(&address, TRAP_PORT);
    return address;
}

/* The address as a socket of that family has it: an IPv4 one is mapped into IPv6. Its family is
 * unspecified if there is no such thing. */
static union endpoint_address fit(const union endpoint_address *address, sa_family_t family)
{
    union endpoint_address fitted = {.any.sa_family = AF_UNSPEC};
    const uint8_t *v4 = endpoint_address_v4(address);

    if (address->any.sa_family == family)
        return *address;
    if (!v4)
        return fitted;
    fitted.any.sa_family = family;
    if (family == AF_INET6) {
        fitted.in6.sin6_addr.s6_addr[10] = fitted.in6.sin6_addr.s6_addr[11] = 0xff;
        memcpy(fitted.in6.sin6_addr.s6_addr + 12, v4, 4);
    } else {
        memcpy(&fitted.in.sin_addr, v4, 4);
    }
    endpoint_address_set_port(&fitted, endpoint_address_port(address));
    return fitted;
}

static void fill_pet(const struct instance *instance, const struct alert *alert, struct pet *pet)
{
    const struct bmc *bmc = &instance->bmc;
    const struct pef_settings *settings = pef_settings(&bmc->pef);
    struct sensor_view sensor;
    struct lan_network network = {.has_v4 = false};

    *pet = (struct pet){
        .time_cs = (uint32_t)((instance_now_ms() - instance->came_up_ms) / 10),
        .utc_offset_min = bmc->sel ? sel_state(bmc->sel)->utc_offset_min : SEL_UTC_OFFSET_UNKNOWN,
        .manufacturer = bmc->manufacturer,
        .product = PRODUCT_ID,
    };
    memcpy(pet->guid, settings->uses_guid ? settings->guid : bmc->guid, sizeof pet->guid);
    if (bmc->lan.ops)
        bmc->lan.ops->network(bmc->lan.ops_context, &network);
    if (network.has_v4)
        memcpy(pet->agent, network.ip, sizeof pet->agent);
    if (bmc->sensors && alert->record[SEL_RECORD_GENERATOR] == SEL_GENERATOR_BMC &&
        sensors_view(bmc->sensors, alert->record[SEL_RECORD_SENSOR_NUMBER], &sensor) == 0) {
        pet->entity = sensor.entity;
        pet->entity_instance = sensor.entity_instance;
    }
}

static int send_alert(void *context, const struct lan_destination *to, const struct alert *alert)
{
    const struct instance *instance = context;
    const union endpoint_address address = address_of(to);
    struct endpoint endpoint = {.local = {.any = {.sa_family = AF_UNSPEC}}};
    char community[LAN_COMMUNITY_SIZE + 1];
    uint8_t bytes[TRAP_SIZE_MAX];
    struct pet pet;

    if (!instance->socket) /* a BMC that is stopped waits for none */
        return instance->record.active ? -ENOTCONN : -ENETDOWN;
    sa_family_t family = udp_socket_family(instance->socket);
    endpoint.remote = fit(&address, family);
    if (!instance->owns_socket) /* which has the addresses of many */
        endpoint.local = fit(&instance->address, family);
    if (endpoint.remote.any.sa_family == AF_UNSPEC)
        return -EAFNOSUPPORT;
    fill_pet(instance, alert, &pet);
    lan_community(&instance->bmc.lan, community);
    pet.community = community;
    int length = pet_encode(&pet, alert, bytes);
    if (length < 0)
        return length;
    return udp_socket_send_now(instance->socket, &endpoint, bytes, (size_t)length);
}

static const struct alerts_ops alerts_ops = {.send = send_alert};

void instance_connect_alerts(struct instance *instance)
{
    instance->came_up_ms = instance_now_ms();
    alerts_set_ops(&instance->bmc.alerts, &alerts_ops, instance);
}
