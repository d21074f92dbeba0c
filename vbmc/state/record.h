/* A part of a BMC (enum bmc_part) that is kept as a record: JSON in the store, written whole. One
 * file record_NAME.c for each kind. */
#ifndef VBMC_STATE_RECORD_H
#define VBMC_STATE_RECORD_H

#include <stdbool.h>

struct bmc;
struct json_object;

struct record_kind {
    const char *name; /* in the store */
    /* The present state; NULL without memory. */
    struct json_object *(*encode)(const struct bmc *bmc);
    /* Replaces the state by what is stored, without events; NULL: back to the defaults. What cannot
     * be understood is left out. 0; 1: so is what the configuration has overtaken, which is not to
     * be stored any more; -EINVAL if anything was left out that could not be understood. */
    int (*decode)(struct bmc *bmc, struct json_object *record);
    /* Brings back what a client has set and the store has refused (NULL: nothing is stored, the
     * defaults hold). True: all is as stored again; false: what has happened stays, and is stored
     * when that can be. The function is NULL where decode brings back all. */
    bool (*take_back)(struct bmc *bmc, struct json_object *record);
    bool is_of_guest; /* what happened to the server: not read again when the BMC restarts */
};

extern const struct record_kind record_sensors, record_fru, record_dcmi, record_faults;
extern const struct record_kind record_system_info;
extern const struct record_kind record_pef, record_pef_pending;
extern const struct record_kind record_watchdog;
extern const struct record_kind record_lan;

#endif
