/* What is stored of the facility: what was done to it and what followed, as JSON. The settings are
 * the configuration's. */
#ifndef VBMC_STATE_FACILITY_H
#define VBMC_STATE_FACILITY_H

#include "vbmc/state/saves.h"

struct facility;
struct json_object;
struct saves_part;
struct store;

/* How it is stored: the owner is the struct facility, a copy JSON. What drifts by itself is not
 * taken back: a disk that is full does not fill the battery. */
extern const struct save_kind facility_save_kind;

/* Takes over what is stored. Damage is logged and left out. 0, or a negative error. */
int facility_state_load(struct facility *facility, struct saves_part *saved, struct store *store);

/* {"feeds_down": ["A"], "utility_lost": false, "generator_failed": false, "crac_failed": false,
 * "battery": 1.0, "inlet_c": 22.0, "generator_s": 0.0}. NULL without memory. */
struct json_object *facility_state_encode(const struct facility *facility);
/* Replaces the state, except for the settings, by what is stored; NULL: all as it should be. What
 * cannot be understood is left as facility_clear has it. 0, or -EINVAL if anything was. */
int facility_state_decode(struct facility *facility, struct json_object *record);

#endif
