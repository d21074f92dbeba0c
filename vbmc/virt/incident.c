#include "vbmc/virt/incident.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/properties.h"

#define IO_ERROR_QUIET_MS 1000

/* ---- why it stopped ---- */

static enum host_stop_reason reason_of_event(int detail)
{
    static const enum host_stop_reason reasons[] = {
        [VIR_DOMAIN_EVENT_STOPPED_SHUTDOWN] = HOST_STOP_SHUTDOWN,
        [VIR_DOMAIN_EVENT_STOPPED_DESTROYED] = HOST_STOP_DESTROYED,
        [VIR_DOMAIN_EVENT_STOPPED_CRASHED] = HOST_STOP_CRASHED,
        [VIR_DOMAIN_EVENT_STOPPED_MIGRATED] = HOST_STOP_MOVED,
        [VIR_DOMAIN_EVENT_STOPPED_SAVED] = HOST_STOP_SAVED,
        [VIR_DOMAIN_EVENT_STOPPED_FAILED] = HOST_STOP_FAILED,
        [VIR_DOMAIN_EVENT_STOPPED_FROM_SNAPSHOT] = HOST_STOP_DESTROYED,
    };

    if (detail < 0 || (size_t)detail >= ARRAY_SIZE(reasons))
        return HOST_STOP_UNKNOWN;
    return reasons[detail];
}

void virt_incident_lifecycle(struct virt_domain *domain, int event, int detail)
{
    struct virt_incidents *incidents = &domain->incidents;

    switch (event) {
    case VIR_DOMAIN_EVENT_CRASHED: /* before what <on_crash> does to the guest */
        incidents->panicked = true;
        log_info("%s: the guest has panicked", domain->host.name);
        virt_domain_emit(domain, HOST_EVENT_PANICKED);
        break;
    case VIR_DOMAIN_EVENT_STOPPED:
        if (incidents->stop_reported != HOST_STOP_MOVED)
            incidents->stop_reported = reason_of_event(detail);
        break;
    case VIR_DOMAIN_EVENT_STARTED: /* also at the start of a migration back to here, which may fail
                                    */
        if (incidents->stop_reported != HOST_STOP_MOVED)
            incidents->stop_reported = HOST_STOP_UNKNOWN;
        break;
    default:
        break;
    }
}

static const char *const stop_words[] = {
    [HOST_STOP_UNKNOWN] = "reason unknown",
    [HOST_STOP_SHUTDOWN] = "shut down",
    [HOST_STOP_DESTROYED] = "destroyed",
    [HOST_STOP_CRASHED] = "guest panicked",
    [HOST_STOP_FAILED] = "QEMU failed",
    [HOST_STOP_SAVED] = "saved",
    [HOST_STOP_MOVED] = "migrated to another hypervisor",
};

/* The state's reason belongs to the stop that was seen; an event may be older. But by its state
 * alone a guest that was destroyed after its panic looks like a QEMU that died. */
void virt_incident_stopped(struct virt_domain *domain, enum host_stop_reason seen)
{
    struct virt_incidents *incidents = &domain->incidents;
    enum host_stop_reason reported = incidents->stop_reported;

    if (seen == HOST_STOP_UNKNOWN || (seen == HOST_STOP_FAILED && reported == HOST_STOP_MOVED))
        seen = reported; /* the failure may be that of a migration back to here */
    else if (seen == HOST_STOP_CRASHED && reported != HOST_STOP_CRASHED && !incidents->panicked)
        seen = HOST_STOP_FAILED;
    domain->host.stop_reason = seen;
    log_debug("%s is off: %s", domain->host.name, stop_words[seen]);
    incidents->stop_reported = HOST_STOP_UNKNOWN;
}

void virt_incident_running(struct virt_domain *domain)
{
    domain->incidents.panicked = false;
    domain->incidents.asked_why_paused = false;
    domain->incidents.stop_reported = HOST_STOP_UNKNOWN;
}

