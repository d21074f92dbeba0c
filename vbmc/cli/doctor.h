/* Inside of `vbmc doctor`: what its files share. */
#ifndef VBMC_CLI_DOCTOR_H
#define VBMC_CLI_DOCTOR_H

#include <json-c/json.h>
#include <stdbool.h>

#include "vbmc/cli/main.h"
#include "vbmc/config/config.h"

enum doctor_level {
    DOCTOR_OK,
    DOCTOR_WARNING, /* works, or may work, but look at it */
    DOCTOR_PROBLEM, /* does not work; makes doctor exit 1 */
};

struct doctor {
    struct cli *cli;
    const struct config *config;
    struct json_object *findings;
    struct json_object *status; /* of the daemon, or NULL if none answers */
    struct json_object *bmcs;   /* likewise: its list */
    bool found_problem;
};

/* Adds a finding. `advice` says what to do, NULL for nothing. */
void doctor_say(struct doctor *doctor, enum doctor_level level, const char *check,
                const char *advice, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* Where the daemon logs, for people; NULL if none answers. */
const char *doctor_log_place(const struct doctor *doctor);

/* cli_doctor_host.c: hypervisors, QEMU, KVM. */
void doctor_check_hypervisors(struct doctor *doctor);
/* cli_doctor_net.c: addresses and ports. */
void doctor_check_network(struct doctor *doctor);
/* True for an address that only this machine reaches. */
bool doctor_is_loopback(const union endpoint_address *address);
/* cli_doctor_files.c: directories, secrets, and what weakens security. */
void doctor_check_files(struct doctor *doctor);
void doctor_check_security(struct doctor *doctor);

/* cli_doctor_machine.c. Whether KVM runs a guest, tried by running one and by starting QEMU; a
 * second or two at most, and nothing is printed. */
enum doctor_kvm {
    DOCTOR_KVM_WORKS,
    DOCTOR_KVM_UNTRIED,    /* this user may not open it */
    DOCTOR_KVM_NO_MACHINE, /* it makes no virtual machine */
    DOCTOR_KVM_NO_GUEST,   /* its virtual machine runs nothing */
};
enum doctor_kvm doctor_try_kvm(void);
/* Tells of QEMU processes that ended and that nobody reaps. */
void doctor_check_reaping(struct doctor *doctor);

#endif
