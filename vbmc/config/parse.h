/* Inside of config: what its files share while one vbmc.conf is read. */
#ifndef VBMC_CONFIG_PARSE_H
#define VBMC_CONFIG_PARSE_H

#include "vbmc/config/config.h"

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
    /* What is wrong with a value, where the parse function knows more than the table. */
    char reason[256];
};

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

/* config_keys.c: the table of all keys. */
extern const struct config_key config_keys[];
extern const size_t config_key_count;

/* The key of that section, or NULL. */
const struct config_key *config_key_find(enum config_section section, const char *name);
/* The name nearest to a misspelt one, or NULL if none is near. */
const char *config_key_suggest(enum config_section section, const char *name);
/* True if the key was given in this block. */
bool config_key_seen(const struct config_block *block, const char *name);
void config_key_note(struct config_block *block, const struct config_key *key);

/* config_value.c: the parse functions of the table. */
int config_value_text(struct config_parse *parse, const char *value, void *target);
int config_value_path(struct config_parse *parse, const char *value, void *target);
int config_value_log_level(struct config_parse *parse, const char *value, void *target);
int config_value_compat(struct config_parse *parse, const char *value, void *target);
int config_value_discover(struct config_parse *parse, const char *value, void *target);
int config_value_privilege(struct config_parse *parse, const char *value, void *target);
int config_value_yes_no(struct config_parse *parse, const char *value, void *target);
int config_value_address(struct config_parse *parse, const char *value, void *target);
int config_value_port(struct config_parse *parse, const char *value, void *target);
int config_value_ports(struct config_parse *parse, const char *value, void *bmc);
int config_value_addresses(struct config_parse *parse, const char *value, void *bmc);
int config_value_listen(struct config_parse *parse, const char *value, void *ssh);
int config_value_suites(struct config_parse *parse, const char *value, void *channel);
int config_value_manufacturer(struct config_parse *parse, const char *value, void *target);
int config_value_timeout(struct config_parse *parse, const char *value, void *target);
int config_value_console(struct config_parse *parse, const char *value, void *target);
int config_value_replay(struct config_parse *parse, const char *value, void *target);
int config_value_log_files(struct config_parse *parse, const char *value, void *target);
int config_value_idle(struct config_parse *parse, const char *value, void *target);
int config_value_history(struct config_parse *parse, const char *value, void *target);

/* config_server.c: what a server and its room are like. */
int config_value_redundancy(struct config_parse *parse, const char *value, void *target);
int config_value_needed(struct config_parse *parse, const char *value, void *target);
int config_value_psu_feeds(struct config_parse *parse, const char *value, void *supply);
int config_value_power_limit(struct config_parse *parse, const char *value, void *target);
int config_value_sel_full(struct config_parse *parse, const char *value, void *target);
int config_value_period(struct config_parse *parse, const char *value, void *target);
int config_value_feeds(struct config_parse *parse, const char *value, void *target);
int config_value_ups_feeds(struct config_parse *parse, const char *value, void *target);
int config_value_seconds(struct config_parse *parse, const char *value, void *target);
int config_value_celsius(struct config_parse *parse, const char *value, void *target);
int config_value_warming(struct config_parse *parse, const char *value, void *target);
int config_value_minutes(struct config_parse *parse, const char *value, void *target);

/* Reads model-NAME of [bmc] or [domain]; -ENOENT if there is no constant of that name. */
int config_take_model_constant(struct config_parse *parse, struct config_block *block,
                               const char *key, const char *value, unsigned line);
void config_begin_model(struct config_block *block);
/* What domains take over from [bmc], and [bmc] from the defaults. 0, or -EINVAL. */
int config_inherit_servers(struct config_parse *parse);

/* config_secret.c: passwords and keys, written out or in a file of their own. */
int config_value_password(struct config_parse *parse, const char *value, void *target);
int config_value_password_file(struct config_parse *parse, const char *value, void *target);
int config_value_kg(struct config_parse *parse, const char *value, void *channel);
int config_value_kg_file(struct config_parse *parse, const char *value, void *channel);

/* config_check.c: what no single line tells (missing keys, conflicts), and the values that domains
 * take over from [bmc]. */
int config_check(struct config_parse *parse);

/* config.c: writes "FILE:LINE: ..." (without the line if 0) to the error. Returns -EINVAL. */
int config_fail(struct config_parse *parse, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
