/* What a server is built of and how it behaves: the settings that the arithmetic of this folder
 * starts from. */
#ifndef VBMC_PHYSICS_SERVER_H
#define VBMC_PHYSICS_SERVER_H

#include <stdbool.h>

#include "vbmc/physics/model.h"
#include "vbmc/physics/supply.h"

/* From [bmc] and [domain]. */
struct server_settings {
    struct model_constants model;
    struct supply_layout supply;
    bool enforce_power_limit; /* by the guest's CPU quota */
};

/* Standard constants, the standard power supplies, a power limit that is reported only. */
void server_settings_set_defaults(struct server_settings *settings);

/* The same settings, which all who share them have once; to be released. NULL if there is no
 * memory. Loop thread. */
const struct server_settings *server_settings_share(const struct server_settings *settings);
/* NULL is allowed. */
void server_settings_release(const struct server_settings *shared);

#endif
