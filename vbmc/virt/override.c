/* Boot override of a libvirt domain.
 *
 * An override is applied to the running guest: the `bootindex` property of the device's object is
 * set to 0 by QMP. libvirt numbers from 1, and QEMU refuses duplicates. QEMU rebuilds its table of
 * boot devices at each machine reset, so that the override takes effect at the next reset, also one
 * by the guest itself. A guest that is off is started paused, gets its override, is reset, and runs
 * (power.c).
 *
 *   none      no override is requested
 *   pending   requested, guest off
 *   refused   requested, but cannot be applied: the guest has no such device, or QEMU refuses (the
 *             kernel of a direct kernel boot has index 0). The next boot goes without it and uses
 *             it up nevertheless
 *   applied   bootindex is 0; `original` is its former value
 *   used      a reset has been seen; SeaBIOS answers a reset of a booted guest with another of its
 *             own (reset_burst.h). When the burst is over, or the guest off, a one-time override is
 *             undone and removed.
 *
 * A persistent override is applied in the same way and stays; it alone edits the stored definition
 * (override_definition.h), from which later starts have it. */
#include "vbmc/virt/override.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "qmp/client.h"
#include "qmp/commands.h"
#include "vbmc/base/json.h"
#include "vbmc/base/log.h"
#include "vbmc/base/rare_timer.h"
#include "vbmc/base/reset_burst.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/monitor.h"
#include "vbmc/virt/override_definition.h"
#include "vbmc/virt/override_record.h"
#include "vbmc/virt/properties.h"
#include "vbmc/virt/reset.h"

/* ---- the burst of resets ---- */

static void consumed(struct virt_domain *domain)
{
    log_info("%s: one-time boot override (%s) used", domain->host.name,
             host_boot_device_name(domain->override.device));
    domain->override = (struct host_boot_override){.device = HOST_BOOT_NONE};
    virt_domain_emit(domain, HOST_EVENT_BOOT_CONSUMED);
}

/* A boot has begun without the override that was requested. A persistent one stays pending for the
 * next boot. */
static void missed(struct virt_domain *domain)
{
    log_warning("%s: booted without its boot override (%s)%s%s", domain->host.name,
                host_boot_device_name(domain->override.device),
                domain->host.boot_obstacle[0] ? ": " : "", domain->host.boot_obstacle);
    virt_domain_emit(domain, HOST_EVENT_BOOT_MISSED);
    if (!domain->override.persistent) {
        domain->host.boot_obstacle[0] = '\0';
        consumed(domain);
    }
}

static void note_obstacle(struct virt_domain *domain, const char *why)
{
    snprintf(domain->host.boot_obstacle, sizeof domain->host.boot_obstacle, "%.95s", why);
}

static void step_undo_live(struct operation *operation);
static void start_settling(struct virt_domain *domain);

/* Another override may have been requested meanwhile. */
static void step_still_used(struct operation *operation)
{
    const struct virt_domain *domain = operation->domain;

    if (domain->boot_live.used && !domain->override.persistent &&
        domain->boot_live.device == domain->override.device)
        operation_next(operation);
    else
        operation_finish(operation, 0, NULL);
}

static void step_consumed(struct operation *operation)
{
    consumed(operation->domain);
    operation_finish(operation, 0, NULL);
}

/* Tried again as long as the guest runs. */
static void settling_ended(void *context, int result, const char *text)
{
    struct virt_domain *domain = context;

    if (result == 0)
        return;
    log_warning("%s: cannot restore the boot order of the running guest: %s", domain->host.name,
                text);
    if (domain->boot_live.used && host_power_state_is_on(domain->host.state))
        start_settling(domain);
}

static void on_settled(uv_timer_t *timer)
{
    static operation_step *const steps[] = {step_still_used, monitor_step_open, step_undo_live,
                                            step_consumed, NULL};
    struct virt_domain *domain = timer->data;

    operation_queue(domain, steps, settling_ended, domain);
}

