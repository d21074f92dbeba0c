/* A running guest's QMP monitor: a second monitor socket if the domain has one, else libvirt's
 * passthrough. */
#ifndef VBMC_VIRT_MONITOR_H
#define VBMC_VIRT_MONITOR_H

#include "vbmc/virt/operation.h"

struct monitor;
struct qmp_error;
struct virt_domain;

/* Step: reads the running domain's XML and opens the first of these that works. A domain without
 * QMP (its hypervisor is not QEMU) is no error: monitor_client is then NULL. */
operation_step monitor_step_open;

/* After monitor_step_open; valid until the loop turns. NULL if there is no QMP. */
struct qmp_client *monitor_client(const struct virt_domain *domain);
/* The devices of the running domain as read by monitor_step_open. */
const struct domxml_live *monitor_live_xml(const struct virt_domain *domain);

/* The result of an operation for a failed command: -ENOTSUP if QEMU has no such command, -EINVAL if
 * it refused it, -EHOSTUNREACH if it was not sent, -EIO if it may have run. */
int monitor_result(const struct qmp_error *error);
/* A reply that ends a step: the next step, or the operation's end with QEMU's error text. The
 * operation is the context. */
void monitor_step_done(void *operation, const struct qmp_error *error);
/* Ends a step whose command could not be sent: `result` is what qmp_run or its like returned. */
void monitor_step_submitted(struct operation *operation, int result);

/* The guest is off: its monitor is gone. */
void monitor_forget(struct virt_domain *domain);
void monitor_free(struct monitor *monitor);

#endif
