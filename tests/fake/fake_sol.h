/* SOL of a BMC as its commands see it (struct bmc_payload_ops), without the machine behind it. No
 * cmocka here, so that fuzz targets can link it. */
#ifndef TESTS_FAKE_FAKE_SOL_H
#define TESTS_FAKE_FAKE_SOL_H

#include "vbmc/bmc/payload.h"

struct fake_sol {
    struct bmc_sol_owner owner;
    bool enabled;     /* parameter 1, the only one that can be set but 0 */
    bool denied;      /* to all users */
    unsigned changes; /* of parameters and access */
    /* The session, another one than its owner, has lost the console; may be NULL. */
    void (*displaced)(uint32_t session);
};

extern struct fake_sol fake_sol;
/* Of users there are those from USER_ID_FIRST on, but the last. */
extern const struct bmc_payload_ops fake_sol_ops;

/* Nobody's, enabled, for everybody. */
void fake_sol_reset(void);

#endif
