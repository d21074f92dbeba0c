/* A break is sent at once if the guest's monitor is open already, without waiting for operations: a
 * power action may take long. Else an operation opens the monitor. */
#include "vbmc/virt/serial_break.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/operation.h"

struct serial_break {
    struct serial_break *next; /* of the domain's */
    struct virt_domain *domain;
    host_done_fn *done; /* NULL: cancelled */
    void *context;
};

/* The domain is valid: its monitor is closed, which ends commands, before it is freed. */
static void on_answer(void *context, const struct qmp_error *error)
{
    struct serial_break *sent = context;
    struct serial_break **link = &sent->domain->breaks;

    while (*link != sent)
        link = &(*link)->next;
    *link = sent->next;
    if (sent->done)
        sent->done(sent->context, error ? monitor_result(error) : 0, error ? error->text : NULL);
    free(sent);
}

/* False, without an answer to the caller, if it cannot be sent this way. */
static bool send_at_once(struct virt_domain *domain, const char *chardev, host_done_fn *done,
                         void *context)
{
    struct qmp_client *client = monitor_client(domain);
    struct serial_break *sent =
        client && qmp_client_is_ready(client) ? calloc(1, sizeof *sent) : NULL;

    if (!sent)
        return false;
    *sent = (struct serial_break){
        .next = domain->breaks, .domain = domain, .done = done, .context = context};
    if (qmp_chardev_send_break(client, chardev, on_answer, sent) < 0) {
        free(sent);
        return false;
    }
    domain->breaks = sent;
    return true;
}

static void step_break(struct operation *operation)
{
    struct qmp_client *client = monitor_client(operation->domain);

    if (!client)
        operation_finish(operation, -ENOTSUP, "this hypervisor has no way to send a break (QMP)");
    else
        monitor_step_submitted(operation, qmp_chardev_send_break(client, operation->chardev,
                                                                 monitor_step_done, operation));
}

/* libvirt names the character device behind the device ALIAS "charALIAS" (seen with libvirt 9.0 and
 * QEMU 7.2: query-chardev). */
void serial_break_send(struct host_domain *host, const char *alias, host_done_fn *done,
                       void *context)
{
    static operation_step *const steps[] = {monitor_step_open, step_break, NULL};
    struct virt_domain *domain = virt_domain_of_host(host);
    CLEANUP_FREE char *chardev = NULL;

    const char *refused;
    int result = virt_domain_check_on(host, &refused);

    if (result < 0) {
        done(context, result, refused);
        return;
    }
    if (asprintf(&chardev, "char%s", alias) < 0) {
        chardev = NULL;
        done(context, -ENOMEM, "out of memory");
        return;
    }
    if (send_at_once(domain, chardev, done, context))
        return;
    struct operation *operation = operation_queue(domain, steps, done, context);
    if (operation)
        operation->chardev = cleanup_steal_pointer(&chardev);
}

void serial_break_cancel(struct virt_domain *domain, const void *context)
{
    for (struct serial_break *sent = domain->breaks; sent; sent = sent->next) {
        if (sent->context == context)
            sent->done = NULL;
    }
}
