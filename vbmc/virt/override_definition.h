/* A persistent boot override in a domain's stored definition. What it replaces is recorded, and the
 * record is stored before libvirt gets the new definition, so that it can always be restored. */
#ifndef VBMC_VIRT_OVERRIDE_DEFINITION_H
#define VBMC_VIRT_OVERRIDE_DEFINITION_H

#include "vbmc/virt/operation.h"

/* The device that the stored definition puts first by our edit; HOST_BOOT_NONE if it has none. */
enum host_boot_device override_stored_device(const struct virt_domain *domain);

/* Three consecutive steps: change the definition for operation->override if necessary. */
operation_step override_step_edit;
operation_step override_step_store;
operation_step override_step_define;

#endif
