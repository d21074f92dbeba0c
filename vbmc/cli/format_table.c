#include "vbmc/cli/format_table.h"

/* The table format: borders of '+', '-' and '|', cells that wrap where a width is given. */
#include <ctype.h>
#include <json-c/json.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/format_cell.h"
#include "vbmc/term/text.h"

#define WIDTH_LEAST 8 /* no column is wrapped narrower than this, or its title */

#define COLOUR_RED    "\033[31m"
#define COLOUR_GREEN  "\033[32m"
#define COLOUR_YELLOW "\033[33m"
#define COLOUR_OFF    "\033[0m"

static const struct {
    const char *column;
    const char *value;
    const char *colour;
} colours[] = {
    {"Status", "running", COLOUR_GREEN},
    {"Status", "down", COLOUR_RED},
    {"Status", "error", COLOUR_RED},
    {"Finding", "ok", COLOUR_GREEN},
    {"Finding", "warning", COLOUR_YELLOW},
    {"Finding", "problem", COLOUR_RED},
    /* of sensors, events and BMCs */
    {"Status", "ok", COLOUR_GREEN},
    {"Status", "warning", COLOUR_YELLOW},
    {"Status", "critical", COLOUR_RED},
    {"Status", "non-recoverable", COLOUR_RED},
    {"Severity", "warning", COLOUR_YELLOW},
    {"Severity", "critical", COLOUR_RED},
    {"Severity", "non-recoverable", COLOUR_RED},
    {"Health", "ok", COLOUR_GREEN},
    {"Health", "warning", COLOUR_YELLOW},
    {"Health", "critical", COLOUR_RED},
    {"Health", "non-recoverable", COLOUR_RED},
};

struct table {
    const struct cli_format *format;
    const struct cli_format_rows *rows;
    FILE *out;
    size_t widths[CLI_FORMAT_COLUMNS_MAX];
    bool right[CLI_FORMAT_COLUMNS_MAX]; /* numbers */
};

/* What a table has of a row. */
struct row {
    const char *cells[CLI_FORMAT_COLUMNS_MAX];
    char numbers[CLI_FORMAT_COLUMNS_MAX][CLI_FORMAT_NUMBER_SIZE];
};

/* What is left to print of a cell. */
struct rest {
    const char *text;
    const char *end;
    bool pending;
};

static struct rest cell_rest(const char *text)
{
    return (struct rest){.text = text, .end = text + strlen(text), .pending = true};
}

/* A hyphen between letters, behind which a word may go on in the next line: not that of a date. */
static bool is_hyphen(const char *text, const char *position)
{
    return *position == '-' && position > text && isalpha((unsigned char)position[-1]) &&
           isalpha((unsigned char)position[1]);
}

/* Takes the next line off a cell: up to a line break, or the words that fit into `width` columns,
 * or as much of a word that is longer. */
static struct rest cell_next_line(struct rest *rest, size_t width)
{
    struct rest line = {.text = rest->text, .end = rest->text, .pending = rest->pending};
    const char *position = rest->text, *space = NULL, *hyphen = NULL;
    struct cli_text_char next;
    size_t used = 0;

    for (; (next = cli_text_next(position, rest->end)).bytes; position += next.bytes) {
        if (*position == '\n' || (*position == '\r' && position[1] == '\n')) {
            line.end = position;
            rest->text = position + (*position == '\r' ? 2 : 1);
            return line;
        }
        if (width && used + next.width > width && position > rest->text) {
            line.end = *position == ' ' ? position : space ? space : position;
            if (hyphen && *position != ' ' && (!space || hyphen > space))
                line.end = hyphen;
            rest->text = line.end + (*line.end == ' ');
            return line;
        }
        if (*position == ' ')
            space = position;
        used += next.width;
        if (is_hyphen(rest->text, position) && (!width || used <= width))
            hyphen = position + 1;
    }
    line.end = position;
    rest->text = position;
    rest->pending = false;
    return line;
}

