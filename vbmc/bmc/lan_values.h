/* The LAN configuration parameters that can be changed, as bytes of the wire behind the parameter's
 * number and set selector (IPMI 2.0, section 23.2, table 23-4). */
#ifndef VBMC_BMC_LAN_VALUES_H
#define VBMC_BMC_LAN_VALUES_H

#include <stdint.h>

#include "vbmc/bmc/lan.h"

#define LAN_ADDRESS_V4_SIZE  12 /* of a destination: format, gateway, IP, MAC */
#define LAN_ADDRESS_V6_SIZE  17 /* format, IP */
#define LAN_SUITE_AS_DEFAULT 0x0f

struct lan_values {
    uint32_t own; /* bit N: clients have set parameter N; else the default holds */
    uint8_t authentication_enables[CHANNEL_AUTH_LEVELS];
    uint8_t ip[4], source, mac[6], mask[4];
    uint8_t header[3];
    uint8_t arp_control, arp_interval;
    uint8_t gateway[4], gateway_mac[6], backup_gateway[4], backup_gateway_mac[6];
    uint8_t community[LAN_COMMUNITY_SIZE];
    uint8_t destination_types[LAN_DESTINATIONS][3];
    uint8_t destination_addresses[LAN_DESTINATIONS][LAN_ADDRESS_V6_SIZE];
    uint8_t destination_vlans[LAN_DESTINATIONS][3];
    uint8_t vlan[2], vlan_priority;
    uint8_t
        suite_limits[1 + CHANNEL_LIMITED / 2]; /* 0; then nibbles, LAN_SUITE_AS_DEFAULT: not set */
    uint8_t password_rule[6];
};

extern const struct lan_values lan_defaults;

/* The privilege of suite 0 to 15 as parameter 24 has it; 0: unused. */
static inline uint8_t lan_suite_nibble(const uint8_t *nibbles, uint8_t suite)
{
    return suite % 2 ? nibbles[suite / 2] >> 4 : nibbles[suite / 2] & 0x0f;
}

#endif
