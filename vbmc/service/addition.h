/* What an addition of a BMC says of it. */
#ifndef VBMC_SERVICE_ADDITION_H
#define VBMC_SERVICE_ADDITION_H

#include <stdint.h>

/* Only what is not NULL or 0 is given. */
struct service_addition {
    const char *name; /* the domain's */
    const char *username;
    const char *password;
    const char *address;
    uint16_t port;
    const char *uri; /* of its hypervisor */
    const char *sasl_username;
    const char *sasl_password;
};

#endif
