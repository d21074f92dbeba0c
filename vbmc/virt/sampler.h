/* Samples the load of the running guests of one hypervisor, by one call to libvirt in each period
 * for all of them. Readers see the last sample. A guest whose counters are twice the same is told
 * of then, and not again before they are others (struct host_domain: sample_stands): of ten
 * thousand guests most do nothing.
 *
 * The call is a long job (worker.h). libvirt waits in it for a guest whose QEMU does not answer
 * (stopped by a debugger, or hung in a dead disk), for as long as that takes. It is not waited for:
 * after three periods another call goes beside it, which passes over the guest that the first one
 * hangs in (VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT). There are at most two. Loop thread, except
 * for the call.
 *
 * A guest that is said to run and is not among those that do is looked at: its end was not told. */
#ifndef VBMC_VIRT_SAMPLER_H
#define VBMC_VIRT_SAMPLER_H

#include <stdint.h>

struct hypervisor;
struct virt_sampler;

#define VIRT_SAMPLER_PERIOD_S 2 /* unless configured otherwise */

/* To be called in each period from now on: virt_sampler_turn. NULL: no memory. */
struct virt_sampler *virt_sampler_new(struct hypervisor *hypervisor, unsigned period_s);
/* Samples if the hypervisor is up and no call, or one that takes too long, is under way. */
void virt_sampler_turn(struct virt_sampler *sampler);
/* The hypervisor has come up: samples at once. */
void virt_sampler_connected(struct virt_sampler *sampler);
/* Calls made so far. */
uint64_t virt_sampler_count(const struct virt_sampler *sampler);
/* After the worker's last job. NULL is allowed. */
void virt_sampler_free(struct virt_sampler *sampler);

#endif
