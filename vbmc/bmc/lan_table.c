#include "vbmc/bmc/lan_table.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/lan_values.h"
#include "vbmc/bmc/privilege.h"

/* ---- facts ---- */

static struct lan_network network_of(const struct lan *lan)
{
    struct lan_network network = {.port = LAN_PORT_DEFAULT};

    if (lan->ops)
        lan->ops->network(lan->ops_context, &network);
    return network;
}

static int get_types(const struct lan *lan, const struct lan_values *values, uint8_t set,
                     uint8_t *data, size_t *size)
{
    (void)values, (void)set, (void)size;
    data[0] = lan->channel->authentication_types;
    return 0;
}

static int get_enables(const struct lan *lan, const struct lan_values *values, uint8_t set,
                       uint8_t *data, size_t *size)
{
    (void)set;
    for (size_t i = 0; i < *size; i++)
        data[i] = values->authentication_enables[i] & lan->channel->authentication_types;
    return 0;
}

static int get_ip(const struct lan *lan, const struct lan_values *values, uint8_t set,
                  uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set;
    memcpy(data, network.ip, *size);
    return 0;
}

static int get_source(const struct lan *lan, const struct lan_values *values, uint8_t set,
                      uint8_t *data, size_t *size)
{
    (void)lan, (void)values, (void)set, (void)size;
    data[0] = lan_defaults.source;
    return 0;
}

static int get_mac(const struct lan *lan, const struct lan_values *values, uint8_t set,
                   uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set;
    memcpy(data, network.mac, *size);
    return 0;
}

static int get_mask(const struct lan *lan, const struct lan_values *values, uint8_t set,
                    uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set;
    memcpy(data, network.mask, *size);
    return 0;
}

static int get_port(const struct lan *lan, const struct lan_values *values, uint8_t set,
                    uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set, (void)size;
    data[0] = (uint8_t)network.port;
    data[1] = (uint8_t)(network.port >> 8);
    return 0;
}

static int get_gateway(const struct lan *lan, const struct lan_values *values, uint8_t set,
                       uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set;
    memcpy(data, network.gateway, *size);
    return 0;
}

static int get_nothing(const struct lan *lan, const struct lan_values *values, uint8_t set,
                       uint8_t *data, size_t *size)
{
    (void)lan, (void)values, (void)set;
    memset(data, 0, *size);
    return 0;
}

/* All destinations but the volatile one, 0. */
static int get_destination_count(const struct lan *lan, const struct lan_values *values,
                                 uint8_t set, uint8_t *data, size_t *size)
{
    (void)lan, (void)values, (void)set, (void)size;
    data[0] = LAN_DESTINATIONS - 1;
    return 0;
}

static size_t address_size(const uint8_t *data)
{
    return data[0] >> 4 == 1 ? LAN_ADDRESS_V6_SIZE : LAN_ADDRESS_V4_SIZE;
}

static int get_destination(const struct lan *lan, const struct lan_values *values, uint8_t set,
                           uint8_t *data, size_t *size)
{
    (void)lan;
    memcpy(data, values->destination_addresses[set], *size);
    *size = address_size(data);
    return 0;
}

static int get_suite_count(const struct lan *lan, const struct lan_values *values, uint8_t set,
                           uint8_t *data, size_t *size)
{
    (void)values, (void)set, (void)size;
    data[0] = lan->channel->suite_count;
    return 0;
}

/* By number, as Get Channel Cipher Suites has them. */
static int get_suites(const struct lan *lan, const struct lan_values *values, uint8_t set,
                      uint8_t *data, size_t *size)
{
    size_t used = 0;

    (void)values, (void)set;
    memset(data, 0, *size);
    for (unsigned suite = 0; suite <= UINT8_MAX && used + 1 < *size; suite++) {
        if (channel_has_suite(lan->channel, (uint8_t)suite))
            data[++used] = (uint8_t)suite;
    }
    return 0;
}

/* The N-th nibble is that of suite N: so ipmitool and FreeIPMI read the table, which has no room
 * for suites 16 and 17. A suite that is not offered is unused unless a client says otherwise. */
static int get_suite_limits(const struct lan *lan, const struct lan_values *values, uint8_t set,
                            uint8_t *data, size_t *size)
{
    (void)set;
    memset(data, 0, *size);
    for (uint8_t suite = 0; suite < CHANNEL_LIMITED; suite++) {
        uint8_t limit = lan_suite_nibble(values->suite_limits + 1, suite);
        if (limit == LAN_SUITE_AS_DEFAULT)
            limit = channel_has_suite(lan->channel, suite) ? PRIVILEGE_ADMINISTRATOR : 0;
        data[1 + suite / 2] |= (uint8_t)(suite % 2 ? limit << 4 : limit);
    }
    return 0;
}

/* The bits of IPv6/IPv4 support are [2] alerts by IPv6, [1] both at once, [0] IPv6 only. */
static int get_v6_support(const struct lan *lan, const struct lan_values *values, uint8_t set,
                          uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set, (void)size;
    data[0] = !network.has_v6 ? 0x00 : network.has_v4 ? 0x06 : 0x05;
    return 0;
}

