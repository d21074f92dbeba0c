/* What the metadata of a domain says of its BMC (vbmc/host/metadata.h): some keys of a [domain]
 * section. It comes behind that section, and before what is given out and [bmc]. */
#ifndef VBMC_CONFIG_DECLARED_H
#define VBMC_CONFIG_DECLARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/config/config.h"
#include "vbmc/physics/supply.h"

/* All zero: nothing. */
struct config_declared {
    uint16_t port; /* 0: not given */
    char *address; /* NULL: not given */
    bool has_console, has_redundancy;
    enum config_console console;
    enum supply_redundancy redundancy;
    const char
        *interface; /* the guest's own: "kcs", "bt", "pci-kcs" or "pci-bt"; NULL: not given */
};

/* Reads port, address, console, redundancy or interface. 0; -ENOENT (any other name), -EINVAL or
 * -ENOMEM, with what is wrong in `problem`. */
int config_declared_set(struct config_declared *declared, const char *name, const char *value,
                        char *problem, size_t size);
void config_declared_clear(struct config_declared *declared);

/* What holds for a BMC that has this section (NULL: none). */
enum config_console config_console_of(const struct config *config,
                                      const struct config_domain *section,
                                      const struct config_declared *declared);
struct server_settings config_server_of(const struct config *config,
                                        const struct config_domain *section,
                                        const struct config_declared *declared);

#endif
