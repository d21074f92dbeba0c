#include "vbmc/virt/sampler.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/stats.h"
#include "vbmc/virt/worker.h"

#define CALLS_MAX       2 /* at once */
#define PATIENT_PERIODS 3
/* A sample that says again what the two before have said is reported so rarely: often enough for
 * what is known not to become old. */
#define STANDING_NS UINT64_C(7000000000)
/* Of the processor's time, sampling takes at most this part; what it takes of thousands of guests
 * is felt. But this is waited at most. */
#define COST_PART    400
#define COST_MOST_NS UINT64_C(5000000000)

static_assert(CALLS_MAX <= WORKER_LONG_MAX, "a call does not wait for one that hangs");

/* What is asked for; the next one if a hypervisor does not support the one before. */
static const struct {
    unsigned stats;
    unsigned flags;
} ways[] = {
    {VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BALLOON |
         VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE,
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT},
    {VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BALLOON |
         VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE,
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE},
    {0, 0}, /* all that it knows */
};

struct virt_sampler {
    struct hypervisor *hypervisor;
    unsigned period_s;
    uint64_t count;
    uint64_t submitted_ns;      /* the latest call */
    uint64_t pause_ns;          /* from then to the next, at least */
    struct sampling *under_way; /* the latest first */
    unsigned calls;             /* as many */
    uint64_t taken_over;        /* the number of the latest call whose results were */
    unsigned way;               /* ARRAY_SIZE(ways): none works */
    uint32_t *places; /* of libvirt's records, in their order, among the entries; NULL: in use */
    size_t place_count;
    char error[WORKER_TEXT_SIZE];
    bool reported_no_cpu; /* that the hypervisor reports no CPU time */
};

/* A domain to be sampled, and the result. */
struct entry {
    struct uuid uuid; /* sorted by it */
    unsigned sockets;
    bool is_active; /* it is among those that run */
    bool fresh;
    int id; /* of the run that the counters belong to */
    struct virt_stats stats;
};

/* One call. Keeps no pointers to domains: they may be gone when it returns. */
struct sampling {
    struct worker_job job;
    struct virt_sampler *sampler;
    struct sampling *next; /* of those under way */
    uint64_t number;
    unsigned way;
    uint64_t submitted_ns;
    uint64_t taken_ns;
    uint64_t took_ns;
    uint64_t cost_ns;             /* processor time */
    int records;                  /* or -1 */
    bool is_unknown;              /* the hypervisor does not know what it was asked for */
    char error[WORKER_TEXT_SIZE]; /* "": there is no connection */
    uint32_t *places;             /* the sampler's, as the last call left them */
    size_t place_count;
    size_t count;
    struct entry entries[];
};

static int compare_entries(const void *left, const void *right)
{
    return memcmp(((const struct entry *)left)->uuid.bytes,
                  ((const struct entry *)right)->uuid.bytes, sizeof(struct uuid));
}

static struct entry *find_entry(struct sampling *sampling, const struct uuid *uuid)
{
    const struct entry wanted = {.uuid = *uuid};

    return bsearch(&wanted, sampling->entries, sampling->count, sizeof wanted, compare_entries);
}

/* The same, where it is most likely at that place. */
static struct entry *find_entry_at(struct sampling *sampling, const struct uuid *uuid, size_t place)
{
    if (place < sampling->count && uuid_equal(&sampling->entries[place].uuid, uuid))
        return &sampling->entries[place];
    return find_entry(sampling, uuid);
}

/* ---- the action thread ---- */

static bool is_unknown_call(void)
{
    static const int codes[] = {VIR_ERR_NO_SUPPORT, VIR_ERR_INVALID_ARG,
                                VIR_ERR_ARGUMENT_UNSUPPORTED, VIR_ERR_OPERATION_UNSUPPORTED,
                                VIR_ERR_CONFIG_UNSUPPORTED};
    const virError *error = virGetLastError();

    for (size_t i = 0; error && i < ARRAY_SIZE(codes); i++) {
        if (error->code == codes[i])
            return true;
    }
    return false;
}

/* libvirt has the guests in the same order each time, until some come or go. */
static void make_places(struct sampling *sampling)
{
    size_t count = (size_t)sampling->records;

    if (count <= sampling->place_count)
        return;
    free(sampling->places);
    sampling->places = calloc(count, sizeof *sampling->places);
    sampling->place_count = sampling->places ? count : 0;
}

static void take_record(struct sampling *sampling, size_t number,
                        const virDomainStatsRecord *record)
{
    uint32_t *place = number < sampling->place_count ? &sampling->places[number] : NULL;
    struct uuid uuid;

    if (virDomainGetUUID(record->dom, uuid.bytes) < 0)
        return;
    struct entry *entry = find_entry_at(sampling, &uuid, place ? *place : 0);
    if (!entry)
        return; /* its first call comes in the next period */
    if (place)
        *place = (uint32_t)(entry - sampling->entries);
    entry->id = (int)virDomainGetID(record->dom);
    entry->is_active = entry->id >= 0;
    entry->fresh =
        virt_stats_read(record->params, record->nparams, entry->sockets, &entry->stats) == 0;
}

