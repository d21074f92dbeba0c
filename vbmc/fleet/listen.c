/* Where BMCs listen. Each has one place, an address and a port (addresses.h), which is its own
 * socket or, with one address for each BMC and their common port, the socket that they share. What
 * cannot be had now (the address is of an interface that is not up yet, another program has the
 * port) is tried again until it can. */
#include "vbmc/fleet/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/fleet/addresses.h"
#include "vbmc/base/log.h"

#define LISTEN_AGAIN_MS 2000

/* ---- the shared socket ---- */

static void forget_shared(struct manager *manager, struct instance *instance)
{
    long offset = -1;

    if (manager->by_offset)
        offset = addresses_offset(&manager->config->bmc.addresses, instance_address(instance));
    if (offset >= 0 && manager->by_offset[offset] == instance)
        manager->by_offset[offset] = NULL;
    bmcset_remove(&manager->outside, instance);
}

/* Of those that share the socket at an address outside of the prefix, by a [domain] section or
 * `vbmc add`. */
static struct instance *find_outside(const struct manager *manager,
                                     const union endpoint_address *address)
{
    for (size_t i = 0; i < manager->outside.count; i++) {
        struct instance *instance = manager->outside.instances[i];
        if (endpoint_address_is_same(instance_address(instance), address))
            return instance;
    }
    return NULL;
}

static void on_shared_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                               size_t length)
{
    struct manager *manager = context;
    long offset = addresses_offset(&manager->config->bmc.addresses, &from->local);
    struct instance *instance =
        offset >= 0 ? manager->by_offset[offset] : find_outside(manager, &from->local);

    if (instance)
        instance_receive(instance, from, bytes, length);
}

static union endpoint_address shared_address(const struct config_bmc *bmc)
{
    union endpoint_address any = {0};

    endpoint_address_parse(
        bmc->addresses.base.any.sa_family == AF_INET ? "0.0.0.0" : "::", bmc->port, &any);
    return any;
}

static void open_shared_socket(struct manager *manager)
{
    const struct config_bmc *bmc = &manager->config->bmc;
    union endpoint_address any = shared_address(bmc);
    char text[sizeof manager->socket_error];

    if (!bmc->has_addresses || manager->socket)
        return;
    if (!manager->by_offset)
        manager->by_offset = calloc(ADDRESSES_MAX, sizeof(struct instance *));
    int result = manager->by_offset ? udp_socket_open(manager->loop, &any, on_shared_datagram,
                                                      manager, &manager->socket)
                                    : -ENOMEM;
    if (result == 0 && manager->socket_error[0])
        log_info("listens on UDP port %u now", bmc->port);
    udp_socket_explain(&any, result, text, sizeof text);
    if (result < 0 && strcmp(text, manager->socket_error) != 0)
        log_error("%s", text);
    snprintf(manager->socket_error, sizeof manager->socket_error, "%s", result < 0 ? text : "");
}

/* Whether the wildcard socket has the port at that address, so that nobody else can. */
static bool is_shared_place(const struct manager *manager, const union endpoint_address *address)
{
    const struct config_bmc *bmc = &manager->config->bmc;
    bool reaches =
        bmc->addresses.base.any.sa_family == AF_INET6 || endpoint_address_v4(address) != NULL;

    return bmc->has_addresses && reaches && endpoint_address_port(address) == bmc->port;
}

/* ---- one BMC ---- */

static bool is_any(const union endpoint_address *address)
{
    if (address->any.sa_family == AF_INET)
        return address->in.sin_addr.s_addr == htonl(INADDR_ANY);
    return address->any.sa_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&address->in6.sin6_addr);
}

static bool are_in_the_way(const union endpoint_address *a, const union endpoint_address *b)
{
    return endpoint_address_port(a) == endpoint_address_port(b) &&
           (endpoint_address_is_same(a, b) || is_any(a) || is_any(b));
}

static struct instance *find_neighbour(const struct manager *manager,
                                       const struct instance *instance)
{
    for (size_t i = 0; i < manager->set.count; i++) {
        struct instance *other = manager->set.instances[i];
        if (other != instance && instance_is_listening(other) &&
            are_in_the_way(instance_address(other), instance_address(instance)))
            return other;
    }
    return NULL;
}

static void note_neighbour(struct instance *instance, struct instance *neighbour)
{
    char text[INSTANCE_ERROR_SIZE];

    snprintf(text, sizeof text, "its address is that of %.100s; change one of them",
             instance_record(neighbour)->name);
    instance_note_error(instance, text);
}

static void listen_shared(struct manager *manager, struct instance *instance)
{
    const union endpoint_address *address = instance_address(instance);
    long offset = addresses_offset(&manager->config->bmc.addresses, address);
    struct instance *neighbour;

    if (!manager->socket) {
        instance_note_error(instance, manager->socket_error);
        return;
    }
    neighbour = offset >= 0 ? manager->by_offset[offset] : find_outside(manager, address);
    if (neighbour && neighbour != instance) {
        note_neighbour(instance, neighbour);
        return;
    }
    if (offset >= 0)
        manager->by_offset[offset] = instance;
    else if (bmcset_add(&manager->outside, instance) < 0)
        return;
    instance_listen_shared(instance, manager->socket);
}