static void start_settling(struct virt_domain *domain)
{
    rare_timer_start(&domain->settle, hypervisor_loop(domain->hypervisor), domain, on_settled,
                     RESET_BURST_MS);
}

static void stop_settling(struct virt_domain *domain)
{
    rare_timer_stop(domain->settle);
}

void override_clear(struct virt_domain *domain)
{
    override_forget_live(domain);
    free(domain->boot_stored);
    rare_timer_close(&domain->settle);
}

/* ---- undoing ---- */

/* Ends only with QEMU's reply: after a lost connection it is tried again (override_reconcile). */
static void live_undone(void *context, const struct qmp_error *error)
{
    struct operation *operation = context;
    struct virt_domain *domain = operation->domain;

    if (error && error->failure != QMP_FAILURE_ERROR_REPLY) {
        operation_finish(operation, monitor_result(error), error->text);
        return;
    }
    if (error)
        log_warning("%s: cannot restore the boot order of the running guest: %s", domain->host.name,
                    error->text);
    override_forget_live(domain);
    override_store_live(domain);
    operation_next(operation);
}

/* Restores the running guest's own boot order; nothing to do is no error. */
static void step_undo_live(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;
    struct boot_live *live = &domain->boot_live;
    struct qmp_client *client = monitor_client(domain);

    if (live->device == HOST_BOOT_NONE || !client) {
        operation_next(operation);
        return;
    }
    if (live->original == 0) { /* nothing was changed */
        live_undone(operation, NULL);
        return;
    }
    monitor_step_submitted(operation, qmp_qom_set_integer(client, live->path, live->property,
                                                          live->original, live_undone, operation));
}

static void step_undo_other_device(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;

    if (domain->boot_live.device == domain->override.device)
        operation_next(operation);
    else
        step_undo_live(operation);
}

/* ---- applying ---- */

static void applied(void *context, const struct qmp_error *error)
{
    struct operation *operation = context;
    struct virt_domain *domain = operation->domain;

    note_obstacle(domain, error ? error->text : "");
    if (!error) {
        log_info("%s: boot override: %s first at the next reset", domain->host.name,
                 host_boot_device_name(domain->override.device));
    } else {
        log_warning("%s: QEMU rejected the boot override (%s): %s", domain->host.name,
                    host_boot_device_name(domain->override.device), error->text);
        /* After a lost connection it may be applied all the same: then the record has to stay. */
        if (error->failure == QMP_FAILURE_ERROR_REPLY || domain->boot_live.device == HOST_BOOT_NONE)
            override_forget_live(domain);
    }
    override_store_live(domain);
    operation_next(operation);
}

static void original_read(void *context, int64_t value, const struct qmp_error *error)
{
    struct operation *operation = context;
    struct virt_domain *domain = operation->domain;
    struct boot_live *live = &domain->boot_live;
    bool was_ours = live->device == domain->override.device;

    if (error) {
        applied(operation, error);
        return;
    }
    if (value == 0 && was_ours) { /* QEMU refuses to set what is set already */
        note_obstacle(domain, "");
        operation_next(operation);
        return;
    }
    live->device = domain->override.device;
    live->original = value;
    live->used = false;
    if (value == 0)
        applied(operation, NULL); /* the guest's own order has it first */
    else
        monitor_step_submitted(operation,
                               qmp_qom_set_integer(monitor_client(domain), live->path,
                                                   live->property, 0, applied, operation));
}

static void read_original(struct operation *operation)
{
    struct boot_live *live = &operation->domain->boot_live;

    monitor_step_submitted(operation,
                           qmp_qom_get_integer(monitor_client(operation->domain), live->path,
                                               live->property, original_read, operation));
}

static void set_path(struct operation *operation, const char *parent, const char *name)
{
    struct boot_live *live = &operation->domain->boot_live;

    free(live->path);
    if (asprintf(&live->path, "%s/%s", parent, name) < 0) {
        live->path = NULL;
        operation_finish(operation, -ENOMEM, "out of memory");
        return;
    }
    read_original(operation);
}

