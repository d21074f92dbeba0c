/* Which BMC or domain a name means that a client gives. Names of domains are unique on one
 * hypervisor only, and a domain may have the UUID of another as its name: a name that is not unique
 * is refused with the choices, since the request may be to power it off. */
#include "vbmc/fleet/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/hash_index.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/virt/hypervisor.h"

#define CHOICES_MAX 8
#define TYPED_MAX   1024 /* bytes of what may be a name: the work grows with the @ in it */

/* ---- what is typed, what it may mean ---- */

static bool means_place(const struct hypervisor *hypervisor, const char *text)
{
    return hypervisor && (strcmp(hypervisor_name(hypervisor), text) == 0 ||
                          strcmp(hypervisor_uri(hypervisor), text) == 0);
}

/* NAME, or NAME@HYPERVISOR; both may have an @ in them. */
static bool means(const char *text, const char *name, const struct hypervisor *hypervisor)
{
    size_t length = strlen(name);

    if (strncmp(text, name, length) != 0)
        return false;
    return text[length] == '\0' ||
           (text[length] == '@' && means_place(hypervisor, text + length + 1));
}

static struct hypervisor *hypervisor_of(const struct fleet *fleet, struct instance *instance)
{
    struct virt_domain *domain = instance_domain(instance);
    const char *uri = instance_record(instance)->uri;

    if (domain)
        return virt_domain_hypervisor(domain);
    const struct fleet_connection *connection = uri ? fleet_find_connection(fleet, uri) : NULL;
    return connection ? connection->hypervisor : NULL;
}

/* Its domain is on no hypervisor that it could be on: a domain of its name is another one. */
static bool is_without_domain(const struct fleet *fleet, struct instance *instance)
{
    const char *uri = instance_record(instance)->uri;

    if (instance_domain(instance))
        return false;
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        bool counts = !uri || strcmp(uri, hypervisor_uri(connection->hypervisor)) == 0;
        if (counts && !hypervisor_is_up(connection->hypervisor))
            return false;
    }
    return !fleet_has_uuid(fleet, &instance_record(instance)->uuid, uri);
}

/* ---- a refusal ---- */

struct choices {
    char *text;
    size_t size;
    size_t used;
    unsigned count;
};

static void add_choice(struct choices *choices, const char *name,
                       const struct hypervisor *hypervisor, const struct uuid *uuid)
{
    char uuid_text[UUID_TEXT_SIZE];
    size_t left = choices->size - choices->used;
    int length = 0;

    if (choices->count++ >= CHOICES_MAX)
        return;
    uuid_format(uuid, uuid_text);
    /* A hypervisor that has no name but its URI: not every client may know that. */
    if (hypervisor && strcmp(hypervisor_name(hypervisor), hypervisor_uri(hypervisor)) != 0)
        length =
            snprintf(choices->text + choices->used, left, "%s%.128s@%.64s (%s)",
                     choices->count > 1 ? ", " : "", name, hypervisor_name(hypervisor), uuid_text);
    else
        length = snprintf(choices->text + choices->used, left, "%s%s",
                          choices->count > 1 ? ", " : "", uuid_text);
    choices->used += length > 0 && (size_t)length < left ? (size_t)length : left - 1;
}

static int refuse_choices(const struct choices *choices, const char *typed, char *error,
                          size_t size)
{
    char more[32] = "";

    if (choices->count > CHOICES_MAX)
        snprintf(more, sizeof more, " and %u more", choices->count - CHOICES_MAX);
    snprintf(error, size, "%.128s means more than one domain, say which: %s%s", typed,
             choices->text, more);
    return -ENOTUNIQ;
}

/* ---- BMCs ---- */

static bool may_be(const struct instance *instance, const struct uuid *only)
{
    return !only || uuid_equal(&instance_record((struct instance *)instance)->uuid, only);
}

/* A walk through the BMCs that a text may name. */
struct named_bmcs {
    const struct fleet *fleet;
    const char *text;
    bool without_domain; /* only those that have no domain; else only those that have one */
    char *name;          /* what the text has before the @ that is looked at; NULL: all of it */
    const char *at;      /* in the text: the next @ to look at; NULL: none is left */
    const struct hash_index_node *cursor;
};

