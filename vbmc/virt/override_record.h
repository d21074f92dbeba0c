/* The record of what a boot override changed in a running guest (struct boot_live), as JSON for the
 * store; restored by virt_domain_restore_boot_record (hypervisor.h). Loop thread. */
#ifndef VBMC_VIRT_OVERRIDE_RECORD_H
#define VBMC_VIRT_OVERRIDE_RECORD_H

struct virt_domain;

/* Nothing is changed in the guest any more. */
void override_forget_live(struct virt_domain *domain);
/* Rebuilds the JSON text and reports HOST_EVENT_BOOT_CHANGED. */
void override_store_live(struct virt_domain *domain);

#endif
