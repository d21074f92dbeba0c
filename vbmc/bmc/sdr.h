/* The SDR repository of a BMC (IPMI 2.0, chapters 33 and 43), generated from its sensors and FRUs.
 * Records keep their ids while what they tell of is there. They carry the settings of the sensor
 * table, not those that clients have set: these are what the initialization agent goes back to, and
 * clients that cache the repository need not read it again for a new threshold. */
#ifndef VBMC_BMC_SDR_H
#define VBMC_BMC_SDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SDR_RECORD_MAX  64 /* longest record, header included */
#define SDR_HEADER_SIZE 5

struct bmc;
struct sensor_scale;
struct wire_out;

/* Part of struct bmc. The first three are stored with the sensors. */
struct sdr_repository {
    uint32_t addition_time, erase_time; /* seconds since 1970; 0: never */
    uint64_t digest;                    /* of all records when the times were set; 0: never */
    uint16_t reservation;               /* the present one; 0: there is none */
    uint16_t last_reservation;
    uint16_t count; /* of records, when the times were set */
};

/* Records in repository order. `id` FIRST, LAST or a record's own; *next is LAST behind the last
 * one. 0, or -ENOENT. */
enum { SDR_FIRST = 0x0000, SDR_LAST = 0xffff };
int sdr_get(const struct bmc *bmc, uint16_t id, uint8_t record[SDR_RECORD_MAX], size_t *length,
            uint16_t *next);
unsigned sdr_count(const struct bmc *bmc);

/* Records may have come, gone or changed; call it once when both sensors and FRUs know of that. If
 * they really have, by the digest, since the times were set, these move and the reservation ends:
 * true, then BMC_PART_SENSORS has changed. A restart of the daemon thus changes nothing. */
bool sdr_note_change(struct bmc *bmc);

/* A new reservation, never 0, which cancels the one before (section 33.11). */
uint16_t sdr_reserve(struct bmc *bmc);

/* M and tolerance, B and accuracy, exponents: the 6 bytes that full records and Get Sensor Reading
 * Factors share (sections 43.1 and 35.5). */
void sdr_put_factors(struct wire_out *out, const struct sensor_scale *scale);

/* Bits of "additional device support" in Get Device ID and the BMC's own locator record (sections
 * 20.1 and 43.9), by the parts that the BMC has. */
uint8_t sdr_device_support(const struct bmc *bmc);

#endif
