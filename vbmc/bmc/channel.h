/* The LAN channel of a BMC: who may come in and how. */
#ifndef VBMC_BMC_CHANNEL_H
#define VBMC_BMC_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/privilege.h"

#define CHANNEL_LAN              0x01
#define CHANNEL_THIS             0x0e /* "the channel this message came by" */
#define CHANNEL_SYSTEM_INTERFACE 0x0f

#define CHANNEL_KG_SIZE     20
#define CHANNEL_SUITES_MAX  16
#define CHANNEL_LIMITED     16 /* suites 0 to 15 can have a privilege limit of their own */
#define CHANNEL_AUTH_LEVELS 5  /* callback, user, operator, administrator, OEM */

/* Bits of authentication types (section 22.13). */
#define CHANNEL_AUTH_MD5      0x04
#define CHANNEL_AUTH_PASSWORD 0x10

struct channel {
    enum privilege limit;
    bool has_kg;
    const uint8_t *kg; /* the channel key Kg, CHANNEL_KG_SIZE bytes, zero padded; borrowed. Zeros,
                          or NULL, if has_kg is false */
    uint8_t suites[CHANNEL_SUITES_MAX]; /* cipher suite ids this BMC takes */
    uint8_t suite_count;
    uint8_t authentication_types; /* that IPMI 1.5 may use: CHANNEL_AUTH_*; 0: no IPMI 1.5 */
    /* What clients have set of it (lan.h); not part of the configuration. */
    bool is_closed; /* takes no log-in now: disabled, or pre-boot only while the guest is on */
    bool alerting_off;
    bool per_message_off;                  /* IPMI 1.5: no authentication code behind the log-in */
    bool user_level_off;                   /* IPMI 1.5: none for what a user may do */
    uint8_t suite_limits[CHANNEL_LIMITED]; /* enum privilege; 0: the channel's; NO_ACCESS: unused */
    uint8_t authentication_off[CHANNEL_AUTH_LEVELS]; /* of authentication_types, by level - 1 */
};

/* Administrator limit, no Kg, cipher suites 3 and 17, no IPMI 1.5; open. */
void channel_set_defaults(struct channel *channel);
bool channel_has_suite(const struct channel *channel, uint8_t suite);
/* The highest level that a session by that suite may have: the channel's limit, or the suite's own
 * if that is lower (section 23.2, parameter 24). PRIVILEGE_NO_ACCESS: nobody may use the suite. */
enum privilege channel_suite_limit(const struct channel *channel, uint8_t suite);

/* The authentication types, CHANNEL_AUTH_*, by which IPMI 1.5 may log in at that level. */
uint8_t channel_authentication_types(const struct channel *channel, enum privilege level);

#endif
