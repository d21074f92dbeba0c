#include "vbmc/cli/format.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/cli/format_cell.h"
#include "vbmc/cli/format_table.h"
#include "vbmc/cli/format_yaml.h"
#include "vbmc/term/text.h"

static const char *const kind_names[] = {
    [CLI_FORMAT_TABLE] = "table", [CLI_FORMAT_VALUE] = "value", [CLI_FORMAT_JSON] = "json",
    [CLI_FORMAT_CSV] = "csv",     [CLI_FORMAT_YAML] = "yaml",
};

static const char *const quote_names[] = {
    [CLI_FORMAT_QUOTE_NONNUMERIC] = "nonnumeric",
    [CLI_FORMAT_QUOTE_ALL] = "all",
    [CLI_FORMAT_QUOTE_MINIMAL] = "minimal",
    [CLI_FORMAT_QUOTE_NONE] = "none",
};

static int find_name(const char *const *names, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], text) == 0)
            return (int)i;
    }
    return -EINVAL;
}

static const struct cli_column *find_column(const struct cli_column *columns, size_t count,
                                            const char *title)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(columns[i].title, title) == 0)
            return &columns[i];
    }
    return NULL;
}

int cli_format_parse_kind(const char *text, enum cli_format_kind *kind)
{
    int found = find_name(kind_names, ARRAY_SIZE(kind_names), text);

    if (found >= 0)
        *kind = (enum cli_format_kind)found;
    return found < 0 ? found : 0;
}

int cli_format_parse_quote(const char *text, enum cli_format_quote *quote)
{
    int found = find_name(quote_names, ARRAY_SIZE(quote_names), text);

    if (found >= 0)
        *quote = (enum cli_format_quote)found;
    return found < 0 ? found : 0;
}

/* json-c leaves all but C0 as it is; JSON can say the rest harmlessly. */
static void write_json_text(const char *text, FILE *out)
{
    const char *end = text + strlen(text);
    struct cli_text_char next;

    for (; (next = cli_text_next(text, end)).bytes; text += next.bytes) {
        if (!next.printable && next.code >= 0x7f && next.code <= 0xffff)
            fprintf(out, "\\u%04x", next.code);
        else
            fwrite(text, 1, next.bytes, out);
    }
}

void cli_format_write_json(const struct cli_format *format, struct json_object *value, FILE *out)
{
    int flags = JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;

    bool empty =
        (json_object_is_type(value, json_type_object) && json_object_object_length(value) == 0) ||
        (json_object_is_type(value, json_type_array) && json_object_array_length(value) == 0);

    if (empty)
        flags = JSON_C_TO_STRING_PLAIN; /* json-c would put white space in it */
    else if (!format->noindent)
        flags |= JSON_C_TO_STRING_PRETTY;
    write_json_text(json_object_to_json_string_ext(value, flags), out);
    fputc('\n', out);
}

static void write_json(const struct cli_format *format, const struct cli_format_rows *rows,
                       FILE *out)
{
    struct json_object *array = json_object_new_array();

    for (size_t row = 0; row < rows->count; row++) {
        struct json_object *object = json_object_new_object();
        for (size_t column = 0; column < rows->columns; column++)
            json_object_object_add(object, rows->names[column],
                                   json_object_get(cli_format_cell(rows, row, column)));
        json_object_array_add(array, object);
    }
    cli_format_write_json(format, array, out);
    json_object_put(array);
}

static void put_text(const struct cli_format *format, const char *text, FILE *out)
{
    if (format->terminal)
        cli_text_print(text, text + strlen(text), out);
    else
        fputs(text, out);
}

/* A row is a line, to whoever reads it: nothing in a cell may begin another one. */
static void write_values(const struct cli_format_rows *rows, FILE *out)
{
    char number[CLI_FORMAT_NUMBER_SIZE];

    for (size_t row = 0; row < rows->count; row++) {
        for (size_t column = 0; column < rows->columns; column++) {
            if (column)
                fputc(' ', out);
            const char *text = cli_format_cell_text(cli_format_cell(rows, row, column), number);
            cli_text_print(text, text + strlen(text), out);
        }
        fputc('\n', out);
    }
}

/* A field as Python's csv module writes it with the escape character '\'. */
static void write_csv_field(const struct cli_format *format, const char *text, bool is_number,
                            bool is_only, FILE *out)
{
    enum cli_format_quote quote = format->quote;
    bool quoted = quote == CLI_FORMAT_QUOTE_ALL ||
                  (quote == CLI_FORMAT_QUOTE_NONNUMERIC && !is_number) ||
                  (quote == CLI_FORMAT_QUOTE_MINIMAL &&
                   (strpbrk(text, ",\"\r\n") || (is_only && *text == '\0')));
    const char *escaped = quote == CLI_FORMAT_QUOTE_NONE ? "\\,\"\r\n" : "\\";
    CLEANUP_FREE char *field = NULL;
    size_t size;
    FILE *memory = open_memstream(&field, &size);

    if (!memory)
        return;
    for (const char *p = text; *p; p++) {
        if (strchr(escaped, *p))
            fputc('\\', memory);
        else if (*p == '"')
            fputc('"', memory);
        fputc(*p, memory);
    }
    fclose(memory);
    if (quoted)
        fputc('"', out);
    put_text(format, field, out);
    if (quoted)
        fputc('"', out);
}

