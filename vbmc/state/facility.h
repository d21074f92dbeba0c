/* What is stored of the room: what was done to it and what followed, as JSON. The settings are the
 * configuration's. */
#ifndef VBMC_STATE_FACILITY_H
#define VBMC_STATE_FACILITY_H

#include <json-c/json.h>

#include "vbmc/physics/facility.h"

/* {"feeds_down": ["A"], "utility_lost": false, "generator_failed": false, "crac_failed": false,
 * "battery": 1.0, "inlet_c": 22.0, "generator_s": 0.0}. NULL without memory. */
struct json_object *facility_state_encode(const struct facility *facility);
/* Replaces the state, except for the settings, by what is stored; NULL: all as it should be. What
 * cannot be understood is left as facility_clear has it. 0, or -EINVAL if anything was. */
int facility_state_decode(struct facility *facility, struct json_object *document);

#endif
