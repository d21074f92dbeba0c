/* The yaml format of cli/format.h. */
#ifndef VBMC_CLI_FORMAT_YAML_H
#define VBMC_CLI_FORMAT_YAML_H

#include <stdio.h>

struct cli_format_rows;

/* Writes the rows as a list of flat maps. */
void cli_format_yaml(const struct cli_format_rows *rows, FILE *out);

#endif
