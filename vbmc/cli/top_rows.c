#include "vbmc/cli/top_rows.h"

#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/readings.h"
#include "vbmc/term/text.h"

#define NAME_LEAST 8
#define WIDTH_MAX  (CLI_TOP_TEXT_MAX / 4) /* of a cell: a character has up to four bytes */

static const struct {
    const char *title;
    unsigned width;
    unsigned rank; /* the highest goes first where there is no room */
    bool to_the_right;
} columns[] = {
    [CLI_TOP_NAME] = {"NAME", NAME_LEAST, 0, false},
    [CLI_TOP_POWER] = {"POWER", 14, 3, false},
    [CLI_TOP_CPU] = {"CPU%", 5, 2, true},
    [CLI_TOP_MEMORY] = {"MEM%", 5, 7, true},
    [CLI_TOP_IO] = {"I/O%", 5, 8, true},
    [CLI_TOP_INLET] = {"INLET", 5, 6, true},
    [CLI_TOP_CPU_TEMP] = {"CPU C", 5, 4, true},
    [CLI_TOP_WATTS] = {"WATTS", 6, 5, true},
    [CLI_TOP_HEALTH] = {"HEALTH", 8, 1, false},
    [CLI_TOP_UPTIME] = {"UPTIME", 10, 9, true},
    [CLI_TOP_NOTE] = {"NOTE", 4, 10, false},
};

/* ---- rows ---- */

static struct json_object *member(struct json_object *object, const char *key)
{
    struct json_object *value = NULL;

    if (json_object_is_type(object, json_type_object))
        json_object_object_get_ex(object, key, &value);
    return value;
}

