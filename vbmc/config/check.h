/* What no single line tells. */
#ifndef VBMC_CONFIG_CHECK_H
#define VBMC_CONFIG_CHECK_H

struct config_parse;

/* Missing keys and conflicts; also sets the values that domains take over from [bmc]. 0, or -EINVAL
 * with the reason in parse->error. */
int config_check(struct config_parse *parse);

#endif
