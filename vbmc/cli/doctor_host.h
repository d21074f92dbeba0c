/* What `vbmc doctor` looks at: hypervisors, QEMU, KVM. */
#ifndef VBMC_CLI_DOCTOR_HOST_H
#define VBMC_CLI_DOCTOR_HOST_H

struct doctor;

/* Asks the libvirt of each hypervisor that is configured, at most 15 s each. */
void doctor_check_hypervisors(struct doctor *doctor);

#endif
