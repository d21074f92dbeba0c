/* A guest's memory into a file, for finding out why the guest hangs. Loop thread. */
#ifndef VBMC_VIRT_DUMP_H
#define VBMC_VIRT_DUMP_H

#include <stdbool.h>

#include "vbmc/host/host.h"

#define DUMPS_MAX 2 /* of one hypervisor at once: each takes an action thread for minutes */

/* host_ops.dump; see host_dump. -EBUSY: DUMPS_MAX. After hypervisor_stop, `done` runs when libvirt
 * comes back. */
void virt_dump(struct host_domain *host, const char *path, host_progress_fn *progress,
               host_done_fn *done, void *context);

/* Why `path` cannot be written to, for people; NULL if nothing speaks against it. `is_local`: it
 * is one of this machine. *result is then -EINVAL or -EEXIST. */
const char *dump_check_path(const char *path, bool is_local, int *result);

#endif
