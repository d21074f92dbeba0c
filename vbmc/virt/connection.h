/* Connecting to libvirt, by SSH first where the URI wants it. */
#ifndef VBMC_VIRT_CONNECTION_H
#define VBMC_VIRT_CONNECTION_H

#include <libvirt/libvirt.h>

#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/worker.h"

/* Starts the SSH connection of a URI that wants one. A URI that cannot be used is reported by
 * hypervisor_connect, as one that libvirt does not understand. */
void hypervisor_start_ssh(struct hypervisor *hypervisor, const char *runtime_dir);
/* Opens a connection; not the loop thread. NULL, with the reason in `text`. */
virConnectPtr hypervisor_connect(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE]);

#endif
