/* What a BMC keeps as documents (vbmc/state/document.h), and how they are stored. */
#ifndef VBMC_STATE_DOCUMENTS_H
#define VBMC_STATE_DOCUMENTS_H

#include "vbmc/bmc/bmc.h"
#include "vbmc/state/document.h"
#include "vbmc/state/saves.h"

/* Who has a document to store. */
struct document_owner {
    struct bmc *bmc;
    const struct document_kind *kind;
};

/* The kind of document that holds this part; NULL: it is stored in another way. */
const struct document_kind *document_kind_of(enum bmc_part part);
/* How it is stored: the owner is a struct document_owner, a copy JSON. */
const struct save_kind *document_save_kind(enum bmc_part part);

/* Takes over what the store has of it. Damage is logged and left out. Returns what was read, for
 * saves_set_stored; NULL: nothing. */
struct json_object *document_restore(const struct document_owner *owner, const char *text);

#endif
