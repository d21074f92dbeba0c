/* The SOL configuration parameters (IPMI 2.0, section 26.3, table 26-5) of one channel: what Set
 * and Get SOL Configuration Parameters (0C.21, 0C.22) read and write behind the channel byte. Plain
 * bytes as on the wire, so that they can be stored as they are. */
#ifndef SOL_SOLPARAMS_H
#define SOL_SOLPARAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sol/solproto.h"

enum {
    SOLPARAMS_REVISION = 0x11, /* first byte of the answer to Get */
    SOLPARAMS_DATA_MAX = 2,
};

enum solparams_parameter {
    SOLPARAMS_SET_IN_PROGRESS,
    SOLPARAMS_ENABLE,
    SOLPARAMS_AUTHENTICATION,
    SOLPARAMS_ACCUMULATE,
    SOLPARAMS_RETRY,
    SOLPARAMS_BIT_RATE,
    SOLPARAMS_VOLATILE_BIT_RATE,
    SOLPARAMS_PAYLOAD_CHANNEL,
    SOLPARAMS_PAYLOAD_PORT,
    SOLPARAMS_COUNT,
};

/* Completion codes of section 26.2 and the generic ones that these two commands give. */
enum solparams_code {
    SOLPARAMS_OK = 0x00,
    SOLPARAMS_UNSUPPORTED = 0x80,
    SOLPARAMS_BEING_SET = 0x81,
    SOLPARAMS_READ_ONLY = 0x82,
    SOLPARAMS_LENGTH_INVALID = 0xc7,
    SOLPARAMS_OUT_OF_RANGE = 0xc9,
    SOLPARAMS_INVALID_FIELD = 0xcc,
};

struct solparams {
    uint8_t set_in_progress; /* 0 complete, 1 in progress */
    uint8_t enable;
    uint8_t authentication; /* [7] force encryption [6] force authentication [3:0] privilege */
    uint8_t accumulate[2];  /* interval in 5 ms, send threshold in characters */
    uint8_t retry[2];       /* count, interval in 10 ms */
    uint8_t bit_rate;       /* non-volatile */
    uint8_t volatile_bit_rate;
    uint8_t payload_channel;
    uint8_t payload_port[2]; /* little endian */
};

/* Enabled, encryption and authentication forced, privilege user, 60 ms or 96 characters, 7 repeats
 * every 500 ms, 115200 bit/s. */
void solparams_init(struct solparams *params, uint8_t channel, uint16_t port);
/* Whether every parameter has a value that could have been set: for what comes from storage. */
bool solparams_is_valid(const struct solparams *params);

/* Sets one parameter from the bytes behind the parameter number; changes nothing unless it returns
 * SOLPARAMS_OK. The caller stores and applies it. */
enum solparams_code solparams_set(struct solparams *params, uint8_t parameter, const uint8_t *data,
                                  size_t size);
/* Gets one parameter, without the revision byte: up to SOLPARAMS_DATA_MAX bytes and their number.
 * The selectors are 0 for every parameter there is. */
enum solparams_code solparams_get(const struct solparams *params, uint8_t parameter, uint8_t set,
                                  uint8_t block, uint8_t *data, size_t *size);

bool solparams_is_enabled(const struct solparams *params);
bool solparams_force_encryption(const struct solparams *params);
bool solparams_force_authentication(const struct solparams *params);
/* The privilege level that activation needs, 2 user .. 5 OEM. */
uint8_t solparams_privilege(const struct solparams *params);
struct solproto_timing solparams_timing(const struct solparams *params);

#endif
