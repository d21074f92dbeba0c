/* The SOL configuration of a BMC and who may not use it, as the store has them. */
#ifndef VBMC_STATE_SOL_H
#define VBMC_STATE_SOL_H

#include "sol/solparams.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/users.h"
#include "vbmc/state/saves.h"

struct store_sol;

struct sol_settings {
    struct uuid uuid;                        /* of the BMC */
    struct solparams params;                 /* not all of them are stored: struct store_sol */
    char denied[USER_ID_MAX][USER_NAME_MAX]; /* as in struct store_sol */
};

/* How they are stored: the owner is a struct sol_settings, a copy a struct store_sol. */
extern const struct save_kind sol_save_kind;

/* Takes over a row. -EINVAL, and nothing changed, if a parameter has a value that it cannot have.
 */
int sol_rows_decode(struct sol_settings *settings, const struct store_sol *row);

#endif
