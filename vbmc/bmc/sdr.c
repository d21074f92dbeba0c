#include "vbmc/bmc/sdr.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hash.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"

#define SDR_VERSION 0x51

/* Record types (IPMI 2.0, chapter 43). */
#define TYPE_FULL               0x01
#define TYPE_COMPACT            0x02
#define TYPE_EVENT_ONLY         0x03
#define TYPE_ENTITY_ASSOCIATION 0x08
#define TYPE_FRU_LOCATOR        0x11
#define TYPE_MC_LOCATOR         0x12

/* Record ids: a sensor's is its number, the others count from these. */
#define ID_BMC  0x0100
#define ID_FRU  0x0200
#define ID_PSUS 0x0300

#define BMC_SLAVE_ADDRESS     0x20
#define LENGTH_OFFSET         4 /* of the byte that counts those behind the header */
#define TEXT_LATIN1           0xc0
#define ENTITY_BMC            0x06 /* system management module */
#define ENTITY_POWER_SUPPLY   0x0a
#define ENTITY_POWER_UNIT     0x13
#define DEVICE_FRU_BEHIND_BMC 0x10

/* Sensor initialization (byte 10) and capabilities (byte 11). */
#define INIT_SETTABLE      0x80
#define INIT_SCANNING      0x40
#define INIT_EVENTS        0x20
#define INIT_THRESHOLDS    0x10
#define INIT_HYSTERESIS    0x08
#define STARTS_WITH_EVENTS 0x02
#define STARTS_SCANNING    0x01
#define INIT_ANY                                                                                   \
    (INIT_SETTABLE | INIT_SCANNING | INIT_EVENTS | STARTS_WITH_EVENTS | STARTS_SCANNING)
#define CAPABLE_OF_REARMING_ITSELF    0x40
#define CAPABLE_OF_SETTING_HYSTERESIS 0x20
#define CAPABLE_OF_SETTING_THRESHOLDS 0x08
#define CAPABLE_OF_EVENTS_ONE_BY_ONE  0x00

#define UNITS_NO_ANALOG_READING 0xc0
#define UNITS_TWOS_COMPLEMENT   0x80
#define UNITS_PERCENT           0x01
#define NOMINAL_READING_GIVEN   0x01
#define SHARE_COUNT_ONE         0x01

/* ---- parts of records ---- */

static void put_text(struct wire_out *out, const char *text)
{
    size_t length = strlen(text);

    wire_put_u8(out, (uint8_t)(TEXT_LATIN1 | length));
    wire_put_bytes(out, text, length);
}

static void put_header(struct wire_out *out, uint16_t id, uint8_t type)
{
    wire_put_u16(out, id);
    wire_put_u8(out, SDR_VERSION);
    wire_put_u8(out, type);
    wire_put_u8(out, 0); /* set when the length is known */
}

static void put_key(struct wire_out *out, const struct sensor_view *view)
{
    wire_put_u8(out, BMC_SLAVE_ADDRESS);
    wire_put_u8(out, 0); /* channel and LUN */
    wire_put_u8(out, view->number);
    wire_put_u8(out, view->entity);
    wire_put_u8(out, view->entity_instance);
}

/* ---- sensors ---- */

void sdr_put_factors(struct wire_out *out, const struct sensor_scale *scale)
{
    unsigned m = (unsigned)scale->m, b = (unsigned)scale->b;

    wire_put_u8(out, m & 0xff);
    wire_put_u8(out, (uint8_t)(m >> 2 & 0xc0));
    wire_put_u8(out, b & 0xff);
    wire_put_u8(out, (uint8_t)(b >> 2 & 0xc0));
    wire_put_u8(out, 0); /* accuracy, direction */
    wire_put_u8(out, (uint8_t)((scale->r_exponent & 0x0f) << 4 | (scale->b_exponent & 0x0f)));
}

/* Which thresholds Get Sensor Reading compares with, as bits [14:12] of the event masks have it. */
static uint16_t compared(uint8_t three_thresholds)
{
    return (uint16_t)(three_thresholds << 12);
}

