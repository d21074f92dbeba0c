/* Serial over LAN as the payload commands (IPMI 2.0, chapters 24 and 26) see it: who has the one
 * instance, what is configured, which users may. Whoever connects sessions to the console of the
 * guest gives a struct bmc these operations; without them there are no payload commands. */
#ifndef VBMC_BMC_PAYLOAD_H
#define VBMC_BMC_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/privilege.h"

struct bmc_ticket;

/* Instances of SOL that can be active at a time. */
#define BMC_SOL_INSTANCES 1

/* Longest data of one SOL configuration parameter. */
#define BMC_SOL_PARAMETER_MAX 4

/* SOL configuration parameters 1 and 2. */
struct bmc_sol_policy {
    bool enabled;
    bool force_authentication;
    bool force_encryption;
    enum privilege privilege; /* the least that may activate */
};

struct bmc_sol_owner {
    uint32_t session; /* 0: the instance is not active */
    uint8_t user_id;
};

/* What the answer to Activate Payload tells (section 24.1). */
struct bmc_sol_activation {
    uint16_t inbound_size; /* whole payloads, header included */
    uint16_t outbound_size;
    uint16_t port; /* UDP, the one of the session */
};

struct bmc_payload_ops {
    struct bmc_sol_policy (*policy)(void *context);
    struct bmc_sol_owner (*owner)(void *context);
    /* Gives the instance, which is free, to a session; `address` is where it came from, for people.
     * Nothing is sent before the answer to the present request has left. 0, or a negative error as
     * in vbmc/host/host.h; -ENOTSUP: the guest has no serial port. */
    int (*activate)(void *context, const struct bmc_sol_owner *owner, const char *address,
                    struct bmc_sol_activation *activation);
    /* Takes the instance, which is active, from its owner. `session` is who asks for it; another
     * session is told that it has lost the console. */
    void (*deactivate)(void *context, uint32_t session);
    /* Whether a user may activate SOL, and the change of that. 0: it is so, on disk; -EINPROGRESS:
     * the ticket is finished when it is stored; -ENOENT: there is no such user. */
    bool (*user_may)(void *context, uint8_t user_id);
    int (*set_user_access)(void *context, uint8_t user_id, bool may,
                           const struct bmc_ticket *ticket);
    /* Sets one SOL configuration parameter from `size` bytes (section 26.3). 0: done; -EINPROGRESS:
     * the ticket is finished when it is stored; else nothing has changed: -ENOPROTOOPT (there is no
     * such parameter), -EALREADY (somebody else's set is in progress), -EBADF (it is read-only),
     * -EMSGSIZE, -ERANGE, -EDOM. */
    int (*set_parameter)(void *context, uint32_t session, uint8_t parameter, const uint8_t *data,
                         size_t size, const struct bmc_ticket *ticket);
    /* Gets one, without the revision: at most BMC_SOL_PARAMETER_MAX bytes. 0, or an error
     * as above. */
    int (*get_parameter)(void *context, uint8_t parameter, uint8_t set, uint8_t block,
                         uint8_t *data, size_t *size);
};

#endif
