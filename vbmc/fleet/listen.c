/* Where BMCs listen. Each has one address and port (addresses.h) and a socket of its own or, with
 * one address for each BMC and a common port, the socket that they share. An address that cannot be
 * bound now (its interface is not up yet, another program has the port) is tried again. */
#include "vbmc/fleet/listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/hash.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/instance/stored.h"
#include "vbmc/net/udp.h"
#include "vbmc/store/bmcs.h"

#define LISTEN_AGAIN_MS 2000

/* ---- the shared socket ---- */

static void forget_shared(struct fleet *fleet, struct instance *instance)
{
    long offset = -1;

    if (fleet->by_offset)
        offset = addresses_offset(&fleet->config->bmc.addresses, instance_address(instance));
    if (offset >= 0 && fleet->by_offset[offset] == instance)
        fleet->by_offset[offset] = NULL;
    hash_index_remove(&fleet->outside, endpoint_address_hash(instance_address(instance)), instance);
}

/* Of those that share the socket at an address outside of the prefix, by a [domain] section or
 * `vbmc add`. */
static struct instance *find_outside(const struct fleet *fleet,
                                     const union endpoint_address *address)
{
    uint64_t hash = endpoint_address_hash(address);
    const struct hash_index_node *cursor = NULL;
    struct instance *instance;

    while ((instance = hash_index_next(&fleet->outside, hash, &cursor))) {
        if (endpoint_address_is_same(instance_address(instance), address))
            return instance;
    }
    return NULL;
}

