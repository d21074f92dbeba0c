/* The constants of a server's model, and what a domain's server takes over from [bmc]. */
#ifndef VBMC_CONFIG_SERVER_H
#define VBMC_CONFIG_SERVER_H

struct config_block;
struct config_parse;

/* Reads model-NAME of [bmc] or [domain]; -ENOENT if there is no constant of that name. */
int config_take_model_constant(struct config_parse *parse, struct config_block *block,
                               const char *key, const char *value, unsigned line);
void config_begin_model(struct config_block *block);
/* What domains take over from [bmc], and [bmc] from the defaults. 0, or -EINVAL. */
int config_inherit_servers(struct config_parse *parse);

#endif
