/* State that is kept as JSON text, one document for each name and BMC; the room that all share has
 * the UUID of zeros. */
#ifndef VBMC_STORE_DOCUMENT_H
#define VBMC_STORE_DOCUMENT_H

#include <stddef.h>

#include "vbmc/base/uuid.h"
#include "vbmc/store/store.h"

struct store_document {
    struct uuid uuid;
    char *name;
    char *text;
};

/* Writes a copy in place of what is stored under that name. As store_submit. */
int store_document_put(struct store *store, const struct uuid *uuid, const char *name,
                       const char *text, store_done_fn done, void *context);
/* *text is NULL if there is none; to be freed. 0 or a negative error. */
int store_document_load(struct store *store, const struct uuid *uuid, const char *name,
                        char **text);
/* All of them by UUID, in an array for store_documents_free. 0 or a negative error. */
int store_document_load_all(struct store *store, struct store_document **documents, size_t *count);
void store_documents_free(struct store_document *documents, size_t count);

#endif
