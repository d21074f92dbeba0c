/* What is stored of one BMC, to look at. */
#ifndef VBMC_INSTANCE_VIEW_H
#define VBMC_INSTANCE_VIEW_H

#include <stdbool.h>
#include <stdint.h>

struct instance;
struct uuid;

/* Borrowed, and valid until the BMC is renamed, configured or removed. NULL, and port 0: none. */
struct instance_view {
    const struct uuid *uuid;
    const char *name;
    bool is_active;      /* it is to be there: started */
    const char *address; /* what it was told, or was assigned; where it is, instance_address says */
    uint16_t port;
    const char *uri; /* of the only hypervisor that its domain may be on */
    const char *sasl_username;
    bool has_sasl_password;
};

struct instance_view instance_view(struct instance *instance);

#endif
