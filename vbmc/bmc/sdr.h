/* The SDR repository of a BMC (IPMI 2.0, chapters 33 and 43), generated from its sensors and FRUs.
 */
#ifndef VBMC_BMC_SDR_H
#define VBMC_BMC_SDR_H

#include <stddef.h>
#include <stdint.h>

#define SDR_RECORD_MAX 64 /* longest record, header included */

struct bmc;

/* Records in repository order. `id` FIRST, LAST or a record's own; *next is LAST behind the last
 * one. 0, or -ENOENT. */
enum { SDR_FIRST = 0x0000, SDR_LAST = 0xffff };
int sdr_get(const struct bmc *bmc, uint16_t id, uint8_t record[SDR_RECORD_MAX], size_t *length,
            uint16_t *next);
unsigned sdr_count(const struct bmc *bmc);

#endif
