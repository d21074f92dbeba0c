#include "vbmc/virt/monitor.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/client.h"
#include "qmp/unix_socket.h"
#include "vbmc/base/log.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/passthrough.h"
#include "vbmc/virt/properties.h"

/* Passthrough commands may wait in the worker's queue behind calls for other domains. */
#define PASSTHROUGH_TIMEOUT_MS 30000
#define DIRECT_HANDSHAKE_MS    1000

struct monitor {
    struct virt_domain *domain;
    struct domxml_live live;
    struct qmp_client *direct; /* NULL: no socket, or it did not answer */
    struct qmp_client *passthrough;
    bool had_direct;           /* it answered once, and can be tried again */
    struct operation *opening; /* waits for the direct client */
};

static void open_passthrough(struct monitor *monitor)
{
    struct virt_domain *domain = monitor->domain;
    struct qmp_client_options options = {
        .name = domain->host.name,
        .timeout_ms = PASSTHROUGH_TIMEOUT_MS,
    };

    if (monitor->passthrough || !hypervisor_is_qemu(domain->hypervisor))
        return;
    struct qmp_transport *transport =
        passthrough_create(hypervisor_worker(domain->hypervisor), &domain->host.uuid);
    if (transport)
        qmp_client_open(hypervisor_loop(domain->hypervisor), transport, &options,
                        &monitor->passthrough);
}

static void finish_opening(struct monitor *monitor)
{
    struct operation *operation = monitor->opening;

    monitor->opening = NULL;
    if (operation)
        operation_next(operation);
}

/* A direct socket that does not answer is not used again during this run of the guest. One that has
 * answered before is tried again by the next operation, since it may have been lost with the SSH
 * connection. */
static void on_direct_state(void *context, bool ready, const char *reason)
{
    struct monitor *monitor = context;

    if (!ready) {
        struct qmp_client *client = monitor->direct;
        log_debug("%s: QMP socket: %s", monitor->domain->host.name, reason);
        monitor->direct = NULL;
        qmp_client_close(client);
        open_passthrough(monitor);
    } else {
        monitor->had_direct = true;
    }
    finish_opening(monitor);
}

static bool open_direct(struct monitor *monitor)
{
    static const struct qmp_unix_socket_options socket_options = {
        .handshake_ms = DIRECT_HANDSHAKE_MS,
    };
    struct virt_domain *domain = monitor->domain;
    uv_loop_t *loop = hypervisor_loop(domain->hypervisor);
    struct qmp_client_options options = {
        .name = domain->host.name,
        .state = on_direct_state,
        .context = monitor,
    };
    struct qmp_transport *transport;
    char path[108]; /* of a socket's address */

    monitor->had_direct = false;
    return monitor->live.qmp_socket &&
           hypervisor_reach_socket(domain->hypervisor, monitor->live.qmp_socket, path,
                                   sizeof path) == 0 &&
           qmp_unix_socket_create(loop, path, &socket_options, &transport) == 0 &&
           qmp_client_open(loop, transport, &options, &monitor->direct) == 0;
}

static void take_xml(struct operation *operation)
{
    struct monitor *monitor = operation->domain->monitor;

    if (!monitor) { /* the guest stopped while its XML was read */
        operation_finish(operation, -EINVAL, "the guest is off");
        return;
    }
    domxml_live_clear(&monitor->live);
    if (domxml_parse_live(operation->xml, &monitor->live) < 0) {
        operation_finish(operation, -EIO, "cannot parse libvirt's domain XML");
        return;
    }
    if (monitor->direct || (monitor->passthrough && !monitor->had_direct)) {
        operation_next(operation);
        return;
    }
    monitor->opening = operation;
    if (!open_direct(monitor)) {
        open_passthrough(monitor);
        finish_opening(monitor);
    }
}

/* An action thread. */
static int read_xml(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    (void)connection;
    free(operation->xml);
    operation->xml = domain ? virDomainGetXMLDesc(domain, 0) : NULL;
    return operation->xml ? 0 : virt_last_error(operation->text, sizeof operation->text);
}

/* The worker's job ends by going to "the next step", which is this one. */
static void take_xml_and_return(struct operation *operation)
{
    operation->steps = operation->resume;
    take_xml(operation);
}

void monitor_step_open(struct operation *operation)
{
    static operation_step *const after_reading[] = {NULL, take_xml_and_return, NULL};
    struct virt_domain *domain = operation->domain;

    if (!domain->monitor) {
        domain->monitor = calloc(1, sizeof *domain->monitor);
        if (!domain->monitor) {
            operation_finish(operation, -ENOMEM, "out of memory");
            return;
        }
        domain->monitor->domain = domain;
    }
    operation->resume = operation->steps;
    operation->steps = after_reading;
    operation_work(operation, read_xml);
}

struct qmp_client *monitor_client(const struct virt_domain *domain)
{
    const struct monitor *monitor = domain->monitor;

    if (!monitor)
        return NULL;
    return monitor->direct ? monitor->direct : monitor->passthrough;
}

const struct domxml_live *monitor_live_xml(const struct virt_domain *domain)
{
    return &domain->monitor->live;
}

int monitor_result(const struct qmp_error *error)
{
    if (error->failure == QMP_FAILURE_ERROR_REPLY)
        return strcmp(error->class_name, "CommandNotFound") == 0 ? -ENOTSUP : -EINVAL;
    return error->may_have_run ? -EIO : -EHOSTUNREACH;
}

void monitor_step_done(void *context, const struct qmp_error *error)
{
    struct operation *operation = context;

    if (error)
        operation_finish(operation, monitor_result(error), error->text);
    else
        operation_next(operation);
}

void monitor_step_submitted(struct operation *operation, int result)
{
    if (result < 0)
        operation_finish(operation, -EHOSTUNREACH, strerror(-result));
}

void monitor_forget(struct virt_domain *domain)
{
    struct monitor *monitor = domain->monitor;

    domain->monitor = NULL;
    monitor_free(monitor);
}

void monitor_free(struct monitor *monitor)
{
    if (!monitor)
        return;
    struct operation *opening = monitor->opening;
    monitor->opening = NULL;
    qmp_client_close(monitor->direct);
    qmp_client_close(monitor->passthrough);
    domxml_live_clear(&monitor->live);
    free(monitor);
    if (opening)
        operation_finish(opening, -EINVAL, "the guest is off");
}