static void on_shared_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                               size_t length)
{
    struct fleet *fleet = context;
    long offset = addresses_offset(&fleet->config->bmc.addresses, &from->local);
    struct instance *instance =
        offset >= 0 ? fleet->by_offset[offset] : find_outside(fleet, &from->local);

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

static void open_shared_socket(struct fleet *fleet)
{
    const struct config_bmc *bmc = &fleet->config->bmc;
    union endpoint_address any = shared_address(bmc);
    char text[sizeof fleet->socket_error];

    if (!bmc->has_addresses || fleet->socket)
        return;
    if (!fleet->by_offset)
        fleet->by_offset = calloc(ADDRESSES_MAX, sizeof(struct instance *));
    int result = fleet->by_offset
                     ? udp_socket_open(fleet->loop, &any, on_shared_datagram, fleet, &fleet->socket)
                     : -ENOMEM;
    if (result == 0 && fleet->socket_error[0])
        log_info("listening on UDP port %u", bmc->port);
    udp_socket_explain(&any, result, text, sizeof text);
    if (result < 0 && strcmp(text, fleet->socket_error) != 0)
        log_error("%s", text);
    snprintf(fleet->socket_error, sizeof fleet->socket_error, "%s", result < 0 ? text : "");
}

/* Whether the wildcard socket has the port at that address, so that no other socket can. */
static bool is_shared_address(const struct fleet *fleet, const union endpoint_address *address)
{
    const struct config_bmc *bmc = &fleet->config->bmc;
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

/* The ports too; or both are none. */
static bool are_equal(const union endpoint_address *a, const union endpoint_address *b)
{
    return endpoint_address_port(a) == endpoint_address_port(b) &&
           (endpoint_address_is_same(a, b) ||
            (a->any.sa_family == AF_UNSPEC && b->any.sa_family == AF_UNSPEC));
}

static bool are_in_conflict(const union endpoint_address *a, const union endpoint_address *b)
{
    return endpoint_address_port(a) == endpoint_address_port(b) &&
           (endpoint_address_is_same(a, b) || is_any(a) || is_any(b));
}

static uint64_t port_hash(const struct instance *instance)
{
    uint16_t port = endpoint_address_port(instance_address(instance));

    return hash_bytes(HASH_BEGIN, &port, sizeof port);
}

/* Which BMC has the address, on a socket of its own or on the shared one. */
static struct instance *find_conflicting_bmc(const struct fleet *fleet,
                                             const struct instance *instance)
{
    const union endpoint_address *address = instance_address(instance);
    const struct hash_index_node *cursor = NULL;
    struct instance *other;

    while ((other = hash_index_next(&fleet->alone, port_hash(instance), &cursor))) {
        if (other != instance && are_in_conflict(instance_address(other), address))
            return other;
    }
    bool is_shared_port =
        fleet->socket && endpoint_address_port(address) == fleet->config->bmc.port;
    for (size_t i = 0; i < fleet->set.count && is_shared_port; i++) {
        other = fleet->set.instances[i];
        if (other != instance && instance_is_listening(other) &&
            are_in_conflict(instance_address(other), address))
            return other;
    }
    return NULL;
}

static void note_conflict(struct instance *instance, struct instance *other)
{
    char text[INSTANCE_ERROR_SIZE];

    snprintf(text, sizeof text, "address already used by %.100s; change one of them",
             instance_record(other)->name);
    instance_note_error(instance, text);
}

static void listen_shared(struct fleet *fleet, struct instance *instance)
{
    const union endpoint_address *address = instance_address(instance);
    long offset = addresses_offset(&fleet->config->bmc.addresses, address);
    struct instance *other;

    if (!fleet->socket) {
        instance_note_error(instance, fleet->socket_error);
        return;
    }
    other = offset >= 0 ? fleet->by_offset[offset] : find_outside(fleet, address);
    if (other && other != instance) {
        note_conflict(instance, other);
        return;
    }
    if (offset >= 0)
        fleet->by_offset[offset] = instance;
    else if (!other &&
             hash_index_add(&fleet->outside, endpoint_address_hash(address), instance) < 0)
        return;
    instance_listen_shared(instance, fleet->socket);
}

static void listen_alone(struct fleet *fleet, struct instance *instance)
{
    char text[INSTANCE_ERROR_SIZE];
    int result = instance_listen(instance);
    struct instance *other = result == -EADDRINUSE ? find_conflicting_bmc(fleet, instance) : NULL;

    hash_index_remove(&fleet->alone, port_hash(instance), instance);
    if (result == 0) /* without memory it is not named in a conflict */
        hash_index_add(&fleet->alone, port_hash(instance), instance);
    if (other) {
        note_conflict(instance, other);
    } else if (result < 0) {
        udp_socket_explain(instance_address(instance), result, text, sizeof text);
        instance_note_error(instance, text);
    }
}

static const char *why_no_address(int result)
{
    switch (result) {
    case -EADDRNOTAVAIL:
        return "no address for its BMC: the configured range is used up";
    case -EINVAL:
        return "no address for its BMC: the given one is invalid";
    case -EADDRINUSE:
        return "no address for its BMC: a [domain] section gives what its metadata says to another";
    default:
        return "no address for its BMC: out of memory";
    }
}

/* The address of the BMC, which may have changed. 0, or a negative error. */
static int assign_address(struct fleet *fleet, struct instance *instance)
{
    union endpoint_address address = {0};
    bool changed = false;
    int result = addresses_assign(&fleet->addresses, instance, &address, &changed);

    if (changed)
        instance_record_changed(instance, NULL, NULL);
    if (result < 0)
        memset(&address, 0, sizeof address);
    if (instance_is_listening(instance) && !are_equal(&address, instance_address(instance))) {
        char text[ENDPOINT_TEXT_SIZE];
        endpoint_address_format(&address, text);
        log_info("%s: moving to UDP %s", instance_record(instance)->name, text);
        fleet_stop_listening(fleet, instance);
    }
    instance_set_address(instance, &address);
    if (result < 0 && instance_record(instance)->active)
        instance_note_error(instance, why_no_address(result));
    return result;
}

static void listen_at_address(struct fleet *fleet, struct instance *instance)
{
    if (is_shared_address(fleet, instance_address(instance)))
        listen_shared(fleet, instance);
    else
        listen_alone(fleet, instance);
    if (instance_is_listening(instance))
        fleet_notify_changed(fleet);
}

static void on_listen_again(uv_timer_t *timer);

static void listen_again_in(struct fleet *fleet, uint64_t ms)
{
    uv_handle_t *handle = (uv_handle_t *)&fleet->listen_again;

    if (!fleet->stopping && (!uv_is_active(handle) || ms == 0))
        uv_timer_start(&fleet->listen_again, on_listen_again, ms, 0);
}

void fleet_start_listening(struct fleet *fleet, struct instance *instance)
{
    if (fleet->loading)
        return;
    open_shared_socket(fleet);
    if (assign_address(fleet, instance) == 0)
        listen_at_address(fleet, instance);
    if (!instance_is_listening(instance))
        listen_again_in(fleet, LISTEN_AGAIN_MS);
}

void fleet_stop_listening(struct fleet *fleet, struct instance *instance)
{
    forget_shared(fleet, instance);
    hash_index_remove(&fleet->alone, port_hash(instance), instance);
    instance_stop_listening(instance);
    fleet_notify_changed(fleet);
    listen_again_in(fleet, 0); /* another BMC may have waited for the address */
}

/* ---- all of them ---- */

static bool wants_to_listen(struct instance *instance)
{
    return instance_record(instance)->active && !instance_is_listening(instance);
}

static void on_listen_again(uv_timer_t *timer)
{
    fleet_review_listening(timer->data);
}

void fleet_assign_address(struct fleet *fleet, struct instance *instance)
{
    if (!fleet->loading)
        assign_address(fleet, instance);
}

/* A range that is used up is so for all that have no address. */
static void assign_addresses(struct fleet *fleet)
{
    bool is_used_up = false;

    for (size_t i = 0; i < fleet->set.count; i++) {
        struct instance *instance = fleet->set.instances[i];
        if (is_used_up && instance_address(instance)->any.sa_family == AF_UNSPEC)
            continue;
        is_used_up |= assign_address(fleet, instance) == -EADDRNOTAVAIL;
    }
}

/* All get their addresses first: one may give up that of another. */
void fleet_review_listening(struct fleet *fleet)
{
    bool again = false;

    open_shared_socket(fleet);
    assign_addresses(fleet);
    for (size_t i = 0; i < fleet->set.count; i++) {
        struct instance *instance = fleet->set.instances[i];
        if (wants_to_listen(instance) && instance_address(instance)->any.sa_family != AF_UNSPEC)
            listen_at_address(fleet, instance);
        again |= wants_to_listen(instance);
    }
    if (again)
        listen_again_in(fleet, LISTEN_AGAIN_MS);
}

static bool prefix_equal(const struct config_prefix *a, const struct config_prefix *b)
{
    return a->length == b->length && are_equal(&a->base, &b->base);
}

void fleet_close_shared_socket(struct fleet *fleet, const struct config_bmc *next)
{
    const struct config_bmc *bmc = &fleet->config->bmc;

    if (!bmc->has_addresses || (next && next->has_addresses && next->port == bmc->port &&
                                prefix_equal(&next->addresses, &bmc->addresses)))
        return;
    for (size_t i = 0; i < fleet->set.count; i++) {
        struct instance *instance = fleet->set.instances[i];
        if (is_shared_address(fleet, instance_address(instance)))
            fleet_stop_listening(fleet, instance);
    }
    udp_socket_close(fleet->socket);
    fleet->socket = NULL;
    fleet->socket_error[0] = '\0';
    free(fleet->by_offset);
    fleet->by_offset = NULL;
    hash_index_clear(&fleet->outside, NULL);
}