static void listen_alone(struct manager *manager, struct instance *instance)
{
    char text[INSTANCE_ERROR_SIZE];
    int result = instance_listen(instance);
    struct instance *neighbour = result == -EADDRINUSE ? find_neighbour(manager, instance) : NULL;

    if (neighbour) {
        note_neighbour(instance, neighbour);
    } else if (result < 0) {
        udp_socket_explain(instance_address(instance), result, text, sizeof text);
        instance_note_error(instance, text);
    }
}

static const char *why_no_place(int result)
{
    switch (result) {
    case -EADDRNOTAVAIL:
        return "no address for its BMC: the configured range is used up";
    case -EINVAL:
        return "no address for its BMC: what it is to have is no address";
    default:
        return "no address for its BMC: out of memory";
    }
}

/* Where the BMC is to be, which may have become another place. 0, or a negative error. */
static int find_place(struct manager *manager, struct instance *instance)
{
    union endpoint_address address = {0};
    bool changed = false;
    int result = addresses_assign(manager->config, &manager->set, instance, &address, &changed);

    if (changed)
        instance_save_record(instance, manager_report_store, NULL);
    if (result < 0)
        memset(&address, 0, sizeof address);
    if (instance_is_listening(instance) &&
        memcmp(&address, instance_address(instance), sizeof address) != 0) {
        char text[ENDPOINT_TEXT_SIZE];
        endpoint_address_format(&address, text);
        log_info("%s: moves to UDP %s", instance_record(instance)->name, text);
        manager_stop_listening(manager, instance);
    }
    instance_set_address(instance, &address);
    if (result < 0 && instance_record(instance)->active)
        instance_note_error(instance, why_no_place(result));
    return result;
}

static void listen_at_place(struct manager *manager, struct instance *instance)
{
    if (is_shared_place(manager, instance_address(instance)))
        listen_shared(manager, instance);
    else
        listen_alone(manager, instance);
    if (instance_is_listening(instance))
        manager_tell_changed(manager);
}

static void on_listen_again(uv_timer_t *timer);

static void listen_again_in(struct manager *manager, uint64_t ms)
{
    uv_handle_t *handle = (uv_handle_t *)&manager->listen_again;

    if (!manager->stopping && (!uv_is_active(handle) || ms == 0))
        uv_timer_start(&manager->listen_again, on_listen_again, ms, 0);
}

void manager_start_listening(struct manager *manager, struct instance *instance)
{
    if (manager->loading)
        return;
    open_shared_socket(manager);
    if (find_place(manager, instance) == 0)
        listen_at_place(manager, instance);
    if (!instance_is_listening(instance))
        listen_again_in(manager, LISTEN_AGAIN_MS);
}

void manager_stop_listening(struct manager *manager, struct instance *instance)
{
    forget_shared(manager, instance);
    instance_stop_listening(instance);
    manager_tell_changed(manager);
    listen_again_in(manager, 0); /* the place may be what another was to have */
}

/* ---- all of them ---- */

static bool wants_to_listen(struct instance *instance)
{
    return instance_record(instance)->active && !instance_is_listening(instance);
}

static void on_listen_again(uv_timer_t *timer)
{
    manager_review_listening(timer->data);
}

void manager_find_place(struct manager *manager, struct instance *instance)
{
    if (!manager->loading)
        find_place(manager, instance);
}

/* A range that is used up is so for all that have no place. */
static void find_places(struct manager *manager)
{
    bool is_used_up = false;

    for (size_t i = 0; i < manager->set.count; i++) {
        struct instance *instance = manager->set.instances[i];
        if (is_used_up && instance_address(instance)->any.sa_family == AF_UNSPEC)
            continue;
        is_used_up |= find_place(manager, instance) == -EADDRNOTAVAIL;
    }
}

/* All find their places first: one may leave the place of another. */
void manager_review_listening(struct manager *manager)
{
    bool again = false;

    open_shared_socket(manager);
    find_places(manager);
    for (size_t i = 0; i < manager->set.count; i++) {
        struct instance *instance = manager->set.instances[i];
        if (wants_to_listen(instance) && instance_address(instance)->any.sa_family != AF_UNSPEC)
            listen_at_place(manager, instance);
        again |= wants_to_listen(instance);
    }
    if (again)
        listen_again_in(manager, LISTEN_AGAIN_MS);
}

static bool prefix_equal(const struct config_prefix *a, const struct config_prefix *b)
{
    return a->length == b->length && memcmp(&a->base, &b->base, sizeof a->base) == 0;
}

void manager_close_shared_socket(struct manager *manager, const struct config_bmc *next)
{
    const struct config_bmc *bmc = &manager->config->bmc;

    if (!bmc->has_addresses || (next && next->has_addresses && next->port == bmc->port &&
                                prefix_equal(&next->addresses, &bmc->addresses)))
        return;
    for (size_t i = 0; i < manager->set.count; i++) {
        struct instance *instance = manager->set.instances[i];
        if (is_shared_place(manager, instance_address(instance)))
            manager_stop_listening(manager, instance);
    }
    udp_socket_close(manager->socket);
    manager->socket = NULL;
    manager->socket_error[0] = '\0';
    free(manager->by_offset);
    manager->by_offset = NULL;
    bmcset_clear(&manager->outside);
}
