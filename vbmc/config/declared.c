#include "vbmc/config/declared.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/config/keys.h"

/* Where the value goes; NULL: nowhere. */
static void *target_of(struct config_declared *declared, const char *name, bool **given)
{
    *given = NULL;
    if (strcmp(name, "port") == 0)
        return &declared->port;
    if (strcmp(name, "address") == 0)
        return &declared->address;
    if (strcmp(name, "console") == 0) {
        *given = &declared->has_console;
        return &declared->console;
    }
    if (strcmp(name, "redundancy") == 0) {
        *given = &declared->has_redundancy;
        return &declared->redundancy;
    }
    return NULL;
}

/* In a section there is no such key: what it asks for is a change of the domain itself. */
static int set_interface(struct config_declared *declared, const char *value, char *problem,
                         size_t size)
{
    static const char *const front_ends[] = {"kcs", "bt", "pci-kcs", "pci-bt"};

    for (size_t i = 0; i < ARRAY_SIZE(front_ends); i++) {
        if (strcmp(front_ends[i], value) == 0) {
            declared->interface = front_ends[i];
            return 0;
        }
    }
    snprintf(problem, size, "interface = %.60s: expected kcs, bt, pci-kcs or pci-bt", value);
    return -EINVAL;
}

int config_declared_set(struct config_declared *declared, const char *name, const char *value,
                        char *problem, size_t size)
{
    const struct config_key *key = config_key_find(CONFIG_SECTION_DOMAIN, name);
    struct config_parse parse = {0};
    bool *given;
    void *target = target_of(declared, name, &given);

    if (strcmp(name, "interface") == 0)
        return set_interface(declared, value, problem, size);
    if (!target || !key) {
        snprintf(problem, size, "%.40s is none of port, address, console, redundancy, interface",
                 name);
        return -ENOENT;
    }
    int result = key->read(&parse, value, target);
    if (result < 0)
        snprintf(problem, size, "%s = %.60s: %s", name, value,
                 result == -ENOMEM ? "out of memory" : key->wanted);
    else if (given)
        *given = true;
    return result;
}

void config_declared_clear(struct config_declared *declared)
{
    free(declared->address);
    *declared = (struct config_declared){0};
}

enum config_console config_console_of(const struct config *config,
                                      const struct config_domain *section,
                                      const struct config_declared *declared)
{
    if (declared->has_console && !(section && section->console_given))
        return declared->console;
    return section ? section->console : config->bmc.console;
}

struct server_settings config_server_of(const struct config *config,
                                        const struct config_domain *section,
                                        const struct config_declared *declared)
{
    struct server_settings server = section ? section->server : config->bmc.server;

    if (declared->has_redundancy && !(section && section->redundancy_given))
        server.supply.redundancy = declared->redundancy;
    return server;
}
