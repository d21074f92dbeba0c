#include "vbmc/cli/doctor_net.h"

/* Can the BMCs have the addresses and ports that the configuration gives them? */
#include <arpa/inet.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/cli/doctor_report.h"
#include "vbmc/config/config.h"

#define PRIVILEGED_PORTS 1024
#define IPMICONSOLE_PORT_MAX                                                                       \
    32767 /* FreeIPMI's ipmiconsole keeps a port in 16 bits with a sign                            \
           */

bool doctor_is_loopback(const union endpoint_address *address)
{
    if (address->any.sa_family == AF_INET)
        return ntohl(address->in.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    return IN6_IS_ADDR_LOOPBACK(&address->in6.sin6_addr) ||
           (IN6_IS_ADDR_V4MAPPED(&address->in6.sin6_addr) &&
            address->in6.sin6_addr.s6_addr[12] == IN_LOOPBACKNET);
}

/* 0 if a UDP socket could be bound there, else the errno. */
static int try_bind(const union endpoint_address *address)
{
    CLEANUP_CLOSE int fd = socket(address->any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno;
    return bind(fd, &address->any, endpoint_address_size(address)) ? errno : 0;
}

static bool port_is_ours(const struct doctor *doctor, unsigned number)
{
    struct json_object *port, *status;

    if (!json_object_is_type(doctor->bmcs, json_type_array))
        return false;
    for (size_t i = 0; i < json_object_array_length(doctor->bmcs); i++) {
        struct json_object *bmc = json_object_array_get_idx(doctor->bmcs, i);
        if (json_object_is_type(bmc, json_type_object) &&
            json_object_object_get_ex(bmc, "status", &status) &&
            strcmp(json_object_get_string(status), "running") == 0 &&
            json_object_object_get_ex(bmc, "port", &port) &&
            json_object_get_int(port) == (int)number)
            return true;
    }
    return false;
}

static void check_ports(struct doctor *doctor)
{
    const struct config_bmc *bmc = &doctor->config->bmc;
    unsigned taken = 0, first_taken = 0, total = bmc->port_last - bmc->port_first + 1U;
    union endpoint_address address;

    for (unsigned port = bmc->port_first; port <= bmc->port_last; port++) {
        if (endpoint_address_parse(bmc->address, (uint16_t)port, &address))
            return;
        int number = try_bind(&address);
        if (number == EADDRNOTAVAIL) {
            doctor_say(doctor, DOCTOR_PROBLEM, "address",
                       "give the machine that address, or set 'address' in [bmc]",
                       "%s is no address of this machine", bmc->address);
            return;
        }
        if (number == EACCES) {
            doctor_say(doctor, DOCTOR_WARNING, "ports",
                       "start vbmcd as root, or take ports from 1024",
                       "port %u and below %d are for root only", port, PRIVILEGED_PORTS);
            return;
        }
        if (number == EADDRINUSE && !port_is_ours(doctor, port) && taken++ == 0)
            first_taken = port;
    }
    if (taken == 0)
        doctor_say(doctor, DOCTOR_OK, "ports", NULL, "UDP %u-%u at %s: free, or used by our BMCs",
                   bmc->port_first, bmc->port_last, bmc->address);
    else
        doctor_say(doctor, taken == total ? DOCTOR_PROBLEM : DOCTOR_WARNING, "ports",
                   "'ss -lunp' tells who; stop it, or set 'ports' in [bmc]",
                   "%u of %u UDP ports are used by others, port %u the first", taken, total,
                   first_taken);
}

/* An address inside the prefix, with no port: the one behind its base. */
static union endpoint_address prefix_member(const struct config_prefix *prefix)
{
    union endpoint_address address = prefix->base;

    if (address.any.sa_family == AF_INET && prefix->length < 32)
        address.in.sin_addr.s_addr |= htonl(1);
    else if (address.any.sa_family == AF_INET6 && prefix->length < 128)
        address.in6.sin6_addr.s6_addr[15] |= 1;
    return address;
}

static void check_prefix_port(struct doctor *doctor)
{
    const struct config_bmc *bmc = &doctor->config->bmc;
    union endpoint_address any = {.any.sa_family = bmc->addresses.base.any.sa_family};

    if (any.any.sa_family == AF_INET)
        any.in.sin_port = htons(bmc->port);
    else
        any.in6.sin6_port = htons(bmc->port);
    int number = doctor->status ? 0 : try_bind(&any);
    if (number == EADDRINUSE)
        doctor_say(doctor, DOCTOR_PROBLEM, "ports", "'ss -lunp' tells who; stop it",
                   "UDP port %u is used by something else", bmc->port);
    else if (number == EACCES)
        doctor_say(doctor, DOCTOR_WARNING, "ports", "start vbmcd as root",
                   "UDP port %u is for root only", bmc->port);
    else if (number)
        doctor_say(doctor, DOCTOR_PROBLEM, "ports", NULL, "UDP port %u: %s", bmc->port,
                   strerror(number));
    else
        doctor_say(doctor, DOCTOR_OK, "ports", NULL, "UDP %u is %s", bmc->port,
                   doctor->status ? "vbmcd's" : "free");
}

static void check_prefix(struct doctor *doctor)
{
    const struct config_prefix *prefix = &doctor->config->bmc.addresses;
    union endpoint_address member = prefix_member(prefix);
    bool is_ipv6 = member.any.sa_family == AF_INET6;
    char text[INET6_ADDRSTRLEN] = "?", advice[160];

    if (is_ipv6)
        inet_ntop(AF_INET6, &prefix->base.in6.sin6_addr, text, sizeof text);
    else
        inet_ntop(AF_INET, &prefix->base.in.sin_addr, text, sizeof text);
    snprintf(advice, sizeof advice, "ip %sroute add local %s/%u dev lo", is_ipv6 ? "-6 " : "", text,
             prefix->length);
    int number = try_bind(&member);
    if (number == 0)
        doctor_say(doctor, DOCTOR_OK, "addresses", NULL, "%s/%u is local", text, prefix->length);
    else if (is_ipv6) /* the kernel lets nobody bind to what only a route makes local */
        doctor_say(doctor, DOCTOR_WARNING, "addresses", advice,
                   "%s/%u needs a local route; whether it has one cannot be told from here", text,
                   prefix->length);
    else
        doctor_say(doctor, DOCTOR_PROBLEM, "addresses", advice, "%s/%u is not local: %s", text,
                   prefix->length, strerror(number));
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value;

    return json_object_is_type(object, json_type_object) &&
                   json_object_object_get_ex(object, key, &value)
               ? json_object_get_string(value)
               : NULL;
}

/* BMCs that are to listen and cannot; the daemon says why. */
static void check_listening(struct doctor *doctor)
{
    size_t count = json_object_is_type(doctor->bmcs, json_type_array)
                       ? json_object_array_length(doctor->bmcs)
                       : 0;
    struct json_object *first = NULL;
    unsigned failed = 0;

    for (size_t i = 0; i < count; i++) {
        struct json_object *bmc = json_object_array_get_idx(doctor->bmcs, i);
        const char *status = text_of(bmc, "status");
        if (status && strcmp(status, "error") == 0 && failed++ == 0)
            first = bmc;
    }
    if (failed > 0)
        doctor_say(doctor, DOCTOR_PROBLEM, "listening",
                   "remove the cause: vbmcd tries again by itself, every two seconds",
                   "%u of %zu BMCs do not answer; %s: %s", failed, count,
                   text_of(first, "domain_name"), text_of(first, "note"));
    else if (count > 0)
        doctor_say(doctor, DOCTOR_OK, "listening", NULL, "all started BMCs have their address");
}

static void check_sections(struct doctor *doctor)
{
    struct json_object *notes;

    if (!doctor->status || !json_object_object_get_ex(doctor->status, "notes", &notes) ||
        !json_object_is_type(notes, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(notes); i++)
        doctor_say(doctor, DOCTOR_WARNING, "sections",
                   "correct it in vbmc.conf, then 'vbmc reload'", "%s",
                   json_object_get_string(json_object_array_get_idx(notes, i)));
}

/* The first BMC above that port, of the daemon's list; 0: none. */
static unsigned find_high_port(const struct doctor *doctor)
{
    struct json_object *port;

    for (size_t i = 0; json_object_is_type(doctor->bmcs, json_type_array) &&
                       i < json_object_array_length(doctor->bmcs);
         i++) {
        struct json_object *bmc = json_object_array_get_idx(doctor->bmcs, i);
        if (json_object_is_type(bmc, json_type_object) &&
            json_object_object_get_ex(bmc, "port", &port) &&
            json_object_get_int(port) > IPMICONSOLE_PORT_MAX)
            return (unsigned)json_object_get_int(port);
    }
    return 0;
}

static void check_high_ports(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    unsigned port = config->bmc.has_addresses ? config->bmc.port : config->bmc.port_last;

    for (size_t i = 0; i < config->domain_count && port <= IPMICONSOLE_PORT_MAX; i++)
        port = config->domains[i].port;
    if (port <= IPMICONSOLE_PORT_MAX)
        port = find_high_port(doctor);
    if (port > IPMICONSOLE_PORT_MAX)
        doctor_say(doctor, DOCTOR_WARNING, "ports",
                   "take ports up to 32767 where ipmiconsole is used; others do not mind",
                   "a BMC at port %u cannot be reached by FreeIPMI's ipmiconsole: \"hostname "
                   "invalid\"",
                   port);
}

void doctor_check_network(struct doctor *doctor)
{
    check_listening(doctor);
    check_sections(doctor);
    check_high_ports(doctor);
    if (!doctor->config->bmc.has_addresses) {
        check_ports(doctor);
        return;
    }
    check_prefix(doctor);
    check_prefix_port(doctor);
}
