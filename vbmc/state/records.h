/* What a BMC keeps as records (vbmc/state/record.h), and how they are stored. */
#ifndef VBMC_STATE_RECORDS_H
#define VBMC_STATE_RECORDS_H

#include <stdbool.h>

#include "vbmc/bmc/core.h"

/* Who has a record to store. */
struct record_owner {
    struct bmc *bmc;
    const struct record_kind *kind;
};

/* The kind of record that holds this part; NULL: it is stored in another way. */
const struct record_kind *record_kind_of(enum bmc_part part);
/* How it is stored: the owner is a struct record_owner, a copy the JSON text. */
const struct save_kind *record_save_kind(enum bmc_part part);

/* Takes over what the store has of it. Damage is logged and left out. True if the part is to be
 * stored again without what the configuration has overtaken. */
bool record_restore(const struct record_owner *owner, const char *text);

#endif
