#include "vbmc/fleet/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/config/config.h"
#include "vbmc/config/declared.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"

/* ---- what is taken ---- */

static void hold(struct addresses_taken *taken, long i)
{
    if (i >= 0)
        taken->by_bmcs[i]++;
}

static void note_free(struct addresses_taken *taken, long i)
{
    if (i < (long)taken->first_free)
        taken->first_free = (unsigned)i;
}

static void release(struct addresses_taken *taken, long i)
{
    if (i < 0)
        return;
    taken->by_bmcs[i]--;
    note_free(taken, i);
}

static void hold_declared(struct addresses_taken *taken, long i)
{
    if (i >= 0)
        taken->declared[i]++;
}

static void release_declared(struct addresses_taken *taken, long i)
{
    if (i < 0)
        return;
    taken->declared[i]--;
    note_free(taken, i);
}

/* Another BMC that was given it makes room for whom it is meant. */
static bool is_meant(const struct addresses_taken *taken, long i)
{
    return i > 0 && i < ADDRESSES_MAX && (taken->by_section[i] || taken->declared[i]);
}

/* The first from `first` to `last` that nobody has; -EADDRNOTAVAIL. */
static int find_free(struct addresses_taken *taken, unsigned first, unsigned last)
{
    unsigned i = taken->first_free > first ? taken->first_free : first;

    while (i <= last && (is_meant(taken, i) || taken->by_bmcs[i] > 0))
        i++;
    taken->first_free = i;
    return i <= last ? (int)i : -EADDRNOTAVAIL;
}

/* Of an address in the prefix; -1 for any other. */
static long offset_of(const struct addresses *addresses, const char *text)
{
    const struct config_bmc *bmc = &addresses->config->bmc;
    union endpoint_address address;

    if (!bmc->has_addresses || !text || endpoint_address_parse(text, 0, &address) < 0)
        return -1;
    return addresses_offset(&bmc->addresses, &address);
}

/* -1: none. */
static long port_of(const struct store_bmc *record)
{
    return record->port > 0 ? record->port : -1;
}

/* What its metadata says counts for a BMC that nobody has added. -1: nothing. */
static long declared_port(struct instance *instance)
{
    uint16_t port = instance_declared(instance)->port;

    return port && !instance_record(instance)->is_explicit ? port : -1;
}

static const char *declared_address(struct instance *instance)
{
    const char *address = instance_declared(instance)->address;

    return address && !instance_record(instance)->is_explicit ? address : NULL;
}

void addresses_hold(struct addresses *addresses, struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);

    hold_declared(&addresses->ports, declared_port(instance));
    hold_declared(&addresses->offsets, offset_of(addresses, declared_address(instance)));
    hold(&addresses->ports, port_of(record));
    hold(&addresses->offsets, offset_of(addresses, record->address));
}

void addresses_release(struct addresses *addresses, struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);

    release_declared(&addresses->ports, declared_port(instance));
    release_declared(&addresses->offsets, offset_of(addresses, declared_address(instance)));
    release(&addresses->ports, port_of(record));
    release(&addresses->offsets, offset_of(addresses, record->address));
}

void addresses_configure(struct addresses *addresses, const struct config *config,
                         const struct bmcset *set)
{
    *addresses = (struct addresses){.config = config, .set = set};
    for (size_t i = 0; i < config->domain_count; i++) {
        const struct config_domain *section = &config->domains[i];
        long offset = offset_of(addresses, section->address);
        addresses->ports.by_section[section->port] = true;
        if (offset >= 0)
            addresses->offsets.by_section[offset] = true;
    }
    for (size_t i = 0; i < set->count; i++)
        addresses_hold(addresses, set->instances[i]);
}

/* A [domain] section by name may mean domains of several hypervisors: its port or address is that
 * one's which has it already. */
static bool section_is_anothers(const struct addresses *addresses, struct instance *instance,
                                const struct config_domain *section,
                                bool (*has_it)(const struct config_domain *section,
                                               struct instance *other))
{
    const char *name = instance_record(instance)->name;
    const struct hash_index_node *cursor = NULL;
    struct instance *other;

    if (section->has_uuid || has_it(section, instance))
        return false;
    while ((other = bmcset_next_named(addresses->set, name, &cursor))) {
        if (!instance_domain(other) && instance_domain(instance))
            continue; /* the name is not that one's any more */
        if (other != instance && has_it(section, other) &&
            config_find_domain(addresses->config, name, &instance_record(other)->uuid) == section)
            return true;
    }
    return false;
}

/* ---- one port per BMC ---- */

static bool has_port_of(const struct config_domain *section, struct instance *instance)
{
    return instance_record(instance)->port == section->port;
}