static void call(struct sampling *sampling, virConnectPtr connection)
{
    virDomainStatsRecordPtr *records = NULL;

    uint64_t begun = uv_hrtime();
    sampling->records = virConnectGetAllDomainStats(connection, ways[sampling->way].stats, &records,
                                                    ways[sampling->way].flags);
    sampling->took_ns = uv_hrtime() - begun;
    sampling->taken_ns = begun + sampling->took_ns / 2;
    if (sampling->records < 0) {
        virt_last_error(sampling->error, sizeof sampling->error);
        sampling->is_unknown = is_unknown_call();
        return;
    }
    make_places(sampling);
    for (int i = 0; i < sampling->records; i++)
        take_record(sampling, (size_t)i, records[i]);
    virDomainStatsRecordListFree(records);
}

static uint64_t thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void run(struct worker_job *job, virConnectPtr connection)
{
    struct sampling *sampling = CONTAINER_OF(job, struct sampling, job);
    uint64_t begun = thread_ns();

    sampling->records = -1;
    if (connection)
        call(sampling, connection);
    sampling->cost_ns = thread_ns() - begun;
}

/* ---- the loop: results ---- */

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

/* Bytes that hold nothing are zero in both; where they were not, one sample more would be told. */
static bool is_same(const struct virt_stats *left, const struct virt_stats *right)
{
    return memcmp((const void *)left, (const void *)right, sizeof *left) == 0;
}

/* Reports what was left out, so that what the guest does now is not spread over the time before. */
static void report_standing(struct virt_domain *domain)
{
    if (domain->stood_ns == 0)
        return;
    domain->host.sample.taken_ns = domain->stood_ns;
    domain->stood_ns = 0;
    virt_domain_emit(domain, HOST_EVENT_SAMPLED);
}

/* Another id is another QEMU, whose start has not been read yet. */
static void take_over(struct virt_domain *domain, const struct entry *entry, uint64_t taken_ns)
{
    struct host_sample *sample = &domain->host.sample;
    uint64_t run = run_of(domain);

    if (!entry->fresh || entry->id < 0 || entry->id != domain->id)
        return;
    bool same =
        sample->taken_ns != 0 && sample->run == run && is_same(&domain->stats, &entry->stats);
    if (same && domain->stands && taken_ns - sample->taken_ns < STANDING_NS) {
        domain->stood_ns = taken_ns;
        return;
    }
    if (same)
        domain->stood_ns = 0;
    else
        report_standing(domain);
    domain->stands = same;
    if (sample->taken_ns == 0 || sample->run != run) {
        domain->stats = (struct virt_stats){0};
        *sample = (struct host_sample){.run = run};
    }
    virt_stats_follow(&domain->stats, &entry->stats, sample);
    uint64_t fixed_disks = count_fixed_disks(domain->host.hardware);
    if (fixed_disks > 0) /* an empty CD-ROM drive is not an idle disk */
        sample->disk_count = fixed_disks;
    sample->taken_ns = taken_ns;
    virt_domain_emit(domain, HOST_EVENT_SAMPLED);
}

/* libvirtd tells nobody when it ends a guest that it finds after its own restart: one whose start
 * it was killed in, or whose QEMU has died meanwhile. */
static void look_if_gone(struct virt_domain *domain, const struct entry *entry)
{
    if (entry->is_active || !host_power_state_is_on(domain->host.state))
        return;
    log_debug("%s: is said to run, and is not among the guests that do", domain->host.name);
    hypervisor_look_at(domain->hypervisor, &domain->host.uuid, NULL, NULL);
}

static bool is_anything_fresh(const struct sampling *sampling)
{
    for (size_t i = 0; i < sampling->count; i++) {
        if (sampling->entries[i].fresh)
            return true;
    }
    return false;
}

