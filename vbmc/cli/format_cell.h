/* The rows of a result as the formats see them: the columns to print, and each cell as JSON or as
 * text. */
#ifndef VBMC_CLI_FORMAT_CELL_H
#define VBMC_CLI_FORMAT_CELL_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/cli/format.h"

struct json_object;

struct cli_format_rows {
    const char *names[CLI_FORMAT_COLUMNS_MAX]; /* of the columns to print: titles, */
    const char *keys[CLI_FORMAT_COLUMNS_MAX];  /* and keys in the rows */
    size_t columns;
    struct json_object **rows;
    size_t count;
};

/* A cell, borrowed from its row; NULL for null and for what the row lacks. */
struct json_object *cli_format_cell(const struct cli_format_rows *rows, size_t row, size_t column);
#define CLI_FORMAT_NUMBER_SIZE 24

/* A cell's text as Python's str() has it (None, True): in the buffer, or alive as long as the cell.
 * json-c's own text of a number takes more memory than all else of it. */
const char *cli_format_cell_text(struct json_object *cell, char number[CLI_FORMAT_NUMBER_SIZE]);
bool cli_format_is_number(struct json_object *cell);

#endif
