#include "vbmc/verbs/selection.h"

#include <json-c/json.h>

#include "vbmc/host/placement.h"
#include "vbmc/host/placement_map.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/stored.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/tags.h"
#include "vbmc/virt/hypervisor.h"

/* Where the guest is, or was. */
static const char *hypervisor_of(struct instance *instance)
{
    struct virt_domain *domain = instance_domain(instance);
    const struct placement *placement = instance_placement(instance);

    if (domain)
        return hypervisor_name(virt_domain_hypervisor(domain));
    return placement->count ? placement->copies[0].hypervisor->name : NULL;
}

void verbs_add_selection(struct json_object *row, struct json_object *arguments,
                         const struct control_request *request, struct instance *instance)
{
    if (!verbs_flag_argument(arguments, "select"))
        return;
    verbs_put_text(row, "hypervisor",
                   verbs_may_see_hypervisors(request) ? hypervisor_of(instance) : NULL);
    if (verbs_has_tags(instance))
        verbs_put(row, "tags", verbs_tags_of(instance));
}
