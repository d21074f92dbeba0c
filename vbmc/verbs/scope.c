#include "vbmc/verbs/scope.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/view.h"
#include "vbmc/service/accounts.h"
#include "vbmc/service/audit.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/verbs.h"
#include "vbmc/virt/hypervisor.h"

const struct uuid *verbs_only_bmc_of(const struct control_request *request)
{
    const struct control_identity *identity = control_request_identity(request);

    return identity->one_bmc ? &identity->uuid : NULL;
}

bool verbs_may_see(const struct control_request *request, struct instance *instance)
{
    const struct uuid *only = verbs_only_bmc_of(request);
    const struct caller caller = verbs_caller(control_request_identity(request));

    return (!only || uuid_equal(only, instance_view(instance).uuid)) &&
           service_level_on(&caller, instance_bmc(instance)) >=
               service_row(SERVICE_VIEW)->privilege &&
           !service_is_locked_out(&caller, instance_bmc(instance));
}

bool verbs_may_see_hypervisors(const struct control_request *request)
{
    const struct caller caller = verbs_caller(control_request_identity(request));

    return service_permit(SERVICE_VIEW_FLEET, &caller) == 0;
}

/* The first hypervisor that is not connected; NULL: all are. */
static struct hypervisor *unconnected_hypervisor(const struct verbs *verbs)
{
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        if (!hypervisor_is_up(hypervisor))
            return hypervisor;
    }
    return NULL;
}

/* Scripts search for the beginning of this text. What is not found may be on a hypervisor that
 * cannot be asked. */
static void describe_unknown_name(const struct verbs *verbs, const char *name,
                                  const struct control_request *request,
                                  char text[FLEET_NAME_ERROR_SIZE])
{
    struct hypervisor *away =
        verbs_may_see_hypervisors(request) ? unconnected_hypervisor(verbs) : NULL;

    snprintf(text, FLEET_NAME_ERROR_SIZE, "No domain with matching name %.256s was found%s%.64s%s",
             name, away ? "; hypervisor " : "", away ? hypervisor_name(away) : "",
             away ? " is not connected" : "");
}

struct instance *verbs_find_named(const struct verbs *verbs, const char *name,
                                  const struct control_request *request,
                                  char text[FLEET_NAME_ERROR_SIZE])
{
    struct instance *instance;
    int result = fleet_named_bmc(verbs->fleet, name, verbs_only_bmc_of(request), &instance, text,
                                 FLEET_NAME_ERROR_SIZE);

    if (result == -ENOENT)
        describe_unknown_name(verbs, name, request, text);
    return instance;
}

struct instance *verbs_named_instance(const struct verbs *verbs, struct json_object *arguments,
                                      struct control_request *request)
{
    const char *name = verbs_text_argument(arguments, "name");
    char text[FLEET_NAME_ERROR_SIZE] = "the request names no domain";
    struct instance *instance = name ? verbs_find_named(verbs, name, request, text) : NULL;

    if (!instance)
        control_reply_error(request, name ? CONTROL_NOT_FOUND : CONTROL_USAGE, "%s", text);
    return instance;
}

struct virt_domain *verbs_named_domain(const struct verbs *verbs, struct json_object *arguments,
                                       struct control_request *request)
{
    const char *name = verbs_text_argument(arguments, "name");
    char text[FLEET_NAME_ERROR_SIZE] = "the request names no domain";
    struct virt_domain *domain = NULL;

    if (name && fleet_named_domain(verbs->fleet, name, NULL, &domain, text, sizeof text) == -ENOENT)
        describe_unknown_name(verbs, name, request, text);
    if (!domain)
        control_reply_error(request, name ? CONTROL_NOT_FOUND : CONTROL_USAGE, "%s", text);
    return domain;
}

bool verbs_admit_there(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request, enum service_operation operation)
{
    const char *name = verbs_text_argument(arguments, "name");
    const struct caller caller = verbs_caller(control_request_identity(request));
    char text[FLEET_NAME_ERROR_SIZE];

    if (!name || !service_is_judged_there(service_row(operation)->flags))
        return true;
    struct instance *instance = verbs_find_named(verbs, name, request, text);
    if (!instance)
        return true; /* which is the verb's to say */
    const struct bmc *bmc = instance_bmc(instance);
    enum privilege level = service_level_on(&caller, bmc);
    bool is_locked_out = service_is_locked_out(&caller, bmc);
    if (level == PRIVILEGE_NONE || is_locked_out) {
        service_audit_refusal(operation, &caller, bmc, is_locked_out ? -EKEYREJECTED : -EPERM);
        control_reply_error(request, CONTROL_FAILED,
                            "the accounts of this BMC do not let %s in (see 'vbmc user')",
                            caller.name);
        return false;
    }
    control_request_limit(request, level);
    return true;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(instance_view(*(struct instance *const *)a).name,
                  instance_view(*(struct instance *const *)b).name);
}

struct instance **verbs_visible_instances(const struct verbs *verbs,
                                          const struct control_request *request, size_t *count)
{
    const struct bmcset *set = fleet_bmcs(verbs->fleet);
    const struct uuid *only = verbs_only_bmc_of(request);
    struct instance *one = only ? bmcset_find_uuid(set, only) : NULL;
    struct instance **visible = calloc(set->count + 1, sizeof(struct instance *));

    *count = 0;
    if (!visible)
        return NULL;
    if (only) {
        visible[0] = one;
        *count = one != NULL;
        return visible;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (verbs_may_see(request, set->instances[i]))
            visible[(*count)++] = set->instances[i];
    }
    qsort(visible, *count, sizeof(struct instance *), compare_names);
    return visible;
}

/* In the order of their names only neighbours can have the same one. */
bool verbs_has_plain_name(struct instance *const *instances, size_t count, size_t i)
{
    const char *name = instance_view(instances[i]).name;
    struct uuid uuid;

    return !strchr(name, '@') && uuid_parse(name, &uuid) < 0 &&
           (i == 0 || strcmp(name, instance_view(instances[i - 1]).name) != 0) &&
           (i + 1 == count || strcmp(name, instance_view(instances[i + 1]).name) != 0);
}

void verbs_add_name(const struct verbs *verbs, const struct control_request *request,
                    struct instance *instance, bool is_plain, struct json_object *row)
{
    CLEANUP_FREE char *full =
        is_plain ? NULL : fleet_name_of(verbs->fleet, instance, verbs_only_bmc_of(request));

    verbs_add_text(row, "domain_name", full ? full : instance_view(instance).name);
}
