#include "vbmc/fleet/sections.h"

#include <stdio.h>
#include <stdlib.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

#define TEXT_SIZE 320

/* Those that a section is for: copies of one guest count once. */
struct matches {
    struct uuid first;
    unsigned count; /* 2: two or more */
};

static void add_match(struct matches *matches, const struct uuid *uuid)
{
    if (matches->count == 0)
        matches->first = *uuid;
    else if (uuid_equal(&matches->first, uuid))
        return;
    matches->count++;
}

/* Adds a domain to the sections by its name and by its UUID, if there are such. */
static void add_domain(const struct config *config, struct matches *all, const char *name,
                       const struct uuid *uuid)
{
    const struct config_domain *by_name = config_find_domain(config, name, NULL);
    const struct config_domain *by_uuid = config_find_domain(config, NULL, uuid);

    if (by_name)
        add_match(&all[by_name - config->domains], uuid);
    if (by_uuid)
        add_match(&all[by_uuid - config->domains], uuid);
}

/* A BMC that was added outlives its domain. */
static void add_bmcs(const struct fleet *fleet, const struct config_domain *section,
                     struct matches *matches)
{
    const struct hash_index_node *cursor = NULL;
    struct instance *instance;

    while ((instance = bmcset_next_named(&fleet->set, section->name, &cursor)))
        add_match(matches, &instance_record(instance)->uuid);
    if (section->has_uuid && bmcset_find_uuid(&fleet->set, &section->uuid))
        add_match(matches, &section->uuid);
}

/* Of each section, in their order; the caller's to free. NULL: no memory. */
static struct matches *find_matches(const struct fleet *fleet)
{
    const struct config *config = fleet->config;
    struct matches *all = calloc(config->domain_count + 1, sizeof *all);

    if (!all)
        return NULL;
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(connection->hypervisor, domain)))
            add_domain(config, all, virt_domain_name(domain), virt_domain_uuid(domain));
    }
    for (size_t i = 0; i < config->domain_count; i++) {
        if (all[i].count == 0)
            add_bmcs(fleet, &config->domains[i], &all[i]);
    }
    return all;
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

static void describe(const struct fleet *fleet, const struct config_domain *section, unsigned count,
                     char text[TEXT_SIZE])
{
    if (count == 0) {
        const char *away = unconnected_hypervisor(fleet);
        snprintf(text, TEXT_SIZE, "[domain %.100s]: no domain has this %s%s%.64s%s", section->name,
                 section->has_uuid ? "UUID" : "name", away ? "; hypervisor " : "", away ? away : "",
                 away ? " is not connected" : "");
        return;
    }
    snprintf(text, TEXT_SIZE,
             "[domain %.100s]: %u domains have this name%s; write a section by UUID for each",
             section->name, count,
             section->port || section->address ? ", and only one can have the address" : "");
}

void fleet_check_sections(const struct fleet *fleet,
                          void (*report)(void *context, const char *text), void *context)
{
    CLEANUP_FREE struct matches *all = find_matches(fleet);
    char text[TEXT_SIZE];

    for (size_t i = 0; all && i < fleet->config->domain_count; i++) {
        if (all[i].count == 1)
            continue;
        describe(fleet, &fleet->config->domains[i], all[i].count, text);
        report(context, text);
    }
}

static void log_text(void *context, const char *text)
{
    (void)context;
    log_warning("%s", text);
}

void fleet_log_sections(const struct fleet *fleet)
{
    fleet_check_sections(fleet, log_text, NULL);
}
