/* Memory dumps of a guest, for debugging one that hangs. Loop thread. */
#ifndef VBMC_VIRT_DUMP_H
#define VBMC_VIRT_DUMP_H

#include <stdbool.h>

#include "vbmc/host/host.h"

#define DUMPS_MAX 2 /* of one hypervisor at once: each takes a thread for minutes */

/* host_ops.dump; see host_dump. -EBUSY: DUMPS_MAX, or one of the guest. After hypervisor_stop,
 * `done` runs when libvirt comes back. */
void virt_dump(struct host_domain *host, const char *path, host_progress_fn *progress,
               host_done_fn *done, void *context);

/* Why no dump can be written to `path`; NULL if it can. `is_local`: the path is on this machine. On
 * a refusal *result is -EINVAL or -EEXIST. */
const char *dump_check_path(const char *path, bool is_local, int *result);

#endif