static int assign_port(struct addresses *addresses, struct instance *instance,
                       union endpoint_address *address, bool *changed)
{
    const struct config *config = addresses->config;
    struct store_bmc *record = instance_record(instance);
    const struct config_domain *section = config_find_domain(config, record->name, &record->uuid);
    const char *text = config->bmc.address;
    bool is_set =
        section && section->port && !section_is_anothers(addresses, instance, section, has_port_of);
    long declared = is_set ? -1 : declared_port(instance);
    int port = is_set ? section->port : declared > 0 ? (int)declared : record->port;

    if (section && section->address)
        text = section->address;
    else if (record->is_explicit && record->address)
        text = record->address;
    else if (declared_address(instance))
        text = declared_address(instance);
    if (declared > 0 && addresses->ports.by_section[declared])
        return -EADDRINUSE;
    /* A discovered BMC gives up a port that is meant for another. */
    if (!is_set && declared < 0 && !record->is_explicit && is_meant(&addresses->ports, port))
        port = 0;
    if (port == 0)
        port = find_free(&addresses->ports, config->bmc.port_first, config->bmc.port_last);
    if (port < 0)
        return port;
    *changed = record->port != port;
    release(&addresses->ports, port_of(record));
    record->port = (uint16_t)port;
    hold(&addresses->ports, port_of(record));
    return endpoint_address_parse(text, record->port, address);
}

/* ---- one address per BMC ---- */

static bool has_address_of(const struct config_domain *section, struct instance *instance)
{
    const union endpoint_address *present = instance_address(instance);
    union endpoint_address address;

    return endpoint_address_parse(section->address, 0, &address) == 0 &&
           endpoint_address_is_same(&address, present);
}

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

/* Offset 0 and, in an IPv4 prefix, the last one are the network's own. */
static unsigned last_offset(const struct config_prefix *prefix)
{
    unsigned host_bits = (prefix->base.any.sa_family == AF_INET ? 32 : 128) - prefix->length;
    unsigned count = host_bits >= 16 ? ADDRESSES_MAX : 1u << host_bits;

    return prefix->base.any.sa_family == AF_INET && host_bits >= 2 ? count - 2 : count - 1;
}

static int give_address(struct addresses *addresses, struct instance *instance,
                        union endpoint_address *address)
{
    const struct config_prefix *prefix = &addresses->config->bmc.addresses;
    struct store_bmc *record = instance_record(instance);
    char text[INET6_ADDRSTRLEN];
    int offset = find_free(&addresses->offsets, 1, last_offset(prefix));

    if (offset < 0)
        return offset;
    address_at(prefix, (unsigned)offset, address, text);
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    release(&addresses->offsets, offset_of(addresses, record->address));
    free(record->address);
    record->address = copy;
    hold(&addresses->offsets, offset);
    return 0;
}

static bool is_in_a_section(const struct addresses *addresses, const char *text)
{
    long offset = offset_of(addresses, text);

    return offset >= 0 && addresses->offsets.by_section[offset];
}

/* What its metadata says, which a section may have given to another. */
static int take_declared(const struct addresses *addresses, const char *text, uint16_t port,
                         union endpoint_address *address)
{
    return is_in_a_section(addresses, text) ? -EADDRINUSE
                                            : endpoint_address_parse(text, port, address);
}

/* A section comes first, and its address may lie outside of the prefix. */
static int assign_address(struct addresses *addresses, struct instance *instance,
                          union endpoint_address *address, bool *changed)
{
    const struct config *config = addresses->config;
    struct store_bmc *record = instance_record(instance);
    const struct config_domain *section = config_find_domain(config, record->name, &record->uuid);
    uint16_t port = section && section->port      ? section->port
                    : declared_port(instance) > 0 ? (uint16_t)declared_port(instance)
                                                  : config->bmc.port;
    const char *fixed = record->address;

    if (section && section->address &&
        !section_is_anothers(addresses, instance, section, has_address_of))
        return endpoint_address_parse(section->address, port, address);
    if (declared_address(instance))
        return take_declared(addresses, declared_address(instance), port, address);
    /* A discovered BMC gives up an address that is meant for another. */
    if (fixed && !record->is_explicit && is_meant(&addresses->offsets, offset_of(addresses, fixed)))
        fixed = NULL;
    if (fixed && endpoint_address_parse(fixed, port, address) == 0 &&
        (addresses_offset(&config->bmc.addresses, address) >= 0 || record->is_explicit))
        return 0;
    int result = give_address(addresses, instance, address);
    *changed = result == 0;
    endpoint_address_set_port(address, port);
    return result;
}

/* `vbmc add --port` means one port per BMC. */
static bool has_port_of_its_own(const struct store_bmc *record)
{
    return record->is_explicit && record->port != 0;
}

int addresses_assign(struct addresses *addresses, struct instance *instance,
                     union endpoint_address *address, bool *changed)
{
    *changed = false;
    if (addresses->config->bmc.has_addresses && !has_port_of_its_own(instance_record(instance)))
        return assign_address(addresses, instance, address, changed);
    return assign_port(addresses, instance, address, changed);
}
