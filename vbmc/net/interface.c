#include "vbmc/net/interface.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/endpoint.h"

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

/* Whether both names are of one interface: an IPv4 address may have a label ("eth0:1"). */
static bool is_interface(const char *a, const char *b)
{
    size_t length = strcspn(a, ":");

    return length == strcspn(b, ":") && strncmp(a, b, length) == 0;
}

static void read_mac(const struct ifaddrs *list, const char *name, uint8_t mac[6])
{
    for (const struct ifaddrs *entry = list; entry; entry = entry->ifa_next) {
        const struct sockaddr_ll *link = (const struct sockaddr_ll *)entry->ifa_addr;
        if (link && link->sll_family == AF_PACKET && link->sll_halen == 6 &&
            is_interface(entry->ifa_name, name))
            memcpy(mac, link->sll_addr, 6);
    }
}

/* That of the first default route by the interface. */
static void read_gateway(const struct interface_view *view, int family, const char *name,
                         uint8_t *gateway)
{
    for (size_t i = 0; i < view->route_count; i++) {
        const struct interface_route *route = &view->routes[i];
        if (route->family == family && is_interface(route->interface, name)) {
            memcpy(gateway, route->gateway, family == AF_INET ? 4 : 16);
            return;
        }
    }
}

/* ---- the view ---- */

static bool parse_hex(const char *text, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (sscanf(text + 2 * i, "%2hhx", &bytes[i]) != 1)
            return false;
    }
    return true;
}

/* A line of /proc/net/route: interface, destination, gateway, flags. */
static bool parse_v4(const char *line, struct interface_route *route)
{
    unsigned destination, to, flags;

    if (sscanf(line, "%15s %x %x %x", route->interface, &destination, &to, &flags) != 4)
        return false;
    memcpy(route->gateway, &to, 4); /* the file has it as it lies in memory */
    return destination == 0 && flags & ROUTE_GATEWAY;
}

/* A line of /proc/net/ipv6_route: destination, prefix, source, prefix, gateway, metric, two
 * counters, flags, interface. */
static bool parse_v6(const char *line, struct interface_route *route)
{
    unsigned prefix, flags;
    char to[33];

    return sscanf(line, "%*32s %x %*32s %*x %32s %*x %*x %*x %x %15s", &prefix, to, &flags,
                  route->interface) == 4 &&
           prefix == 0 && flags & ROUTE_GATEWAY && parse_hex(to, route->gateway, 16);
}

static void read_routes(struct interface_view *view, int family, const char *path,
                        bool (*parse)(const char *line, struct interface_route *route))
{
    FILE *routes = fopen(path, "re");
    char line[ROUTE_LINE_MAX];

    while (routes && view->route_count < INTERFACE_ROUTES_MAX && fgets(line, sizeof line, routes)) {
        struct interface_route *route = &view->routes[view->route_count];
        *route = (struct interface_route){.family = family};
        if (parse(line, route))
            view->route_count++;
    }
    if (routes)
        fclose(routes);
}

void interface_view_take(struct interface_view *view)
{
    *view = (struct interface_view){.list = NULL};
    if (getifaddrs(&view->list) < 0)
        view->list = NULL;
    read_routes(view, AF_INET, "/proc/net/route", parse_v4);
    read_routes(view, AF_INET6, "/proc/net/ipv6_route", parse_v6);
}

void interface_view_clear(struct interface_view *view)
{
    freeifaddrs(view->list);
    *view = (struct interface_view){.list = NULL};
}

/* ---- the facts ---- */

static void take_v4(const struct interface_view *view, const struct ifaddrs *entry,
                    const uint8_t *address, struct interface_facts *facts)
{
    memset(facts->mask, 0xff, sizeof facts->mask);
    if (entry) {
        memcpy(facts->mask, bytes_of(entry->ifa_netmask), sizeof facts->mask);
        read_mac(view->list, entry->ifa_name, facts->mac);
        read_gateway(view, AF_INET, entry->ifa_name, facts->gateway);
        if (!address)
            address = bytes_of(entry->ifa_addr);
    }
    if (address)
        memcpy(facts->address, address, sizeof facts->address);
}

static void take_v6(const struct interface_view *view, const struct ifaddrs *entry,
                    const uint8_t *address, struct interface_facts *facts)
{
    facts->ipv6_prefix = 128;
    if (entry) {
        facts->ipv6_prefix = (uint8_t)prefix_of(bytes_of(entry->ifa_netmask), 16);
        read_mac(view->list, entry->ifa_name, facts->mac);
        read_gateway(view, AF_INET6, entry->ifa_name, facts->ipv6_gateway);
        if (!address)
            address = bytes_of(entry->ifa_addr);
    }
    if (address)
        memcpy(facts->ipv6, address, sizeof facts->ipv6);
}

void interface_look(const struct interface_view *view, const union endpoint_address *address,
                    struct interface_facts *facts)
{
    static const uint8_t unspecified[16];
    const uint8_t *v4 = endpoint_address_v4(address);
    const uint8_t *v6 = address->any.sa_family == AF_INET6 && !v4 ? bytes_of(&address->any) : NULL;
    const struct ifaddrs *list = view->list;

    *facts = (struct interface_facts){.ipv6_prefix = 0};
    if (v4 && memcmp(v4, unspecified, 4) == 0)
        take_v4(view, find_first(list, AF_INET), NULL, facts);
    else if (v4)
        take_v4(view, find(list, AF_INET, v4), v4, facts);
    else if (v6 && memcmp(v6, unspecified, sizeof unspecified) == 0) {
        take_v6(view, find_first(list, AF_INET6), NULL, facts);
        take_v4(view, find_first(list, AF_INET), NULL, facts);
    } else if (v6)
        take_v6(view, find(list, AF_INET6, v6), v6, facts);
}
