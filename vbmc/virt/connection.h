/* Connecting to libvirt, through SSH if the URI says so. */
#ifndef VBMC_VIRT_CONNECTION_H
#define VBMC_VIRT_CONNECTION_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/virt/worker.h"

struct hypervisor;
struct virt_loop_socket;

/* Starts the SSH connection of a qemu+ssh:// URI; does nothing for others. An invalid URI is
 * reported by hypervisor_connect, like one that libvirt rejects. */
void hypervisor_start_ssh(struct hypervisor *hypervisor, const char *runtime_dir);
/* Opens the main connection, and notes whether the driver runs in this process. `socket` as in
 * struct worker_ops. Keeper thread. NULL, with the reason in `text`. */
virConnectPtr hypervisor_connect(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE],
                                 struct virt_loop_socket *socket);
/* Opens one more; none if the driver runs in this process, where a connection may have guests of
 * its own. Waits as long as libvirtd lets it wait. One for consoles is given up later, see
 * connection.c. Any thread but the loop's. NULL: none is to be had. */
virConnectPtr hypervisor_connect_again(struct hypervisor *hypervisor, bool for_consoles,
                                       struct virt_loop_socket *socket);

#endif
