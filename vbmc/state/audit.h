/* What keeps the audit trail (vbmc/base/audit.h): in the log, and in the store, where it outlives
 * restarts and the BMCs it is about.
 *
 * A record that is not to be summed up is written by itself. Of those that are, the first is; equal
 * ones behind it, whatever their session and process, are counted until none has come for
 * AUDIT_QUIET_MS, a day is over, or room is needed for others. Their number is on disk as of
 * AUDIT_COUNTS_EACH_MS ago: kill -9 loses so much of it, but no record.
 *
 * A record of a change that the disk refuses is in the log at once, and in the store as soon as
 * that takes it again; but not if the daemon ends before. Loop thread. */
#ifndef VBMC_STATE_AUDIT_H
#define VBMC_STATE_AUDIT_H

#include <stdint.h>

#include "vbmc/base/audit.h"

#define AUDIT_QUIET_MS       UINT64_C(600000)
#define AUDIT_COUNTS_EACH_MS UINT64_C(600000)
#define AUDIT_DAY_MS         UINT64_C(86400000)
#define AUDIT_SUMS_MAX       16384 /* that are counted at one time */
#define AUDIT_OWED_MAX       256 /* that the store has refused: of more the log alone has the oldest */
#define AUDIT_OWED_EACH_MS   UINT64_C(5000) /* between two tries to store them */

struct audit;
struct store;

/* Keeps what is put into the trail from now on; the store outlives it. 0, or a negative error. */
int audit_new(struct store *store, struct audit **audit);
/* Stores the counts and keeps nothing any more; before the store is closed. NULL is allowed. */
void audit_stop(struct audit *audit);
/* After the store was closed. NULL is allowed. */
void audit_free(struct audit *audit);

/* Once a second or so: `now_ms` is monotonic. */
void audit_tick(struct audit *audit, uint64_t now_ms);

/* Lists records without blocking; `listed` is called once, perhaps before this returns. */
void audit_list(struct audit *audit, const struct audit_query *query, audit_listed *listed,
                void *context);

#endif
