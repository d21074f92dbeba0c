/* Records of the audit trail (vbmc/base/audit.h) for what is asked of the service.
 *
 * An operation whose row is SERVICE_AUDITED gets its record when its result is known, and is
 * answered when the record is on disk; where the disk takes no record it has to be in the log, else
 * the answer is an error, though what needs no disk has been done. What is refused before anything
 * has changed is answered at once; its record, like that of what only looks, goes to the disk
 * behind the answer, and equal ones are summed up. Loop thread. */
#ifndef VBMC_SERVICE_AUDIT_H
#define VBMC_SERVICE_AUDIT_H

#include "vbmc/service/service.h"

struct bmc_ticket;
struct service_audit;

/* Before the operation runs, which is to get `ticket` in place of the call's. NULL: no memory. */
struct service_audit *service_audit_begin(enum service_operation operation,
                                          const struct service_call *call,
                                          const union service_arguments *arguments,
                                          struct bmc_ticket *ticket);
/* After it: what service_call returns for what the operation returned. */
int service_audit_end(struct service_audit *audit, int result);

/* The caller may not do that; `bmc` may be NULL. */
void service_audit_refusal(enum service_operation operation, const struct caller *caller,
                           const struct bmc *bmc, int result);

/* The same of a command that the front end refuses by a level of its own, by its name there. */
void service_audit_refused_command(const char *name, const struct caller *caller,
                                   const struct bmc *bmc, enum privilege level);

/* The same of a guest that may only read. */
void service_audit_refused_change(const char *name, const struct caller *caller,
                                  const struct bmc *bmc);

/* The daemon stops: what was begun and has not ended is recorded as that. */
void service_audit_stop(void);

#endif
