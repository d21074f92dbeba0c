/* The guest's own side of one BMC: listens where its QEMU looks for it. Loop thread. */
#ifndef VBMC_INSTANCE_INBAND_H
#define VBMC_INSTANCE_INBAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define INSTANCE_INBAND_PATH_SIZE 108

struct instance;

/* The socket at which the guest's QEMU is to look for it. -ENAMETOOLONG: the path of runtime-dir is
 * too long; -ENOENT: no sockets are made. */
int instance_inband_path(const struct instance *instance, char path[INSTANCE_INBAND_PATH_SIZE]);
/* What there is of it, to look at; texts are borrowed for the call's turn of the loop. */
struct instance_inband {
    bool has_device;       /* the domain as it is now */
    const char *front_end; /* "kcs", ...; "": none */
    const char *socket;    /* where its QEMU looks for it; "": nowhere */
    bool is_listening;
    bool is_connected;
    bool is_read_only;
    uint64_t requests;
    const char *error; /* why QEMU cannot connect; "": it can */
};
struct instance_inband instance_inband(const struct instance *instance);
/* The domain, its hardware or whether the BMC is active may have changed. */
void instance_follow_inband(struct instance *instance);

#endif
