#include "vbmc/virt/override_definition.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"

enum host_boot_device override_stored_device(const struct virt_domain *domain)
{
    CLEANUP_JSON struct json_object *record = NULL;
    int64_t device;

    if (!domain->boot_stored ||
        qmp_json_parse(domain->boot_stored, strlen(domain->boot_stored), &record) < 0 ||
        !qmp_json_integer(qmp_json_member(record, "device", json_type_int), &device))
        return HOST_BOOT_NONE;
    return (enum host_boot_device)device;
}

/* The device that the definition has to put first. */
static enum host_boot_device wanted_device(const struct host_boot_override *override)
{
    bool is_stored = override->persistent && host_boot_device_is_hardware(override->device);

    return is_stored ? override->device : HOST_BOOT_NONE;
}

/* An action thread: the definition as it was before our last edit, from operation->undo. */
static char *read_definition(struct operation *operation, virDomainPtr domain)
{
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    char *restored = NULL;

    if (xml && operation->undo && domxml_restore_boot(xml, operation->undo, &restored) == 0) {
        free(xml);
        return restored;
    }
    return xml;
}

/* An action thread. Leaves the new definition in operation->xml and what it replaces in
 * operation->undo. A device that the domain does not have is no error: the domain's own order
 * stays. */
static int work_edit(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    enum host_boot_device wanted = wanted_device(&operation->override);
    CLEANUP_FREE char *xml = domain ? read_definition(operation, domain) : NULL;
    char *edited = NULL, *undo = NULL;

    (void)connection;
    if (!xml)
        return virt_last_error(operation->text, sizeof operation->text);
    int result = wanted == HOST_BOOT_NONE ? -ENOENT : domxml_put_first(xml, wanted, &edited, &undo);
    if (result < 0 && result != -ENOENT) {
        snprintf(operation->text, sizeof operation->text, "the domain's XML cannot be edited");
        return -EIO;
    }
    if (wanted != HOST_BOOT_NONE && result == -ENOENT)
        log_warning("%s: persistent boot override: the domain has no such device",
                    operation->domain->host.name);
    free(operation->xml);
    free(operation->undo);
    operation->xml = edited ? edited : cleanup_steal_pointer(&xml);
    operation->undo = undo;
    return 0;
}

/* An action thread. */
static int work_define(struct operation *operation, virConnectPtr connection, virDomainPtr domain)
{
    virDomainPtr defined = virDomainDefineXML(connection, operation->xml);

    (void)domain;
    if (!defined)
        return virt_last_error(operation->text, sizeof operation->text);
    virDomainFree(defined);
    return 0;
}

void override_step_edit(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;

    if (override_stored_device(domain) == wanted_device(&operation->override) ||
        !domain->persistent) {
        operation->steps += 2; /* nothing to store and nothing to define */
        operation_next(operation);
        return;
    }
    free(operation->undo);
    operation->undo = domain->boot_stored ? strdup(domain->boot_stored) : NULL;
    operation_work(operation, work_edit);
}

/* Exchanges the domain's record with the operation's. */
static void swap_record(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;
    char *record = domain->boot_stored;

    domain->boot_stored = operation->undo;
    operation->undo = record;
    virt_domain_emit(domain, HOST_EVENT_BOOT_CHANGED);
}

static void step_take_record_back(struct operation *operation)
{
    swap_record(operation);
    operation_finish(operation, operation->result, operation->text);
}

static void step_defined(struct operation *operation)
{
    operation->steps = operation->resume;
    operation->on_error = NULL;
    operation_next(operation);
}

void override_step_store(struct operation *operation)
{
    swap_record(operation);
    operation_next(operation);
}

void override_step_define(struct operation *operation)
{
    static operation_step *const after_define[] = {NULL, step_defined, NULL};
    static operation_step *const on_error[] = {step_take_record_back, NULL};

    operation->resume = operation->steps;
    operation->steps = after_define;
    operation->on_error = on_error;
    operation_work(operation, work_define);
}
