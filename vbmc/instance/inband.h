/* The guest's own side of one BMC: listens where its QEMU looks for it. Loop thread. */
#ifndef VBMC_INSTANCE_INBAND_H
#define VBMC_INSTANCE_INBAND_H

#include <stddef.h>

#define INSTANCE_INBAND_PATH_SIZE 108

struct inband;
struct instance;

/* The socket at which the guest's QEMU is to look for it. -ENAMETOOLONG: the path of runtime-dir is
 * too long; -ENOENT: no sockets are made. */
int instance_inband_path(const struct instance *instance, char path[INSTANCE_INBAND_PATH_SIZE]);
/* NULL: no memory. */
struct inband *instance_new_inband(struct instance *instance);
/* The domain, its hardware or whether the BMC is active may have changed. */
void instance_follow_inband(struct instance *instance);

#endif
