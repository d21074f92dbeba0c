#include "vbmc/virt/look.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/array.h"
#include "vbmc/base/uuid.h"
#include "vbmc/virt/domains.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/worker.h"

/* ---- one domain ---- */

struct look {
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct uuid uuid;
    char *name; /* looked up by this instead, if not NULL */
    hypervisor_done_fn *answer;
    void *context;
    int result; /* -ENODEV: libvirt does not know it */
    struct virt_facts facts;
};

static int look_up(const struct look *look, virConnectPtr connection, virDomainPtr *domain)
{
    char text[WORKER_TEXT_SIZE];

    if (!look->name || !connection)
        return virt_look_up(connection, &look->uuid, domain, text, sizeof text);
    *domain = virDomainLookupByName(connection, look->name);
    return *domain ? 0 : virt_last_error(text, sizeof text);
}

static void run_look(struct worker_job *job, virConnectPtr connection)
{
    struct look *look = CONTAINER_OF(job, struct look, job);
    virDomainPtr domain;

    look->result = look_up(look, connection, &domain);
    if (!domain)
        return;
    look->result = virt_facts_read(domain, &look->facts);
    virDomainFree(domain);
}

/* A failed lookup by name is about no known domain. */
static void take_result(struct look *look)
{
    struct hypervisor *hypervisor = look->hypervisor;

    if (look->result == 0)
        virt_domains_take(hypervisor, &look->facts, true);
    else if (look->name)
        return;
    else if (look->result == -ENODEV)
        virt_domains_gone(hypervisor, &look->uuid);
    else if (look->result != -EHOSTUNREACH && look->result != -ENOMEM)
        virt_domains_hide(hypervisor, &look->uuid);
}

static void look_done(struct worker_job *job)
{
    struct look *look = CONTAINER_OF(job, struct look, job);

    if (!look->hypervisor->stopping && look->hypervisor->up)
        take_result(look);
    if (look->answer)
        look->answer(look->context, look->result, NULL);
    virt_facts_clear(&look->facts);
    free(look->name);
    free(look);
}

static void submit_look(struct hypervisor *hypervisor, const struct look *asked)
{
    struct look *look = calloc(1, sizeof *look);

    if (!look) {
        if (asked->answer)
            asked->answer(asked->context, -ENOMEM, "out of memory");
        return;
    }
    *look = *asked;
    look->hypervisor = hypervisor;
    look->job.run = run_look;
    look->job.done = look_done;
    worker_submit_look(hypervisor->worker, &look->job);
}

void hypervisor_look_at(struct hypervisor *hypervisor, const struct uuid *uuid,
                        hypervisor_done_fn *done, void *context)
{
    submit_look(hypervisor, &(struct look){.uuid = *uuid, .answer = done, .context = context});
}

void hypervisor_look_for(struct hypervisor *hypervisor, const char *name, hypervisor_done_fn *done,
                         void *context)
{
    submit_look(hypervisor,
                &(struct look){.name = strdup(name), .answer = done, .context = context});
}

/* ---- all domains ---- */

struct listing {
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct virt_facts_list list;
    int result;
};

static void run_listing(struct worker_job *job, virConnectPtr connection)
{
    struct listing *listing = CONTAINER_OF(job, struct listing, job);

    listing->result = connection ? virt_facts_list_read(connection, &listing->list) : -EHOSTUNREACH;
}

static void listing_done(struct worker_job *job)
{
    struct listing *listing = CONTAINER_OF(job, struct listing, job);

    if (listing->result == 0 && listing->hypervisor->up && !listing->hypervisor->stopping)
        virt_domains_take_list(listing->hypervisor, &listing->list, true);
    virt_facts_list_clear(&listing->list);
    free(listing);
}

void virt_look_at_all(struct hypervisor *hypervisor)
{
    struct listing *listing = calloc(1, sizeof *listing);

    if (!listing)
        return;
    listing->hypervisor = hypervisor;
    listing->job.run = run_listing;
    listing->job.done = listing_done;
    worker_submit_look(hypervisor->worker, &listing->job);
}
