/* The table format of cli/format.h. */
#ifndef VBMC_CLI_FORMAT_TABLE_H
#define VBMC_CLI_FORMAT_TABLE_H

#include <stdio.h>

struct cli_format;
struct cli_format_rows;

/* Writes the rows as a table; nothing for no rows, unless format->print_empty. */
void cli_format_table(const struct cli_format *format, const struct cli_format_rows *rows,
                      FILE *out);

#endif
