/* Values of keys: passwords and keys, written out or in a file of their own. */
#ifndef VBMC_CONFIG_SECRET_H
#define VBMC_CONFIG_SECRET_H

struct config_parse;

/* Functions for the table of keys. Each reads `value` into `target` and returns 0, -EINVAL, or
 * another negative error; it may set parse->reason, where it knows more than the table. */
int config_value_password(struct config_parse *parse, const char *value, void *target);
int config_value_password_file(struct config_parse *parse, const char *value, void *target);
int config_value_kg(struct config_parse *parse, const char *value, void *channel);
int config_value_kg_file(struct config_parse *parse, const char *value, void *channel);

#endif
