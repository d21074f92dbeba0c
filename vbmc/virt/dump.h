/* A guest's memory into a file, for finding out why the guest hangs. Loop thread. */
#ifndef VBMC_VIRT_DUMP_H
#define VBMC_VIRT_DUMP_H

#include <stdint.h>

#include "vbmc/virt/hypervisor.h"

#define DUMPS_MAX 2 /* of one hypervisor at once: each takes an action thread for minutes */

/* How far it is, about once a second. */
typedef void hypervisor_progress_fn(void *context, uint64_t done_bytes, uint64_t total_bytes);

/* Writes the memory of a running guest, which stands still meanwhile, to `path` on the hypervisor's
 * machine: in makedumpfile's compressed format (flattened, for crash and makedumpfile -R), or as
 * ELF where QEMU cannot do that. The path has to be absolute and of printable characters. On our
 * own machine no file may be there, nor the folder be one in which anybody may replace it; on
 * another machine nobody can tell, and libvirt overwrites.
 *
 * Other operations of the guest do not wait for it; a power-off ends it. `done` runs exactly once,
 * also when the domain vanishes; with success its text says what was written. -EBUSY (DUMPS_MAX),
 * -EINVAL (path, or the guest is off), -EEXIST, and as for other operations. After hypervisor_stop,
 * `done` runs when libvirt comes back. */
void hypervisor_dump(struct virt_domain *domain, const char *path, hypervisor_progress_fn *progress,
                     hypervisor_done_fn *done, void *context);

/* Why `path` cannot be written to, for people; NULL if nothing speaks against it. `is_local`: it
 * is one of this machine. *result is then -EINVAL or -EEXIST. */
const char *dump_check_path(const char *path, bool is_local, int *result);

#endif
