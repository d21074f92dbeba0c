#include "sol/solparams.h"

#include <assert.h>
#include <string.h>

#include "vbmc/base/array.h"

enum {
    FORCE_ENCRYPTION = 0x80,
    FORCE_AUTHENTICATION = 0x40,
    PRIVILEGE_MASK = 0x0f,
    SET_COMPLETE = 0,
    SET_IN_PROGRESS = 1,
    COMMIT_WRITE = 2,
    ACCUMULATE_UNIT_MS = 5,
    RETRY_UNIT_MS = 10,
};

/* What a byte may be: any bit outside `used` is reserved; the low bits (`value`) are a number from
 * min to max, with `holes` (a bit per number) left out. */
struct byte_rule {
    uint8_t used;
    uint8_t value;
    uint8_t min;
    uint8_t max;
    uint16_t holes;
};

enum access {
    READ_WRITE,
    READ_ONLY,
    FIXED, /* writing what it is already is no error: bmc-config commits whole files */
};

struct parameter {
    size_t offset;
    size_t size;
    enum access access;
    struct byte_rule rules[SOLPARAMS_DATA_MAX];
};

#define FIELD(name) offsetof(struct solparams, name), sizeof((struct solparams *)0)->name
#define ANY                                                                                        \
    {                                                                                              \
        0xff, 0xff, 0, 0xff, 0                                                                     \
    }
#define BIT_RATE                                                                                   \
    {                                                                                              \
        0x0f, 0x0f, 0, 0x0a, 0x003e                                                                \
    } /* 0 as the serial port, 6..A */

static const struct parameter parameters[] = {
    [SOLPARAMS_SET_IN_PROGRESS] = {FIELD(set_in_progress),
                                   READ_WRITE,
                                   {{0x03, 0x03, 0, COMMIT_WRITE, 0}}},
    [SOLPARAMS_ENABLE] = {FIELD(enable), READ_WRITE, {{0x01, 0x01, 0, 1, 0}}},
    [SOLPARAMS_AUTHENTICATION] = {FIELD(authentication),
                                  READ_WRITE,
                                  {{FORCE_ENCRYPTION | FORCE_AUTHENTICATION | PRIVILEGE_MASK,
                                    PRIVILEGE_MASK, 2, 5, 0}}},
    [SOLPARAMS_ACCUMULATE] = {FIELD(accumulate), READ_WRITE, {{0xff, 0xff, 1, 0xff, 0}, ANY}},
    [SOLPARAMS_RETRY] = {FIELD(retry), READ_WRITE, {{0x07, 0x07, 0, 7, 0}, ANY}},
    [SOLPARAMS_BIT_RATE] = {FIELD(bit_rate), READ_WRITE, {BIT_RATE}},
    [SOLPARAMS_VOLATILE_BIT_RATE] = {FIELD(volatile_bit_rate), READ_WRITE, {BIT_RATE}},
    [SOLPARAMS_PAYLOAD_CHANNEL] = {FIELD(payload_channel), READ_ONLY, {{0x0f, 0x0f, 0, 0x0f, 0}}},
    [SOLPARAMS_PAYLOAD_PORT] = {FIELD(payload_port), FIXED, {ANY, ANY}},
};

static_assert(ARRAY_SIZE(parameters) == SOLPARAMS_COUNT, "a row for every parameter");

static uint8_t *field(struct solparams *params, const struct parameter *parameter)
{
    return (uint8_t *)params + parameter->offset;
}

static const uint8_t *const_field(const struct solparams *params, const struct parameter *parameter)
{
    return (const uint8_t *)params + parameter->offset;
}

static enum solparams_code check_byte(const struct byte_rule *rule, uint8_t byte)
{
    uint8_t value = byte & rule->value;

    if (byte & ~rule->used)
        return SOLPARAMS_INVALID_FIELD;
    if (value < rule->min || value > rule->max)
        return SOLPARAMS_OUT_OF_RANGE;
    if (value < 16 && rule->holes >> value & 1)
        return SOLPARAMS_OUT_OF_RANGE;
    return SOLPARAMS_OK;
}

