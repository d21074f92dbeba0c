/* For such a guest QEMU's action for a reboot is set to "reset" until the firmware's own second
 * reset is over; then the domain's action is restored:
 *
 *   set-action reboot=reset, system_reset, RESTORE_MS, set-action reboot=shutdown
 *
 * libvirt sets the action once, at the guest's start, so that it may be set again at any time. */
#include "vbmc/virt/reset.h"

#include <errno.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "vbmc/base/log.h"
#include "vbmc/base/rare_timer.h"
#include "vbmc/base/reset_burst.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/properties.h"

/* SeaBIOS answers a reset of a booted guest with one of its own, within seconds. */
#define RESTORE_MS (RESET_BURST_MS + 1000)

static bool ends_at_reset(const struct virt_domain *domain)
{
    return domain->hardware && domain->hardware->ends_at_reset;
}

static void run_reset(struct operation *operation)
{
    monitor_step_submitted(operation,
                           qmp_run(monitor_client(operation->domain), QMP_COMMAND_SYSTEM_RESET,
                                   monitor_step_done, operation));
}

/* ---- restoring the domain's action ---- */

static void restore_later(struct virt_domain *domain);

static void restored(void *context, int result, const char *text)
{
    struct virt_domain *domain = context;

    /* QEMU before 6.0 has no such command, and it was never set. */
    if (result == 0 || result == -ENOTSUP || !host_power_state_is_on(domain->host.state))
        return;
    log_warning("%s: cannot restore its on_reboot action yet: %s", domain->host.name, text);
    restore_later(domain);
}

static void step_restore(struct operation *operation)
{
    struct qmp_client *client = monitor_client(operation->domain);

    if (!client || !ends_at_reset(operation->domain))
        operation_finish(operation, 0, NULL);
    else
        monitor_step_submitted(operation,
                               qmp_set_reboot_action(client, false, monitor_step_done, operation));
}

static void on_burst_over(uv_timer_t *timer)
{
    static operation_step *const steps[] = {monitor_step_open, step_restore, NULL};
    struct virt_domain *domain = timer->data;

    if (host_power_state_is_on(domain->host.state))
        operation_queue(domain, steps, restored, domain);
}

static void restore_later(struct virt_domain *domain)
{
    rare_timer_start(&domain->reset_burst, hypervisor_loop(domain->hypervisor), domain,
                     on_burst_over, RESTORE_MS);
}

void reset_reconcile(struct virt_domain *domain)
{
    if (ends_at_reset(domain) && hypervisor_is_qemu(domain->hypervisor) &&
        host_power_state_is_on(domain->host.state))
        restore_later(domain);
}

/* ---- the reset ---- */

static void action_set(void *context, const struct qmp_error *error)
{
    struct operation *operation = context;

    /* After a lost connection it may be set nevertheless. */
    if (!error || error->failure != QMP_FAILURE_ERROR_REPLY)
        restore_later(operation->domain);
    if (error)
        operation_finish(operation, monitor_result(error), error->text);
    else
        run_reset(operation);
}

void reset_step(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;

    if (ends_at_reset(domain))
        monitor_step_submitted(
            operation, qmp_set_reboot_action(monitor_client(domain), true, action_set, operation));
    else
        run_reset(operation);
}