/* The machine's own floppy controller has no id: it is found by its type. */
static void controllers_listed(void *context, struct json_object *result,
                               const struct qmp_error *error)
{
    struct operation *operation = context;

    if (error || !json_object_is_type(result, json_type_array)) {
        operation_finish(operation, -EIO, error ? error->text : "qom-list: no array");
        return;
    }
    for (size_t i = 0; i < json_object_array_length(result); i++) {
        struct json_object *item = json_object_array_get_idx(result, i);
        const char *type = qmp_json_string(item, "type");
        const char *name = qmp_json_string(item, "name");
        if (type && name && strcmp(type, "child<isa-fdc>") == 0) {
            set_path(operation, "/machine/unattached", name);
            return;
        }
    }
    set_path(operation, "/machine/peripheral", "fdc0"); /* q35: added by libvirt */
}

static void list_controllers(struct operation *operation)
{
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "path", json_object_new_string("/machine/unattached"));
    monitor_step_submitted(operation,
                           qmp_client_execute(monitor_client(operation->domain), "qom-list",
                                              arguments, controllers_listed, operation));
}

/* libvirt's alias of a floppy drive: fdcC-B-U, controller, bus and unit. */
static bool is_floppy(const char *alias)
{
    return strncmp(alias, "fdc", 3) == 0;
}

void override_step_apply(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;
    enum host_boot_device wanted = domain->override.device;

    if (!host_boot_device_is_hardware(wanted) || !host_power_state_is_on(domain->host.state)) {
        operation_next(operation);
        return;
    }
    const struct domxml_device *device = domxml_first_device(monitor_live_xml(domain), wanted);
    if (!device || !device->alias || !monitor_client(domain)) {
        note_obstacle(domain, device && device->alias ? "no QMP" : "the guest has no such device");
        log_warning("%s: boot override (%s) ignored: %s", domain->host.name,
                    host_boot_device_name(wanted), domain->host.boot_obstacle);
        operation_next(operation);
        return;
    }
    size_t length = strlen(device->alias);
    bool second_drive = length > 0 && device->alias[length - 1] == '1';
    snprintf(domain->boot_live.property, sizeof domain->boot_live.property, "%s",
             !is_floppy(device->alias) ? "bootindex"
             : second_drive            ? "bootindexB"
                                       : "bootindexA");
    if (is_floppy(device->alias))
        list_controllers(operation);
    else
        set_path(operation, "/machine/peripheral", device->alias);
}

/* ---- the operation ---- */

/* A new override ends the settling of the one before. One that was used before a restart of the
 * daemon, and is restored from the store, continues to settle. */
static void settle_former(struct virt_domain *domain)
{
    struct boot_live *live = &domain->boot_live;
    bool same = live->device == domain->override.device && !domain->override.persistent;

    stop_settling(domain);
    if (live->used && live->restored && same) {
        start_settling(domain);
    } else if (live->used && same) {
        live->used = false;
        override_store_live(domain);
    }
    live->restored = false;
}

static void step_take(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;

    domain->override = operation->override;
    note_obstacle(domain, "");
    settle_former(domain);
    /* Nothing is requested and nothing was changed, or the guest is off: done. */
    if ((domain->override.device == HOST_BOOT_NONE && domain->boot_live.device == HOST_BOOT_NONE) ||
        !host_power_state_is_on(domain->host.state))
        operation_finish(operation, 0, NULL);
    else
        operation_next(operation);
}

void override_set(struct host_domain *host, const struct host_boot_override *override,
                  host_done_fn *done, void *context)
{
    static operation_step *const steps[] = {
        override_step_edit, override_step_store,    override_step_define, step_take,
        monitor_step_open,  step_undo_other_device, override_step_apply,  NULL,
    };
    struct operation *operation = operation_queue(virt_domain_of_host(host), steps, done, context);

    if (operation)
        operation->override = *override;
}

/* ---- events ---- */