static enum solparams_code check(const struct parameter *parameter, const uint8_t *data)
{
    enum solparams_code code = SOLPARAMS_OK;

    for (size_t i = 0; i < parameter->size && code == SOLPARAMS_OK; i++)
        code = check_byte(&parameter->rules[i], data[i]);
    return code;
}

void solparams_init(struct solparams *params, uint8_t channel, uint16_t port)
{
    *params = (struct solparams){
        .enable = 1,
        .authentication = FORCE_ENCRYPTION | FORCE_AUTHENTICATION | 2,
        .accumulate = {0x0c, 0x60},
        .retry = {0x07, 0x32},
        .bit_rate = 0x0a,
        .volatile_bit_rate = 0x0a,
        .payload_channel = channel & 0x0f,
        .payload_port = {(uint8_t)port, (uint8_t)(port >> 8)},
    };
}

bool solparams_is_valid(const struct solparams *params)
{
    for (size_t i = 0; i < SOLPARAMS_COUNT; i++)
        if (check(&parameters[i], const_field(params, &parameters[i])) != SOLPARAMS_OK)
            return false;
    return params->set_in_progress != COMMIT_WRITE;
}

enum solparams_code solparams_set(struct solparams *params, uint8_t number, const uint8_t *data,
                                  size_t size)
{
    if (number >= SOLPARAMS_COUNT)
        return SOLPARAMS_UNSUPPORTED;
    const struct parameter *parameter = &parameters[number];
    if (parameter->access == READ_ONLY)
        return SOLPARAMS_READ_ONLY;
    if (size != parameter->size)
        return SOLPARAMS_LENGTH_INVALID;
    enum solparams_code code = check(parameter, data);
    if (code != SOLPARAMS_OK)
        return code;
    if (parameter->access == FIXED)
        return memcmp(const_field(params, parameter), data, size) == 0 ? SOLPARAMS_OK
                                                                       : SOLPARAMS_READ_ONLY;
    if (number != SOLPARAMS_SET_IN_PROGRESS) {
        memcpy(field(params, parameter), data, size);
        return SOLPARAMS_OK;
    }
    if (data[0] == SET_IN_PROGRESS && params->set_in_progress != SET_COMPLETE)
        return SOLPARAMS_BEING_SET;
    if (data[0] != COMMIT_WRITE) /* every parameter is in force as soon as it is set */
        params->set_in_progress = data[0];
    return SOLPARAMS_OK;
}

enum solparams_code solparams_get(const struct solparams *params, uint8_t number, uint8_t set,
                                  uint8_t block, uint8_t *data, size_t *size)
{
    *size = 0;
    if (number >= SOLPARAMS_COUNT)
        return SOLPARAMS_UNSUPPORTED;
    if (set != 0 || block != 0)
        return SOLPARAMS_OUT_OF_RANGE;
    *size = parameters[number].size;
    memcpy(data, const_field(params, &parameters[number]), *size);
    return SOLPARAMS_OK;
}

bool solparams_is_enabled(const struct solparams *params)
{
    return params->enable & 1;
}

bool solparams_force_encryption(const struct solparams *params)
{
    return params->authentication & FORCE_ENCRYPTION;
}

bool solparams_force_authentication(const struct solparams *params)
{
    return params->authentication & FORCE_AUTHENTICATION;
}

uint8_t solparams_privilege(const struct solparams *params)
{
    return params->authentication & PRIVILEGE_MASK;
}

struct solproto_timing solparams_timing(const struct solparams *params)
{
    return (struct solproto_timing){
        .accumulate_ms = params->accumulate[0] * ACCUMULATE_UNIT_MS,
        .send_threshold = params->accumulate[1],
        .retry_count = params->retry[0],
        .retry_ms = params->retry[1] * RETRY_UNIT_MS,
    };
}