static size_t cell_width(const char *text, size_t limit)
{
    struct rest rest = cell_rest(text);
    size_t width = 0;

    while (rest.pending) {
        struct rest line = cell_next_line(&rest, limit);
        size_t length = cli_text_width(line.text, line.end);
        if (length > width)
            width = length;
    }
    return width;
}

static void read_row(const struct cli_format_rows *rows, size_t number, struct row *row)
{
    for (size_t i = 0; i < rows->columns; i++)
        row->cells[i] = cli_format_cell_text(cli_format_cell(rows, number, i), row->numbers[i]);
}

/* Row by row: ten thousand of them are more than the processor has at hand. */
static void table_measure(struct table *table, const size_t *limits)
{
    const struct cli_format_rows *rows = table->rows;
    struct row row;

    for (size_t column = 0; column < rows->columns; column++)
        table->widths[column] = cell_width(rows->names[column], limits[column]);
    for (size_t i = 0; i < rows->count; i++) {
        read_row(rows, i, &row);
        for (size_t column = 0; column < rows->columns; column++) {
            size_t width = cell_width(row.cells[column], limits[column]);
            if (width > table->widths[column])
                table->widths[column] = width;
        }
    }
}

/* Shares out the columns of a terminal: those below an equal share keep their width, the others
 * divide what is left. */
static void table_limit(struct table *table, size_t total, size_t *limits)
{
    size_t columns = table->rows->columns, frame = 1 + 3 * columns, needed = frame;
    size_t usable = total > frame ? total - frame : 0, left = usable, wide = 0;

    for (size_t i = 0; i < columns; i++)
        needed += table->widths[i];
    if (needed <= total || columns == 0)
        return;
    for (size_t i = 0; i < columns; i++) {
        if (table->widths[i] > usable / columns)
            wide++;
        else
            left -= table->widths[i];
    }
    size_t share = left / (wide ? wide : 1);
    for (size_t i = 0; i < columns; i++) {
        if (table->widths[i] <= usable / columns)
            continue;
        size_t width = --wide ? share : left;
        size_t title = cell_width(table->rows->names[i], 0), least = WIDTH_LEAST;
        least = title > least ? title : least;
        limits[i] = width > least ? width : least;
        left -= share;
    }
}

/* Columns of the longest piece of a text that a line does not break. */
static size_t longest_word(const char *text)
{
    size_t longest = 0;

    while (*text) {
        const char *end = text + strcspn(text, " \n");
        for (const char *p = text; p < end; p++) {
            if (is_hyphen(text, p)) {
                end = p + 1;
                break;
            }
        }
        size_t width = cli_text_width(text, end);
        longest = width > longest ? width : longest;
        text = end + (*end == ' ' || *end == '\n');
    }
    return longest;
}

/* The widest column that is wider than its least; `columns`: none is. */
static size_t widest_column(const size_t *widths, const size_t *least, size_t columns)
{
    size_t widest = columns;

    for (size_t i = 0; i < columns; i++) {
        if (widths[i] > least[i] && (widest == columns || widths[i] > widths[widest]))
            widest = i;
    }
    return widest;
}

/* Makes the widest columns narrower until the table fits: first as far as words stay whole. */
static void table_fit(const struct table *table, size_t total, size_t *limits)
{
    size_t columns = table->rows->columns, width = 1 + 3 * columns, widest;
    size_t least[CLI_FORMAT_COLUMNS_MAX];
    struct row row;

    for (size_t i = 0; i < columns; i++) {
        width += table->widths[i];
        limits[i] = table->widths[i];
        least[i] = longest_word(table->rows->names[i]);
    }
    for (size_t number = 0; number < table->rows->count; number++) {
        read_row(table->rows, number, &row);
        for (size_t i = 0; i < columns; i++) {
            size_t word = longest_word(row.cells[i]);
            least[i] = word > least[i] ? word : least[i];
        }
    }
    for (; width > total && (widest = widest_column(limits, least, columns)) < columns; width--)
        limits[widest]--;
    for (size_t i = 0; i < columns; i++)
        least[i] = WIDTH_LEAST;
    for (; width > total && (widest = widest_column(limits, least, columns)) < columns; width--)
        limits[widest]--;
}

