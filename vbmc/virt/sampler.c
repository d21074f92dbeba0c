#include "vbmc/virt/sampler.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/sampling.h"
#include "vbmc/virt/stats.h"
#include "vbmc/virt/worker.h"

#define CALLS_MAX       2 /* at once */
#define PATIENT_PERIODS 3
/* Of the processor's time, sampling takes at most this part; what it takes of thousands of guests
 * is felt. But this is waited at most. */
#define COST_PART    400
#define COST_MOST_NS UINT64_C(5000000000)

static_assert(CALLS_MAX <= WORKER_LONG_MAX, "a call does not wait for one that hangs");

struct virt_sampler {
    struct hypervisor *hypervisor;
    unsigned period_s;
    uint64_t count;
    uint64_t submitted_ns;      /* the latest call */
    uint64_t pause_ns;          /* from then to the next, at least */
    struct sampling *under_way; /* the latest first */
    unsigned calls;             /* as many */
    struct sampling *kept;      /* the latest whose results were taken over; NULL: none */
    uint64_t taken_over;        /* its number */
    uint64_t taken_ns;          /* of its results; 0: no sample stands */
    uint64_t interval_ns;       /* between the last two */
    unsigned way;               /* SAMPLING_WAYS: none works */
    char error[WORKER_TEXT_SIZE];
    bool reported_no_cpu; /* that the hypervisor reports no CPU time */
};

/* ---- results ---- */

/* A run is identified by libvirt's id and the number of starts seen: ids begin again when the
 * hypervisor is restarted. */
static uint64_t run_of(const struct virt_domain *domain)
{
    return (uint64_t)domain->starts << 32 | (uint32_t)domain->id;
}

static uint64_t count_fixed_disks(const struct host_hardware *hardware)
{
    uint64_t count = 0;

    for (unsigned i = 0; hardware && i < hardware->disk_count; i++)
        count += !hardware->disks[i].is_removable;
    return count;
}

/* It stood until the last call, so that what the guest does now is not spread over the time
 * before. */
static void end_standing(const struct virt_sampler *sampler, struct virt_domain *domain)
{
    struct host_domain *host = &domain->host;

    if (!host->sample_stands)
        return;
    host->sample_stands = false;
    if (sampler->taken_ns > host->sample.taken_ns)
        host->sample.taken_ns = sampler->taken_ns;
    virt_domain_emit(domain, HOST_EVENT_STOOD);
}

/* True if the sample stands from here on: the counters are those of the last one. Another id is
 * another QEMU, whose start has not been read yet. */
static bool take_over(const struct virt_sampler *sampler, struct virt_domain *domain,
                      const struct sampling_entry *entry, uint64_t taken_ns)
{
    struct host_sample *sample = &domain->host.sample;
    uint64_t run = run_of(domain);
    bool is_first = sample->taken_ns == 0 || sample->run != run;

    if (!entry->is_counted || entry->id != domain->id) {
        end_standing(sampler, domain);
        return false;
    }
    bool same = !is_first && virt_stats_is_same(&domain->stats, &entry->stats);
    if (same && domain->host.sample_stands)
        return true;
    end_standing(sampler, domain);
    if (is_first) {
        domain->stats = (struct virt_stats){0};
        *sample = (struct host_sample){.run = run};
    }
    virt_stats_follow(&domain->stats, &entry->stats, sample);
    uint64_t fixed_disks = count_fixed_disks(domain->host.hardware);
    if (fixed_disks > 0) /* an empty CD-ROM drive is not an idle disk */
        sample->disk_count = fixed_disks;
    sample->taken_ns = taken_ns;
    domain->host.sample_stands = same;
    virt_domain_emit(domain, HOST_EVENT_SAMPLED);
    return same;
}

/* libvirtd tells nobody when it ends a guest that it finds after its own restart: one whose start
 * it was killed in, or whose QEMU has died meanwhile. */
