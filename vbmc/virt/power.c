/* The power table of the design, for a libvirt domain. Each action is a list of steps; which list
 * applies is decided when its turn comes, from the guest's state at that moment. */
#include "vbmc/virt/power.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/virterror.h>

#include "qmp/commands.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/override.h"
#include "vbmc/virt/properties.h"
#include "vbmc/virt/reset.h"
#include "vbmc/virt/domain.h"

#define BOOT_MENU_MS 30000

/* ---- action threads ---- */

static int last_error(struct operation *operation)
{
    return virt_last_error(operation->text, sizeof operation->text);
}

/* Between the end of a migration and its confirmation libvirt allows to destroy or resume the
 * source, while the guest runs at the target. */
static bool is_migrating(struct operation *operation, virDomainPtr domain)
{
    int state = VIR_DOMAIN_NOSTATE, reason = 0;

    if (virDomainGetState(domain, &state, &reason, 0) < 0 ||
        !virt_facts_is_migrating(domain, state, reason))
        return false;
    snprintf(operation->text, sizeof operation->text, "the guest is being migrated");
    return true;
}

/* A guest that has stopped by itself meanwhile is a success. */
static int work_destroy(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    (void)connection;
    if (!domain)
        return last_error(operation);
    if (is_migrating(operation, domain))
        return -EBUSY;
    operation->destroyed = virDomainDestroy(domain) == 0;
    if (operation->destroyed)
        return 0;
    int result = last_error(operation);
    return virDomainIsActive(domain) == 0 ? 0 : result;
}

/* The XML for this start, if it differs from the definition; -ENOENT if it does not. */
static int edit_for_start(const struct operation *operation, const char *xml, char **edited)
{
    if (operation->override.device == HOST_BOOT_FIRMWARE_MENU)
        return domxml_enable_boot_menu(xml, BOOT_MENU_MS, edited);
    if (operation->kernel_gives_way_to != HOST_BOOT_NONE)
        return domxml_leave_out_kernel(xml, operation->kernel_gives_way_to, edited);
    return -ENOENT;
}

static bool may_edit(const struct operation *operation)
{
    return operation->override.device == HOST_BOOT_FIRMWARE_MENU ||
           operation->kernel_gives_way_to != HOST_BOOT_NONE;
}

static void note_edit(struct operation *operation)
{
    if (operation->override.device == HOST_BOOT_FIRMWARE_MENU)
        operation->used_boot_menu = true;
    else
        log_info("%s: started without its kernel, for its boot override",
                 operation->domain->host.name);
}

/* Starts the guest from its stored definition with an edit that is for this start alone: the stored
 * definition stays as it is. 1 if there was nothing to edit and nothing was done. */
static int create_edited(struct operation *operation, virConnectPtr connection, virDomainPtr domain,
                         unsigned flags)
{
    CLEANUP_FREE char *xml = NULL;
    CLEANUP_FREE char *edited = NULL;

    if (!may_edit(operation))
        return 1;
    xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    if (!xml)
        return last_error(operation);
    if (edit_for_start(operation, xml, &edited) < 0)
        return 1;
    virDomainPtr started = virDomainCreateXML(connection, edited, flags);
    if (!started)
        return last_error(operation);
    virDomainFree(started);
    note_edit(operation);
    return 0;
}

static unsigned start_flags(struct operation *operation)
{
    operation->started_paused = host_boot_device_is_hardware(operation->override.device);
    return operation->started_paused ? VIR_DOMAIN_START_PAUSED : 0;
}

/* A managed save is resumed, never discarded: a boot override waits for the reset after it. */
static int create(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    int saved = virDomainHasManagedSaveImage(domain, 0);
    int result = saved < 0 ? last_error(operation) : 0;

    if (result < 0 && result != -ENOTSUP)
        return result;
    unsigned flags = start_flags(operation);
    result = saved == 1 ? 1 : create_edited(operation, connection, domain, flags);
    operation->has_run = operation->started_paused && saved == 1;
    if (result <= 0)
        return result;
    return virDomainCreateWithFlags(domain, flags) == 0 ? 0 : last_error(operation);
}

static int create_transient(struct operation *operation, virConnectPtr connection)
{
    char *edited = NULL;

    if (edit_for_start(operation, operation->xml, &edited) == 0) {
        free(operation->xml);
        operation->xml = edited;
        note_edit(operation);
    }
    virDomainPtr domain = virDomainCreateXML(connection, operation->xml, start_flags(operation));
    if (!domain)
        return last_error(operation);
    virDomainFree(domain);
    return 0;
}

