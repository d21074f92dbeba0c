#include "vbmc/fleet/sections.h"

#include <stdio.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/instance/stored.h"

/* Those that a section is for: copies of one guest count once. */
struct matches {
    const struct config_domain *section;
    struct uuid first;
    unsigned count; /* 2: two or more */
};

static void add_match(struct matches *matches, const char *name, const struct uuid *uuid)
{
    const struct config_domain *section = matches->section;
    bool is_meant = section->has_uuid && uuid_equal(&section->uuid, uuid);

    if (!is_meant && (!name || strcmp(section->name, name) != 0))
        return;
    if (matches->count == 0)
        matches->first = *uuid;
    else if (uuid_equal(&matches->first, uuid))
        return;
    matches->count++;
}

static void find_matches(const struct fleet *fleet, struct matches *matches)
{
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(connection->hypervisor, domain)))
            add_match(matches, virt_domain_name(domain), virt_domain_uuid(domain));
    }
    if (matches->count > 0)
        return;
    for (size_t i = 0; i < fleet->set.count; i++) { /* a BMC that was added outlives its domain */
        const struct store_bmc *record = instance_record(fleet->set.instances[i]);
        add_match(matches, record->name, &record->uuid);
    }
}

static const char *unconnected_hypervisor(const struct fleet *fleet)
{
    for (const struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if (!hypervisor_is_up(connection->hypervisor))
            return hypervisor_name(connection->hypervisor);
    }
    return NULL;
}

bool fleet_doubt_section(const struct fleet *fleet, size_t i, char *text, size_t size)
{
    const struct config_domain *section = &fleet->config->domains[i];
    struct matches matches = {.section = section};

    find_matches(fleet, &matches);
    if (matches.count == 1)
        return false;
    if (matches.count == 0) {
        const char *away = unconnected_hypervisor(fleet);
        snprintf(text, size, "[domain %.100s]: no domain has this %s%s%.64s%s", section->name,
                 section->has_uuid ? "UUID" : "name", away ? "; hypervisor " : "", away ? away : "",
                 away ? " is not connected" : "");
        return true;
    }
    snprintf(text, size,
             "[domain %.100s]: %u domains have this name%s; write a section by UUID for each",
             section->name, matches.count,
             section->port || section->address ? ", and only one can have the address" : "");
    return true;
}

void fleet_log_sections(const struct fleet *fleet)
{
    char text[FLEET_DOUBT_SIZE];

    for (size_t i = 0; i < fleet->config->domain_count; i++) {
        if (fleet_doubt_section(fleet, i, text, sizeof text))
            log_warning("%s", text);
    }
}