/* IPv6/IPv4 addressing enables: 0 IPv4 only, 1 IPv6 only, 2 both; as the BMC answers. */
static int get_v6_enables(const struct lan *lan, const struct lan_values *values, uint8_t set,
                          uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set, (void)size;
    data[0] = !network.has_v6 ? 0x00 : network.has_v4 ? 0x02 : 0x01;
    return 0;
}

/* How many static and dynamic addresses there can be; neither SLAAC nor DHCPv6. */
static int get_v6_status(const struct lan *lan, const struct lan_values *values, uint8_t set,
                         uint8_t *data, size_t *size)
{
    (void)lan, (void)values, (void)set;
    memset(data, 0, *size);
    data[0] = 1;
    return 0;
}

static int get_v6_address(const struct lan *lan, const struct lan_values *values, uint8_t set,
                          uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set;
    memset(data, 0, *size);
    data[0] = 0x80; /* enabled, static */
    memcpy(data + 1, network.ipv6, sizeof network.ipv6);
    data[17] = network.ipv6_prefix;
    data[18] = 0x00; /* active */
    return 0;
}

/* Static routers are, dynamic ones (router advertisements) are not. */
static int get_router_control(const struct lan *lan, const struct lan_values *values, uint8_t set,
                              uint8_t *data, size_t *size)
{
    (void)lan, (void)values, (void)set, (void)size;
    data[0] = 0x01;
    return 0;
}

/* Router 1 is the gateway of the default route, whose prefix is ::/0. */
static int get_v6_router(const struct lan *lan, const struct lan_values *values, uint8_t set,
                         uint8_t *data, size_t *size)
{
    const struct lan_network network = network_of(lan);

    (void)values, (void)set;
    memcpy(data, network.ipv6_gateway, *size);
    return 0;
}

/* ---- what may be written ---- */

static int check_enables(const struct lan *lan, const uint8_t *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (data[i] & ~lan->channel->authentication_types)
            return -EDOM;
    }
    return 0;
}

/* What is not supported now is enabled when it is. */
static void put_enables(const struct lan *lan, const uint8_t *data, size_t size, uint8_t *value)
{
    for (size_t i = 0; i < size; i++) {
        bool is_oem = i + 1 == PRIVILEGE_OEM;
        value[i] = data[i] | (is_oem ? 0x00 : (uint8_t)~lan->channel->authentication_types);
    }
}

static int check_source(const struct lan *lan, const uint8_t *data, size_t size)
{
    (void)lan, (void)size;
    return data[0] <= 4 ? 0 : -EDOM;
}

static int check_header(const struct lan *lan, const uint8_t *data, size_t size)
{
    (void)lan, (void)size;
    return data[1] & 0x1f || data[2] & 0x01 ? -EDOM : 0;
}

static int check_destination_type(const struct lan *lan, const uint8_t *data, size_t size)
{
    uint8_t type = data[0] & 0x07;

    (void)lan, (void)size;
    if (data[0] & 0x78 || data[2] & ~0x07)
        return -EDOM;
    return type == LAN_DESTINATION_TRAP || type >= LAN_DESTINATION_OEM1 ? 0 : -EDOM;
}

static int check_destination(const struct lan *lan, const uint8_t *data, size_t size)
{
    bool is_v6 = data[0] >> 4 == 1;

    (void)lan;
    if (data[0] & 0x0f || data[0] >> 4 > 1)
        return -EDOM;
    if (size != address_size(data))
        return -EMSGSIZE;
    return !is_v6 && data[1] & ~0x01 ? -EDOM : 0;
}

static int check_destination_vlan(const struct lan *lan, const uint8_t *data, size_t size)
{
    (void)lan, (void)size;
    return data[0] & 0x0f || data[0] >> 4 > 1 ? -EDOM : 0;
}

/* Ids 0 and FFFh are no VLAN's. */
static int check_vlan(const struct lan *lan, const uint8_t *data, size_t size)
{
    unsigned id = data[0] | (data[1] & 0x0fu) << 8;

    (void)lan, (void)size;
    if (data[1] & 0x70)
        return -EDOM;
    return data[1] & 0x80 && (id == 0 || id == 0xfff) ? -EDOM : 0;
}

static int check_suite_limits(const struct lan *lan, const uint8_t *data, size_t size)
{
    (void)lan, (void)size;
    for (uint8_t suite = 0; suite < CHANNEL_LIMITED; suite++) {
        if (lan_suite_nibble(data + 1, suite) > PRIVILEGE_OEM)
            return -EDOM;
    }
    return data[0] ? -EDOM : 0;
}

/* What is not offered now is offered without a limit when it is. */
static void put_suite_limits(const struct lan *lan, const uint8_t *data, size_t size,
                             uint8_t *value)
{
    memcpy(value, data, size);
    for (uint8_t suite = 0; suite < CHANNEL_LIMITED; suite++) {
        if (lan_suite_nibble(data + 1, suite) == 0 && !channel_has_suite(lan->channel, suite))
            value[1 + suite / 2] |= suite % 2 ? 0xf0 : 0x0f;
    }
}

