#include "vbmc/cli/format_cell.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <stdio.h>

struct json_object *cli_format_cell(const struct cli_format_rows *rows, size_t row, size_t column)
{
    struct json_object *cell = NULL;

    if (json_object_is_type(rows->rows[row], json_type_object))
        json_object_object_get_ex(rows->rows[row], rows->keys[column], &cell);
    return cell;
}

const char *cli_format_cell_text(struct json_object *cell, char number[CLI_FORMAT_NUMBER_SIZE])
{
    if (!cell)
        return "None";
    if (json_object_is_type(cell, json_type_int) && json_object_get_int64(cell) < INT64_MAX) {
        snprintf(number, CLI_FORMAT_NUMBER_SIZE, "%" PRId64, json_object_get_int64(cell));
        return number;
    }
    if (json_object_is_type(cell, json_type_boolean))
        return json_object_get_boolean(cell) ? "True" : "False";
    if (json_object_is_type(cell, json_type_string))
        return json_object_get_string(cell);
    return json_object_to_json_string_ext(cell,
                                          JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
}

bool cli_format_is_number(struct json_object *cell)
{
    return json_object_is_type(cell, json_type_int) || json_object_is_type(cell, json_type_double);
}
