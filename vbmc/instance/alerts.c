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

#define GENERATOR_BMC        0x20
#define RECORD_GENERATOR     7
#define RECORD_SENSOR_NUMBER 11

/* To an IPv4 address by an IPv6 socket: it is mapped. */
static union endpoint_address remote_address(const struct lan_destination *to, sa_family_t socket)
{
    union endpoint_address address = {.any.sa_family = AF_UNSPEC};

    if (!to->has_v6 && socket == AF_INET) {
        address.in.sin_family = AF_INET;
        address.in.sin_port = htons(TRAP_PORT);
        memcpy(&address.in.sin_addr, to->ip, 4);
    } else if (socket == AF_INET6) {
        address.in6.sin6_family = AF_INET6;
        address.in6.sin6_port = htons(TRAP_PORT);
        if (to->has_v6) {
            memcpy(&address.in6.sin6_addr, to->ip, 16);
        } else {
            address.in6.sin6_addr.s6_addr[10] = address.in6.sin6_addr.s6_addr[11] = 0xff;
            memcpy(address.in6.sin6_addr.s6_addr + 12, to->ip, 4);
        }
    }
    return address;
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
    if (bmc->sensors && alert->record[RECORD_GENERATOR] == GENERATOR_BMC &&
        sensors_view(bmc->sensors, alert->record[RECORD_SENSOR_NUMBER], &sensor) == 0) {
        pet->entity = sensor.entity;
        pet->entity_instance = sensor.entity_instance;
    }
}

static int send_alert(void *context, const struct lan_destination *to, const struct alert *alert)
{
    const struct instance *instance = context;
    const struct endpoint endpoint = {.remote =
                                          remote_address(to, instance->address.any.sa_family)};
    char community[LAN_COMMUNITY_SIZE + 1];
    uint8_t bytes[TRAP_SIZE_MAX];
    struct pet pet;

    if (!instance->socket)
        return -ENOTCONN;
    if (endpoint.remote.any.sa_family == AF_UNSPEC)
        return -EAFNOSUPPORT;
    fill_pet(instance, alert, &pet);
    lan_community(&instance->bmc.lan, community);
    pet.community = community;
    int length = pet_encode(&pet, alert, bytes);
    if (length < 0)
        return length;
    udp_socket_send(instance->socket, &endpoint, bytes, (size_t)length);
    return 0;
}

static const struct alerts_ops alerts_ops = {.send = send_alert};

void instance_connect_alerts(struct instance *instance)
{
    instance->came_up_ms = instance_now_ms();
    alerts_set_ops(&instance->bmc.alerts, &alerts_ops, instance);
}
