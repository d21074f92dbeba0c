/* Properties of a hypervisor, for the driver's files; those for other rooms too are in
 * hypervisor.h. */
#ifndef VBMC_VIRT_PROPERTIES_H
#define VBMC_VIRT_PROPERTIES_H

#include <stdbool.h>
#include <uv.h>

struct hypervisor;

uv_loop_t *hypervisor_loop(struct hypervisor *hypervisor);
struct worker *hypervisor_worker(struct hypervisor *hypervisor);
bool hypervisor_is_qemu(const struct hypervisor *hypervisor);
/* "QEMU 7.2.22"; "" unless it is QEMU. */
const char *hypervisor_emulator_version(const struct hypervisor *hypervisor);
/* True from hypervisor_stop on. */
bool hypervisor_is_stopping(const struct hypervisor *hypervisor);

#endif
