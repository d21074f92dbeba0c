#include "vbmc/bmc/pef_filter.h"

#include <stddef.h>

#include "vbmc/base/array.h"

#define DATA_BYTES 3

/* The AND mask takes away what does not count. Of the rest, bits that are set in compare 1 have to
 * be as in compare 2, and of the others, if there are any, at least one. */
static bool data_matches(const uint8_t compare[3], uint8_t data)
{
    uint8_t exact = compare[1];
    uint8_t differs = (uint8_t)((data & compare[0]) ^ compare[2]);
    uint8_t other_equal = (uint8_t)(~differs & ~exact);

    return (differs & exact) == 0 && (exact == 0xff || other_equal != 0);
}

bool pef_filter_matches(const uint8_t filter[PEF_FILTER_SIZE],
                        const uint8_t record[SEL_RECORD_SIZE])
{
    static const struct {
        uint8_t in_filter, in_record;
    } bytes[] = {
        {PEF_FILTER_GENERATOR, SEL_RECORD_GENERATOR},
        {PEF_FILTER_GENERATOR + 1, SEL_RECORD_GENERATOR + 1},
        {PEF_FILTER_SENSOR_TYPE, SEL_RECORD_SENSOR_TYPE},
        {PEF_FILTER_SENSOR_NUMBER, SEL_RECORD_SENSOR_NUMBER},
        {PEF_FILTER_TRIGGER, SEL_RECORD_EVENT_TYPE},
    };
    const uint8_t *mask = filter + PEF_FILTER_OFFSET_MASK;
    unsigned offset = record[SEL_RECORD_DATA] & 0x0f;

    if (!(filter[PEF_FILTER_CONFIGURATION] & PEF_FILTER_ENABLED))
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(bytes); i++) {
        uint8_t wanted = filter[bytes[i].in_filter];
        if (wanted != PEF_FILTER_ANY && wanted != record[bytes[i].in_record])
            return false;
    }
    if (!((mask[0] | mask[1] << 8) & 1 << offset))
        return false;
    for (unsigned i = 0; i < DATA_BYTES; i++)
        if (!data_matches(filter + PEF_FILTER_DATA + 3 * i, record[SEL_RECORD_DATA + i]))
            return false;
    return true;
}
