/* The record of what a boot override did to a running guest (struct boot_live), as JSON for the
 * store; it is given back by virt_domain_restore_boot_record (hypervisor.h). Loop thread. */
#ifndef VBMC_VIRT_OVERRIDE_RECORD_H
#define VBMC_VIRT_OVERRIDE_RECORD_H

#include "vbmc/virt/domain.h"

/* Nothing is done to the guest, or that is over. */
void override_forget_live(struct virt_domain *domain);
/* Makes the record again and reports HOST_EVENT_BOOT_CHANGED. */
void override_store_live(struct virt_domain *domain);

#endif