#define SIZE(member) sizeof(((struct lan_values *)0)->member)
#define OF(kind, member)                                                                           \
    .access = (kind), .size = SIZE(member), .offset = offsetof(struct lan_values, member)
#define WRITABLE(member) OF(LAN_WRITABLE, member)
#define ADDRESS(member)  OF(LAN_ADDRESS, member)
#define V6(kind, bytes)  .access = (kind), .size = (bytes), .needs_v6 = true
#define DESTINATIONS(member)                                                                       \
    .access = LAN_WRITABLE, .size = SIZE(destination_##member[0]), .sets = LAN_DESTINATIONS,       \
    .offset = offsetof(struct lan_values, destination_##member)

const struct lan_row lan_rows[] = {
    {.number = 1, .access = LAN_READ_ONLY, .size = 1, .get = get_types},
    {.number = 2,
     WRITABLE(authentication_enables),
     .get = get_enables,
     .check = check_enables,
     .put = put_enables},
    {.number = 3, ADDRESS(ip), .get = get_ip},
    {.number = 4, ADDRESS(source), .get = get_source, .check = check_source},
    {.number = 5, ADDRESS(mac), .get = get_mac},
    {.number = 6, ADDRESS(mask), .get = get_mask},
    {.number = 7, WRITABLE(header), .check = check_header},
    {.number = 8, .access = LAN_FIXED, .size = 2, .get = get_port},
    {.number = 10, WRITABLE(arp_control), .reserved = 0xfc},
    {.number = 11, WRITABLE(arp_interval)},
    {.number = 12, ADDRESS(gateway), .get = get_gateway},
    {.number = 13, ADDRESS(gateway_mac), .get = get_nothing},
    {.number = 14, ADDRESS(backup_gateway), .get = get_nothing},
    {.number = 15, ADDRESS(backup_gateway_mac), .get = get_nothing},
    {.number = 16, WRITABLE(community)},
    {.number = 17, .access = LAN_READ_ONLY, .size = 1, .get = get_destination_count},
    {.number = 18, DESTINATIONS(types), .check = check_destination_type},
    {.number = 19, DESTINATIONS(addresses), .get = get_destination, .check = check_destination},
    {.number = 20, ADDRESS(vlan), .get = get_nothing, .check = check_vlan},
    {.number = 21, WRITABLE(vlan_priority), .reserved = 0xf8},
    {.number = 22, .access = LAN_READ_ONLY, .size = 1, .get = get_suite_count},
    {.number = 23, .access = LAN_READ_ONLY, .size = 1 + CHANNEL_SUITES_MAX, .get = get_suites},
    {.number = 24,
     WRITABLE(suite_limits),
     .get = get_suite_limits,
     .check = check_suite_limits,
     .put = put_suite_limits},
    {.number = 25, DESTINATIONS(vlans), .check = check_destination_vlan},
    {.number = 26, WRITABLE(password_rule), .reserved = 0xfe},
    {.number = 50, .access = LAN_READ_ONLY, .size = 1, .get = get_v6_support},
    {.number = 51, .access = LAN_FIXED, .size = 1, .get = get_v6_enables},
    {.number = 55, V6(LAN_READ_ONLY, 3), .get = get_v6_status},
    {.number = 56, V6(LAN_FIXED, 19), .sets = 1, .get = get_v6_address},
    {.number = 62, V6(LAN_READ_ONLY, 1), .get = get_nothing}, /* no timing of DHCPv6 */
    {.number = 64, V6(LAN_FIXED, 1), .get = get_router_control},
    {.number = 65, V6(LAN_FIXED, 16), .get = get_v6_router},
    {.number = 66, V6(LAN_FIXED, 6), .get = get_nothing},
    {.number = 67, V6(LAN_FIXED, 1), .get = get_nothing},
    {.number = 68, V6(LAN_FIXED, 16), .get = get_nothing},
    {.number = 69, V6(LAN_FIXED, 16), .get = get_nothing}, /* there is no router 2 */
    {.number = 70, V6(LAN_FIXED, 6), .get = get_nothing},
    {.number = 71, V6(LAN_FIXED, 1), .get = get_nothing},
    {.number = 72, V6(LAN_FIXED, 16), .get = get_nothing},
    {.number = 73, V6(LAN_READ_ONLY, 1), .get = get_nothing}, /* no dynamic routers */
    {.number = 79, V6(LAN_READ_ONLY, 1), .get = get_nothing}, /* no timing of SLAAC */
};
const size_t lan_row_count = ARRAY_SIZE(lan_rows);

const struct lan_row *lan_find_row(const struct lan *lan, uint8_t number)
{
    for (size_t i = 0; i < lan_row_count; i++) {
        const struct lan_row *row = &lan_rows[i];
        if (row->number == number)
            return row->needs_v6 && !network_of(lan).has_v6 ? NULL : row;
    }
    return NULL;
}
