/* What may be asked of a BMC: by whom, at which privilege, and what of it is logged. The only way
 * by which anything outside the model changes a BMC. A front end decodes a request, makes one call
 * and encodes its result; it reads the model itself.
 *
 * Results are 0 or a negative error, here and in the tickets:
 *
 *   -EINPROGRESS   accepted; the ticket is finished, or was already
 *   -EPERM         the caller's privilege level is too low
 *   -EACCES        it is about more than the one BMC that exists for the caller
 *   -ENOSYS        the BMC has no such part
 *   -EDOM          a value that there is not
 *   -ERANGE        a value or an offset outside of its range
 *   -EMSGSIZE      too many or too few bytes
 *   -ENOPROTOOPT   there is no such parameter
 *   -EALREADY      somebody else is changing the parameters ("set in progress")
 *   -EBADF         the parameter is read-only
 *   -ENOENT        what is named is not there
 *   -EEXIST, -ENOTUNIQ  it is there already; it is there more than once
 *
 * and those of vbmc/host/host.h and of the store. service_explain says them to people, and
 * command_code_of_result (vbmc/ipmi/command.h) to IPMI. */
#ifndef VBMC_SERVICE_SERVICE_H
#define VBMC_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/boot_parameters.h"
#include "vbmc/service/caller.h"

enum service_operation {
    /* Reading: the front end does it. */
    SERVICE_VIEW,       /* BMCs that the caller may know of */
    SERVICE_VIEW_FLEET, /* hypervisors, domains, the daemon */
    /* The guest. */
    SERVICE_POWER,
    SERVICE_IDENTIFY,
    SERVICE_BOOT_FLAGS,     /* parameter 5: which device */
    SERVICE_BOOT_PARAMETER, /* the others */
    SERVICE_COUNT,
};

/* One member for each operation that needs any; strings and pointers are borrowed for the call. */
union service_arguments {
    enum host_power_action power;
    struct {
        uint8_t seconds; /* 0: off */
        bool indefinite;
    } identify;
    struct {
        uint8_t flags[BOOT_FLAGS_SIZE];
        bool invalid; /* the client marks them so */
        bool stays;   /* does not expire without a chassis control */
    } boot_flags;
    struct boot_parameter boot_parameter;
};

struct service_call {
    const struct caller *caller;
    struct bmc *bmc;                 /* NULL: not about a single BMC */
    const struct bmc_ticket *ticket; /* for results that come later */
};

/* Does what was asked for; the caller may. As service_call. */
typedef int service_run(const struct service_call *call, const union service_arguments *arguments);

struct service_row {
    const char *name;         /* as the log has it */
    enum privilege privilege; /* the least */
    bool whole;               /* about more than one BMC: not for those who know one only */
    bool audited;             /* the log says who asked for it */
    bool of_guest;            /* fails by the guest or its hypervisor, else by the store */
    service_run *run;         /* NULL: a right alone; who asks does it after the call */
    /* What the log says behind the name; NULL: nothing. */
    void (*describe)(const union service_arguments *arguments, char *text, size_t size);
};

/* table.c */
const struct service_row *service_row(enum service_operation operation);

/* Whether the caller may: 0, -EPERM or -EACCES. Refusals of audited operations are logged. */
int service_permit(enum service_operation operation, const struct caller *caller);

/* Does it, if the caller may. 0: it is done, and the ticket is not used; -EINPROGRESS: the ticket
 * is finished once, perhaps before this returns; else a refusal, and the ticket is not used. */
int service_call(enum service_operation operation, const struct service_call *call,
                 const union service_arguments *arguments);

#endif
