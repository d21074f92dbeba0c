/* `vbmc add`: the search for the domain, which may have to wait for its hypervisor, and what its
 * BMC is to be. */
#include "vbmc/fleet/search.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/users.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/changes.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/disconnect.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/addition.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

/* The record for an addition: what the administrator gave, else what discovery had given, else the
 * defaults of the compatibility mode. */
static struct store_bmc record_of_addition(const struct fleet *fleet,
                                           const struct service_addition *addition,
                                           const struct virt_domain *domain,
                                           const struct instance *discovered)
{
    bool compat = fleet->config->daemon.compat == CONFIG_COMPAT_OPENSTACK;
    struct store_bmc record = {
        .uuid = *virt_domain_uuid(domain),
        .name = (char *)virt_domain_name(domain),
        .is_explicit = true,
        /* It comes back as it was before 'vbmc delete'. */
        .active = !compat && fleet_is_deleted(fleet, virt_domain_uuid(domain)),
        .address = (char *)addition->address,
        .port = addition->port,
        .username = (char *)addition->username,
        .password = (char *)addition->password,
        .uri = (char *)addition->uri,
        .sasl_username = (char *)addition->sasl_username,
        .sasl_password = (char *)addition->sasl_password,
    };

    if (compat && !record.address)
        record.address = "::";
    if (compat && !record.port)
        record.port = 623;
    if (compat || record.username || record.password) {
        if (!record.username)
            record.username = "admin";
        if (!record.password && compat)
            record.password = "password";
    }
    if (discovered && !record.port && !fleet->config->bmc.has_addresses)
        record.port = instance_record((struct instance *)discovered)->port;
    return record;
}

static int check_addition(const struct fleet *fleet, const struct store_bmc *record,
                          const char **text)
{
    union endpoint_address address;
    struct user user;

    if (record->address && endpoint_address_parse(record->address, 1, &address) < 0) {
        *text = "the address is not a numeric IPv4 or IPv6 address";
        return -EINVAL;
    }
    if (record->username && !record->password) {
        *text = "a user name needs a password: add --password";
        return -EINVAL;
    }
    if (record->username &&
        (strlen(record->password) > USER_PASSWORD_MAX ||
         user_make(&user, record->username, record->password, PRIVILEGE_ADMINISTRATOR) < 0)) {
        *text = "a user name has 1 to 16 bytes and a password 1 to 20 (IPMI 2.0)";
        return -EINVAL;
    }
    if (record->username)
        explicit_bzero(&user, sizeof user);
    if (!record->username && fleet->config->user_count == 0) {
        *text = "nobody could log in: give --username and --password, or configure a [user]";
        return -EACCES;
    }
    return 0;
}

static void add_for_domain(struct fleet *fleet, const struct service_addition *addition,
                           struct virt_domain *domain, fleet_done_fn *done, void *context)
{
    struct instance *instance = fleet_bmc_of(domain);
    const char *text = NULL;
    char message[256];

    if (instance && instance_record(instance)->is_explicit) {
        snprintf(message, sizeof message, "Domain %.128s already exists: File exists",
                 addition->name);
        done(context, -EEXIST, message);
        return;
    }
    struct store_bmc record = record_of_addition(fleet, addition, domain, instance);
    int result = check_addition(fleet, &record, &text);
    if (result < 0) {
        done(context, result, text);
        return;
    }
    fleet_add_record(fleet, &record, done, context);
}

static void no_such_domain(const char *name, fleet_done_fn *done, void *context)
{
    char message[256];

    snprintf(message, sizeof message, "No domain with matching name %.128s was found", name);
    done(context, -ENOENT, message);
}

static void free_waiting(struct waiting_addition *waiting)
{
    const char *const strings[] = {
        waiting->addition.name, waiting->addition.username,      waiting->addition.address,
        waiting->addition.uri,  waiting->addition.sasl_username,
    };
    char *const secrets[] = {(char *)waiting->addition.password,
                             (char *)waiting->addition.sasl_password};

    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free((char *)strings[i]);
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        if (secrets[i])
            explicit_bzero(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
    }
    free(waiting);
}

/* The event of a domain that was defined a moment ago may not have come yet: libvirt is asked. */
static void looked(void *context, int result, const char *text)
{
    struct waiting_addition *waiting = context;

    (void)result;
    (void)text;
    waiting->looked = true;
    fleet_search_domain(waiting);
}

