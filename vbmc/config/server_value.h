/* Values of keys: what a server and the facility around it are like. */
#ifndef VBMC_CONFIG_SERVER_VALUE_H
#define VBMC_CONFIG_SERVER_VALUE_H

struct config_parse;

/* Functions for the table of keys. Each reads `value` into `target` and returns 0, -EINVAL, or
 * another negative error; it may set parse->reason, where it knows more than the table. */
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

#endif
