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

struct channel {
    enum privilege limit;
    bool has_kg;
    uint8_t kg[CHANNEL_KG_SIZE]; /* the channel key Kg, zero padded; all zeros if has_kg is false */
    uint8_t suites[CHANNEL_SUITES_MAX]; /* cipher suite ids this BMC takes */
    uint8_t suite_count;
};

/* Administrator limit, no Kg, cipher suites 3 and 17. */
void channel_set_defaults(struct channel *channel);
bool channel_equal(const struct channel *a, const struct channel *b);
bool channel_has_suite(const struct channel *channel, uint8_t suite);

#endif