static void look_if_gone(struct virt_domain *domain)
{
    log_debug("%s: is said to run, and is not among the guests that do", domain->host.name);
    hypervisor_look_at(domain->hypervisor, &domain->host.uuid, NULL, NULL);
}

static bool is_anything_counted(const struct sampling *sampling)
{
    for (size_t i = 0; i < sampling->count; i++) {
        if (sampling->entries[i].is_counted)
            return true;
    }
    return false;
}

static bool is_current(const struct sampling *sampling)
{
    return sampling->generation == sampling->sampler->hypervisor->domain_generation;
}

/* What is told of one guest may change any other. */
static void take_over_entry(struct sampling *sampling, struct sampling_entry *entry)
{
    struct virt_sampler *sampler = sampling->sampler;
    bool current = is_current(sampling);

    if (current && entry->stands && entry->outcome == SAMPLING_SAME)
        return;
    struct virt_domain *domain =
        current ? entry->domain : hypervisor_find_domain(sampler->hypervisor, &entry->uuid);
    if (!domain || !host_power_state_is_on(domain->host.state))
        return;
    if (entry->outcome == SAMPLING_ABSENT) {
        entry->stands = false;
        end_standing(sampler, domain);
        look_if_gone(domain);
    } else {
        entry->stands = take_over(sampler, domain, entry, sampling->taken_ns);
    }
}

static void take_over_all(struct sampling *sampling)
{
    struct virt_sampler *sampler = sampling->sampler;

    /* What a call that went beside it has found may have ended what stood. */
    for (size_t i = 0; i < sampling->count && sampling->base != sampler->taken_over; i++)
        sampling->entries[i].stands = false;
    sampler->taken_over = sampling->number;
    log_debug("hypervisor %s: sampled %d domains in %llu us", sampler->hypervisor->name,
              sampling->records, (unsigned long long)(sampling->took_ns / 1000));
    if (sampling->records > 0 && sampling->count > 0 && !sampler->reported_no_cpu &&
        !is_anything_counted(sampling)) {
        log_info(
            "hypervisor %s reports no CPU time of its guests: their sensors cannot be modelled",
            sampler->hypervisor->name);
        sampler->reported_no_cpu = true;
    }
    for (size_t i = 0; i < sampling->count; i++)
        take_over_entry(sampling, &sampling->entries[i]);
    if (sampler->taken_ns)
        sampler->interval_ns = sampling->taken_ns - sampler->taken_ns;
    sampler->taken_ns = sampling->taken_ns;
}

static void note_failure(struct virt_sampler *sampler, const struct sampling *sampling)
{
    if (sampling->error[0] && strcmp(sampler->error, sampling->error) != 0) {
        log_info("hypervisor %s: cannot sample its guests%s: %s", sampler->hypervisor->name,
                 sampling->is_unknown ? " by the fastest call" : "", sampling->error);
        snprintf(sampler->error, sizeof sampler->error, "%s", sampling->error);
    }
    if (sampling->is_unknown && sampling->way == sampler->way)
        sampler->way++;
}

static void keep(struct virt_sampler *sampler, struct sampling *sampling)
{
    sampling_free(sampler->kept);
    sampler->kept = sampling;
}

static void unlink_sampling(struct virt_sampler *sampler, const struct sampling *sampling)
{
    struct sampling **link = &sampler->under_way;

    while (*link != sampling)
        link = &(*link)->next;
    *link = sampling->next;
    sampler->calls--;
}

