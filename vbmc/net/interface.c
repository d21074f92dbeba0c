#include "vbmc/net/interface.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdio.h>
#include <string.h>

#define ROUTE_LINE_MAX 256
#define ROUTE_GATEWAY  0x0002 /* RTF_GATEWAY */

static bool is_v4(const struct ifaddrs *entry)
{
    return entry->ifa_addr && entry->ifa_addr->sa_family == AF_INET && entry->ifa_netmask;
}

static bool is_v6(const struct ifaddrs *entry)
{
    return entry->ifa_addr && entry->ifa_addr->sa_family == AF_INET6 && entry->ifa_netmask;
}

static const uint8_t *bytes_of(const struct sockaddr *address)
{
    return address->sa_family == AF_INET
               ? (const uint8_t *)&((const struct sockaddr_in *)address)->sin_addr
               : (const uint8_t *)&((const struct sockaddr_in6 *)address)->sin6_addr;
}

static unsigned prefix_of(const uint8_t *mask, size_t size)
{
    unsigned bits = 0;

    while (bits < size * 8 && mask[bits / 8] >> (7 - bits % 8) & 1)
        bits++;
    return bits;
}

static bool is_in(const uint8_t *address, const struct ifaddrs *entry, unsigned prefix)
{
    const uint8_t *network = bytes_of(entry->ifa_addr);

    for (unsigned bit = 0; bit < prefix; bit++) {
        if ((address[bit / 8] ^ network[bit / 8]) >> (7 - bit % 8) & 1)
            return false;
    }
    return true;
}

/* The entry of the narrowest network that has the address; the address itself is the narrowest. */
static const struct ifaddrs *find(const struct ifaddrs *list, int family, const uint8_t *address)
{
    size_t size = family == AF_INET ? 4 : 16;
    const struct ifaddrs *found = NULL;
    unsigned best = 0;

    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        if (family == AF_INET ? !is_v4(entry) : !is_v6(entry))
            continue;
        unsigned prefix = prefix_of(bytes_of(entry->ifa_netmask), size);
        if (memcmp(bytes_of(entry->ifa_addr), address, size) == 0)
            return entry;
        if (is_in(address, entry, prefix) && prefix > best) {
            best = prefix;
            found = entry;
        }
    }
    return found;
}

/* The first that is no loopback and no address of the link alone; else the first. */
static const struct ifaddrs *find_first(const struct ifaddrs *list, int family)
{
    const struct ifaddrs *any = NULL;

    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        if (family == AF_INET ? !is_v4(entry) : !is_v6(entry))
            continue;
        const struct in6_addr *v6 = (const struct in6_addr *)bytes_of(entry->ifa_addr);
        bool is_local =
            entry->ifa_flags & IFF_LOOPBACK || (family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(v6));
        if (!is_local)
            return entry;
        if (!any)
            any = entry;
    }
    return any;
}

static void read_mac(const struct ifaddrs *list, const char *name, uint8_t mac[6])
{
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        const struct sockaddr_ll *link = (const struct sockaddr_ll *)entry->ifa_addr;
        if (link && link->sll_family == AF_PACKET && link->sll_halen == 6 &&
            strcmp(entry->ifa_name, name) == 0)
            memcpy(mac, link->sll_addr, 6);
    }
}

/* That of the default route by the interface. */
static void read_gateway(const char *name, uint8_t gateway[4])
{
    FILE *routes = fopen("/proc/net/route", "re");
    char line[ROUTE_LINE_MAX], interface[IF_NAMESIZE];
    unsigned destination, to, flags;

    while (routes && fgets(line, sizeof line, routes)) {
        if (sscanf(line, "%15s %x %x %x", interface, &destination, &to, &flags) == 4 &&
            destination == 0 && flags & ROUTE_GATEWAY && strcmp(interface, name) == 0) {
            memcpy(gateway, &to, 4); /* the file has it as it lies in memory */
            break;
        }
    }
    if (routes)
        fclose(routes);
}

static bool parse_hex(const char *text, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
            return false;
    }
    return true;
}

static void read_v6_gateway(const char *name, uint8_t gateway[16])
{
    FILE *routes = fopen("/proc/net/ipv6_route", "re");
    char line[ROUTE_LINE_MAX], to[33], interface[IF_NAMESIZE];
    unsigned prefix, flags;

    /* Destination, prefix, source, prefix, gateway, metric, two counters, flags, interface. */
    while (routes && fgets(line, sizeof line, routes)) {
        if (sscanf(line, "%*32s %x %*32s %*x %32s %*x %*x %*x %x %15s", &prefix, to, &flags,
                   interface) == 4 &&
            prefix == 0 && flags & ROUTE_GATEWAY && strcmp(interface, name) == 0 &&
            parse_hex(to, gateway, 16))
            break;
    }
    if (routes)
        fclose(routes);
}

static void take_v4(const struct ifaddrs *list, const struct ifaddrs *entry, const uint8_t *address,
                    struct interface_facts *facts)
{
    memset(facts->mask, 0xff, sizeof facts->mask);
    if (entry) {
        memcpy(facts->mask, bytes_of(entry->ifa_netmask), sizeof facts->mask);
        read_mac(list, entry->ifa_name, facts->mac);
        read_gateway(entry->ifa_name, facts->gateway);
        if (!address)
            address = bytes_of(entry->ifa_addr);
    }
    if (address)
        memcpy(facts->address, address, sizeof facts->address);
}

static void take_v6(const struct ifaddrs *list, const struct ifaddrs *entry, const uint8_t *address,
                    struct interface_facts *facts)
{
    facts->ipv6_prefix = 128;
    if (entry) {
        facts->ipv6_prefix = (uint8_t)prefix_of(bytes_of(entry->ifa_netmask), 16);
        read_mac(list, entry->ifa_name, facts->mac);
        read_v6_gateway(entry->ifa_name, facts->ipv6_gateway);
        if (!address)
            address = bytes_of(entry->ifa_addr);
    }
    if (address)
        memcpy(facts->ipv6, address, sizeof facts->ipv6);
}

void interface_look(const union endpoint_address *address, struct interface_facts *facts)
{
    static const uint8_t unspecified[16];
    const uint8_t *v4 = endpoint_address_v4(address);
    const uint8_t *v6 = address->any.sa_family == AF_INET6 && !v4 ? bytes_of(&address->any) : NULL;
    struct ifaddrs *list = NULL;

    *facts = (struct interface_facts){.ipv6_prefix = 0};
    if (getifaddrs(&list) < 0)
        list = NULL;
    if (v4 && memcmp(v4, unspecified, 4) == 0)
        take_v4(list, find_first(list, AF_INET), NULL, facts);
    else if (v4)
        take_v4(list, find(list, AF_INET, v4), v4, facts);
    else if (v6 && memcmp(v6, unspecified, sizeof unspecified) == 0) {
        take_v6(list, find_first(list, AF_INET6), NULL, facts);
        take_v4(list, find_first(list, AF_INET), NULL, facts);
    } else if (v6)
        take_v6(list, find(list, AF_INET6, v6), v6, facts);
    freeifaddrs(list);
}
