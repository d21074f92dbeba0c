#include "vbmc/alert/pet.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/sel.h"

#define TRAP_SOURCE_IPMI       0x20
#define UNSPECIFIED_UTC_OFFSET 0xffff
#define EVENT_DATA_SIZE        8
#define LANGUAGE_ENGLISH       0x19
#define TEXT_LATIN1            0xc0 /* type of a field, with its length (FRU specification) */
#define NO_MORE_FIELDS         0xc1
#define TEXT_MAX               61 /* so that the fields are no longer than 64 bytes */

/* Sensor type, event type, direction, offset. */
static uint32_t specific_trap(const uint8_t *record)
{
    uint8_t event_type = record[SEL_RECORD_EVENT_TYPE];

    return (uint32_t)record[SEL_RECORD_SENSOR_TYPE] << 16 |
           (uint32_t)(event_type & ~SEL_DEASSERTION) << 8 | (event_type & SEL_DEASSERTION) |
           (record[SEL_RECORD_DATA] & 0x0f);
}

/* A field of one byte would be taken for the end: it gets a space. */
static void put_text(struct wire_out *out, const char *text)
{
    size_t length = strnlen(text, TEXT_MAX);

    if (length == 0)
        return;
    wire_put_u8(out, (uint8_t)(TEXT_LATIN1 | (length > 1 ? length : 2)));
    wire_put_bytes(out, (const uint8_t *)text, length);
    if (length == 1)
        wire_put_u8(out, ' ');
}

/* Unlike those of IPMI, numbers of several bytes begin with the greatest. */
static void put_bindings(struct wire_out *out, const struct pet *pet, const struct alert *alert)
{
    const uint8_t *record = alert->record;

    wire_put_bytes(out, pet->guid, sizeof pet->guid);
    wire_put_u16_be(out, alert->sequence);
    wire_put_u32_be(out, alert_time(alert));
    wire_put_u16_be(out, pet->utc_offset_min == SEL_UTC_OFFSET_UNKNOWN
                             ? UNSPECIFIED_UTC_OFFSET
                             : (uint16_t)pet->utc_offset_min);
    wire_put_u8(out, TRAP_SOURCE_IPMI);
    wire_put_u8(out, ALERT_SOURCE_IPMI);
    wire_put_u8(out, alert->severity);
    wire_put_u8(out, record[SEL_RECORD_GENERATOR]);
    wire_put_u8(out, record[SEL_RECORD_SENSOR_NUMBER]);
    wire_put_u8(out, pet->entity);
    wire_put_u8(out, pet->entity_instance);
    wire_put_bytes(out, record + SEL_RECORD_DATA, 3);
    wire_put_zeros(out, EVENT_DATA_SIZE - 3);
    wire_put_u8(out, LANGUAGE_ENGLISH);
    wire_put_u32_be(out, pet->manufacturer);
    wire_put_u16_be(out, pet->product);
    put_text(out, alert->text);
    wire_put_u8(out, NO_MORE_FIELDS);
}

int pet_encode(const struct pet *pet, const struct alert *alert, uint8_t bytes[TRAP_SIZE_MAX])
{
    static const unsigned long enterprise[] = {1, 3, 6, 1, 4, 1, 3183, 1, 1};
    static const unsigned long variable[] = {1, 3, 6, 1, 4, 1, 3183, 1, 1, 1};
    uint8_t bindings[TRAP_VALUE_MAX];
    struct wire_out out = wire_out_init(bindings, sizeof bindings);

    put_bindings(&out, pet, alert);
    const struct trap trap = {
        .community = pet->community,
        .enterprise = enterprise,
        .enterprise_length = ARRAY_SIZE(enterprise),
        .agent = {pet->agent[0], pet->agent[1], pet->agent[2], pet->agent[3]},
        .specific = specific_trap(alert->record),
        .time_cs = pet->time_cs,
        .variable = variable,
        .variable_length = ARRAY_SIZE(variable),
        .value = bindings,
        .value_size = out.pos,
    };
    return trap_encode(&trap, bytes);
}
