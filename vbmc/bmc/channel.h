/* The LAN channel of a BMC: who may come in and how. */
#ifndef VBMC_BMC_CHANNEL_H
#define VBMC_BMC_CHANNEL_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/privilege.h"

#define CHANNEL_LAN              0x01
#define CHANNEL_THIS             0x0e /* "the channel this message came by" */
#define CHANNEL_SYSTEM_INTERFACE 0x0f

#define CHANNEL_KG_SIZE    20
#define CHANNEL_SUITES_MAX 16

/* Bits of authentication types (section 22.13). */
#define CHANNEL_AUTH_MD5      0x04
#define CHANNEL_AUTH_PASSWORD 0x10

struct channel {
    enum privilege limit;
    bool has_kg;
    uint8_t kg[CHANNEL_KG_SIZE]; /* the channel key Kg, zero padded; all zeros if has_kg is false */
    uint8_t suites[CHANNEL_SUITES_MAX]; /* cipher suite ids this BMC takes */
    uint8_t suite_count;
    uint8_t authentication_types; /* that IPMI 1.5 may use: CHANNEL_AUTH_*; 0: no IPMI 1.5 */
    /* What clients have set of it; not part of the configuration. */
    bool per_message_off; /* IPMI 1.5: no authentication code behind the log-in */
    bool user_level_off;  /* IPMI 1.5: none for what a user may do */
};

/* Administrator limit, no Kg, cipher suites 3 and 17, no IPMI 1.5. */
void channel_set_defaults(struct channel *channel);
bool channel_equal(const struct channel *a, const struct channel *b);
bool channel_has_suite(const struct channel *channel, uint8_t suite);
/* The authentication types, CHANNEL_AUTH_*, by which IPMI 1.5 may log in at that level. */
uint8_t channel_authentication_types(const struct channel *channel, enum privilege level);

#endif
