/* On whose behalf something is asked of a BMC, whichever front end has taken the request. */
#ifndef VBMC_SERVICE_CALLER_H
#define VBMC_SERVICE_CALLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/privilege.h"

enum caller_front_end {
    CALLER_LAN,              /* a session of IPMI over LAN */
    CALLER_SYSTEM_INTERFACE, /* the guest; has no privilege levels (IPMI 2.0, section 6.8) */
    CALLER_SSH,
    CALLER_CONTROL, /* the control socket */
};

#define CALLER_NAME_SIZE 64
#define CALLER_TEXT_SIZE 160

struct caller {
    enum caller_front_end front_end;
    char name[CALLER_NAME_SIZE];      /* of the account or user */
    char address[ENDPOINT_TEXT_SIZE]; /* where it is; "": on this machine */
    pid_t pid;                        /* its process on this machine; 0: not known */
    enum privilege privilege;
    uint8_t channel;  /* of IPMI */
    uint8_t user_id;  /* the same */
    uint32_t session; /* the same; 0: none */
    bool by_key;      /* by SSH: logged in by key, not by password */
    bool one_bmc;     /* the BMC `uuid` is all that exists for it */
    struct uuid uuid;
};

/* For log and people: "root", "admin by SSH from 192.0.2.1", "admin by IPMI from 192.0.2.1", "the
 * guest". */
void caller_format(const struct caller *caller, char text[CALLER_TEXT_SIZE]);

#endif
