/* What a BMC keeps as a document (enum bmc_document): JSON in the store, written whole. One file
 * document_NAME.c for each kind. */
#ifndef VBMC_STATE_DOCUMENT_H
#define VBMC_STATE_DOCUMENT_H

#include <json-c/json.h>

#include "vbmc/bmc/bmc.h"

struct document_kind {
    const char *name; /* in the store */
    /* The present state; NULL without memory. */
    struct json_object *(*encode)(const struct bmc *bmc);
    /* Replaces the state by what is stored, without events; NULL: back to the defaults. What cannot
     * be understood is left out. 0, or -EINVAL if anything was. */
    int (*decode)(struct bmc *bmc, struct json_object *document);
};

extern const struct document_kind document_sensors, document_fru, document_dcmi, document_faults;

#endif
