#include "vbmc/fleet/addresses.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"

/* ---- one port per BMC ---- */

static bool port_is_in_a_section(const struct config *config, uint16_t port)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (config->domains[i].port == port)
            return true;
    }
    return false;
}

/* A [domain] section by name may mean domains of several hypervisors: its port or address is that
 * one's which has it already. */
static bool section_is_anothers(const struct config *config, const struct bmcset *set,
                                struct instance *instance, const struct config_domain *section,
                                bool (*has_it)(const struct config_domain *section,
                                               struct instance *other))
{
    const struct store_bmc *record = instance_record(instance);

    if (section->has_uuid || has_it(section, instance))
        return false;
    for (size_t i = 0; i < set->count; i++) {
        struct instance *other = set->instances[i];
        if (!instance_domain(other) && instance_domain(instance))
            continue; /* the name is not that one's any more */
        if (other != instance && strcmp(instance_record(other)->name, record->name) == 0 &&
            config_find_domain(config, record->name, &instance_record(other)->uuid) == section &&
            has_it(section, other))
            return true;
    }
    return false;
}

static bool has_port_of(const struct config_domain *section, struct instance *instance)
{
    return instance_record(instance)->port == section->port;
}

static bool has_address_of(const struct config_domain *section, struct instance *instance)
{
    const union endpoint_address *present = instance_address(instance);
    union endpoint_address address;

    return endpoint_address_parse(section->address, 0, &address) == 0 &&
           endpoint_address_is_same(&address, present);
}

static uint16_t find_free_port(const struct config *config, const struct bmcset *set,
                               const struct instance *instance)
{
    bool taken[UINT16_MAX + 1] = {false};

    for (size_t i = 0; i < config->domain_count; i++)
        taken[config->domains[i].port] = true;
    for (size_t i = 0; i < set->count; i++) {
        if (set->instances[i] != instance)
            taken[instance_record(set->instances[i])->port] = true;
    }
    for (unsigned port = config->bmc.port_first; port <= config->bmc.port_last; port++) {
        if (!taken[port])
            return (uint16_t)port;
    }
    return 0;
}

static int assign_port(const struct config *config, const struct bmcset *set,
                       struct instance *instance, union endpoint_address *address, bool *changed)
{
    struct store_bmc *record = instance_record(instance);
    const struct config_domain *section = config_find_domain(config, record->name, &record->uuid);
    const char *text = config->bmc.address;
    bool told = section && section->port &&
                !section_is_anothers(config, set, instance, section, has_port_of);
    uint16_t port = told ? section->port : record->port;

    if (section && section->address)
        text = section->address;
    else if (record->is_explicit && record->address)
        text = record->address;
    /* A discovered BMC makes way for a port that the configuration gives to another. */
    if (!told && !record->is_explicit && port_is_in_a_section(config, port))
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

static bool address_is_in_a_section(const struct config *config, const char *text)
{
    for (size_t i = 0; i < config->domain_count; i++) {
        if (config->domains[i].address && strcmp(config->domains[i].address, text) == 0)
            return true;
    }
    return false;
}

static void take_offset(const struct config_prefix *prefix, const char *text, uint8_t *taken)
{
    union endpoint_address address;

    if (!text || endpoint_address_parse(text, 0, &address) < 0)
        return;
    long offset = addresses_offset(prefix, &address);
    if (offset >= 0)
        taken[offset] = true;
}

/* Offset 0 and, in an IPv4 prefix, the last one are the network's own. */
static unsigned last_offset(const struct config_prefix *prefix)
{
    unsigned host_bits = (prefix->base.any.sa_family == AF_INET ? 32 : 128) - prefix->length;
    unsigned count = host_bits >= 16 ? ADDRESSES_MAX : 1u << host_bits;

    return prefix->base.any.sa_family == AF_INET && host_bits >= 2 ? count - 2 : count - 1;
}

/* Of the offsets that nobody has the first; -EADDRNOTAVAIL or -ENOMEM. */
static int find_free_offset(const struct config *config, const struct bmcset *set,
                            const struct instance *instance)
{
    const struct config_prefix *prefix = &config->bmc.addresses;
    CLEANUP_FREE uint8_t *taken = calloc(ADDRESSES_MAX, 1);

    if (!taken)
        return -ENOMEM;
    for (size_t i = 0; i < config->domain_count; i++)
        take_offset(prefix, config->domains[i].address, taken);
    for (size_t i = 0; i < set->count; i++) {
        if (set->instances[i] != instance)
            take_offset(prefix, instance_record(set->instances[i])->address, taken);
    }
    for (unsigned offset = 1; offset <= last_offset(prefix); offset++) {
        if (!taken[offset])
            return (int)offset;
    }
    return -EADDRNOTAVAIL;
}

static int give_address(const struct config *config, const struct bmcset *set,
                        struct instance *instance, union endpoint_address *address)
{
    struct store_bmc *record = instance_record(instance);
    char text[INET6_ADDRSTRLEN];
    int offset = find_free_offset(config, set, instance);

    if (offset < 0)
        return offset;
    address_at(&config->bmc.addresses, (unsigned)offset, address, text);
    char *copy = strdup(text);
    if (!copy)
        return -ENOMEM;
    free(record->address);
    record->address = copy;
    return 0;
}

/* A section's word comes first, and may lie outside of the prefix. */
static int assign_address(const struct config *config, const struct bmcset *set,
                          struct instance *instance, union endpoint_address *address, bool *changed)
{
    struct store_bmc *record = instance_record(instance);
    const struct config_domain *section = config_find_domain(config, record->name, &record->uuid);
    uint16_t port = section && section->port ? section->port : config->bmc.port;
    const char *fixed = record->address;

    if (section && section->address &&
        !section_is_anothers(config, set, instance, section, has_address_of))
        return endpoint_address_parse(section->address, port, address);
    /* A discovered BMC makes way for an address that the configuration gives to another. */
    if (fixed && !record->is_explicit && address_is_in_a_section(config, fixed))
        fixed = NULL;
    if (fixed && endpoint_address_parse(fixed, port, address) == 0 &&
        (addresses_offset(&config->bmc.addresses, address) >= 0 || record->is_explicit))
        return 0;
    int result = give_address(config, set, instance, address);
    *changed = result == 0;
    endpoint_address_set_port(address, port);
    return result;
}

/* `vbmc add --port` means one port per BMC. */
static bool has_port_of_its_own(const struct store_bmc *record)
{
    return record->is_explicit && record->port != 0;
}

int addresses_assign(const struct config *config, const struct bmcset *set,
                     struct instance *instance, union endpoint_address *address, bool *changed)
{
    *changed = false;
    if (config->bmc.has_addresses && !has_port_of_its_own(instance_record(instance)))
        return assign_address(config, set, instance, address, changed);
    return assign_port(config, set, instance, address, changed);
}
