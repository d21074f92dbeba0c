/* The LAN configuration parameters (IPMI 2.0, section 23.2, table 23-4): one row for each. */
#ifndef VBMC_BMC_LAN_TABLE_H
#define VBMC_BMC_LAN_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lan;
struct lan_values;

enum lan_row_access {
    LAN_READ_ONLY,
    LAN_FIXED,   /* can be written with what it is */
    LAN_ADDRESS, /* the same, or with anything where the address is writable */
    LAN_WRITABLE,
};

struct lan_row {
    uint8_t number;
    enum lan_row_access access;
    uint8_t size;     /* without the set selector; at most */
    uint8_t sets;     /* 0: it has no set selector */
    bool needs_v6;    /* only a BMC that has an IPv6 address has it */
    uint8_t reserved; /* bits of the first byte that must be 0 */
    size_t offset;    /* in struct lan_values; of those that can be written */
    /* What is read where that is not simply the value: fills `data`, and may shorten *size.
     * -ERANGE: there is no such set. */
    int (*get)(const struct lan *lan, const struct lan_values *values, uint8_t set, uint8_t *data,
               size_t *size);
    /* 0, -EMSGSIZE, or -EDOM. NULL: all bytes of `size` are right. */
    int (*check)(const struct lan *lan, const uint8_t *data, size_t size);
    /* Writes the value where it is not simply what was sent. */
    void (*put)(const struct lan *lan, const uint8_t *data, size_t size, uint8_t *value);
};

extern const struct lan_row lan_rows[];
extern const size_t lan_row_count;

/* The row of a parameter that this BMC has; NULL: it has no such parameter. */
const struct lan_row *lan_find_row(const struct lan *lan, uint8_t number);

#endif
