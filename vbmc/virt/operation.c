#include "vbmc/virt/operation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/properties.h"

static void on_timer_closed(uv_handle_t *handle)
{
    struct operation *operation = CONTAINER_OF((uv_timer_t *)handle, struct operation, timer);

    virt_facts_clear(&operation->facts);
    free(operation->xml);
    free(operation->undo);
    free(operation->chardev);
    free(operation);
}

static void on_first_turn(uv_timer_t *timer)
{
    struct operation *operation = CONTAINER_OF(timer, struct operation, timer);

    (*operation->steps)(operation);
}

static void start(struct operation *operation)
{
    uv_timer_start(&operation->timer, on_first_turn, 0, 0);
}

struct operation *operation_queue(struct virt_domain *domain, operation_step *const *steps,
                                  host_done_fn *done, void *context)
{
    struct operation *operation = calloc(1, sizeof *operation);
    struct operation **link = &domain->operations;

    if (!operation) {
        if (done)
            done(context, -ENOMEM, "out of memory");
        return NULL;
    }
    operation->domain = domain;
    operation->steps = steps;
    operation->done = done;
    operation->context = context;
    operation->facts.id = -1;
    uv_timer_init(hypervisor_loop(domain->hypervisor), &operation->timer);
    while (*link)
        link = &(*link)->next;
    *link = operation;
    if (domain->operations == operation)
        start(operation);
    return operation;
}

/* Continues with the steps that undo what was begun. */
static void recover(struct operation *operation, const char *text)
{
    log_warning("%s: %s", operation->domain->host.name, text);
    operation->steps = operation->on_error;
    operation->on_error = NULL;
    (*operation->steps)(operation);
}

void operation_finish(struct operation *operation, int result, const char *text)
{
    struct virt_domain *domain = operation->domain;

    if (result < 0 && operation->on_error && !hypervisor_is_stopping(domain->hypervisor)) {
        recover(operation, text);
        return;
    }
    domain->operations = operation->next;
    if (operation->done)
        operation->done(operation->context, result, result ? text : NULL);
    uv_close((uv_handle_t *)&operation->timer, on_timer_closed);
    if (domain->operations)
        start(domain->operations);
    else
        domain->hypervisor->outcomes->released(domain);
}

void operation_next(struct operation *operation)
{
    if (hypervisor_is_stopping(operation->domain->hypervisor)) {
        operation_finish(operation, -EHOSTUNREACH, "stopping");
        return;
    }
    operation->steps++;
    if (!*operation->steps)
        operation_finish(operation, 0, NULL);
    else if (operation->domain->vanished) /* one that is defined again is another domain */
        operation_finish(operation, -ENODEV, "the domain is gone");
    else
        (*operation->steps)(operation);
}

/* An action thread. */
static void run_action(struct worker_job *job, virConnectPtr connection)
{
    struct operation *operation = CONTAINER_OF(job, struct operation, job);

    if (!connection) {
        operation->result = virt_no_connection(operation->text, sizeof operation->text);
        return;
    }
    virDomainPtr domain = virDomainLookupByUUID(connection, operation->domain->host.uuid.bytes);
    operation->result = operation->work(operation, connection, domain);
    if (domain)
        virDomainFree(domain);
}

/* The keeper thread. */
static void run_look(struct worker_job *job, virConnectPtr connection)
{
    struct operation *operation = CONTAINER_OF(job, struct operation, job);
    char text[WORKER_TEXT_SIZE];

    virDomainPtr domain;

    operation->looked =
        virt_look_up(connection, &operation->domain->host.uuid, &domain, text, sizeof text);
    if (!domain)
        return;
    operation->looked = virt_facts_read(domain, &operation->facts);
    virDomainFree(domain);
}

static void look_done(struct worker_job *job)
{
    struct operation *operation = CONTAINER_OF(job, struct operation, job);
    struct virt_domain *domain = operation->domain;
    const struct operation_outcomes *outcomes = domain->hypervisor->outcomes;

    operation->acting = false;
    if (operation->looked == 0 && hypervisor_is_up(domain->hypervisor))
        outcomes->taken(domain, &operation->facts, true);
    else if (operation->looked == -ENODEV)
        outcomes->lost(domain, operation->destroyed ? HOST_STOP_DESTROYED : HOST_STOP_UNKNOWN);
    virt_facts_clear(&operation->facts);
    if (operation->result < 0)
        operation_finish(operation, operation->result, operation->text);
    else
        operation_next(operation);
}

/* Reads what the action did to the domain before the next step relies on it. */
static void action_done(struct worker_job *job)
{
    struct operation *operation = CONTAINER_OF(job, struct operation, job);

    if (hypervisor_is_stopping(operation->domain->hypervisor)) {
        operation_finish(operation, -EHOSTUNREACH, "stopping");
        return;
    }
    operation->job.run = run_look;
    operation->job.done = look_done;
    worker_submit_look(hypervisor_worker(operation->domain->hypervisor), &operation->job);
}

void operation_work(struct operation *operation, operation_work_fn *work)
{
    operation->work = work;
    operation->acting = true;
    operation->job.run = run_action;
    operation->job.done = action_done;
    worker_submit_action(hypervisor_worker(operation->domain->hypervisor), &operation->job);
}

static void on_pause_over(uv_timer_t *timer)
{
    operation_next(CONTAINER_OF(timer, struct operation, timer));
}

void operation_pause(struct operation *operation, uint64_t ms)
{
    if (ms == 0)
        operation_next(operation);
    else
        uv_timer_start(&operation->timer, on_pause_over, ms, 0);
}

void operation_end_interval(struct virt_domain *domain)
{
    struct operation *operation = domain->operations;

    if (operation && operation->in_interval)
        uv_timer_start(&operation->timer, on_pause_over, 0, 0);
}

void operation_cancel(struct virt_domain *domain, const void *context)
{
    for (struct operation *operation = domain->operations; operation; operation = operation->next) {
        if (operation->context != context)
            continue;
        operation->done = NULL;
        operation->abandoned = true;
    }
    if (domain->operations && domain->operations->abandoned)
        operation_end_interval(domain);
}

void operation_detach(struct virt_domain *domain, const void *context)
{
    for (struct operation *operation = domain->operations; operation; operation = operation->next) {
        if (operation->context != context)
            continue;
        operation->done = NULL;
        operation->context = NULL; /* a later cancel is not about it */
    }
}