static void write_csv(const struct cli_format *format, const struct cli_format_rows *rows,
                      FILE *out)
{
    char number[CLI_FORMAT_NUMBER_SIZE];
    bool is_only = rows->columns == 1;

    for (size_t column = 0; column < rows->columns; column++) {
        if (column)
            fputc(',', out);
        write_csv_field(format, rows->names[column], false, is_only, out);
    }
    fputc('\n', out);
    for (size_t row = 0; row < rows->count; row++) {
        for (size_t column = 0; column < rows->columns; column++) {
            struct json_object *cell = cli_format_cell(rows, row, column);
            bool is_number =
                cli_format_is_number(cell) || json_object_is_type(cell, json_type_boolean);
            if (column)
                fputc(',', out);
            write_csv_field(format, cell ? cli_format_cell_text(cell, number) : "", is_number,
                            is_only, out);
        }
        fputc('\n', out);
    }
}

struct sorting {
    const struct cli_format *format;
    const char *keys[CLI_FORMAT_COLUMNS_MAX]; /* of the columns to sort by */
    size_t count;
    const struct cli_format_rows *rows; /* in the order they came in */
};

static int compare_cells(struct json_object *a, struct json_object *b)
{
    char numbers[2][CLI_FORMAT_NUMBER_SIZE];

    if (!a || !b)
        return (a == NULL) - (b == NULL);
    if (json_object_is_type(a, json_type_int) && json_object_is_type(b, json_type_int)) {
        int64_t x = json_object_get_int64(a), y = json_object_get_int64(b);
        return (x > y) - (x < y);
    }
    if (cli_format_is_number(a) && cli_format_is_number(b)) {
        double x = json_object_get_double(a), y = json_object_get_double(b);
        return (x > y) - (x < y);
    }
    return strcmp(cli_format_cell_text(a, numbers[0]), cli_format_cell_text(b, numbers[1]));
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct sorting *sorting = context;
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    for (size_t i = 0; i < sorting->count; i++) {
        struct json_object *left = NULL, *right = NULL;
        json_object_object_get_ex(sorting->rows->rows[x], sorting->keys[i], &left);
        json_object_object_get_ex(sorting->rows->rows[y], sorting->keys[i], &right);
        int order = compare_cells(left, right);
        if (order)
            return sorting->format->sort_descending ? -order : order;
    }
    return (x > y) - (x < y); /* rows that are equal keep their order */
}

/* Fills `sorted` (as many entries as there are rows). What no column is called sorts nothing. */
static void sort_rows(const struct cli_format *format, const struct cli_column *columns,
                      size_t count, struct cli_format_rows *rows, struct json_object **sorted)
{
    struct sorting sorting = {.format = format, .rows = rows};
    CLEANUP_FREE size_t *order = calloc(rows->count + 1, sizeof *order);

    if (!order)
        abort();
    for (size_t i = 0; i < format->sort.count; i++) {
        const struct cli_column *column = find_column(columns, count, format->sort.names[i]);
        if (column && sorting.count < CLI_FORMAT_COLUMNS_MAX)
            sorting.keys[sorting.count++] = column->key;
    }
    for (size_t i = 0; i < rows->count; i++)
        order[i] = i;
    qsort_r(order, rows->count, sizeof *order, compare_rows, &sorting);
    for (size_t i = 0; i < rows->count; i++)
        sorted[i] = rows->rows[order[i]];
    rows->rows = sorted;
}

static int select_columns(const struct cli_format *format, const struct cli_column *columns,
                          size_t count, struct cli_format_rows *rows, char *error, size_t size)
{
    const struct cli_format_names *wanted = &format->columns;

    for (size_t i = 0; i < count && i < CLI_FORMAT_COLUMNS_MAX; i++) {
        if (wanted->count > 0 && find_name(wanted->names, wanted->count, columns[i].title) < 0)
            continue;
        rows->keys[rows->columns] = columns[i].key;
        rows->names[rows->columns++] = columns[i].title;
    }
    if (rows->columns)
        return 0;
    int used = snprintf(error, size, "no such column; there are");
    for (size_t i = 0; i < count && used >= 0 && (size_t)used < size; i++)
        used +=
            snprintf(error + used, size - (size_t)used, "%s '%s'", i ? "," : "", columns[i].title);
    return -EINVAL;
}

int cli_format_write(const struct cli_format *format, const struct cli_column *columns,
                     size_t count, struct json_object *array, FILE *out, char *error, size_t size)
{
    struct cli_format_rows rows = {.count = json_object_array_length(array)};
    CLEANUP_FREE struct json_object **unsorted = calloc(rows.count + 1, sizeof *unsorted);
    CLEANUP_FREE struct json_object **sorted = calloc(rows.count + 1, sizeof *sorted);

    if (!unsorted || !sorted)
        abort();
    int failed = select_columns(format, columns, count, &rows, error, size);
    if (failed)
        return failed;
    for (size_t i = 0; i < rows.count; i++)
        unsorted[i] = json_object_array_get_idx(array, i);
    rows.rows = unsorted;
    sort_rows(format, columns, count, &rows, sorted);
    switch (format->kind) {
    case CLI_FORMAT_TABLE:
        cli_format_table(format, &rows, out);
        break;
    case CLI_FORMAT_VALUE:
        write_values(&rows, out);
        break;
    case CLI_FORMAT_JSON:
        write_json(format, &rows, out);
        break;
    case CLI_FORMAT_CSV:
        write_csv(format, &rows, out);
        break;
    case CLI_FORMAT_YAML:
        cli_format_yaml(&rows, out);
        break;
    }
    return 0;
}