/* The hypervisor is held until the BMC is there, which then needs it. */
static void finish(void *context, int result, const char *text)
{
    struct waiting_addition *waiting = context;
    struct fleet *fleet = waiting->fleet;

    waiting->done(waiting->context, result, text);
    fleet_hold_connection(fleet, waiting->hypervisor, -1);
    free_waiting(waiting);
    if (!fleet->stopping)
        fleet_release_connections(fleet);
}

/* `ambiguous`: the choices, where the name means several domains. */
static void end_search(struct waiting_addition *waiting, struct virt_domain *domain,
                       const char *ambiguous)
{
    struct fleet *fleet = waiting->fleet;
    const struct service_addition *addition = &waiting->addition;
    char message[512];

    if (fleet->stopping) {
        finish(waiting, -ESHUTDOWN, "the daemon is stopping");
    } else if (domain) {
        add_for_domain(fleet, addition, domain, finish, waiting);
    } else if (ambiguous) {
        finish(waiting, -ENOTUNIQ, ambiguous);
    } else if (hypervisor_is_up(waiting->hypervisor)) {
        no_such_domain(addition->name, finish, waiting);
    } else {
        snprintf(message, sizeof message, "%.200s cannot be reached: %.250s",
                 hypervisor_uri(waiting->hypervisor), hypervisor_error(waiting->hypervisor));
        finish(waiting, -EHOSTUNREACH, message);
    }
}

/* NAME@HYPERVISOR means NAME there. */
static void look_for(struct waiting_addition *waiting)
{
    const char *typed = waiting->addition.name;
    const char *places[] = {hypervisor_name(waiting->hypervisor),
                            hypervisor_uri(waiting->hypervisor)};
    size_t length = strlen(typed);

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        size_t tail = strlen(places[i]) + 1;
        if (tail < length && typed[strlen(typed) - tail] == '@' &&
            strcmp(typed + strlen(typed) - tail + 1, places[i]) == 0)
            length = strlen(typed) - tail;
    }
    CLEANUP_FREE char *name = strndup(typed, length);
    hypervisor_look_for(waiting->hypervisor, name ? name : typed, looked, waiting);
}

/* Goes through all hypervisors, each of which has to be connected, or known not to be, first: the
 * name may mean a domain of each. */
void fleet_search_domain(struct waiting_addition *waiting)
{
    struct fleet *fleet = waiting->fleet;
    struct hypervisor *hypervisor = waiting->hypervisor, *next = NULL;
    struct virt_domain *domain;
    char text[FLEET_NAME_ERROR_SIZE];
    int result = fleet_named_domain(fleet, waiting->addition.name, waiting->addition.uri, &domain,
                                    text, sizeof text);

    if (!waiting->addition.uri)
        next = fleet_next_hypervisor(fleet, hypervisor);
    if (fleet->stopping || result == -ENOTUNIQ) {
        end_search(waiting, NULL, text);
    } else if (!hypervisor_is_up(hypervisor) && hypervisor_error(hypervisor)[0] == '\0') {
        waiting->next = fleet->waiting;
        fleet->waiting = waiting;
    } else if (!domain && hypervisor_is_up(hypervisor) && !waiting->looked) {
        look_for(waiting);
    } else if (next) {
        fleet_hold_connection(fleet, hypervisor, -1);
        fleet_hold_connection(fleet, next, 1);
        waiting->hypervisor = next;
        waiting->looked = false;
        fleet_search_domain(waiting);
    } else {
        end_search(waiting, domain, NULL);
    }
}

void fleet_finish_waiting(struct fleet *fleet, struct hypervisor *hypervisor)
{
    struct waiting_addition **place = &fleet->waiting;

    while (*place) {
        struct waiting_addition *waiting = *place;
        if (waiting->hypervisor != hypervisor) {
            place = &waiting->next;
            continue;
        }
        *place = waiting->next;
        fleet_search_domain(waiting); /* may wait again, for the next hypervisor */
    }
}

void fleet_end_waiting(struct fleet *fleet)
{
    while (fleet->waiting) {
        struct waiting_addition *waiting = fleet->waiting;
        fleet->waiting = waiting->next;
        waiting->done(waiting->context, -ESHUTDOWN, "the daemon is stopping");
        free_waiting(waiting);
    }
}
