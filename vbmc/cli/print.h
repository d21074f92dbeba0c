/* What the `vbmc` command prints of an answer: rows and objects in the format asked for, and texts.
 */
#ifndef VBMC_CLI_PRINT_H
#define VBMC_CLI_PRINT_H

#include <stddef.h>

#include "vbmc/cli/format.h"

struct cli;
struct json_object;

/* Looks whether standard output is a terminal, and how wide. */
void cli_look_at_terminal(struct cli_format *format);
/* Lets a table that is written to a terminal wrap its cells to fit there, unless --max-width says
 * how wide it may be (0: as it is). Nothing is cut off. */
void cli_fit_terminal(struct cli *cli);
/* Prints a text of several lines; on a terminal, control characters are neutralised. */
void cli_print_text(const struct cli *cli, const char *text);
/* Prints a JSON array of objects, then releases it. At most CLI_FORMAT_COLUMNS_MAX columns. An exit
 * code, with the failure reported. */
int cli_print_rows(struct cli *cli, const struct cli_column *columns, size_t count,
                   struct json_object *rows);
/* Prints an object's members as rows of Property and Value, what is nested as "a.b". Borrows it. */
int cli_print_object(struct cli *cli, struct json_object *object);
/* Adds such a row to an array; what is called a password is hidden. Borrows the value. */
void cli_add_property(struct json_object *rows, const char *name, struct json_object *value);
/* Prints such rows, sorted by Property unless asked otherwise, then releases them. */
int cli_print_properties(struct cli *cli, struct json_object *rows);

#endif
