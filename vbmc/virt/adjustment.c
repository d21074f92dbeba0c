#include "vbmc/virt/adjustment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/uuid.h"
#include "vbmc/domxml/link.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/worker.h"

/* libvirt takes a quota of 1000 us at least, in each period. */
#define QUOTA_PERIOD_US 100000
#define QUOTA_LEAST_US  1000
#define PERMILLE_MAX    1000

/* Keeps no pointer to the domain, which may be gone before a thread runs this. */
struct virt_adjustment {
    struct worker_job job;
    struct virt_adjustment *next; /* of the hypervisor's */
    struct hypervisor *hypervisor;
    struct uuid uuid;
    int (*work)(struct virt_adjustment *adjustment, virDomainPtr domain);
    uint8_t mac[6];
    bool up;
    unsigned permille;
    host_done_fn *done; /* NULL: cancelled */
    void *context;
    int result;
    char text[WORKER_TEXT_SIZE];
};

/* ---- action threads ---- */

static int last_error(struct virt_adjustment *adjustment)
{
    return virt_last_error(adjustment->text, sizeof adjustment->text);
}

static int work_link(struct virt_adjustment *adjustment, virDomainPtr domain)
{
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, 0);
    CLEANUP_FREE char *interface = NULL;
    const uint8_t *mac = adjustment->mac;

    if (!xml)
        return last_error(adjustment);
    int result = domxml_set_link(xml, mac, adjustment->up, &interface);
    if (result == -ENOENT) {
        snprintf(adjustment->text, sizeof adjustment->text,
                 "the guest has no NIC %02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
                 mac[3], mac[4], mac[5]);
        return -EINVAL;
    }
    if (result < 0) {
        snprintf(adjustment->text, sizeof adjustment->text, "cannot parse libvirt's domain XML");
        return -EIO;
    }
    if (virDomainUpdateDeviceFlags(domain, interface, VIR_DOMAIN_AFFECT_LIVE) < 0)
        return last_error(adjustment);
    return 0;
}

static void cleanup_params(virTypedParameterPtr *params)
{
    free(*params); /* numbers alone */
}

/* Without a CPU control group libvirt returns VIR_ERR_OPERATION_INVALID, as for a guest that is
 * off. */
static int quota_error(struct virt_adjustment *adjustment)
{
    int result = last_error(adjustment);
    const virError *error = virGetLastError();

    if (error && error->code == VIR_ERR_CONFIG_UNSUPPORTED)
        return -ENOTSUP;
    if (result != -EINVAL || !strstr(adjustment->text, "cgroup"))
        return result;
    snprintf(
        adjustment->text, sizeof adjustment->text,
        "libvirt has no CPU control group for this guest (cgroup_controllers in its qemu.conf, "
        "or a machine without them): its CPU time cannot be limited");
    return -ENOTSUP;
}

static int work_quota(struct virt_adjustment *adjustment, virDomainPtr domain)
{
    CLEANUP(cleanup_params) virTypedParameterPtr params = NULL;
    int count = 0, size = 0;
    long long quota_us = (long long)adjustment->permille * (QUOTA_PERIOD_US / PERMILLE_MAX);

    if (adjustment->permille == 0)
        quota_us = -1;
    else if (quota_us < QUOTA_LEAST_US)
        quota_us = QUOTA_LEAST_US;
    if (virTypedParamsAddULLong(&params, &count, &size, VIR_DOMAIN_SCHEDULER_VCPU_PERIOD,
                                QUOTA_PERIOD_US) < 0 ||
        virTypedParamsAddLLong(&params, &count, &size, VIR_DOMAIN_SCHEDULER_VCPU_QUOTA, quota_us) <
            0)
        return last_error(adjustment);
    if (virDomainSetSchedulerParametersFlags(domain, params, count, VIR_DOMAIN_AFFECT_LIVE) < 0)
        return quota_error(adjustment);
    return 0;
}

static void run(struct worker_job *job, virConnectPtr connection)
{
    struct virt_adjustment *adjustment = CONTAINER_OF(job, struct virt_adjustment, job);

    virDomainPtr domain;

    adjustment->result = virt_look_up(connection, &adjustment->uuid, &domain, adjustment->text,
                                      sizeof adjustment->text);
    if (!domain)
        return;
    adjustment->result = adjustment->work(adjustment, domain);
    virDomainFree(domain);
}

/* ---- the loop ---- */

static void answer(struct virt_adjustment *adjustment)
{
    struct virt_adjustment **link = &adjustment->hypervisor->adjustments;

    while (*link != adjustment)
        link = &(*link)->next;
    *link = adjustment->next;
    if (adjustment->done)
        adjustment->done(adjustment->context, adjustment->result,
                         adjustment->result < 0 ? adjustment->text : NULL);
    free(adjustment);
}

static void looked(void *context, int result, const char *text)
{
    (void)result;
    (void)text;
    answer(context);
}

/* libvirt has no event for a link that changes: looked at before the caller is answered. */
static void job_done(struct worker_job *job)
{
    struct virt_adjustment *adjustment = CONTAINER_OF(job, struct virt_adjustment, job);

    if (adjustment->result == 0 && adjustment->work == work_link &&
        !adjustment->hypervisor->stopping)
        hypervisor_look_at(adjustment->hypervisor, &adjustment->uuid, looked, adjustment);
    else
        answer(adjustment);
}

static void submit(struct host_domain *host, const struct virt_adjustment *wanted)
{
    struct virt_domain *domain = virt_domain_of_host(host);

    const char *refused;
    int result = virt_domain_check_on(host, &refused);

    if (result < 0) {
        wanted->done(wanted->context, result, refused);
        return;
    }
    struct virt_adjustment *adjustment = malloc(sizeof *adjustment);
    if (!adjustment) {
        wanted->done(wanted->context, -ENOMEM, "out of memory");
        return;
    }
    *adjustment = *wanted;
    adjustment->hypervisor = domain->hypervisor;
    adjustment->uuid = host->uuid;
    adjustment->job.run = run;
    adjustment->job.done = job_done;
    adjustment->next = domain->hypervisor->adjustments;
    domain->hypervisor->adjustments = adjustment;
    worker_submit_action(domain->hypervisor->worker, &adjustment->job);
}

void virt_adjustment_set_link(struct host_domain *host, const uint8_t mac[6], bool up,
                              host_done_fn *done, void *context)
{
    struct virt_adjustment wanted = {.work = work_link, .up = up, .done = done, .context = context};

    memcpy(wanted.mac, mac, sizeof wanted.mac);
    submit(host, &wanted);
}

void virt_adjustment_set_cpu_quota(struct host_domain *host, unsigned permille, host_done_fn *done,
                                   void *context)
{
    submit(host, &(struct virt_adjustment){
                     .work = work_quota,
                     .permille = permille > PERMILLE_MAX ? PERMILLE_MAX : permille,
                     .done = done,
                     .context = context,
                 });
}

void virt_adjustment_cancel(struct virt_domain *domain, const void *context)
{
    for (struct virt_adjustment *adjustment = domain->hypervisor->adjustments; adjustment;
         adjustment = adjustment->next) {
        if (adjustment->context == context && uuid_equal(&adjustment->uuid, &domain->host.uuid))
            adjustment->done = NULL;
    }
}
