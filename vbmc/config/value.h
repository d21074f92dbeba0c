/* Values of keys: texts, addresses, numbers of the daemon and of a BMC. */
#ifndef VBMC_CONFIG_VALUE_H
#define VBMC_CONFIG_VALUE_H

struct config_parse;

/* Functions for the table of keys. Each reads `value` into `target` and returns 0, -EINVAL, or
 * another negative error; it may set parse->reason, where it knows more than the table. */
int config_value_text(struct config_parse *parse, const char *value, void *target);
int config_value_path(struct config_parse *parse, const char *value, void *target);
int config_value_log_level(struct config_parse *parse, const char *value, void *target);
int config_value_compat(struct config_parse *parse, const char *value, void *target);
int config_value_discover(struct config_parse *parse, const char *value, void *target);
int config_value_privilege(struct config_parse *parse, const char *value, void *target);
int config_value_inband(struct config_parse *parse, const char *value, void *target);
int config_value_lan_address(struct config_parse *parse, const char *value, void *target);
int config_value_yes_no(struct config_parse *parse, const char *value, void *target);
int config_value_address(struct config_parse *parse, const char *value, void *target);
int config_value_port(struct config_parse *parse, const char *value, void *target);
int config_value_ports(struct config_parse *parse, const char *value, void *bmc);
int config_value_addresses(struct config_parse *parse, const char *value, void *bmc);
int config_value_listen(struct config_parse *parse, const char *value, void *ssh);
int config_value_suites(struct config_parse *parse, const char *value, void *channel);
int config_value_ipmi15(struct config_parse *parse, const char *value, void *target);
int config_value_manufacturer(struct config_parse *parse, const char *value, void *target);
int config_value_timeout(struct config_parse *parse, const char *value, void *target);
int config_value_console(struct config_parse *parse, const char *value, void *target);
int config_value_replay(struct config_parse *parse, const char *value, void *target);
int config_value_log_files(struct config_parse *parse, const char *value, void *target);
int config_value_idle(struct config_parse *parse, const char *value, void *target);
int config_value_history(struct config_parse *parse, const char *value, void *target);

#endif
