/* Connecting to libvirt, through SSH if the URI says so. */
#ifndef VBMC_VIRT_CONNECTION_H
#define VBMC_VIRT_CONNECTION_H

#include <libvirt/libvirt.h>

#include "vbmc/virt/worker.h"

struct hypervisor;

/* Starts the SSH connection of a qemu+ssh:// URI; does nothing for others. An invalid URI is
 * reported by hypervisor_connect, like one that libvirt rejects. */
void hypervisor_start_ssh(struct hypervisor *hypervisor, const char *runtime_dir);
/* Opens a connection; not the loop thread. NULL, with the reason in `text`. */
virConnectPtr hypervisor_connect(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE]);

#endif
