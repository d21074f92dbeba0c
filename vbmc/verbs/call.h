/* How the verbs ask the service for what they change, and answer with its result. */
#ifndef VBMC_VERBS_CALL_H
#define VBMC_VERBS_CALL_H

#include <stdbool.h>

#include "vbmc/service/caller.h"
#include "vbmc/service/service.h"

struct bmc;
struct bmc_ticket;
struct control_identity;
struct control_request;

/* Who asks. */
struct caller verbs_caller(const struct control_identity *identity);

/* Whether who asks may do that; if not, it is answered. */
bool verbs_permit(struct control_request *request, enum service_operation operation);

/* The same for an operation that is a right alone, which the caller of this then does: it is logged
 * where it is audited. */
bool verbs_admit(struct control_request *request, enum service_operation operation, struct bmc *bmc,
                 const union service_arguments *arguments);

/* Asks the service for it, and answers {} or the error when it is done. `bmc` may be NULL where it
 * is not about one BMC. */
void verbs_call(struct control_request *request, enum service_operation operation, struct bmc *bmc,
                const union service_arguments *arguments);

/* The same, where success is answered otherwise: `done` gets a ticket whose sink is the request. */
void verbs_call_then(struct control_request *request, enum service_operation operation,
                     struct bmc *bmc, const union service_arguments *arguments,
                     void (*done)(const struct bmc_ticket *ticket, int result));

/* Answers the error of a result, in the words of `text` or, where it is NULL, of the service. */
void verbs_refuse(struct control_request *request, enum service_operation operation, int result,
                  const char *text);

#endif
