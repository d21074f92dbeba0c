/* What the files of config share while one vbmc.conf is read. */
#ifndef VBMC_CONFIG_PARSE_H
#define VBMC_CONFIG_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/hash_index.h"
#include "vbmc/physics/model.h"

enum config_section {
    CONFIG_SECTION_DAEMON,
    CONFIG_SECTION_HYPERVISOR,
    CONFIG_SECTION_BMC,
    CONFIG_SECTION_SSH,
    CONFIG_SECTION_FACILITY,
    CONFIG_SECTION_USER,
    CONFIG_SECTION_DOMAIN,
    CONFIG_SECTION_UNKNOWN,
};

/* One section of the file: what of it was given, and where. */
struct config_block {
    enum config_section section;
    size_t index;                 /* which hypervisor, user or domain */
    unsigned line;                /* of the header */
    uint64_t seen[2];             /* bit N: config_keys[N] was given */
    struct model_constants model; /* of [bmc] and [domain]; NaN: not given */
};

struct config_parse {
    struct config *config;
    const char *path;
    struct config_block *blocks;
    size_t block_count;
    char *error;
    size_t error_size;
    bool has_inline_secret;
    struct hash_index domains_by_place; /* those that were checked: positions, from 1 */
    /* What is wrong with a value, where the parse function knows more than the table. */
    char reason[256];
};

#endif