static void put_full(struct wire_out *out, const struct sensor_view *view,
                     const struct sensor_definition *definition, const struct sensor_scale *scale)
{
    uint8_t thresholds = sensor_definition_thresholds(definition);

    put_header(out, view->sdr_id, TYPE_FULL);
    put_key(out, view);
    wire_put_u8(out, INIT_ANY | INIT_THRESHOLDS | INIT_HYSTERESIS);
    wire_put_u8(out, CAPABLE_OF_REARMING_ITSELF | CAPABLE_OF_SETTING_HYSTERESIS |
                         CAPABLE_OF_SETTING_THRESHOLDS | CAPABLE_OF_EVENTS_ONE_BY_ONE);
    wire_put_u8(out, view->type);
    wire_put_u8(out, view->event_type);
    wire_put_u16(out, sensor_definition_assertions(definition) | compared(thresholds & 0x07));
    wire_put_u16(out, sensor_definition_deassertions(definition) | compared(thresholds >> 3));
    wire_put_u8(out, thresholds); /* readable */
    wire_put_u8(out, thresholds); /* settable */
    wire_put_u8(out, (uint8_t)((scale->is_signed ? UNITS_TWOS_COMPLEMENT : 0) |
                               (definition->unit->is_percent ? UNITS_PERCENT : 0)));
    wire_put_u8(out, definition->unit->code);
    wire_put_u8(out, 0); /* modifier unit */
    wire_put_u8(out, 0); /* linear */
    sdr_put_factors(out, scale);
    wire_put_u8(out, definition->nominal > 0 ? NOMINAL_READING_GIVEN : 0);
    wire_put_u8(out, definition->nominal > 0 ? sensor_scale_to_raw(scale, definition->nominal) : 0);
    wire_put_zeros(out, 2);                           /* normal maximum and minimum */
    wire_put_u8(out, scale->is_signed ? 0x7f : 0xff); /* maximum */
    wire_put_u8(out, scale->is_signed ? 0x80 : 0x00); /* minimum */
    for (unsigned i = SENSOR_THRESHOLDS; i-- > 0;)    /* UNR UC UNC LNR LC LNC */
        wire_put_u8(out, thresholds & 1u << i ? sensor_definition_threshold(definition, i) : 0);
    wire_put_u8(out, definition->hysteresis);
    wire_put_u8(out, definition->hysteresis);
    wire_put_zeros(out, 3); /* reserved, OEM */
    put_text(out, view->name);
}

static void put_compact(struct wire_out *out, const struct sensor_view *view,
                        const struct sensor_definition *definition)
{
    put_header(out, view->sdr_id, TYPE_COMPACT);
    put_key(out, view);
    wire_put_u8(out, INIT_ANY);
    wire_put_u8(out, CAPABLE_OF_REARMING_ITSELF | CAPABLE_OF_EVENTS_ONE_BY_ONE);
    wire_put_u8(out, view->type);
    wire_put_u8(out, view->event_type);
    wire_put_u16(out, sensor_definition_assertions(definition));
    wire_put_u16(out, sensor_definition_deassertions(definition));
    wire_put_u16(out, definition->states);
    wire_put_u8(out, UNITS_NO_ANALOG_READING);
    wire_put_zeros(out, 2); /* units */
    wire_put_u8(out, SHARE_COUNT_ONE);
    wire_put_zeros(out, 7); /* sharing, hysteresis, reserved, OEM */
    put_text(out, view->name);
}

static void put_event_only(struct wire_out *out, const struct sensor_view *view)
{
    put_header(out, view->sdr_id, TYPE_EVENT_ONLY);
    put_key(out, view);
    wire_put_u8(out, view->type);
    wire_put_u8(out, view->event_type);
    wire_put_u8(out, SHARE_COUNT_ONE);
    wire_put_zeros(out, 3); /* sharing, reserved, OEM */
    put_text(out, view->name);
}

static int put_sensor(struct wire_out *out, const struct bmc *bmc, unsigned number)
{
    struct sensor_view view;
    struct sensor_scale scale;

    if (!bmc->sensors || number > UINT8_MAX ||
        sensors_view(bmc->sensors, (uint8_t)number, &view) < 0)
        return -ENOENT;
    const struct sensor_definition *definition = sensors_definition(bmc->sensors, view.number);
    if (sensors_scale(bmc->sensors, view.number, &scale) == 0)
        put_full(out, &view, definition, &scale);
    else if (view.is_event_only)
        put_event_only(out, &view);
    else
        put_compact(out, &view, definition);
    return 0;
}

