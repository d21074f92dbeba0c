#include "vbmc/host/operation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

static void on_timer_closed(uv_handle_t *handle)
{
    struct operation *operation = CONTAINER_OF((uv_timer_t *)handle, struct operation, timer);

    virt_facts_clear(&operation->facts);
    free(operation->xml);
    free(operation->undo);
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

/* Goes on with the steps that put right what was begun. */
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
        virt_domain_release(domain);
}

void operation_next(struct operation *operation)
{
    if (hypervisor_is_stopping(operation->domain->hypervisor)) {
        operation_finish(operation, -EHOSTUNREACH, "stopping");
        return;
    }
    operation->steps++;
    if (*operation->steps)
        (*operation->steps)(operation);
    else
        operation_finish(operation, 0, NULL);
}

/* Worker thread. */
static void run_job(struct worker_job *job, virConnectPtr connection)
{
    struct operation *operation = CONTAINER_OF(job, struct operation, job);

    operation->facts_valid = false;
    if (!connection) {
        operation->result = -EHOSTUNREACH;
        snprintf(operation->text, sizeof operation->text, "no connection to the hypervisor");
        return;
    }
    virDomainPtr domain =
        virDomainLookupByUUID(connection, operation->domain->host.uuid.bytes);
    operation->result = operation->work(operation, connection, domain);
    if (!domain)
        domain = virDomainLookupByUUID(connection, operation->domain->host.uuid.bytes);
    if (!domain)
        return;
    operation->facts_valid = virt_facts_read(domain, &operation->facts) == 0;
    virDomainFree(domain);
}

static void job_done(struct worker_job *job)
{
    struct operation *operation = CONTAINER_OF(job, struct operation, job);
    struct virt_domain *domain = operation->domain;

    /* An event that came meanwhile may be newer than these facts, and asks for newer ones itself. */
    if (operation->facts_valid && domain->events == operation->events)
        virt_domain_apply_facts(domain, &operation->facts, true);
    virt_facts_clear(&operation->facts);
    if (operation->result < 0)
        operation_finish(operation, operation->result, operation->text);
    else
        operation_next(operation);
}

void operation_work(struct operation *operation, operation_work_fn *work)
{
    operation->work = work;
    operation->events = operation->domain->events;
    operation->job.run = run_job;
    operation->job.done = job_done;
    worker_submit(hypervisor_worker(operation->domain->hypervisor), &operation->job);
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

void operation_cancel(struct virt_domain *domain, const void *context)
{
    for (struct operation *operation = domain->operations; operation; operation = operation->next) {
        if (operation->context == context)
            operation->done = NULL;
    }
}
