#include "vbmc/virt/override_record.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/hypervisor.h"

void override_forget_live(struct virt_domain *domain)
{
    free(domain->boot_live.path);
    free(domain->boot_live.record);
    domain->boot_live = (struct boot_live){.original = -1};
}

void override_store_live(struct virt_domain *domain)
{
    struct boot_live *live = &domain->boot_live;
    CLEANUP_JSON struct json_object *record = json_object_new_object();

    free(live->record);
    live->record = NULL;
    if (live->device != HOST_BOOT_NONE && record) {
        json_object_object_add(record, "device", json_object_new_int((int)live->device));
        json_object_object_add(record, "path", json_object_new_string(live->path));
        json_object_object_add(record, "property", json_object_new_string(live->property));
        json_object_object_add(record, "original", json_object_new_int64(live->original));
        json_object_object_add(record, "used", json_object_new_boolean(live->used));
        json_object_object_add(record, "id", json_object_new_int(domain->id));
        live->record = strdup(json_object_to_json_string_ext(record, JSON_C_TO_STRING_PLAIN));
    }
    virt_domain_emit(domain, HOST_EVENT_BOOT_CHANGED);
}

static int read_live(struct virt_domain *domain, const char *text)
{
    CLEANUP_JSON struct json_object *record = NULL;
    struct boot_live *live = &domain->boot_live;
    int64_t id, device, original;

    if (qmp_json_parse(text, strlen(text), &record) < 0)
        return -EINVAL;
    const char *path = qmp_json_string(record, "path");
    const char *property = qmp_json_string(record, "property");
    struct json_object *used = qmp_json_member(record, "used", json_type_boolean);
    if (!path || !property || strlen(property) >= sizeof live->property ||
        !qmp_json_integer(qmp_json_member(record, "id", json_type_int), &id) ||
        !qmp_json_integer(qmp_json_member(record, "device", json_type_int), &device) ||
        !qmp_json_integer(qmp_json_member(record, "original", json_type_int), &original) ||
        !host_boot_device_is_hardware((enum host_boot_device)device))
        return -EINVAL;
    if (id != domain->id || domain->id < 0) /* of a run that is over */
        return 0;
    live->path = strdup(path);
    live->record = strdup(text);
    if (!live->path || !live->record)
        return -ENOMEM;
    snprintf(live->property, sizeof live->property, "%s", property);
    live->device = (enum host_boot_device)device;
    live->original = original;
    live->used = used && json_object_get_boolean(used);
    live->restored = true;
    return 0;
}

const char *virt_domain_boot_live(const struct virt_domain *domain)
{
    return domain->boot_live.record;
}

const char *virt_domain_boot_stored(const struct virt_domain *domain)
{
    return domain->boot_stored;
}

int virt_domain_restore_boot_record(struct virt_domain *domain, const char *live,
                                    const char *stored)
{
    /* What the driver has done itself since is newer than what is stored. */
    if (domain->boot_live.device != HOST_BOOT_NONE || domain->boot_stored)
        return 0;
    override_forget_live(domain);
    domain->boot_stored = stored ? strdup(stored) : NULL;
    return live ? read_live(domain, live) : 0;
}
