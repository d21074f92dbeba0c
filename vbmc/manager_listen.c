#include "vbmc/manager_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/addresses.h"
#include "vbmc/base/log.h"

static void set_offset(struct manager *manager, const union endpoint_address *address,
                       struct instance *instance)
{
    long offset = addresses_offset(&manager->config->bmc.addresses, address);

    if (offset >= 0)
        manager->by_offset[offset] = instance;
}

static void forget_offsets(struct manager *manager, const struct instance *instance)
{
    for (size_t i = 0; manager->by_offset && i < ADDRESSES_MAX; i++) {
        if (manager->by_offset[i] == instance)
            manager->by_offset[i] = NULL;
    }
}

static void on_shared_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                               size_t length)
{
    struct manager *manager = context;
    long offset = addresses_offset(&manager->config->bmc.addresses, &from->local);

    if (offset >= 0 && manager->by_offset[offset])
        instance_receive(manager->by_offset[offset], from, bytes, length);
}

int manager_open_shared_socket(struct manager *manager, char *error, size_t size)
{
    const struct config_bmc *bmc = &manager->config->bmc;
    union endpoint_address any = {0};

    if (!bmc->has_addresses)
        return 0;
    endpoint_address_parse(
        bmc->addresses.base.any.sa_family == AF_INET ? "0.0.0.0" : "::", bmc->port, &any);
    manager->by_offset = calloc(ADDRESSES_MAX, sizeof(struct instance *));
    int result = manager->by_offset ? udp_socket_open(manager->loop, &any, on_shared_datagram,
                                                      manager, &manager->socket)
                                    : -ENOMEM;
    if (result < 0)
        snprintf(error, size, "cannot listen on UDP port %u: %s%s", bmc->port, strerror(-result),
                 result == -EACCES ? " (ports below 1024 need root)" : "");
    return result;
}

static bool is_taken(const struct manager *manager, const struct instance *instance,
                     const union endpoint_address *address)
{
    long offset =
        manager->by_offset ? addresses_offset(&manager->config->bmc.addresses, address) : -1;

    return offset >= 0 && manager->by_offset[offset] && manager->by_offset[offset] != instance;
}

void manager_start_listening(struct manager *manager, struct instance *instance)
{
    union endpoint_address address;
    bool changed = false;
    int result = addresses_assign(manager->config, &manager->set, instance, &address, &changed);

    if (changed)
        instance_save_record(instance, manager_report_store, NULL);
    if (result < 0) {
        log_error("%s: no address for its BMC: %s", instance_record(instance)->name,
                  result == -EADDRNOTAVAIL ? "the configured range is used up" : "not an address");
        return;
    }
    if (is_taken(manager, instance, &address)) {
        log_error("%s: its address is another BMC's; change one of them",
                  instance_record(instance)->name);
        return;
    }
    if (manager->socket && addresses_offset(&manager->config->bmc.addresses, &address) >= 0 &&
        endpoint_address_port(&address) == manager->config->bmc.port) {
        set_offset(manager, &address, instance);
        instance_listen_shared(instance, manager->socket, &address);
    } else {
        instance_listen(instance, &address);
    }
    manager_tell_changed(manager);
}

void manager_stop_listening(struct manager *manager, struct instance *instance)
{
    forget_offsets(manager, instance);
    instance_stop_listening(instance);
    manager_tell_changed(manager);
}
