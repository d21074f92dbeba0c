/* How a mistake in vbmc.conf is reported. */
#ifndef VBMC_CONFIG_FAIL_H
#define VBMC_CONFIG_FAIL_H

struct config_parse;

/* Writes "FILE:LINE: ..." (without the line if 0) to parse->error. Returns -EINVAL. */
int config_fail(struct config_parse *parse, unsigned line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
