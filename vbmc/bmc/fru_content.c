/* The server is what its firmware tells its system by SMBIOS: the texts of <sysinfo>, and where the
 * user set none, QEMU's machine type and the domain's UUID. Its manufacturing date stays
 * unspecified: nothing is known of one. */
#include "vbmc/bmc/fru_content.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "vbmc/base/uuid.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/fru_image.h"
#include "vbmc/host/host.h"

#define CHASSIS_RACK_MOUNT 0x17 /* SMBIOS, "System Enclosure or Chassis Types" */
#define LANGUAGE_ENGLISH   25
#define FILE_ID            "vbmc-1"
#define MANUFACTURER       "QEMU" /* as its SMBIOS tables have it */

static const struct host_smbios no_smbios;

static const struct host_smbios *smbios_of(const struct fru_facts *facts)
{
    return facts->hardware ? host_hardware_smbios(facts->hardware) : &no_smbios;
}

static const char *machine_of(const struct fru_facts *facts)
{
    return facts->hardware ? facts->hardware->machine : "";
}

/* The first of two texts that says something. */
static const char *first_of(const char *first, const char *second)
{
    return first[0] ? first : second;
}

static void put_chassis(struct fru_writer *writer, const struct fru_facts *facts, const char *uuid)
{
    const struct host_smbios *smbios = smbios_of(facts);

    fru_area_begin(writer, FRU_AREA_CHASSIS);
    wire_put_u8(&writer->out, CHASSIS_RACK_MOUNT);
    fru_put_text(writer, first_of(smbios->chassis_version, machine_of(facts)));
    fru_put_text(writer, first_of(smbios->chassis_serial, uuid));
    fru_area_end(writer);
}

static void put_board(struct fru_writer *writer, const struct fru_facts *facts, const char *uuid)
{
    const struct host_smbios *smbios = smbios_of(facts);

    fru_area_begin(writer, FRU_AREA_BOARD);
    wire_put_u8(&writer->out, LANGUAGE_ENGLISH);
    wire_put_zeros(&writer->out, 3); /* manufacturing date */
    fru_put_text(writer, first_of(smbios->board_manufacturer, MANUFACTURER));
    fru_put_text(writer, first_of(smbios->board_product, machine_of(facts)));
    fru_put_text(writer, first_of(smbios->board_serial, uuid));
    fru_put_text(writer, smbios->board_version);
    fru_put_text(writer, FILE_ID);
    fru_area_end(writer);
}

static void put_server(struct fru_writer *writer, const struct fru_facts *facts, const char *uuid,
                       const uint8_t *tag, size_t tag_length)
{
    const struct host_smbios *smbios = smbios_of(facts);
    const char *emulator = facts->hardware ? facts->hardware->emulator_version : "";

    fru_area_begin(writer, FRU_AREA_PRODUCT);
    wire_put_u8(&writer->out, LANGUAGE_ENGLISH);
    fru_put_text(writer, first_of(smbios->system_manufacturer, MANUFACTURER));
    fru_put_text(writer, first_of(smbios->system_product, machine_of(facts)));
    fru_put_text(writer, smbios->system_sku);
    fru_put_text(writer, first_of(smbios->system_version, emulator));
    fru_put_text(writer, first_of(smbios->system_serial, uuid));
    fru_put_latin1(writer, tag, tag_length);
    fru_put_text(writer, FILE_ID);
    if (facts->domain_name[0])
        fru_put_text(writer, facts->domain_name);
    fru_area_end(writer);
}

/* The server's UUID, as SMBIOS has it (section 18.4, sub-record 07h). It also keeps `ipmitool fru
 * edit` right, which takes an image without records for one whose records move too. */
#define RECORD_MANAGEMENT_ACCESS 0x03
#define ACCESS_SYSTEM_ID         0x07

static void put_system_id_record(struct fru_writer *writer, const struct uuid *uuid)
{
    static const uint8_t order[] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    uint8_t bytes[1 + sizeof order] = {ACCESS_SYSTEM_ID};

    for (size_t i = 0; i < sizeof order; i++)
        bytes[1 + i] = uuid->bytes[order[i]];
    fru_area_begin(writer, FRU_AREA_RECORDS);
    fru_put_record(writer, RECORD_MANAGEMENT_ACCESS, true, bytes, sizeof bytes);
}

void fru_make_server(const struct fru_facts *facts, const uint8_t *tag, size_t tag_length,
                     uint8_t *image)
{
    struct fru_writer writer;
    char uuid[UUID_TEXT_SIZE];

    uuid_format(facts->uuid, uuid);
    fru_write_begin(&writer, image, FRU_SERVER_SIZE);
    put_chassis(&writer, facts, uuid);
    put_board(&writer, facts, uuid);
    put_server(&writer, facts, uuid, tag, tag_length);
    put_system_id_record(&writer, facts->uuid);
    bool fits = fru_write_end(&writer);
    assert(fits);
    (void)fits;
}

/* ---- parts ---- */

struct part {
    const char *manufacturer;
    char name[48], number[32], serial[32];
};

/* Parts have no serial number of their own; the first group of the UUID tells whose they are. */
static void set_serial(struct part *part, const struct fru_facts *facts, const char *kind,
                       unsigned number)
{
    char uuid[UUID_TEXT_SIZE];

    uuid_format(facts->uuid, uuid);
    snprintf(part->serial, sizeof part->serial, "%.8s-%.8s%u", uuid, kind, number);
}

