/* One call for the samples of all running guests, with their results; for the sampler alone. It is
 * made again and again as long as the same guests run: what a guest's counters were the last time
 * is known then, and of a guest whose counters have not changed nothing more is asked or done. */
#ifndef VBMC_VIRT_SAMPLING_H
#define VBMC_VIRT_SAMPLING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"
#include "vbmc/virt/stats.h"
#include "vbmc/virt/worker.h"

struct hypervisor;
struct virt_domain;
struct virt_sampler;

/* What the call has found of a guest. */
enum sampling_outcome {
    SAMPLING_ABSENT, /* it is not among those that run, or was passed over */
    SAMPLING_SAME,   /* its counters are those of the call before */
    SAMPLING_NEW,
};

struct sampling_entry {
    struct uuid uuid; /* sorted by it */
    uint8_t sockets;
    bool is_counted; /* the hypervisor counts its CPU time: `stats` are valid */
    bool stands;     /* its domain's sample did when it was taken over; the sampler's own */
    enum sampling_outcome outcome;
    int id;                     /* of the run that the counters belong to */
    uint64_t name_hash;         /* of the guest that was found last */
    struct virt_domain *domain; /* valid in the generation below only */
    struct virt_stats stats;
};

struct sampling {
    struct worker_job job;
    struct virt_sampler *sampler;
    struct sampling *next; /* of those under way */
    uint64_t generation;   /* of the hypervisor's domains, when the entries were made */
    /* One call: */
    uint64_t number;
    uint64_t base; /* number of the call whose results were taken over last when this one began */
    unsigned way;
    uint64_t submitted_ns;
    uint64_t taken_ns;
    uint64_t took_ns;
    uint64_t cost_ns;             /* processor time */
    int records;                  /* or -1 */
    bool is_unknown;              /* the hypervisor does not know what it was asked for */
    char error[WORKER_TEXT_SIZE]; /* "": there is no connection */
    /* Of all calls: */
    uint32_t *places; /* of libvirt's records, in their order, among the entries */
    size_t place_count;
    size_t count;
    struct sampling_entry entries[];
};

#define SAMPLING_WAYS 3 /* `way` is below; each asks for less than those before it */

/* Of all guests that are on; NULL if there is none, or no memory. */
struct sampling *sampling_new(const struct hypervisor *hypervisor);
/* worker_job.run: the call. */
void sampling_run(struct worker_job *job, virConnectPtr connection);
/* The processor time that this thread has used. */
uint64_t sampling_thread_ns(void);
/* NULL is allowed. */
void sampling_free(struct sampling *sampling);

#endif