static struct named_bmcs begin_walk(const struct fleet *fleet, const char *text,
                                    bool without_domain)
{
    return (struct named_bmcs){
        .fleet = fleet, .text = text, .without_domain = without_domain, .at = strchr(text, '@')};
}

/* The text may be a name, or with each @ in it the name before that; false: there is no more. */
static bool take_next_name(struct named_bmcs *walk)
{
    if (!walk->at)
        return false;
    free(walk->name);
    walk->name = strndup(walk->text, (size_t)(walk->at - walk->text));
    walk->at = walk->name ? strchr(walk->at + 1, '@') : NULL;
    walk->cursor = NULL;
    return walk->name != NULL;
}

/* NULL after the last, which ends the walk. */
static struct instance *next_named(struct named_bmcs *walk)
{
    const struct fleet *fleet = walk->fleet;
    struct instance *instance;

    do {
        const char *name = walk->name ? walk->name : walk->text;
        while ((instance = bmcset_next_named(&fleet->set, name, &walk->cursor))) {
            if (means(walk->text, name, hypervisor_of(fleet, instance)) &&
                is_without_domain(fleet, instance) == walk->without_domain)
                return instance;
        }
    } while (take_next_name(walk));
    free(walk->name);
    walk->name = NULL;
    return NULL;
}

/* The BMC that the text names among those that have a domain, or among those that have none; counts
 * all that it may mean. */
static struct instance *find_named(const struct fleet *fleet, const char *text,
                                   const struct uuid *only, bool without_domain, unsigned *count)
{
    struct named_bmcs walk = begin_walk(fleet, text, without_domain);
    struct instance *instance, *found = NULL;

    *count = 0;
    while ((instance = next_named(&walk))) {
        if (!may_be(instance, only))
            continue;
        found = instance;
        (*count)++;
    }
    return found;
}

static int refuse_ambiguous(const struct fleet *fleet, const char *typed, bool without_domain,
                            char *error, size_t size)
{
    char text[FLEET_NAME_ERROR_SIZE];
    struct choices choices = {.text = text, .size = sizeof text};
    struct named_bmcs walk = begin_walk(fleet, typed, without_domain);
    struct instance *instance;

    while ((instance = next_named(&walk))) {
        const struct store_bmc *record = instance_record(instance);
        add_choice(&choices, record->name, without_domain ? NULL : hypervisor_of(fleet, instance),
                   &record->uuid);
    }
    return refuse_choices(&choices, typed, error, size);
}

int fleet_named_bmc(const struct fleet *fleet, const char *typed, const struct uuid *only,
                    struct instance **found, char *error, size_t size)
{
    struct uuid uuid;
    unsigned count;

    *found = NULL;
    if (strnlen(typed, TYPED_MAX) == TYPED_MAX)
        return -ENOENT;
    if (uuid_parse(typed, &uuid) == 0) {
        struct instance *instance = bmcset_find_uuid(&fleet->set, &uuid);
        if (instance && may_be(instance, only))
            *found = instance;
        /* What is the UUID of a domain is not another's name, also when that domain has no BMC. */
        if (*found ||
            (!only && (fleet_find_uuid(fleet, &uuid, NULL) || fleet_is_deleted(fleet, &uuid))))
            return *found ? 0 : -ENOENT;
    }
    for (unsigned without_domain = 0; without_domain < 2; without_domain++) {
        /* Nor is the name of a domain that has no BMC. */
        struct virt_domain *domain;
        if (without_domain && !only &&
            fleet_named_domain(fleet, typed, NULL, &domain, error, size) != -ENOENT)
            return -ENOENT;
        struct instance *instance = find_named(fleet, typed, only, without_domain, &count);
        if (count > 1)
            return refuse_ambiguous(fleet, typed, without_domain, error, size);
        *found = instance;
        if (instance)
            return 0;
    }
    return -ENOENT;
}

