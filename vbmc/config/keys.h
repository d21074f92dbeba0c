/* The table of all keys of vbmc.conf, and which of them were given. */
#ifndef VBMC_CONFIG_KEYS_H
#define VBMC_CONFIG_KEYS_H

#include "vbmc/config/parse.h"

/* Reads `value` into `target`. 0, -EINVAL, or another negative error; may set parse->reason. */
typedef int (*config_value_fn)(struct config_parse *parse, const char *value, void *target);

struct config_key {
    enum config_section section;
    const char *name;
    config_value_fn read;
    size_t offset;        /* of the target in the section's structure */
    bool is_secret;       /* the value is never shown, and nothing in it may look like a comment */
    const char *excludes; /* the key that must not be given beside this one, or NULL */
    const char *wanted;   /* what would be right */
};

extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key of that section, or NULL. */
const struct config_key *config_key_find(enum config_section section, const char *name);
/* The name nearest to a misspelt one, or NULL if none is near. */
const char *config_key_suggest(enum config_section section, const char *name);
/* True if the key was given in this block. */
bool config_key_seen(const struct config_block *block, const char *name);
void config_key_note(struct config_block *block, const struct config_key *key);

#endif
