/* FRU inventory (Platform Management FRU Information Storage Definition v1.0): FRU 0 is the server
 * with chassis, board and product areas, then one for each PSU and each memory module. */
#ifndef VBMC_BMC_FRU_H
#define VBMC_BMC_FRU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/host/host.h"

#define FRU_SIZE          512 /* bytes of each */
#define FRU_ASSET_TAG_MAX 63

struct fru;

struct fru *fru_new(void);
void fru_free(struct fru *fru);

/* What the FRUs say; made anew. `psus` of `psu_watts` each. hardware may be NULL (not known yet).
 */
void fru_set_hardware(struct fru *fru, const char *domain_name, const struct uuid *uuid,
                      const struct host_hardware *hardware, unsigned psus, unsigned psu_watts);

/* FRU devices in ascending order of their ids: 0 gives the first; *id moves on behind the one that
 * was found. 0, or -ENOENT at the end. For the locator records of the SDR repository. */
struct fru_device {
    uint8_t id;
    const char *name;                /* at most 16 bytes: "PSU1", "DIMM1" */
    uint8_t entity, entity_instance; /* IPMI 2.0, table 43-13 */
};
int fru_next_device(const struct fru *fru, unsigned *id, struct fru_device *device);

#endif