/* Another client, or a start that was still under way, may have been faster. */
static int resume(struct operation *operation, virDomainPtr domain)
{
    int state = VIR_DOMAIN_NOSTATE;

    if (is_migrating(operation, domain))
        return -EBUSY;
    if (virDomainResume(domain) == 0)
        return 0;
    int result = last_error(operation);
    bool runs = virDomainGetState(domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_RUNNING;
    return runs ? 0 : result;
}

static int work_up(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    int state = VIR_DOMAIN_NOSTATE;
    int result = domain ? 0 : last_error(operation);

    if (result < 0 && (result != -ENODEV || !operation->xml))
        return result;
    bool is_on = domain && virDomainIsActive(domain) != 0;
    if (!is_on && !operation->seen_off) {
        /* It has ended, or was migrated away, a moment ago: which of them is not known yet. */
        snprintf(operation->text, sizeof operation->text, "the guest is no longer running here");
        return -EHOSTUNREACH;
    }
    if (!is_on)
        return domain ? create(operation, connection, domain)
                      : create_transient(operation, connection);
    if (virDomainGetState(domain, &state, NULL, 0) < 0)
        return last_error(operation);
    switch (state) {
    case VIR_DOMAIN_PAUSED:
        return resume(operation, domain);
    case VIR_DOMAIN_PMSUSPENDED:
        return virDomainPMWakeup(domain, 0) == 0 ? 0 : last_error(operation);
    case VIR_DOMAIN_CRASHED:
        if (virDomainDestroy(domain) < 0)
            return last_error(operation);
        return operation->xml ? create_transient(operation, connection)
                              : create(operation, connection, domain);
    default:
        return 0;
    }
}

static int work_resume(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    (void)connection;
    return domain ? resume(operation, domain) : last_error(operation);
}

/* libvirt's call in place of a QMP command, without QMP. */
static int work_without_qmp(struct operation *operation, virConnectPtr connection,
                            virDomainPtr domain)
{
    int result = -1;

    (void)connection;
    if (!domain)
        return last_error(operation);
    switch (operation->action) {
    case HOST_POWER_ACTION_HARD_RESET:
        result = virDomainReset(domain, 0);
        break;
    case HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT:
        result = virDomainInjectNMI(domain, 0);
        break;
    case HOST_POWER_ACTION_SOFT_SHUTDOWN:
        result = virDomainShutdown(domain);
        break;
    default:
        break;
    }
    return result == 0 ? 0 : last_error(operation);
}

/* ---- steps ---- */

/* A cycle that may not start the guest again does not destroy it either. */
static void step_destroy(struct operation *operation)
{
    if (operation->abandoned && operation->action == HOST_POWER_ACTION_CYCLE)
        operation_finish(operation, -EHOSTUNREACH, "given up");
    else if (operation->domain->host.state == HOST_POWER_OFF)
        operation_next(operation);
    else
        operation_work(operation, work_destroy);
}

/* Only a guest that has ended here is started here again: one that was migrated away meanwhile runs
 * elsewhere, on the same disk. */
static void step_ended_here(struct operation *operation)
{
    if (operation->destroyed || host_stop_is_end(operation->domain->host.stop_reason))
        operation_next(operation);
    else
        operation_finish(operation, -EINVAL, "the guest is no longer on this hypervisor");
}

/* After a cancel, or while the hypervisor cannot be reached, the guest may run elsewhere. */
static bool may_start(const struct operation *operation)
{
    return !operation->abandoned && operation->domain->host.state != HOST_POWER_UNKNOWN;
}

static void finish_elsewhere(struct operation *operation)
{
    operation_finish(operation, -EHOSTUNREACH, "the guest may be elsewhere by now");
}

/* The connection may have been lost while the guest was being destroyed: nothing ends an interval
 * that begins only then. */
static void step_cycle_interval(struct operation *operation)
{
    if (!may_start(operation)) {
        finish_elsewhere(operation);
        return;
    }
    operation->in_interval = operation->cycle_interval_s > 0;
    operation_pause(operation, operation->cycle_interval_s * UINT64_C(1000));
}

static void step_resume(struct operation *operation)
{
    operation_work(operation, work_resume);
}

static void step_resumed(struct operation *operation)
{
    operation->domain->resume_owed = false;
    if (!operation->has_run)
        override_note_boot(operation->domain);
    operation_next(operation);
}

static operation_step *const only_resume[] = {step_resume, step_resumed, NULL};

/* The start that owed it may have been completed meanwhile. */
static void step_if_owed(struct operation *operation)
{
    if (operation->domain->resume_owed && operation->domain->host.state == HOST_POWER_PAUSED)
        operation_next(operation);
    else
        operation_finish(operation, 0, NULL);
}

void power_reconcile(struct virt_domain *domain)
{
    static operation_step *const steps[] = {step_if_owed, step_resume, step_resumed, NULL};

    if (domain->resume_owed && domain->host.state == HOST_POWER_PAUSED)
        operation_queue(domain, steps, NULL, NULL);
}

/* Nothing was started: no resume is owed. After a lost connection that is unknown. */
static void step_not_started(struct operation *operation)
{
    if (operation->result != -EHOSTUNREACH)
        operation->domain->resume_owed = false;
    operation_finish(operation, operation->result, operation->text);
}

static operation_step *const not_started[] = {step_not_started, NULL};

/* A guest that runs needs nothing more; one that was started paused gets its boot order. */
static void step_after_up(struct operation *operation)
{
    operation->on_error = NULL;
    if (operation->used_boot_menu)
        override_note_menu_used(operation->domain);
    if (!operation->started_paused) {
        operation->domain->resume_owed = false;
        operation_finish(operation, 0, NULL);
        return;
    }
    operation->on_error = only_resume;
    operation_next(operation);
}

/* The firmware reads the boot order at a reset only, also in a guest that has not run yet. */
static void step_reset_before_first_run(struct operation *operation)
{
    struct qmp_client *client = monitor_client(operation->domain);

    if (operation->has_run || !client)
        operation_next(operation);
    else
        reset_step(operation);
}

static void on_run_state(void *context, const struct qmp_status *status,
                         const struct qmp_error *error)
{
    struct operation *operation = context;

    operation->has_run = error || status->state != QMP_RUN_STATE_PRELAUNCH;
    operation_next(operation);
}

static void step_ask_whether_it_ran(struct operation *operation)
{
    struct qmp_client *client = monitor_client(operation->domain);

    if (!client)
        operation_next(operation);
    else
        monitor_step_submitted(operation, qmp_query_status(client, on_run_state, operation));
}

/* A guest whose start is incomplete: the daemon was killed, or another client started it paused. */
static operation_step *const finish_start[] = {
    monitor_step_open,
    step_ask_whether_it_ran,
    override_step_apply,
    step_reset_before_first_run,
    step_resume,
    step_resumed,
    NULL,
};

static void step_up(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;

    operation->in_interval = false;
    if (!may_start(operation)) {
        finish_elsewhere(operation);
        return;
    }
    if (domain->host.state == HOST_POWER_RUNNING) {
        domain->resume_owed = false;
        operation_finish(operation, 0, NULL);
        return;
    }
    operation->seen_off = domain->host.state == HOST_POWER_OFF;
    if (hypervisor_is_qemu(domain->hypervisor)) { /* no other supports one, nor a paused start */
        operation->override = override_at_start(domain);
        operation->kernel_gives_way_to = override_device(domain);
    }
    if (domain->host.state == HOST_POWER_PAUSED &&
        host_boot_device_is_hardware(operation->override.device)) {
        operation->on_error = only_resume;
        operation->steps = finish_start;
        (*operation->steps)(operation);
        return;
    }
    domain->resume_owed = domain->host.state == HOST_POWER_OFF &&
                          host_boot_device_is_hardware(operation->override.device);
    if (!domain->persistent && domain->transient_xml) {
        free(operation->xml);
        operation->xml = strdup(domain->transient_xml);
    }
    operation->on_error = not_started;
    operation_work(operation, work_up);
}

static void step_command(struct operation *operation)
{
    static const enum qmp_command commands[] = {
        [HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT] = QMP_COMMAND_INJECT_NMI,
        [HOST_POWER_ACTION_SOFT_SHUTDOWN] = QMP_COMMAND_SYSTEM_POWERDOWN,
    };
    struct qmp_client *client = monitor_client(operation->domain);

    if (!client)
        operation_work(operation, work_without_qmp);
    else if (operation->action == HOST_POWER_ACTION_HARD_RESET)
        reset_step(operation);
    else
        monitor_step_submitted(
            operation, qmp_run(client, commands[operation->action], monitor_step_done, operation));
}

/* ---- the table ---- */

#define STEPS_UP                                                                                   \
    step_up, step_after_up, monitor_step_open, override_step_apply, step_reset_before_first_run,   \
        step_resume, step_resumed, NULL

static operation_step *const steps_down[] = {step_destroy, NULL};
static operation_step *const steps_up[] = {STEPS_UP};
static operation_step *const steps_cycle[] = {step_destroy, step_ended_here, step_cycle_interval,
                                              STEPS_UP};
/* QEMU has stopped the processors of a guest whose kernel has panicked. */
static operation_step *const steps_reset_crashed[] = {monitor_step_open, step_command, step_resume,
                                                      step_resumed, NULL};
static operation_step *const steps_qmp[] = {monitor_step_open, step_command, NULL};

static operation_step *const *const steps_of_action[] = {
    [HOST_POWER_ACTION_DOWN] = steps_down,
    [HOST_POWER_ACTION_UP] = steps_up,
    [HOST_POWER_ACTION_CYCLE] = steps_cycle,
    [HOST_POWER_ACTION_HARD_RESET] = steps_qmp,
    [HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT] = steps_qmp,
    [HOST_POWER_ACTION_SOFT_SHUTDOWN] = steps_qmp,
};

void power_begin(struct host_domain *host, enum host_power_action action, unsigned cycle_interval_s,
                 host_done_fn *done, void *context)
{
    struct virt_domain *domain = virt_domain_of_host(host);
    operation_step *const *steps = steps_of_action[action];

    if (action == HOST_POWER_ACTION_HARD_RESET && host->state == HOST_POWER_CRASHED)
        steps = steps_reset_crashed;
    struct operation *operation = operation_queue(domain, steps, done, context);
    if (!operation)
        return;
    operation->action = action;
    operation->cycle_interval_s = cycle_interval_s;
}
