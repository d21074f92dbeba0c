/* One record of virConnectGetAllDomainStats, turned into the counters of a struct host_sample. What
 * a field means: virConnectGetAllDomainStats in libvirt's API reference. */
#ifndef VBMC_VIRT_STATS_H
#define VBMC_VIRT_STATS_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/host/host.h"

struct virt_stats {
    struct host_sample sample; /* taken_ns and run are 0 */
    bool has_disks;            /* false: counters of disks were not to be had this time, or ever */
    bool has_nics;
};

/* Any thread. Nothing in the parameters is trusted: what has another type, an index beyond the
 * count that came before it, or a negative number is passed over. `sockets` is the guest's, 1 to
 * HOST_SOCKETS_MAX: vCPU n of m belongs to socket n * sockets / m. 0, or -ENODATA: no CPU time. */
int virt_stats_read(const virTypedParameter *params, int count, unsigned sockets,
                    struct virt_stats *stats);

/* Brings a sample up to date, except for taken_ns and run. *last is what was read of the same run
 * of the guest before, all zero at first, and becomes `now`. Counters do not go back when a device
 * is unplugged, which takes its share out of the sums, and stay where they are while libvirt does
 * not tell them; what is told for the first time later than the rest (QEMU was busy with its start)
 * counts from there, since nobody knows when it was done. */
void virt_stats_follow(struct virt_stats *last, const struct virt_stats *now,
                       struct host_sample *sample);

#endif
