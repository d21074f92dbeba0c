#include "vbmc/fleet/operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/config/declared.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/inband.h"
#include "vbmc/physics/facility.h"
#include "vbmc/service/service.h"
#include "vbmc/virt/hypervisor.h"

#define ERROR_SIZE 256

/* The ticket of a call, kept until it is done; NULL: no memory. */
static struct bmc_ticket *keep_ticket(const struct service_call *call)
{
    struct bmc_ticket *ticket = malloc(sizeof *ticket);

    if (ticket)
        *ticket = *call->ticket;
    return ticket;
}

/* A fleet_done_fn whose context is the ticket. */
static void finish(void *context, int result, const char *text)
{
    struct bmc_ticket *ticket = context;

    bmc_ticket_finish_with(ticket, result, text);
    free(ticket);
}

static struct instance *instance_of(const struct fleet *fleet, const struct service_call *call)
{
    return bmcset_find_uuid(fleet_bmcs(fleet), &call->bmc->core.uuid);
}

static int run_add(void *context, const struct service_call *call,
                   const union service_arguments *arguments)
{
    struct bmc_ticket *ticket = keep_ticket(call);

    if (!ticket)
        return -ENOMEM;
    fleet_add(context, arguments->addition, finish, ticket);
    return -EINPROGRESS;
}

static int run_delete(void *context, const struct service_call *call,
                      const union service_arguments *arguments)
{
    struct instance *instance = instance_of(context, call);
    struct bmc_ticket *ticket = instance ? keep_ticket(call) : NULL;

    (void)arguments;
    if (!ticket)
        return instance ? -ENOMEM : -ENOENT;
    fleet_delete(context, instance, finish, ticket);
    return -EINPROGRESS;
}

static int set_active(struct fleet *fleet, const struct service_call *call, bool active)
{
    struct instance *instance = instance_of(fleet, call);
    struct bmc_ticket *ticket = instance ? keep_ticket(call) : NULL;

    if (!ticket)
        return instance ? -ENOMEM : -ENOENT;
    fleet_set_active(fleet, instance, active, finish, ticket);
    return -EINPROGRESS;
}

static int run_start(void *context, const struct service_call *call,
                     const union service_arguments *arguments)
{
    (void)arguments;
    return set_active(context, call, true);
}

static int run_stop(void *context, const struct service_call *call,
                    const union service_arguments *arguments)
{
    (void)arguments;
    return set_active(context, call, false);
}

static void on_facility_saved(void *context, int result)
{
    finish(context, result, NULL);
}

static int run_facility(void *context, const struct service_call *call,
                        const union service_arguments *arguments)
{
    struct fleet *fleet = context;
    struct bmc_ticket *ticket = keep_ticket(call);
    char error[ERROR_SIZE] = "";

    if (!ticket)
        return -ENOMEM;
    if (!arguments->facility.item) {
        facility_clear(fleet_facility(fleet));
    } else if (facility_set(fleet_facility(fleet), arguments->facility.item,
                            arguments->facility.which, arguments->facility.state, error,
                            sizeof error) < 0) {
        finish(ticket, -EDOM, error);
        return -EINPROGRESS;
    }
    fleet_facility_changed(fleet, on_facility_saved, ticket);
    return -EINPROGRESS;
}

/* ---- domains ---- */

static int run_add_serial(void *context, const struct service_call *call,
                          const union service_arguments *arguments)
{
    struct instance *instance = instance_of(context, call);
    struct virt_domain *domain = instance ? instance_domain(instance) : NULL;
    struct bmc_ticket *ticket = domain ? keep_ticket(call) : NULL;

    (void)arguments;
    if (!ticket)
        return domain ? -ENOMEM : -EHOSTUNREACH;
    hypervisor_add_serial(domain, finish, ticket);
    return -EINPROGRESS;
}

static int run_tag(void *context, const struct service_call *call,
                   const union service_arguments *arguments)
{
    struct instance *instance = instance_of(context, call);
    struct virt_domain *domain = instance ? instance_domain(instance) : NULL;
    struct bmc_ticket *ticket = domain ? keep_ticket(call) : NULL;

    if (!ticket)
        return domain ? -ENOMEM : -EHOSTUNREACH;
    hypervisor_change_tags(domain, arguments->tags.changes, arguments->tags.count, finish, ticket);
    return -EINPROGRESS;
}

static int run_inband(void *context, const struct service_call *call,
                      const union service_arguments *arguments)
{
    struct instance *instance = instance_of(context, call);
    struct virt_domain *domain = instance ? instance_domain(instance) : NULL;
    const char *front_end = arguments->inband_front_end;
    const char *declared = instance ? instance_declared(instance)->interface : NULL;
    char path[INSTANCE_INBAND_PATH_SIZE];

    if (!domain)
        return -EHOSTUNREACH;
    if (declared && (!front_end || strcmp(front_end, declared) != 0)) {
        bmc_ticket_finish_with(call->ticket, -ENOTSUP,
                               "the metadata of its domain says which interface it has: change it "
                               "there");
        return -EINPROGRESS;
    }
    if (!hypervisor_is_local(virt_domain_hypervisor(domain))) {
        bmc_ticket_finish_with(call->ticket, -ENOTSUP,
                               "its hypervisor is on another machine, where there is no socket of "
                               "this daemon: run vbmcd there");
        return -EINPROGRESS;
    }
    int result = instance_inband_path(instance, path);
    struct bmc_ticket *ticket = result == 0 ? keep_ticket(call) : NULL;
    if (!ticket)
        return result < 0 ? result : -ENOMEM;
    hypervisor_set_inband(domain, front_end, path, false, finish, ticket);
    return -EINPROGRESS;
}

static int run_define(void *context, const struct service_call *call,
                      const union service_arguments *arguments)
{
    struct bmc_ticket *ticket = keep_ticket(call);

    (void)context;
    if (!ticket)
        return -ENOMEM;
    hypervisor_define(arguments->define.hypervisor, arguments->define.xml, finish, ticket);
    return -EINPROGRESS;
}

static int run_undefine(void *context, const struct service_call *call,
                        const union service_arguments *arguments)
{
    struct bmc_ticket *ticket = keep_ticket(call);

    (void)context;
    if (!ticket)
        return -ENOMEM;
    hypervisor_undefine(arguments->undefine.domain, arguments->undefine.keep_nvram, finish, ticket);
    return -EINPROGRESS;
}

static int run_declare_dead(void *context, const struct service_call *call,
                            const union service_arguments *arguments)
{
    struct bmc_ticket *ticket = keep_ticket(call);

    if (!ticket)
        return -ENOMEM;
    fleet_declare_dead(context, arguments->hypervisor, finish, ticket);
    return -EINPROGRESS;
}

void fleet_register_operations(struct fleet *fleet)
{
    service_register(SERVICE_TAG, run_tag, fleet);
    service_register(SERVICE_ADD_SERIAL, run_add_serial, fleet);
    service_register(SERVICE_INBAND, run_inband, fleet);
    service_register(SERVICE_DEFINE, run_define, fleet);
    service_register(SERVICE_UNDEFINE, run_undefine, fleet);
    service_register(SERVICE_ADD, run_add, fleet);
    service_register(SERVICE_DELETE, run_delete, fleet);
    service_register(SERVICE_START, run_start, fleet);
    service_register(SERVICE_STOP, run_stop, fleet);
    service_register(SERVICE_FACILITY, run_facility, fleet);
    service_register(SERVICE_DECLARE_DEAD, run_declare_dead, fleet);
}