static void put_part(struct fru_writer *writer, const struct part *part)
{
    fru_area_begin(writer, FRU_AREA_PRODUCT);
    wire_put_u8(&writer->out, LANGUAGE_ENGLISH);
    fru_put_text(writer, part->manufacturer);
    fru_put_text(writer, part->name);
    fru_put_text(writer, part->number);
    fru_put_text(writer, ""); /* version */
    fru_put_text(writer, part->serial);
    fru_put_text(writer, ""); /* asset tag */
    fru_put_text(writer, FILE_ID);
    fru_area_end(writer);
}

/* Sections 18.1 and 18.2; voltages in 10 mV. What no model computes is as supplies of this kind
 * have it. */
#define RECORD_POWER_SUPPLY 0x00
#define RECORD_DC_OUTPUT    0x01
#define PSU_WATTS_MAX       0x0fff
#define PSU_FLAGS           0x0e /* power factor correction, autoswitch, hot swap */
#define MAIN_OUTPUT_VOLTS   12
#define MAIN_OUTPUT_MAX_MA  UINT16_MAX

static void put_power_supply_record(struct fru_writer *writer, unsigned watts, bool last)
{
    uint8_t bytes[24];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    wire_put_u16(&out, (uint16_t)watts);
    wire_put_u16(&out, (uint16_t)(watts * 10 / 9)); /* peak VA, at an efficiency of 90 % */
    wire_put_u8(&out, 30);                          /* inrush current, A */
    wire_put_u8(&out, 5);                           /* and for how many ms */
    wire_put_u16(&out, 10000);                      /* 100 to 127 V */
    wire_put_u16(&out, 12700);
    wire_put_u16(&out, 20000); /* 200 to 240 V */
    wire_put_u16(&out, 24000);
    wire_put_u8(&out, 47); /* Hz */
    wire_put_u8(&out, 63);
    wire_put_u8(&out, 12); /* drop-out tolerance, ms */
    wire_put_u8(&out, PSU_FLAGS);
    wire_put_u16(&out, (uint16_t)watts); /* peak; hold-up time 0 */
    wire_put_zeros(&out, 3);             /* no combined outputs */
    wire_put_u8(&out, 0);                /* no fan of its own */
    assert(!out.failed && out.pos == sizeof bytes);
    fru_put_record(writer, RECORD_POWER_SUPPLY, last, bytes, sizeof bytes);
}

static void put_dc_output_record(struct fru_writer *writer, uint16_t milliamperes)
{
    uint8_t bytes[13];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    wire_put_u8(&out, 1); /* output 1, not there in standby */
    wire_put_u16(&out, MAIN_OUTPUT_VOLTS * 100);
    wire_put_u16(&out, MAIN_OUTPUT_VOLTS * 95); /* least and most: -5 and +5 % */
    wire_put_u16(&out, MAIN_OUTPUT_VOLTS * 105);
    wire_put_u16(&out, 120); /* ripple and noise, mV */
    wire_put_u16(&out, 0);
    wire_put_u16(&out, milliamperes);
    assert(!out.failed && out.pos == sizeof bytes);
    fru_put_record(writer, RECORD_DC_OUTPUT, true, bytes, sizeof bytes);
}

void fru_make_psu(const struct fru_facts *facts, unsigned number, uint8_t *image)
{
    unsigned watts = facts->psu_watts < PSU_WATTS_MAX ? facts->psu_watts : PSU_WATTS_MAX;
    unsigned milliamperes = watts * 1000 / MAIN_OUTPUT_VOLTS;
    bool has_output = milliamperes <= MAIN_OUTPUT_MAX_MA; /* else the record cannot say it */
    struct part part = {.manufacturer = "vbmc"};
    struct fru_writer writer;

    snprintf(part.name, sizeof part.name, "Power supply, %u W", watts);
    snprintf(part.number, sizeof part.number, "PSU-%u", watts);
    set_serial(&part, facts, "PSU", number);
    fru_write_begin(&writer, image, FRU_PART_SIZE);
    put_part(&writer, &part);
    fru_area_begin(&writer, FRU_AREA_RECORDS);
    put_power_supply_record(&writer, watts, !has_output);
    if (has_output)
        put_dc_output_record(&writer, (uint16_t)milliamperes);
    bool fits = fru_write_end(&writer);
    assert(fits);
    (void)fits;
}

/* QEMU tells its guest of modules of 16 GiB, the last one as large as is left. */
#define DIMM_MIB (16U * 1024)

static uint64_t dimm_mib(const struct host_hardware *hardware, unsigned number)
{
    uint64_t all = hardware->memory_kib / 1024, before = (uint64_t)(number - 1) * DIMM_MIB;
    uint64_t left = all > before ? all - before : 0;

    return left < DIMM_MIB || number == hardware->dimms ? left : DIMM_MIB;
}

void fru_make_dimm(const struct fru_facts *facts, unsigned number, uint8_t *image)
{
    struct part part = {.manufacturer = MANUFACTURER};
    uint64_t mib = dimm_mib(facts->hardware, number);
    struct fru_writer writer;

    if (mib % 1024 == 0)
        snprintf(part.name, sizeof part.name, "Memory module, %" PRIu64 " GiB", mib / 1024);
    else
        snprintf(part.name, sizeof part.name, "Memory module, %" PRIu64 " MiB", mib);
    snprintf(part.number, sizeof part.number, "RAM-%" PRIu64, mib);
    set_serial(&part, facts, "DIMM", number);
    fru_write_begin(&writer, image, FRU_PART_SIZE);
    put_part(&writer, &part);
    bool fits = fru_write_end(&writer);
    assert(fits);
    (void)fits;
}