void override_note_menu_used(struct virt_domain *domain)
{
    if (!domain->override.persistent)
        consumed(domain);
}

/* SeaBIOS begins by copying itself to RAM. A reset in the middle of that leaves a guest that hangs
 * in half a copy (seen under emulation, where it takes tens of milliseconds). */
#define FIRMWARE_BEGINS_MS 250

static void step_let_firmware_begin(struct operation *operation)
{
    operation_pause(operation, FIRMWARE_BEGINS_MS);
}

static void step_reset_for_override(struct operation *operation)
{
    struct virt_domain *domain = operation->domain;

    if (domain->boot_live.device == HOST_BOOT_NONE || domain->boot_live.used) {
        override_note_boot(domain);
        operation_next(operation);
        return;
    }
    log_info("%s: started with a pending boot override: resetting", domain->host.name);
    reset_step(operation);
}

static bool is_started_by_us(const struct virt_domain *domain)
{
    const struct operation *operation = domain->operations;

    return operation && (operation->action == HOST_POWER_ACTION_UP ||
                         operation->action == HOST_POWER_ACTION_CYCLE);
}

void override_note_boot(struct virt_domain *domain)
{
    if (host_boot_device_is_hardware(override_at_start(domain).device) &&
        domain->boot_live.device == HOST_BOOT_NONE)
        missed(domain);
}

struct host_boot_override override_at_start(const struct virt_domain *domain)
{
    struct host_boot_override none = {.device = HOST_BOOT_NONE};

    if (domain->override.persistent && override_stored_device(domain) == domain->override.device)
        return none;
    return domain->override;
}

enum host_boot_device override_device(const struct virt_domain *domain)
{
    enum host_boot_device device = domain->override.device;

    return host_boot_device_is_hardware(device) ? device : HOST_BOOT_NONE;
}

void override_guest_started(struct virt_domain *domain, bool live)
{
    static operation_step *const steps[] = {monitor_step_open, override_step_apply,
                                            step_let_firmware_begin, step_reset_for_override, NULL};

    if (!hypervisor_is_qemu(domain->hypervisor))
        override_note_boot(domain); /* it cannot be applied */
    if (!host_boot_device_is_hardware(override_at_start(domain).device) || is_started_by_us(domain))
        return;
    if (live)
        operation_queue(domain, steps, NULL, NULL);
    else
        override_reconcile(domain);
}

void override_guest_stopped(struct virt_domain *domain)
{
    bool used = domain->boot_live.used;

    stop_settling(domain);
    monitor_forget(domain);
    note_obstacle(domain, "");
    if (domain->boot_live.device == HOST_BOOT_NONE)
        return;
    override_forget_live(domain);
    if (used && !domain->override.persistent)
        consumed(domain);
    override_store_live(domain);
}

void override_guest_reset(struct virt_domain *domain)
{
    if (domain->override.persistent)
        return;
    if (domain->boot_live.device == HOST_BOOT_NONE) {
        if (domain->host.boot_obstacle[0])
            override_note_boot(domain);
        return;
    }
    if (domain->boot_live.used) /* part of the burst, which is timed from its first reset */
        return;
    domain->boot_live.used = true;
    override_store_live(domain);
    start_settling(domain);
}

void override_reconcile(struct virt_domain *domain)
{
    static operation_step *const apply[] = {monitor_step_open, override_step_apply, NULL};
    static operation_step *const undo[] = {monitor_step_open, step_undo_live, NULL};
    enum host_boot_device done = domain->boot_live.device;

    if (done != HOST_BOOT_NONE && done != domain->override.device)
        operation_queue(domain, undo, NULL, NULL);
    if (!host_boot_device_is_hardware(override_at_start(domain).device))
        return;
    log_info("%s: reconnected with a pending boot override (%s)", domain->host.name,
             host_boot_device_name(domain->override.device));
    if (domain->boot_live.used && !domain->override.persistent)
        start_settling(domain);
    else
        operation_queue(domain, apply, NULL, NULL);
}