static void put_border(const struct table *table)
{
    for (size_t column = 0; column < table->rows->columns; column++) {
        fputc('+', table->out);
        for (size_t i = 0; i < table->widths[column] + 2; i++)
            fputc('-', table->out);
    }
    fputs("+\n", table->out);
}

static const char *cell_colour(const struct table *table, size_t column, const char *text)
{
    if (!table->format->colour)
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(colours); i++) {
        if (strcmp(colours[i].column, table->rows->names[column]) == 0 &&
            strcmp(colours[i].value, text) == 0)
            return colours[i].colour;
    }
    return NULL;
}

static void put_spaces(size_t count, FILE *out)
{
    static const char spaces[] = "                                ";

    for (size_t size; count > 0; count -= size) {
        size = count < sizeof spaces - 1 ? count : sizeof spaces - 1;
        fwrite(spaces, 1, size, out);
    }
}

static void put_cell_line(const struct table *table, size_t column, const struct rest *line,
                          const char *colour)
{
    size_t padding = table->widths[column] - cli_text_width(line->text, line->end);

    fputs("| ", table->out);
    if (table->right[column])
        put_spaces(padding, table->out);
    if (colour)
        fputs(colour, table->out);
    cli_text_print(line->text, line->end, table->out);
    if (colour)
        fputs(COLOUR_OFF, table->out);
    if (!table->right[column])
        put_spaces(padding, table->out);
    fputc(' ', table->out);
}

static void put_row(const struct table *table, const char *const *cells)
{
    struct rest rests[CLI_FORMAT_COLUMNS_MAX] = {0};
    size_t columns = table->rows->columns;
    bool pending = true;

    for (size_t i = 0; i < columns; i++)
        rests[i] = cell_rest(cells[i]);
    while (pending) {
        pending = false;
        for (size_t i = 0; i < columns; i++) {
            struct rest line = {.text = "", .end = NULL};
            line.end = line.text;
            if (rests[i].pending)
                line = cell_next_line(&rests[i], table->widths[i]);
            put_cell_line(table, i, &line, cell_colour(table, i, cells[i]));
            pending |= rests[i].pending;
        }
        fputs("|\n", table->out);
    }
}

/* Empty texts stand for no number; the first row decides where it has none, as in cliff. */
static void find_number_columns(struct table *table)
{
    const struct cli_format_rows *rows = table->rows;
    bool has_number[CLI_FORMAT_COLUMNS_MAX] = {0}, has_text[CLI_FORMAT_COLUMNS_MAX] = {0};

    for (size_t row = 0; row < rows->count; row++) {
        for (size_t i = 0; i < rows->columns; i++) {
            struct json_object *cell = has_text[i] ? NULL : cli_format_cell(rows, row, i);
            bool is_number = cli_format_is_number(cell);
            bool is_empty = json_object_is_type(cell, json_type_string) &&
                            json_object_get_string_len(cell) == 0;
            has_text[i] |= !is_number && !is_empty && (cell || row == 0);
            has_number[i] |= is_number;
        }
    }
    for (size_t i = 0; i < rows->columns; i++)
        table->right[i] = !has_text[i] && (has_number[i] || rows->count == 0);
}

void cli_format_table(const struct cli_format *format, const struct cli_format_rows *rows,
                      FILE *out)
{
    struct table table = {.format = format, .rows = rows, .out = out};
    size_t limits[CLI_FORMAT_COLUMNS_MAX] = {0};
    size_t total = format->max_width;
    struct row row;

    if (rows->count == 0 && !format->print_empty) {
        fputc('\n', out);
        return;
    }
    table_measure(&table, limits);
    if (total)
        table_limit(&table, total, limits);
    else if (format->fit_width && format->terminal_width)
        table_fit(&table, format->terminal_width, limits);
    if (total || format->fit_width)
        table_measure(&table, limits);
    find_number_columns(&table);
    put_border(&table);
    put_row(&table, rows->names);
    put_border(&table);
    for (size_t i = 0; i < rows->count; i++) {
        read_row(rows, i, &row);
        put_row(&table, row.cells);
    }
    put_border(&table);
}
