/* What `vbmc doctor` asks the libvirt of a hypervisor. */
#ifndef VBMC_CLI_DOCTOR_LIBVIRT_H
#define VBMC_CLI_DOCTOR_LIBVIRT_H

#include <stdbool.h>

struct config_hypervisor;

#define DOCTOR_LIBVIRT_TIMEOUT_MS 15000

/* What libvirt answered. */
struct doctor_libvirt {
    bool opened;
    bool opened_readonly; /* this user may only read */
    unsigned long version;
    char type[32];   /* of the driver: "QEMU" */
    char error[300]; /* why it could not be opened, libvirt's words */
};

/* Connects to the hypervisor and fills `found`. Returns 0, -ETIMEDOUT if there was no answer within
 * DOCTOR_LIBVIRT_TIMEOUT_MS, or another negative error. */
int doctor_ask_libvirt(const struct config_hypervisor *hypervisor, struct doctor_libvirt *found);

#endif