/* A call that began earlier may end later; its results are too old then. */
static void sampling_done(struct worker_job *job)
{
    struct sampling *sampling = CONTAINER_OF(job, struct sampling, job);
    struct virt_sampler *sampler = sampling->sampler;
    bool is_new = sampling->number > sampler->taken_over;
    uint64_t begun = sampling_thread_ns();

    unlink_sampling(sampler, sampling);
    if (sampler->hypervisor->stopping || !sampler->hypervisor->up || !is_new) {
        sampling_free(sampling);
        return;
    }
    uint64_t cost_ns = sampling->cost_ns;
    if (sampling->records < 0) {
        note_failure(sampler, sampling);
        sampling_free(sampling);
    } else {
        take_over_all(sampling);
        keep(sampler, sampling);
    }
    uint64_t pause_ns = COST_PART * (cost_ns + sampling_thread_ns() - begun);
    sampler->pause_ns = pause_ns < COST_MOST_NS ? pause_ns : COST_MOST_NS;
}

/* ---- calls ---- */

/* The last one, as long as it is about the same guests. */
static struct sampling *next_sampling(struct virt_sampler *sampler)
{
    struct sampling *sampling = sampler->kept;

    sampler->kept = NULL;
    if (sampling && is_current(sampling))
        return sampling;
    sampling_free(sampling);
    return sampling_new(sampler->hypervisor);
}

static void submit(struct virt_sampler *sampler)
{
    struct sampling *sampling = next_sampling(sampler);

    if (!sampling)
        return;
    sampling->sampler = sampler;
    sampling->way = sampler->way;
    sampling->number = ++sampler->count;
    sampling->base = sampler->taken_over;
    sampling->submitted_ns = sampler->submitted_ns = uv_hrtime();
    sampling->next = sampler->under_way;
    sampler->under_way = sampling;
    sampler->calls++;
    sampling->job.done = sampling_done;
    worker_submit_long(sampler->hypervisor->worker, WORKER_LONG_SAMPLING, &sampling->job);
}

static uint64_t patience_ns(const struct virt_sampler *sampler)
{
    return PATIENT_PERIODS * (uint64_t)sampler->period_s * 1000000000;
}

static bool is_due(const struct virt_sampler *sampler)
{
    if (!sampler->under_way)
        return uv_hrtime() - sampler->submitted_ns >= sampler->pause_ns;
    return sampler->calls < CALLS_MAX &&
           uv_hrtime() - sampler->under_way->submitted_ns > patience_ns(sampler);
}

/* Without samples nobody knows whether they stand. */
static void doubt_standing(struct virt_sampler *sampler)
{
    const struct hypervisor *hypervisor = sampler->hypervisor;

    if (sampler->taken_ns == 0 || hypervisor->stopping ||
        (hypervisor->up && uv_hrtime() - sampler->taken_ns <=
                               2 * sampler->interval_ns + COST_MOST_NS + patience_ns(sampler)))
        return;
    for (struct virt_domain *domain = hypervisor->domains, *next; domain; domain = next) {
        next = domain->next;
        end_standing(sampler, domain);
    }
    sampler->taken_ns = 0;
    sampler->hypervisor->domain_generation++; /* what calls know of them is over */
}

void virt_sampler_turn(struct virt_sampler *sampler)
{
    const struct hypervisor *hypervisor = sampler->hypervisor;

    doubt_standing(sampler);
    if (hypervisor->up && !hypervisor->stopping && sampler->way < SAMPLING_WAYS && is_due(sampler))
        submit(sampler);
}

void virt_sampler_connected(struct virt_sampler *sampler)
{
    if (sampler->way == SAMPLING_WAYS)
        sampler->way = 0; /* it may support more by now */
    virt_sampler_turn(sampler);
}

uint64_t virt_sampler_count(const struct virt_sampler *sampler)
{
    return sampler->count;
}

/* ---- life ---- */

struct virt_sampler *virt_sampler_new(struct hypervisor *hypervisor, unsigned period_s)
{
    struct virt_sampler *sampler = calloc(1, sizeof *sampler);

    if (!sampler)
        return NULL;
    sampler->hypervisor = hypervisor;
    sampler->period_s = period_s;
    return sampler;
}

void virt_sampler_free(struct virt_sampler *sampler)
{
    sampling_free(sampler->kept);
    free(sampler);
}
