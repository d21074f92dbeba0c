/* Where a hypervisor's guests run. Also hypervisor_is_local and hypervisor_reach_socket
 * (hypervisor.h). */
#ifndef VBMC_VIRT_LOCATION_H
#define VBMC_VIRT_LOCATION_H

#include <stdint.h>

struct hypervisor;

/* A number for the URI and, of a hypervisor of this machine, for the machine's boot; not 0. */
int64_t hypervisor_find_place(const struct hypervisor *hypervisor);

#endif
