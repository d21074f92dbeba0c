/* The documents of one BMC (enum bmc_document) and their way to the store and back. Loop thread. */
#ifndef VBMC_STATE_DOCUMENTS_H
#define VBMC_STATE_DOCUMENTS_H

#include "vbmc/bmc/bmc.h"
#include "vbmc/store/store.h"

struct documents;

/* The parts of the BMC exist already and outlive it. NULL if there is no memory. */
struct documents *documents_new(struct bmc *bmc, struct store *store);
/* What is on its way to the disk goes on. NULL is allowed. */
void documents_free(struct documents *documents);
/* Takes over what the store has under `name`. Damage is logged and left out. */
void documents_restore(struct documents *documents, const char *name, const char *text);
/* For bmc_hooks. */
void documents_save(struct documents *documents, enum bmc_part part,
                    const struct bmc_ticket *ticket);

#endif