static bool is_found_by(const struct fleet *fleet, const char *text, const struct uuid *only,
                        const struct instance *instance)
{
    char error[FLEET_NAME_ERROR_SIZE];
    struct instance *found;

    return fleet_named_bmc(fleet, text, only, &found, error, sizeof error) == 0 &&
           found == instance;
}

char *fleet_name_of(const struct fleet *fleet, struct instance *instance, const struct uuid *only)
{
    const struct store_bmc *record = instance_record(instance);
    const struct hypervisor *hypervisor = hypervisor_of(fleet, instance);
    char uuid[UUID_TEXT_SIZE], *text = NULL;

    if (is_found_by(fleet, record->name, only, instance))
        return strdup(record->name);
    if (hypervisor && strcmp(hypervisor_name(hypervisor), hypervisor_uri(hypervisor)) != 0) {
        if (asprintf(&text, "%s@%s", record->name, hypervisor_name(hypervisor)) < 0)
            return NULL;
        if (is_found_by(fleet, text, only, instance))
            return text;
        free(text);
    }
    uuid_format(&record->uuid, uuid);
    return strdup(uuid);
}

/* ---- domains ---- */

/* Of several copies of one domain the one that its BMC shows. */
static struct virt_domain *copy_that_counts(struct virt_domain *domain, const char *uri)
{
    const struct instance *instance = fleet_bmc_of(domain);
    struct virt_domain *shown = instance ? instance_domain(instance) : NULL;

    if (shown && (!uri || strcmp(uri, hypervisor_uri(virt_domain_hypervisor(shown))) == 0))
        return shown;
    return domain;
}

struct domain_search {
    const char *typed;
    const char *uri;
    struct virt_domain *found;
    bool exact; /* by name and hypervisor, or several domains */
    struct choices choices;
};

static void consider_domain(struct domain_search *search, struct virt_domain *domain)
{
    const char *name = virt_domain_name(domain);

    if (!means(search->typed, name, virt_domain_hypervisor(domain)))
        return;
    if (search->found && uuid_equal(virt_domain_uuid(search->found), virt_domain_uuid(domain)))
        return;
    add_choice(&search->choices, name, virt_domain_hypervisor(domain), virt_domain_uuid(domain));
    if (!search->found)
        search->found = domain;
    search->exact = strcmp(search->typed, name) != 0;
}

static void consider_named(struct domain_search *search, struct hypervisor *hypervisor,
                           const char *name)
{
    const struct hash_index_node *cursor = NULL;
    struct virt_domain *domain;

    while ((domain = hypervisor_next_named(hypervisor, name, &cursor)))
        consider_domain(search, domain);
}

/* By the whole text, and by what is before each @ in it. */
static void consider_domains(struct domain_search *search, struct hypervisor *hypervisor)
{
    consider_named(search, hypervisor, search->typed);
    for (const char *at = strchr(search->typed, '@'); at; at = strchr(at + 1, '@')) {
        CLEANUP_FREE char *name = strndup(search->typed, (size_t)(at - search->typed));
        if (name)
            consider_named(search, hypervisor, name);
    }
}

int fleet_named_domain(const struct fleet *fleet, const char *typed, const char *uri,
                       struct virt_domain **found, char *error, size_t size)
{
    char text[FLEET_NAME_ERROR_SIZE] = "";
    struct domain_search search = {.typed = typed, .choices = {.text = text, .size = sizeof text}};
    struct uuid uuid;

    *found = NULL;
    if (strnlen(typed, TYPED_MAX) == TYPED_MAX)
        return -ENOENT;
    if (uuid_parse(typed, &uuid) == 0)
        *found = fleet_find_uuid(fleet, &uuid, uri);
    if (*found) {
        *found = copy_that_counts(*found, uri);
        return 0;
    }
    for (struct fleet_connection *connection = fleet->connections; connection;
         connection = connection->next) {
        if (!uri || strcmp(uri, hypervisor_uri(connection->hypervisor)) == 0)
            consider_domains(&search, connection->hypervisor);
    }
    if (search.choices.count > 1)
        return refuse_choices(&search.choices, typed, error, size);
    *found = search.found;
    if (search.found && !search.exact)
        *found = copy_that_counts(search.found, uri);
    return search.found ? 0 : -ENOENT;
}
