/* One record of virConnectGetAllDomainStats, turned into the counters of a struct host_sample. What
 * a field means: virConnectGetAllDomainStats in libvirt's API reference. */
#ifndef VBMC_VIRT_STATS_H
#define VBMC_VIRT_STATS_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/host/host.h"

struct virt_stats {
    struct host_sample sample; /* taken_ns and run are 0 */
    bool has_disks;            /* false: no counters of disks this time */
    bool has_nics;
};

/* Any thread. Nothing in the parameters is trusted: what has another type, an index beyond the
 * count that came before it, or a negative number is passed over. `sockets` is the guest's, 1 to
 * HOST_SOCKETS_MAX: vCPU n of m belongs to socket n * sockets / m. 0, or -ENODATA: no CPU time. */
int virt_stats_read(const virTypedParameter *params, int count, unsigned sockets,
                    struct virt_stats *stats);

/* Whether both are of the same counters, all with the same values. */
bool virt_stats_is_same(const struct virt_stats *left, const struct virt_stats *right);
/* Updates a sample, except for taken_ns and run. *last is what was read before in the same run of
 * the guest, all zero at first, and becomes `now`. Counters do not decrease when a device is
 * unplugged, which removes its share from the sums, and do not change while libvirt does not report
 * them; what is reported for the first time later than the rest (QEMU was busy starting) counts
 * from there on. */
void virt_stats_follow(struct virt_stats *last, const struct virt_stats *now,
                       struct host_sample *sample);

#endif