static int next_sensor(const struct bmc *bmc, unsigned from, unsigned *n)
{
    struct sensor_view view;

    if (!bmc->sensors || sensors_next(bmc->sensors, &from, &view) < 0)
        return -ENOENT;
    *n = view.number;
    return 0;
}

/* ---- the BMC itself ---- */

uint8_t sdr_device_support(const struct bmc *bmc)
{
    enum {
        SENSOR_DEVICE = 0x01,
        SDR_REPOSITORY_DEVICE = 0x02,
        SEL_DEVICE = 0x04,
        FRU_INVENTORY_DEVICE = 0x08,
        EVENT_RECEIVER = 0x10,
        CHASSIS_DEVICE = 0x80,
    };

    return (uint8_t)(CHASSIS_DEVICE | (bmc->sensors ? SENSOR_DEVICE | SDR_REPOSITORY_DEVICE : 0) |
                     (bmc->sel ? SEL_DEVICE | EVENT_RECEIVER : 0) |
                     (bmc->fru ? FRU_INVENTORY_DEVICE : 0));
}

static int put_bmc(struct wire_out *out, const struct bmc *bmc, unsigned n)
{
    if (n != 0)
        return -ENOENT;
    put_header(out, ID_BMC, TYPE_MC_LOCATOR);
    wire_put_u8(out, BMC_SLAVE_ADDRESS);
    wire_put_u8(out, 0);    /* channel */
    wire_put_u8(out, 0x20); /* static controller, logs no initialization errors */
    wire_put_u8(out, sdr_device_support(bmc));
    wire_put_zeros(out, 3);
    wire_put_u8(out, ENTITY_BMC);
    wire_put_u8(out, 1);
    wire_put_u8(out, 0); /* OEM */
    put_text(out, "BMC");
    return 0;
}

static int next_single(const struct bmc *bmc, unsigned from, unsigned *n)
{
    (void)bmc;
    *n = 0;
    return from == 0 ? 0 : -ENOENT;
}

/* ---- FRUs: device 0 is the BMC's own, which clients know without a record ---- */

static int find_fru(const struct bmc *bmc, unsigned from, struct fru_device *device)
{
    unsigned id = from > 0 ? from : 1;

    return bmc->fru ? fru_next_device(bmc->fru, &id, device) : -ENOENT;
}

static int put_fru(struct wire_out *out, const struct bmc *bmc, unsigned n)
{
    struct fru_device device;

    if (find_fru(bmc, n, &device) < 0 || device.id != n)
        return -ENOENT;
    put_header(out, (uint16_t)(ID_FRU + device.id), TYPE_FRU_LOCATOR);
    wire_put_u8(out, BMC_SLAVE_ADDRESS);
    wire_put_u8(out, device.id);
    wire_put_u8(out, 0x80); /* a logical FRU */
    wire_put_u8(out, 0);    /* channel */
    wire_put_u8(out, 0);
    wire_put_u8(out, DEVICE_FRU_BEHIND_BMC);
    wire_put_u8(out, 0); /* modifier */
    wire_put_u8(out, device.entity);
    wire_put_u8(out, device.entity_instance);
    wire_put_u8(out, 0); /* OEM */
    put_text(out, device.name);
    return 0;
}

static int next_fru(const struct bmc *bmc, unsigned from, unsigned *n)
{
    struct fru_device device;

    if (find_fru(bmc, from, &device) < 0)
        return -ENOENT;
    *n = device.id;
    return 0;
}

/* ---- the power unit and its supplies ---- */

static unsigned psu_count(const struct bmc *bmc)
{
    struct sensor_view view;
    unsigned count = 0;

    while (bmc->sensors &&
           sensors_view(bmc->sensors, (uint8_t)(SENSOR_PSU_STATUS + count), &view) == 0 &&
           view.entity == ENTITY_POWER_SUPPLY)
        count++;
    return count;
}

static int put_psus(struct wire_out *out, const struct bmc *bmc, unsigned n)
{
    unsigned count = psu_count(bmc);

    if (n != 0 || count == 0)
        return -ENOENT;
    put_header(out, ID_PSUS, TYPE_ENTITY_ASSOCIATION);
    wire_put_u8(out, ENTITY_POWER_UNIT);
    wire_put_u8(out, 1);
    wire_put_u8(out, 0x80 | 0x20); /* a range; its sensors are always there */
    wire_put_u8(out, ENTITY_POWER_SUPPLY);
    wire_put_u8(out, 1);
    wire_put_u8(out, ENTITY_POWER_SUPPLY);
    wire_put_u8(out, (uint8_t)count);
    wire_put_zeros(out, 4); /* no second range */
    return 0;
}

