/* Reads domains on the keeper thread (worker.h), so that results reach the loop in the order in
 * which they were read. Also hypervisor_look_at and hypervisor_look_for (hypervisor.h). */
#ifndef VBMC_VIRT_LOOK_H
#define VBMC_VIRT_LOOK_H

struct hypervisor;

/* Reads the list of domains and each of them. */
void virt_look_at_all(struct hypervisor *hypervisor);

#endif
