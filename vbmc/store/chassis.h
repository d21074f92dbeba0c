/* What the chassis commands leave behind. */
#ifndef VBMC_STORE_CHASSIS_H
#define VBMC_STORE_CHASSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/stored_time.h"
#include "vbmc/base/uuid.h"
#include "vbmc/store/store.h"

/* Whether a guest's power restore policy is still to be carried out after a boot of this machine,
 * and what the guest was before. */
enum store_restore {
    STORE_RESTORE_NONE = 0,
    STORE_RESTORE_WAS_OFF = 1,
    STORE_RESTORE_WAS_ON = 2,
};

struct store_chassis {
    struct uuid uuid;
    uint8_t restore_policy;    /* IPMI 2.0, section 28.8 */
    uint8_t cycle_interval_s;  /* power cycle interval */
    uint32_t poh_minutes;      /* power-on time */
    bool was_on;               /* for the restore policy "as before" */
    uint8_t restart_cause;     /* IPMI 2.0, section 28.11 */
    uint32_t boots;            /* starts of the guest that were seen */
    uint8_t last_power_event;  /* IPMI 2.0, table 28-3, byte 3 */
    int64_t run;               /* of the guest that was on, as the hypervisor numbers them */
    int64_t started_at;        /* that run; seconds since 1970; 0: it was not on, or not known */
    int64_t counted_at;        /* up to when poh_minutes is counted, of that run; as started_at */
    uint8_t restore;           /* enum store_restore; store_host_put_boot sets it */
    struct stored_clock clock; /* of started_at and counted_at */
};

/* Writes a copy in place of what is stored for its UUID. As store_submit. */
int store_chassis_put(struct store *store, const struct store_chassis *chassis, store_done_fn done,
                      void *context);
/* All of them, in an array for free(). 0 or a negative error. */
int store_chassis_load_all(struct store *store, struct store_chassis **chassis, size_t *count);

#endif
