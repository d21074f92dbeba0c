#include "vbmc/instance/inband.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/inband/inband.h"
#include "vbmc/inband/interface.h"
#include "vbmc/inband/socket.h"
#include "vbmc/instance/hooks.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/restart.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/virt/hypervisor.h"

int instance_inband_path(const struct instance *instance, char path[INSTANCE_INBAND_PATH_SIZE])
{
    char uuid[UUID_TEXT_SIZE];

    if (!instance->shared->runtime_dir)
        return -ENOENT;
    uuid_format(&instance->bmc.core.uuid, uuid);
    int length = snprintf(path, INSTANCE_INBAND_PATH_SIZE, "%s/%s.ipmi",
                          instance->shared->runtime_dir, uuid);
    return length < INSTANCE_INBAND_PATH_SIZE ? 0 : -ENAMETOOLONG;
}

static bool is_starting(void *context)
{
    return instance_is_restarting(context, instance_now_ms());
}

static struct inband *new_inband(struct instance *instance)
{
    const struct inband_settings settings = {
        .loop = instance->shared->loop,
        .bmc_number = instance->bmc.core.number,
        .bmc = &instance->bmc,
        .messaging = &instance->bmc.messaging,
        .sink = instance->shared->inband_sink,
        .sessions = &rmcp_session_ops,
        .sessions_context = instance->rmcp,
        .is_starting = is_starting,
        .context = instance,
    };

    return inband_new(&settings);
}

/* Most guests have no such device. */
static bool has_inband(struct instance *instance)
{
    if (instance->inband)
        return true;
    instance->inband = new_inband(instance);
    if (instance->inband)
        inband_interface_set_read_only(inband_interface(instance->inband),
                                       instance->inband_read_only);
    else
        log_error("%s: in-band: out of memory", instance->record.name);
    return instance->inband != NULL;
}

/* What the domain has of it, if its QEMU looks for it here. */
static const struct host_inband *find_device(const struct instance *instance,
                                             const char path[INSTANCE_INBAND_PATH_SIZE])
{
    const struct host_domain *host = instance->bmc.core.host;
    const struct host_inband *device = host && host->hardware ? &host->hardware->inband : NULL;

    if (!device || !device->is_there || strcmp(device->socket, path) != 0)
        return NULL;
    return hypervisor_is_local(virt_domain_hypervisor(instance->domain)) ? device : NULL;
}

/* Which of its users QEMU is started as is told while it runs, and kept from then on. */
static void listen_for(struct instance *instance, const struct host_inband *device,
                       const char path[INSTANCE_INBAND_PATH_SIZE])
{
    if (!has_inband(instance))
        return;
    if (inband_is_listening(instance->inband) && !device->has_owner)
        return;
    CLEANUP_FREE char *before = strdup(inband_error(instance->inband));
    uid_t owner = device->has_owner ? device->owner : INBAND_NO_OWNER;
    if (inband_listen(instance->inband, path, owner) < 0 && before &&
        strcmp(before, inband_error(instance->inband)) != 0)
        log_error("%s: in-band: %s", instance->record.name, inband_error(instance->inband));
}

static void on_interface_set(void *context, int result, const char *text)
{
    CLEANUP_FREE char *name = context;

    if (result == 0)
        log_info("%s", text);
    else if (result != -EALREADY)
        log_warning("%s: cannot be given the interface that its metadata says: %s", name,
                    text ? text : strerror(-result));
}

/* Its metadata may say which interface the guest has. Its stored definition is changed, so a guest
 * that runs goes on without until its next power-on; it is asked for once, until it was there. */
static void ask_for_interface(struct instance *instance, const char *path)
{
    const struct host_domain *host = instance->bmc.core.host;
    const struct host_inband *device = host && host->hardware ? &host->hardware->inband : NULL;
    const char *wanted = instance->declared.interface;

    if (!wanted || !device || !instance->record.active ||
        !hypervisor_is_local(virt_domain_hypervisor(instance->domain)))
        return;
    if (device->is_there && strcmp(device->front_end, wanted) == 0 &&
        strcmp(device->socket, path) == 0) {
        instance->interface_asked = false;
        return;
    }
    char *name = instance->interface_asked ? NULL : strdup(instance->record.name);
    if (!name)
        return;
    instance->interface_asked = true;
    hypervisor_set_inband(instance->domain, wanted, path, true, on_interface_set, name);
}

/* While nothing is known of its domain the socket stays: a guest that talks need not see that. */
void instance_follow_inband(struct instance *instance)
{
    const struct host_domain *host = instance->bmc.core.host;
    char path[INSTANCE_INBAND_PATH_SIZE];

    if (instance_inband_path(instance, path) < 0)
        return;
    const struct host_inband *device = find_device(instance, path);
    if (device && instance->record.active)
        listen_for(instance, device, path);
    else if (instance->inband && (!instance->record.active || (host && host->hardware)))
        inband_stop_listening(instance->inband);
    ask_for_interface(instance, path);
}

struct instance_inband instance_inband(const struct instance *instance)
{
    const struct host_domain *host = instance->bmc.core.host;
    const struct host_inband *device = host && host->hardware ? &host->hardware->inband : NULL;
    const struct inband_interface *interface =
        instance->inband ? inband_interface(instance->inband) : NULL;

    return (struct instance_inband){
        .has_device = device && device->is_there,
        .front_end = device ? device->front_end : "",
        .socket = device ? device->socket : "",
        .is_listening = interface && inband_is_listening(instance->inband),
        .is_connected = interface && inband_interface_is_connected(interface),
        .is_read_only = instance->inband_read_only,
        .requests = interface ? inband_interface_counters(interface)->requests : 0,
        .error = interface ? inband_error(instance->inband) : "",
    };
}
