/* Platform Event Traps (IPMI Platform Event Trap format 1.0; IPMI 2.0, section 17.16). */
#ifndef VBMC_ALERT_PET_H
#define VBMC_ALERT_PET_H

#include <stdint.h>

#include "vbmc/alert/trap.h"

struct alert;

/* What a trap says beside the alert. */
struct pet {
    const char *community;  /* borrowed */
    uint8_t agent[4];       /* as in struct trap */
    uint32_t time_cs;       /* the same */
    uint8_t guid[16];       /* as Get System GUID has it */
    int16_t utc_offset_min; /* SEL_UTC_OFFSET_UNKNOWN: unspecified */
    uint32_t manufacturer;
    uint16_t product;
    uint8_t entity, entity_instance; /* of the sensor; 0: unspecified */
};

/* As trap_encode. */
int pet_encode(const struct pet *pet, const struct alert *alert, uint8_t bytes[TRAP_SIZE_MAX]);

#endif
