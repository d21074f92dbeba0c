#include "vbmc/virt/sampling.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/hash.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor_internal.h"

/* What is asked for; the next one if a hypervisor does not support the one before. */
static const struct {
    unsigned stats;
    unsigned flags;
} ways[SAMPLING_WAYS] = {
    {VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BALLOON |
         VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE,
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE | VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT},
    {VIR_DOMAIN_STATS_CPU_TOTAL | VIR_DOMAIN_STATS_VCPU | VIR_DOMAIN_STATS_BALLOON |
         VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_INTERFACE,
     VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE},
    {0, 0}, /* all that it knows */
};

/* ---- the worker's thread ---- */

static int compare_entries(const void *left, const void *right)
{
    return memcmp(((const struct sampling_entry *)left)->uuid.bytes,
                  ((const struct sampling_entry *)right)->uuid.bytes, sizeof(struct uuid));
}

static struct sampling_entry *find_entry(struct sampling *sampling, const struct uuid *uuid)
{
    const struct sampling_entry wanted = {.uuid = *uuid};

    return bsearch(&wanted, sampling->entries, sampling->count, sizeof wanted, compare_entries);
}

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

static uint64_t hash_name(virDomainPtr domain)
{
    const char *name = virDomainGetName(domain);

    return name ? hash_bytes(HASH_BEGIN, name, strlen(name)) : 0;
}

/* A guest of that name with just these counters is the one of the last call. libvirt spends half of
 * the time that all this takes on writing the UUID, for a log, whenever a domain is asked for its
 * UUID or id; not so for its name. */
static bool is_as_before(const struct sampling_entry *entry, const virDomainStatsRecord *record,
                         uint64_t name_hash)
{
    struct virt_stats stats;

    return entry->is_counted && entry->id >= 0 && entry->name_hash == name_hash &&
           virt_stats_read(record->params, record->nparams, entry->sockets, &stats) == 0 &&
           virt_stats_is_same(&stats, &entry->stats);
}

static void take_record(struct sampling *sampling, size_t number,
                        const virDomainStatsRecord *record)
{
    uint32_t *place = number < sampling->place_count ? &sampling->places[number] : NULL;
    struct sampling_entry *entry =
        place && *place < sampling->count ? &sampling->entries[*place] : NULL;
    uint64_t name_hash = hash_name(record->dom);
    struct uuid uuid;

    if (entry && is_as_before(entry, record, name_hash)) {
        entry->outcome = SAMPLING_SAME;
        return;
    }
    if (virDomainGetUUID(record->dom, uuid.bytes) < 0)
        return;
    if (!entry || !uuid_equal(&entry->uuid, &uuid))
        entry = find_entry(sampling, &uuid);
    if (!entry)
        return; /* its first call comes in the next period */
    if (place)
        *place = (uint32_t)(entry - sampling->entries);
    entry->name_hash = name_hash;
    entry->id = (int)virDomainGetID(record->dom);
    if (entry->id >= 0)
        entry->outcome = SAMPLING_NEW;
    entry->is_counted =
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
    for (size_t i = 0; i < sampling->count; i++)
        sampling->entries[i].outcome = SAMPLING_ABSENT;
    for (int i = 0; i < sampling->records; i++)
        take_record(sampling, (size_t)i, records[i]);
    virDomainStatsRecordListFree(records);
}

uint64_t sampling_thread_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void sampling_run(struct worker_job *job, virConnectPtr connection)
{
    struct sampling *sampling = CONTAINER_OF(job, struct sampling, job);
    uint64_t begun = sampling_thread_ns();

    sampling->records = -1;
    sampling->error[0] = '\0';
    sampling->is_unknown = false;
    if (connection)
        call(sampling, connection);
    sampling->cost_ns = sampling_thread_ns() - begun;
}

/* ---- the loop ---- */

static size_t count_running(const struct hypervisor *hypervisor)
{
    size_t count = 0;

    for (const struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next)
        count += host_power_state_is_on(domain->host.state);
    return count;
}

struct place {
    struct uuid uuid;
    struct virt_domain *domain;
};

static int compare_places(const void *left, const void *right)
{
    return memcmp(((const struct place *)left)->uuid.bytes,
                  ((const struct place *)right)->uuid.bytes, sizeof(struct uuid));
}

static void sort_running(const struct hypervisor *hypervisor, struct place *places)
{
    size_t count = 0;

    for (struct virt_domain *domain = hypervisor->domains; domain; domain = domain->next) {
        if (host_power_state_is_on(domain->host.state))
            places[count++] = (struct place){.uuid = domain->host.uuid, .domain = domain};
    }
    qsort(places, count, sizeof *places, compare_places);
}

struct sampling *sampling_new(const struct hypervisor *hypervisor)
{
    size_t running = count_running(hypervisor);
    if (running == 0)
        return NULL;
    CLEANUP_FREE struct place *places = calloc(running, sizeof *places);
    struct sampling *sampling =
        calloc(1, sizeof *sampling + running * sizeof(struct sampling_entry));

    if (!places || !sampling) {
        free(sampling);
        return NULL;
    }
    sort_running(hypervisor, places);
    for (size_t i = 0; i < running; i++) {
        struct virt_domain *domain = places[i].domain;

        sampling->entries[i].uuid = places[i].uuid;
        sampling->entries[i].domain = domain;
        sampling->entries[i].sockets =
            (uint8_t)(domain->host.hardware ? domain->host.hardware->sockets : 1);
    }
    sampling->count = running;
    sampling->generation = hypervisor->domain_generation;
    sampling->job.run = sampling_run;
    return sampling;
}

void sampling_free(struct sampling *sampling)
{
    if (!sampling)
        return;
    free(sampling->places);
    free(sampling);
}
