/* What this machine does to guests. */
#ifndef VBMC_CLI_DOCTOR_MACHINE_H
#define VBMC_CLI_DOCTOR_MACHINE_H

struct doctor;

enum doctor_kvm {
    DOCTOR_KVM_WORKS,
    DOCTOR_KVM_UNTRIED,    /* this user may not open it */
    DOCTOR_KVM_NO_MACHINE, /* it makes no virtual machine */
    DOCTOR_KVM_NO_GUEST,   /* its virtual machine runs nothing */
};

/* Whether KVM runs a guest, tried by running one and by starting QEMU; a second or two at most, and
 * nothing is printed. */
enum doctor_kvm doctor_try_kvm(void);
/* Tells of QEMU processes that ended and that nobody reaps. */
void doctor_check_reaping(struct doctor *doctor);

#endif