/* ---- disks ---- */

static const struct host_disk *find_disk(const struct virt_domain *domain, const char *alias)
{
    const struct host_hardware *hardware = domain->host.hardware;

    for (unsigned i = 0; hardware && alias[0] && i < hardware->disk_count; i++) {
        if (strcmp(hardware->disks[i].alias, alias) == 0)
            return &hardware->disks[i];
    }
    return NULL;
}

/* The disk's entry, else the oldest one. NULL: no memory. */
static struct virt_io_error *find_io_error(struct virt_incidents *incidents, const char *target)
{
    if (!incidents->io_errors)
        incidents->io_errors = calloc(VIRT_IO_ERRORS_MAX, sizeof *incidents->io_errors);
    struct virt_io_error *oldest = incidents->io_errors;

    if (!oldest)
        return NULL;
    for (size_t i = 0; i < VIRT_IO_ERRORS_MAX; i++) {
        struct virt_io_error *error = &incidents->io_errors[i];
        if (strcmp(error->target, target) == 0)
            return error;
        if (error->reported_ms < oldest->reported_ms)
            oldest = error;
    }
    *oldest = (struct virt_io_error){0};
    snprintf(oldest->target, sizeof oldest->target, "%s", target);
    return oldest;
}

void virt_incident_io_error(struct virt_domain *domain, const char *alias)
{
    uint64_t now_ms = uv_now(hypervisor_loop(domain->hypervisor));
    const struct host_disk *disk = find_disk(domain, alias);

    struct virt_io_error *error = find_io_error(&domain->incidents, disk ? disk->target : "");
    if (!error || (error->reported_ms != 0 && now_ms - error->reported_ms < IO_ERROR_QUIET_MS))
        return;
    error->reported_ms = now_ms;
    if (!disk) {
        log_warning("%s: I/O error on a disk that is not in its domain XML (%s)", domain->host.name,
                    alias);
        return;
    }
    log_info("%s: I/O error on disk %s", domain->host.name, disk->target);
    snprintf(domain->host.io_error_disk, sizeof domain->host.io_error_disk, "%s", disk->target);
    virt_domain_emit(domain, HOST_EVENT_IO_ERROR);
}

/* ---- the agent ---- */

void virt_incident_agent_connected(struct virt_domain *domain)
{
    log_debug("%s: guest agent connected", domain->host.name);
    virt_domain_emit(domain, HOST_EVENT_AGENT_CONNECTED);
}

/* ---- pauses ---- */

static void on_status(void *context, const struct qmp_status *status, const struct qmp_error *error)
{
    struct operation *operation = context;
    struct virt_domain *domain = operation->domain;

    if (error) {
        operation_finish(operation, monitor_result(error), error->text);
        return;
    }
    log_info("%s: QEMU has stopped the guest: %s", domain->host.name,
             qmp_run_state_name(status->state));
    if (status->state == QMP_RUN_STATE_INTERNAL_ERROR)
        virt_domain_emit(domain, HOST_EVENT_INTERNAL_ERROR);
    operation_finish(operation, 0, NULL);
}

static void step_ask(struct operation *operation)
{
    struct qmp_client *client = monitor_client(operation->domain);

    if (!client)
        operation_finish(operation, 0, NULL);
    else
        monitor_step_submitted(operation, qmp_query_status(client, on_status, operation));
}

/* Operations queued before may have ended the pause. */
static void step_if_paused(struct operation *operation)
{
    if (operation->domain->host.state == HOST_POWER_PAUSED)
        operation_next(operation);
    else
        operation_finish(operation, 0, NULL);
}

void virt_incident_paused(struct virt_domain *domain)
{
    static operation_step *const steps[] = {step_if_paused, monitor_step_open, step_ask, NULL};

    if (domain->incidents.asked_why_paused)
        return;
    domain->incidents.asked_why_paused = true;
    operation_queue(domain, steps, NULL, NULL);
}
