#include "vbmc/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- one port per BMC ---- */

static bool port_is_in_a_section(const struct config *config, uint16_t port)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (config->domains[i].port == port)
            return true;
    }
    return false;
}

static bool port_is_given_out(const struct bmcset *set, const struct instance *except,
                              uint16_t port)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->instances[i] != except && instance_record(set->instances[i])->port == port)
            return true;
    }
    return false;
}

static uint16_t find_free_port(const struct config *config, const struct bmcset *set,
                               const struct instance *instance)
{
    for (unsigned port = config->bmc.port_first; port <= config->bmc.port_last; port++) {
        if (!port_is_in_a_section(config, (uint16_t)port) &&
            !port_is_given_out(set, instance, (uint16_t)port))
            return (uint16_t)port;
    }
    return 0;
}

static int assign_port(const struct config *config, const struct bmcset *set,
                       struct instance *instance, union endpoint_address *address, bool *changed)
{
    struct store_bmc *record = instance_record(instance);
    const struct config_domain *section = config_find_domain(config, record->name, &record->uuid);
    uint16_t port = section && section->port ? section->port : record->port;
    const char *text = config->bmc.address;

    if (section && section->address)
        text = section->address;
    else if (record->is_explicit && record->address)
        text = record->address;
    /* A discovered BMC makes way for a port that the configuration gives to another. */
    if (port == record->port && !record->is_explicit && port_is_in_a_section(config, port) &&
        !(section && section->port == port))
        port = 0;
    if (port == 0)
        port = find_free_port(config, set, instance);
    if (port == 0)
        return -EADDRNOTAVAIL;
    *changed = record->port != port;
    record->port = port;
    return endpoint_address_parse(text, port, address);
}

/* ---- one address per BMC ---- */

static const uint8_t *address_bytes(const union endpoint_address *address, size_t *size)
{
    const uint8_t *v4 = endpoint_address_v4(address);

    *size = v4 ? 4 : 16;
    return v4 ? v4 : address->in6.sin6_addr.s6_addr;
}

long addresses_offset(const struct config_prefix *prefix, const union endpoint_address *address)
{
    size_t size, base_size;
    unsigned long offset = 0;

    if (address->any.sa_family != AF_INET && address->any.sa_family != AF_INET6)
        return -1;
    const uint8_t *base = address_bytes(&prefix->base, &base_size);
    const uint8_t *bytes = address_bytes(address, &size);
    if (size != base_size)
        return -1;
    for (unsigned bit = 0; bit < size * 8; bit++) {
        unsigned shift = 7 - bit % 8;
        bool set = bytes[bit / 8] >> shift & 1;
        if (bit < prefix->length) {
            if (set != (base[bit / 8] >> shift & 1))
                return -1;
            continue;
        }
        offset = offset << 1 | set;
        if (offset >= ADDRESSES_MAX)
            return -1;
    }
    return (long)offset;
}

/* The address at an offset, and its text. */
static void address_at(const struct config_prefix *prefix, unsigned offset,
                       union endpoint_address *address, char text[INET6_ADDRSTRLEN])
{
    *address = prefix->base;
    if (address->any.sa_family == AF_INET) {
        address->in.sin_addr.s_addr = htonl(ntohl(prefix->base.in.sin_addr.s_addr) + offset);
        inet_ntop(AF_INET, &address->in.sin_addr, text, INET6_ADDRSTRLEN);
        return;
    }
    uint8_t *last = address->in6.sin6_addr.s6_addr + 12;
    for (int i = 3; i >= 0; i--, offset >>= 8)
        last[i] = (uint8_t)(last[i] | (offset & 0xff));
    inet_ntop(AF_INET6, &address->in6.sin6_addr, text, INET6_ADDRSTRLEN);
}

static bool address_is_given_out(const struct bmcset *set, const struct instance *except,
                                 const char *text)
{
    for (size_t i = 0; i < set->count; i++) {
        const char *other = instance_record(set->instances[i])->address;
        if (set->instances[i] != except && other && strcmp(other, text) == 0)
            return true;
    }
    return false;
}

static bool address_is_in_a_section(const struct config *config, const char *text)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (config->domains[i].address && strcmp(config->domains[i].address, text) == 0)
            return true;
    }
    return false;
}

/* Offset 0 and, in an IPv4 prefix, the last one are the network's own. */
static unsigned last_offset(const struct config_prefix *prefix)
{
    unsigned host_bits = (prefix->base.any.sa_family == AF_INET ? 32 : 128) - prefix->length;
    unsigned count = host_bits >= 16 ? ADDRESSES_MAX : 1u << host_bits;

    return prefix->base.any.sa_family == AF_INET && host_bits >= 2 ? count - 2 : count - 1;
}

static int assign_address(const struct config *config, const struct bmcset *set,
                          struct instance *instance, union endpoint_address *address, bool *changed)
{
    const struct config_prefix *prefix = &config->bmc.addresses;
    struct store_bmc *record = instance_record(instance);
    const struct config_domain *section = config_find_domain(config, record->name, &record->uuid);
    const char *fixed = section && section->address ? section->address : record->address;
    char text[INET6_ADDRSTRLEN];

    /* A discovered BMC makes way for an address that the configuration gives to another. */
    if (fixed && fixed == record->address && !record->is_explicit &&
        address_is_in_a_section(config, fixed))
        fixed = NULL;
    if (fixed && endpoint_address_parse(fixed, config->bmc.port, address) == 0 &&
        (addresses_offset(prefix, address) >= 0 || record->is_explicit))
        return 0;
    for (unsigned offset = 1; offset <= last_offset(prefix); offset++) {
        address_at(prefix, offset, address, text);
        if (address_is_given_out(set, instance, text) || address_is_in_a_section(config, text))
            continue;
        free(record->address);
        record->address = strdup(text);
        *changed = true;
        return endpoint_address_parse(text, config->bmc.port, address);
    }
    return -EADDRNOTAVAIL;
}

int addresses_assign(const struct config *config, const struct bmcset *set,
                     struct instance *instance, union endpoint_address *address, bool *changed)
{
    const struct store_bmc *record = instance_record(instance);

    *changed = false;
    if (config->bmc.has_addresses && !(record->is_explicit && record->port))
        return assign_address(config, set, instance, address, changed);
    return assign_port(config, set, instance, address, changed);
}
