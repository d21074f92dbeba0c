/* Finding hypervisors and their domains. */
#ifndef VBMC_FLEET_CONNECTIONS_H
#define VBMC_FLEET_CONNECTIONS_H

#include <stdbool.h>

struct fleet;
struct hypervisor;
struct uuid;

/* NULL if there is none. */
struct fleet_connection *fleet_find_connection(const struct fleet *fleet, const char *uri);
struct fleet_connection *fleet_connection_of(const struct fleet *fleet,
                                             const struct hypervisor *hypervisor);
/* True if all are up but those that are declared dead. */
bool fleet_all_are_up(const struct fleet *fleet);
/* True if all are up; one that is declared dead may come back, with all its domains. */
bool fleet_all_are_connected(const struct fleet *fleet);
/* The domain of that UUID on the hypervisor with that URI (NULL: on any); NULL if there is none. */
struct virt_domain *fleet_find_uuid(const struct fleet *fleet, const struct uuid *uuid,
                                    const char *uri);
/* True if a domain of that UUID is there or may be: a hypervisor does not let it be read. */
bool fleet_has_uuid(const struct fleet *fleet, const struct uuid *uuid, const char *uri);
/* An addition begins (1) or ends (-1) to look for its domain there. */
void fleet_hold_connection(struct fleet *fleet, const struct hypervisor *hypervisor, int change);

#endif
