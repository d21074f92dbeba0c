/* The reset of a guest by QMP, also if its domain has <on_reboot>destroy: that is meant for resets
 * by the guest itself, as at the end of an installation. */
#ifndef VBMC_VIRT_RESET_H
#define VBMC_VIRT_RESET_H

#include "vbmc/virt/operation.h"

/* Step, after monitor_step_open with a client: resets the guest. */
operation_step reset_step;
/* The guest was found running, or its hypervisor is back: restores the action that a reset has left
 * set, also one by a daemon that was killed. */
void reset_reconcile(struct virt_domain *domain);

#endif