/* A call that began earlier may end later; its results are too old then. */
static void take_over_all(struct virt_sampler *sampler, struct sampling *sampling)
{
    struct hypervisor *hypervisor = sampler->hypervisor;

    if (sampling->number < sampler->taken_over)
        return;
    sampler->taken_over = sampling->number;
    log_debug("hypervisor %s: sampled %d domains in %llu us", hypervisor->name, sampling->records,
              (unsigned long long)(sampling->took_ns / 1000));
    if (sampling->records > 0 && sampling->count > 0 && !sampler->reported_no_cpu &&
        !is_anything_fresh(sampling)) {
        log_info(
            "hypervisor %s reports no CPU time of its guests: their sensors cannot be modelled",
            hypervisor->name);
        sampler->reported_no_cpu = true;
    }
    for (struct virt_domain *domain = hypervisor->domains, *next; domain; domain = next) {
        const struct entry *entry = find_entry_at(sampling, &domain->host.uuid, domain->sampled_at);
        next = domain->next;
        if (!entry)
            continue;
        take_over(domain, entry, sampling->taken_ns);
        look_if_gone(domain, entry);
    }
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

static void sampling_done(struct worker_job *job)
{
    struct sampling *sampling = CONTAINER_OF(job, struct sampling, job);
    struct virt_sampler *sampler = sampling->sampler;
    struct sampling **link = &sampler->under_way;

    while (*link != sampling)
        link = &(*link)->next;
    *link = sampling->next;
    sampler->calls--;
    uint64_t begun = thread_ns();
    if (!sampler->hypervisor->stopping && sampler->hypervisor->up) {
        if (sampling->records < 0)
            note_failure(sampler, sampling);
        else
            take_over_all(sampler, sampling);
    }
    uint64_t pause_ns = COST_PART * (sampling->cost_ns + thread_ns() - begun);
    sampler->pause_ns = pause_ns < COST_MOST_NS ? pause_ns : COST_MOST_NS;
    free(sampler->places);
    sampler->places = sampling->places;
    sampler->place_count = sampling->place_count;
    free(sampling);
}

/* ---- the loop: calls ---- */

static size_t count_running(const struct hypervisor *hypervisor)
{
    size_t count = 0;

    for (const struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next)
        count += host_power_state_is_on(domain->host.state);
    return count;
}

struct place {
    struct virt_domain *domain;
};

static int compare_places(const void *left, const void *right)
{
    return memcmp(((const struct place *)left)->domain->host.uuid.bytes,
                  ((const struct place *)right)->domain->host.uuid.bytes, sizeof(struct uuid));
}

static bool are_sorted(const struct place *places, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!places[i].domain || (i > 0 && compare_places(&places[i - 1], &places[i]) > 0))
            return false;
    }
    return true;
}

/* Those that run, by UUID: as long as they are the same ones, each is where it was. */
static void sort_running(const struct hypervisor *hypervisor, struct place *places, size_t running)
{
    size_t count = 0;

    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next) {
        if (host_power_state_is_on(domain->host.state) && domain->sampled_at < running)
            places[domain->sampled_at].domain = domain;
    }
    if (are_sorted(places, running))
        return;
    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next) {
        if (host_power_state_is_on(domain->host.state))
            places[count++].domain = domain;
    }
    qsort(places, count, sizeof *places, compare_places);
}

static int fill_entries(const struct hypervisor *hypervisor, struct sampling *sampling,
                        size_t running)
{
    CLEANUP_FREE struct place *places = calloc(running, sizeof *places);

    if (!places)
        return -ENOMEM;
    sort_running(hypervisor, places, running);
    for (; sampling->count < running && places[sampling->count].domain; sampling->count++) {
        struct entry *entry = &sampling->entries[sampling->count];
        struct virt_domain *domain = places[sampling->count].domain;
        domain->sampled_at = (uint32_t)sampling->count;
        entry->uuid = domain->host.uuid;
        entry->sockets = domain->host.hardware ? domain->host.hardware->sockets : 1;
    }
    return 0;
}

static void submit(struct virt_sampler *sampler, size_t running)
{
    struct sampling *sampling = calloc(1, sizeof *sampling + running * sizeof(struct entry));

    if (!sampling || fill_entries(sampler->hypervisor, sampling, running) < 0) {
        free(sampling);
        return;
    }
    sampling->sampler = sampler;
    sampling->way = sampler->way;
    sampling->number = ++sampler->count;
    sampling->submitted_ns = sampler->submitted_ns = uv_hrtime();
    sampling->places = sampler->places;
    sampling->place_count = sampler->place_count;
    sampler->places = NULL;
    sampler->place_count = 0;
    sampling->next = sampler->under_way;
    sampler->under_way = sampling;
    sampler->calls++;
    sampling->job.run = run;
    sampling->job.done = sampling_done;
    worker_submit_long(sampler->hypervisor->worker, WORKER_LONG_SAMPLING, &sampling->job);
}

static bool is_due(const struct virt_sampler *sampler)
{
    const uint64_t patience_ns = PATIENT_PERIODS * (uint64_t)sampler->period_s * 1000000000;

    if (!sampler->under_way)
        return uv_hrtime() - sampler->submitted_ns >= sampler->pause_ns;
    return sampler->calls < CALLS_MAX &&
           uv_hrtime() - sampler->under_way->submitted_ns > patience_ns;
}

void virt_sampler_turn(struct virt_sampler *sampler)
{
    struct hypervisor *hypervisor = sampler->hypervisor;

    if (!hypervisor->up || hypervisor->stopping || sampler->way == ARRAY_SIZE(ways) ||
        !is_due(sampler))
        return;
    size_t running = count_running(hypervisor);
    if (running > 0)
        submit(sampler, running);
}

void virt_sampler_connected(struct virt_sampler *sampler)
{
    if (sampler->way == ARRAY_SIZE(ways))
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
    free(sampler->places);
    free(sampler);
}
