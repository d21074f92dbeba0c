#include "vbmc/bmc/fru_fields.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include "vbmc/base/array.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/fru_image.h"

struct reading {
    const struct fru_device *device;
    const uint8_t *image;
    size_t size;
    fru_field_fn *callback;
    void *context;
};

/* Fields by their place (Platform Management FRU Information Storage Definition, chapters 10 to
 * 12); what comes behind them is custom. */
static const char *const chassis_fields[] = {"part number", "serial number"};
static const char *const board_fields[] = {"manufacturer", "product name", "serial number",
                                           "part number", "FRU file id"};
static const char *const product_fields[] = {
    [FRU_PRODUCT_MANUFACTURER] = "manufacturer", [FRU_PRODUCT_NAME] = "product name",
    [FRU_PRODUCT_PART] = "part number",          [FRU_PRODUCT_VERSION] = "version",
    [FRU_PRODUCT_SERIAL] = "serial number",      [FRU_PRODUCT_ASSET_TAG] = "asset tag",
    [FRU_PRODUCT_FILE_ID] = "FRU file id",
};

static void tell(const struct reading *reading, const char *area, const char *field,
                 const char *text)
{
    if (text[0])
        reading->callback(reading->context, reading->device, area, field, text);
}

__attribute__((format(printf, 4, 5))) static void tell_format(const struct reading *reading,
                                                              const char *area, const char *field,
                                                              const char *format, ...)
{
    char text[64];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    tell(reading, area, field, text);
}

static void tell_fields(const struct reading *reading, const char *area, struct wire_in *in,
                        bool english, const char *const *names, size_t count)
{
    struct fru_field field;
    int result;

    for (size_t i = 0; (result = fru_field_next(in, &field)) == 0; i++) {
        char text[FRU_UTF8_SIZE], custom[16];
        fru_field_text(&field, english, text);
        snprintf(custom, sizeof custom, "custom %zu", i - count + 1);
        tell(reading, area, i < count ? names[i] : custom, text);
    }
    if (result == -EINVAL)
        tell(reading, area, "error", "no end mark");
}

/* False if there is nothing to read; says so where there ought to be. */
static bool open_area(const struct reading *reading, const char *name, enum fru_area area,
                      struct wire_in *in)
{
    int result = area == FRU_AREA_RECORDS ? fru_records_open(reading->image, reading->size, in)
                                          : fru_area_open(reading->image, reading->size, area, in);

    if (result == -EINVAL)
        tell(reading, name, "error", "length or checksum is wrong");
    return result == 0;
}

static void read_chassis(const struct reading *reading)
{
    struct wire_in in;

    if (!open_area(reading, "chassis", FRU_AREA_CHASSIS, &in))
        return;
    uint8_t type = wire_u8(&in);
    if (type == 0x17)
        tell(reading, "chassis", "type", "rack mount");
    else
        tell_format(reading, "chassis", "type", "%02xh", type);
    tell_fields(reading, "chassis", &in, true, chassis_fields, ARRAY_SIZE(chassis_fields));
}

/* Minutes since 1996 began; 0: unspecified (section 11). */
#define SECONDS_TO_1996 820454400

static void tell_date(const struct reading *reading, const uint8_t bytes[3])
{
    uint32_t minutes = bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16;
    time_t at = SECONDS_TO_1996 + (time_t)minutes * 60;
    struct tm parts;
    char text[32];

    if (minutes == 0 || !gmtime_r(&at, &parts))
        return;
    strftime(text, sizeof text, "%Y-%m-%d %H:%M UTC", &parts);
    tell(reading, "board", "manufacturing date", text);
}

static void read_board(const struct reading *reading)
{
    struct wire_in in;

    if (!open_area(reading, "board", FRU_AREA_BOARD, &in))
        return;
    bool english = fru_language_is_english(wire_u8(&in));
    uint8_t date[3];
    wire_copy(&in, date, sizeof date);
    tell_date(reading, date);
    tell_fields(reading, "board", &in, english, board_fields, ARRAY_SIZE(board_fields));
}

