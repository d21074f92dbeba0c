/* What libvirt can do for a guest, as vbmc/host/host.h has it. */
#ifndef VBMC_VIRT_DRIVER_H
#define VBMC_VIRT_DRIVER_H

#include "vbmc/host/host.h"

extern const struct host_ops virt_domain_ops;

#endif
