/* The records of the audit trail: of the BMCs that there are and were, and of the daemon. */
#ifndef VBMC_STORE_AUDIT_H
#define VBMC_STORE_AUDIT_H

#include "vbmc/base/audit.h"
#include "vbmc/store/store.h"

/* So many stay of each kind, the newest; older ones go in batches. What strangers and monitoring
 * hosts cause does not push out what was changed. */
#define STORE_AUDIT_CHANGES  100000
#define STORE_AUDIT_ACCESSES 20000
#define STORE_AUDIT_BATCH    256

/* Adds a copy of a record, which has its id. As store_submit. */
int store_audit_add(struct store *store, const struct audit_record *record, store_done_fn done,
                    void *context);

/* The same of a record that lives until `done`: with the result of the job that was submitted
 * before it, as that of the record. */
int store_audit_add_along(struct store *store, struct audit_record *record, store_done_fn done,
                          void *context);

/* Sets `more` and `until_ms` of a record; nothing if it has gone. As store_submit. */
int store_audit_set_more(struct store *store, uint64_t id, uint32_t more, int64_t until_ms);

/* Reads them, behind what was submitted before, on the writer thread; `listed` is called on the
 * loop thread unless this fails. 0, -ENOMEM or -ESHUTDOWN. */
int store_audit_list(struct store *store, const struct audit_query *query, audit_listed *listed,
                     void *context);

/* The largest id there is; 0: there is no record. For the start, as the other loading functions. 0
 * or a negative error. */
int store_audit_load_last(struct store *store, uint64_t *id);

#endif