static void read_product(const struct reading *reading)
{
    struct wire_in in;

    if (!open_area(reading, "product", FRU_AREA_PRODUCT, &in))
        return;
    bool english = fru_language_is_english(wire_u8(&in));
    tell_fields(reading, "product", &in, english, product_fields, ARRAY_SIZE(product_fields));
}

/* ---- records (chapter 18); voltages in 10 mV ---- */

#define RECORD_POWER_SUPPLY      0x00
#define RECORD_DC_OUTPUT         0x01
#define RECORD_MANAGEMENT_ACCESS 0x03
#define ACCESS_SYSTEM_ID         0x07

static void tell_voltage_range(const struct reading *reading, const char *field, struct wire_in *in)
{
    unsigned low = wire_u16(in), high = wire_u16(in);

    if (high > 0 && !in->failed)
        tell_format(reading, "records", field, "%u to %u V", low / 100, high / 100);
}

static void read_power_supply(const struct reading *reading, struct wire_in *in)
{
    unsigned watts = wire_u16(in) & 0x0fff;

    wire_skip(in, 4); /* peak VA, inrush */
    if (!in->failed)
        tell_format(reading, "records", "capacity", "%u W", watts);
    tell_voltage_range(reading, "input voltage 1", in);
    tell_voltage_range(reading, "input voltage 2", in);
    unsigned low = wire_u8(in), high = wire_u8(in);
    if (!in->failed)
        tell_format(reading, "records", "input frequency", "%u to %u Hz", low, high);
}

static void read_dc_output(const struct reading *reading, struct wire_in *in)
{
    unsigned number = wire_u8(in) & 0x0f;
    double volts = (int16_t)wire_u16(in) / 100.0;
    char field[24];

    wire_skip(in, 8); /* deviations, ripple, minimum */
    double amperes = wire_u16(in) / 1000.0;
    snprintf(field, sizeof field, "DC output %u", number);
    if (!in->failed)
        tell_format(reading, "records", field, "%.2f V, %.1f A at most", volts, amperes);
}

/* A UUID in the order of SMBIOS: the first three groups are numbers, low byte first. */
static void read_management_access(const struct reading *reading, struct wire_in *in)
{
    static const uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t kind = wire_u8(in);
    const uint8_t *bytes = wire_bytes(in, sizeof order);
    struct uuid uuid;
    char text[UUID_TEXT_SIZE];

    if (kind != ACCESS_SYSTEM_ID || !bytes)
        return;
    for (size_t i = 0; i < sizeof order; i++)
        uuid.bytes[order[i]] = bytes[i];
    uuid_format(&uuid, text);
    tell(reading, "records", "system id", text);
}

static void read_records(const struct reading *reading)
{
    struct wire_in in, data;
    bool last = false;
    uint8_t type;

    if (!open_area(reading, "records", FRU_AREA_RECORDS, &in))
        return;
    while (!last) {
        if (fru_record_next(&in, &type, &last, &data) < 0) {
            tell(reading, "records", "error", "length or checksum is wrong");
            return;
        }
        if (type == RECORD_POWER_SUPPLY)
            read_power_supply(reading, &data);
        else if (type == RECORD_DC_OUTPUT)
            read_dc_output(reading, &data);
        else if (type == RECORD_MANAGEMENT_ACCESS)
            read_management_access(reading, &data);
    }
}

void fru_fields(const struct fru *fru, fru_field_fn *callback, void *context)
{
    struct fru_device device;

    for (unsigned id = 0; fru_next_device(fru, &id, &device) == 0;) {
        const struct reading reading = {
            .device = &device,
            .image = fru_image(fru, device.id),
            .size = fru_size(fru, device.id),
            .callback = callback,
            .context = context,
        };
        read_chassis(&reading);
        read_board(&reading);
        read_product(&reading);
        read_records(&reading);
    }
}