static int next_psus(const struct bmc *bmc, unsigned from, unsigned *n)
{
    return psu_count(bmc) ? next_single(bmc, from, n) : -ENOENT;
}

/* ---- the repository ---- */

static const struct section {
    uint16_t base; /* the record of number n has the id base + n */
    /* Both -ENOENT if there is none. */
    int (*put)(struct wire_out *out, const struct bmc *bmc, unsigned n);
    int (*next)(const struct bmc *bmc, unsigned from, unsigned *n);
} sections[] = {
    {0, put_sensor, next_sensor},
    {ID_BMC, put_bmc, next_single},
    {ID_FRU, put_fru, next_fru},
    {ID_PSUS, put_psus, next_psus},
};

#define SECTION_SIZE 0x0100

/* The first record whose id is at least `from`. */
static int find_record(const struct bmc *bmc, unsigned from, uint16_t *id)
{
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        const struct section *section = &sections[i];
        unsigned first = from > section->base ? from - section->base : 0, n;
        if (first >= SECTION_SIZE || section->next(bmc, first, &n) < 0)
            continue;
        *id = (uint16_t)(section->base + n);
        return 0;
    }
    return -ENOENT;
}

static int find_last(const struct bmc *bmc, uint16_t *id)
{
    int result = -ENOENT;

    for (unsigned from = 0; find_record(bmc, from, id) == 0; from = *id + 1u)
        result = 0;
    return result;
}

static int put_record(const struct bmc *bmc, uint16_t id, struct wire_out *out)
{
    for (size_t i = 0; i < ARRAY_SIZE(sections); i++) {
        const struct section *section = &sections[i];
        if (id >= section->base && id - section->base < SECTION_SIZE)
            return section->put(out, bmc, (unsigned)(id - section->base));
    }
    return -ENOENT;
}

int sdr_get(const struct bmc *bmc, uint16_t id, uint8_t record[SDR_RECORD_MAX], size_t *length,
            uint16_t *next)
{
    struct wire_out out = wire_out_init(record, SDR_RECORD_MAX);

    if (id == SDR_FIRST && find_record(bmc, 0, &id) < 0)
        return -ENOENT;
    if (id == SDR_LAST && find_last(bmc, &id) < 0)
        return -ENOENT;
    if (put_record(bmc, id, &out) < 0 || out.failed)
        return -ENOENT;
    record[LENGTH_OFFSET] = (uint8_t)(out.pos - SDR_HEADER_SIZE);
    *length = out.pos;
    if (find_record(bmc, id + 1u, next) < 0)
        *next = SDR_LAST;
    return 0;
}

unsigned sdr_count(const struct bmc *bmc)
{
    unsigned count = 0;
    uint16_t id;

    for (unsigned from = 0; find_record(bmc, from, &id) == 0; from = id + 1u)
        count++;
    return count;
}

/* FNV-1a, 64 bits: tells records from others, not from forgeries. */
static uint64_t digest_records(const struct bmc *bmc)
{
    uint64_t digest = HASH_BEGIN;
    uint8_t record[SDR_RECORD_MAX];
    size_t length;
    uint16_t next = SDR_FIRST;

    do {
        if (sdr_get(bmc, next, record, &length, &next) < 0)
            break;
        digest = hash_bytes(digest, record, length);
    } while (next != SDR_LAST);
    return digest;
}

bool sdr_note_change(struct bmc *bmc)
{
    struct sdr_repository *repository = &bmc->sdr;
    uint64_t digest = digest_records(bmc);
    unsigned count = sdr_count(bmc);

    if (digest == repository->digest)
        return false;
    uint32_t now = (uint32_t)bmc->core.hooks->wall_time(&bmc->core);
    if (count < repository->count)
        repository->erase_time = now;
    else
        repository->addition_time = now;
    repository->digest = digest;
    repository->count = (uint16_t)count;
    repository->reservation = 0;
    return true;
}

uint16_t sdr_reserve(struct bmc *bmc)
{
    struct sdr_repository *repository = &bmc->sdr;

    if (++repository->last_reservation == 0)
        repository->last_reservation = 1;
    repository->reservation = repository->last_reservation;
    return repository->reservation;
}