static const char *text_of(struct json_object *object, const char *key)
{
    struct json_object *value = member(object, key);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

static double number_of(struct json_object *object, const char *key)
{
    struct json_object *value = member(object, key);
    bool is_number =
        json_object_is_type(value, json_type_int) || json_object_is_type(value, json_type_double);

    return is_number ? json_object_get_double(value) : NAN;
}

static enum cli_top_severity severity_of(const char *health)
{
    static const struct {
        const char *name;
        enum cli_top_severity severity;
    } names[] = {
        {"ok", CLI_TOP_OK},
        {"warning", CLI_TOP_WARNING},
        {"critical", CLI_TOP_CRITICAL},
        {"non-recoverable", CLI_TOP_CRITICAL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(names[i].name, health) == 0)
            return names[i].severity;
    }
    return CLI_TOP_UNKNOWN;
}

static struct cli_top_row read_row(struct json_object *object)
{
    struct cli_top_row row = {
        .name = text_of(object, "domain_name"),
        .power = text_of(object, "power"),
        .health = text_of(object, "health"),
        .note = text_of(object, "note"),
        .cpu = number_of(object, "cpu"),
        .memory = number_of(object, "memory"),
        .io = number_of(object, "io"),
        .inlet = number_of(object, "inlet"),
        .cpu_temp = number_of(object, "cpu_temp"),
        .watts = number_of(object, "watts"),
        .uptime = number_of(object, "uptime"),
    };

    row.severity = severity_of(row.health);
    row.is_on = strncmp(row.power, "on", 2) == 0;
    return row;
}

static void add_up(struct cli_top_rows *rows, const struct cli_top_row *row)
{
    rows->on += row->is_on;
    rows->off += strcmp(row->power, "off") == 0;
    rows->warnings += row->severity == CLI_TOP_WARNING;
    rows->criticals += row->severity == CLI_TOP_CRITICAL;
    rows->watts += isfinite(row->watts) ? row->watts : 0;
}

int cli_top_rows_take(struct cli_top_rows *rows, struct json_object *answer)
{
    bool is_list = json_object_is_type(answer, json_type_array);
    struct cli_top_rows taken = {.answer = answer};

    taken.count = is_list ? json_object_array_length(answer) : 0;
    taken.rows = is_list ? calloc(taken.count + 1, sizeof *taken.rows) : NULL;
    if (!taken.rows) {
        json_object_put(answer);
        return is_list ? -ENOMEM : -EINVAL;
    }
    for (size_t i = 0; i < taken.count; i++) {
        taken.rows[i] = read_row(json_object_array_get_idx(answer, i));
        add_up(&taken, &taken.rows[i]);
    }
    cli_top_rows_clear(rows);
    *rows = taken;
    return 0;
}

void cli_top_rows_clear(struct cli_top_rows *rows)
{
    json_object_put(rows->answer);
    free(rows->rows);
    *rows = (struct cli_top_rows){0};
}

/* ---- order ---- */

struct order {
    enum cli_top_sort sort;
    bool reversed;
};

static double sort_value(const struct cli_top_row *row, enum cli_top_sort sort)
{
    switch (sort) {
    case CLI_TOP_BY_CPU:
        return row->cpu;
    case CLI_TOP_BY_TEMPERATURE:
        return row->cpu_temp;
    case CLI_TOP_BY_WATTS:
        return row->watts;
    case CLI_TOP_BY_HEALTH:
        return row->severity == CLI_TOP_UNKNOWN ? NAN : row->severity;
    case CLI_TOP_BY_NAME:
        break;
    }
    return 0;
}

static int compare_rows(const void *a, const void *b, void *context)
{
    const struct cli_top_row *x = a, *y = b;
    const struct order *order = context;
    double left = sort_value(x, order->sort), right = sort_value(y, order->sort);
    int names = strcmp(x->name, y->name);

    if (order->sort == CLI_TOP_BY_NAME)
        return order->reversed ? -names : names;
    if (isnan(left) || isnan(right))
        return isnan(left) && isnan(right) ? names : isnan(left) - isnan(right);
    if (left != right)
        return (left < right) != order->reversed ? 1 : -1;
    return names;
}

void cli_top_rows_sort(struct cli_top_rows *rows, enum cli_top_sort sort, bool reversed)
{
    struct order order = {sort, reversed};

    if (rows->count)
        qsort_r(rows->rows, rows->count, sizeof *rows->rows, compare_rows, &order);
}

void cli_top_rows_total(const struct cli_top_rows *rows, char text[CLI_TOP_TEXT_MAX])
{
    char health[96] = "";

    if (rows->criticals)
        snprintf(health, sizeof health, "   %zu critical", rows->criticals);
    if (rows->warnings)
        snprintf(health + strlen(health), sizeof health - strlen(health), "%s%zu warning",
                 rows->criticals ? ", " : "   ", rows->warnings);
    snprintf(text, CLI_TOP_TEXT_MAX, "%zu BMC%s: %zu on, %zu off   %.0f W%s", rows->count,
             rows->count == 1 ? "" : "s", rows->on, rows->off, rows->watts, health);
}

/* ---- cells ---- */

void cli_top_fit(const char *text, unsigned width, bool to_the_right, char fitted[CLI_TOP_TEXT_MAX])
{
    const char *end = text + strlen(text), *stop = text;
    struct cli_text_char next;
    size_t used = 0, room = CLI_TOP_TEXT_MAX - 1;
    unsigned columns_used = 0;

    if (width > WIDTH_MAX)
        width = WIDTH_MAX;
    for (; (next = cli_text_next(stop, end)).bytes; stop += next.bytes) {
        if (columns_used + next.width > width || used + next.bytes + (width - columns_used) > room)
            break;
        columns_used += next.width;
        used += next.bytes;
    }
    unsigned padding = width - columns_used;
    used = 0;
    for (unsigned i = 0; to_the_right && i < padding; i++)
        fitted[used++] = ' ';
    for (; text < stop; text += next.bytes) {
        next = cli_text_next(text, end);
        memcpy(fitted + used, next.printable ? text : "?", next.printable ? next.bytes : 1);
        used += next.printable ? next.bytes : 1;
    }
    for (unsigned i = 0; !to_the_right && i < padding; i++)
        fitted[used++] = ' ';
    fitted[used] = '\0';
}

static unsigned longest(const struct cli_top_rows *rows, enum cli_top_column column, unsigned least)
{
    size_t width = least;

    for (size_t i = 0; i < rows->count; i++) {
        const struct cli_top_row *row = &rows->rows[i];
        const char *text = column == CLI_TOP_NAME    ? row->name
                           : column == CLI_TOP_POWER ? row->power
                                                     : row->note;
        size_t length = cli_text_width(text, text + strlen(text));
        if (length > width)
            width = length;
    }
    return width < WIDTH_MAX ? (unsigned)width : WIDTH_MAX;
}

static unsigned total_width(const struct cli_top_layout *layout)
{
    unsigned total = 0;

    for (unsigned i = 0; i < CLI_TOP_COLUMN_COUNT; i++)
        total += layout->widths[i] ? layout->widths[i] + 1 : 0;
    return total - 1;
}

void cli_top_layout_make(struct cli_top_layout *layout, const struct cli_top_rows *rows,
                         unsigned width)
{
    unsigned name = longest(rows, CLI_TOP_NAME, NAME_LEAST);
    unsigned note = longest(rows, CLI_TOP_NOTE, 0);

    for (unsigned i = 0; i < CLI_TOP_COLUMN_COUNT; i++)
        layout->widths[i] = columns[i].width;
    layout->widths[CLI_TOP_POWER] = longest(rows, CLI_TOP_POWER, 5);
    if (layout->widths[CLI_TOP_POWER] > columns[CLI_TOP_POWER].width)
        layout->widths[CLI_TOP_POWER] = columns[CLI_TOP_POWER].width;
    if (note == 0)
        layout->widths[CLI_TOP_NOTE] = 0;
    for (unsigned rank = CLI_TOP_COLUMN_COUNT - 1; rank > 0 && total_width(layout) > width;
         rank--) {
        for (unsigned i = 0; i < CLI_TOP_COLUMN_COUNT; i++) {
            if (columns[i].rank == rank)
                layout->widths[i] = 0;
        }
    }
    unsigned used = total_width(layout);
    if (used > width)
        layout->widths[CLI_TOP_NAME] = width;
    unsigned left = used < width ? width - used : 0;
    unsigned wanted = name - NAME_LEAST < left ? name - NAME_LEAST : left;
    layout->widths[CLI_TOP_NAME] += wanted;
    if (layout->widths[CLI_TOP_NOTE])
        layout->widths[CLI_TOP_NOTE] += left - wanted;
}

static void format_number(double value, int digits, char text[CLI_DURATION_SIZE])
{
    *text = '\0';
    if (isfinite(value) && fabs(value) < 1e9)
        snprintf(text, CLI_DURATION_SIZE, "%.*f", digits, value);
}

static const char *cell_text(const struct cli_top_row *row, enum cli_top_column column,
                             char text[CLI_DURATION_SIZE])
{
    const struct {
        double value;
        int digits;
    } numbers[] = {
        [CLI_TOP_CPU] = {row->cpu, 1},     [CLI_TOP_MEMORY] = {row->memory, 1},
        [CLI_TOP_IO] = {row->io, 1},       [CLI_TOP_INLET] = {row->inlet, 1},
        [CLI_TOP_WATTS] = {row->watts, 0}, [CLI_TOP_CPU_TEMP] = {row->cpu_temp, 1},
    };

    switch (column) {
    case CLI_TOP_NAME:
        return row->name;
    case CLI_TOP_POWER:
        return row->power;
    case CLI_TOP_HEALTH:
        return row->health;
    case CLI_TOP_NOTE:
        return row->note;
    case CLI_TOP_UPTIME:
        return cli_duration(row->uptime >= 0 && row->uptime < 1e12 ? (int64_t)row->uptime : -1,
                            text);
    default:
        format_number(numbers[column].value, numbers[column].digits, text);
        return text;
    }
}

void cli_top_cell(const struct cli_top_layout *layout, const struct cli_top_row *row,
                  enum cli_top_column column, char text[CLI_TOP_TEXT_MAX])
{
    char buffer[CLI_DURATION_SIZE];

    cli_top_fit(cell_text(row, column, buffer), layout->widths[column],
                columns[column].to_the_right, text);
}

void cli_top_title_cell(const struct cli_top_layout *layout, enum cli_top_column column,
                        char text[CLI_TOP_TEXT_MAX])
{
    cli_top_fit(columns[column].title, layout->widths[column], columns[column].to_the_right, text);
}
