/* What `vbmc top` shows, before it is on a screen: the daemon's rows, sorted, as cells of a line as
 * wide as the terminal. */
#ifndef VBMC_CLI_TOP_ROWS_H
#define VBMC_CLI_TOP_ROWS_H

#include <stdbool.h>
#include <stddef.h>

struct json_object;

#define CLI_TOP_TEXT_MAX 1024 /* bytes of a line or cell, the end included */

enum cli_top_severity {
    CLI_TOP_UNKNOWN, /* the daemon does not say */
    CLI_TOP_OK,
    CLI_TOP_WARNING,
    CLI_TOP_CRITICAL,
};

/* NAN for a number that is not known. Texts belong to the answer. */
struct cli_top_row {
    const char *name, *power, *health, *note;
    double cpu, memory, io, inlet, cpu_temp, watts, uptime;
    enum cli_top_severity severity;
    bool is_on;
};

struct cli_top_rows {
    struct json_object *answer; /* NULL: there is none yet */
    struct cli_top_row *rows;
    size_t count;
    size_t on, off, warnings, criticals;
    double watts;
};

enum cli_top_sort {
    CLI_TOP_BY_NAME,
    CLI_TOP_BY_CPU,
    CLI_TOP_BY_TEMPERATURE,
    CLI_TOP_BY_WATTS,
    CLI_TOP_BY_HEALTH,
};

/* Replaces the rows by those of an answer, which is taken over. 0, or -EINVAL (no list; the rows
 * stay) or -ENOMEM. */
int cli_top_rows_take(struct cli_top_rows *rows, struct json_object *answer);
void cli_top_rows_clear(struct cli_top_rows *rows);
/* Names upwards; numbers and severities downwards, those not known behind. `reversed`: the other
 * way, those not known behind as well. */
void cli_top_rows_sort(struct cli_top_rows *rows, enum cli_top_sort sort, bool reversed);
/* "3 BMCs: 2 on, 1 off   349 W   1 critical, 1 warning" */
void cli_top_rows_total(const struct cli_top_rows *rows, char text[CLI_TOP_TEXT_MAX]);

enum cli_top_column {
    CLI_TOP_NAME,
    CLI_TOP_POWER,
    CLI_TOP_CPU,
    CLI_TOP_MEMORY,
    CLI_TOP_IO,
    CLI_TOP_INLET,
    CLI_TOP_CPU_TEMP,
    CLI_TOP_WATTS,
    CLI_TOP_HEALTH,
    CLI_TOP_UPTIME,
    CLI_TOP_NOTE,
    CLI_TOP_COLUMN_COUNT,
};

/* Width of each column; 0: there is no room for it. */
struct cli_top_layout {
    unsigned widths[CLI_TOP_COLUMN_COUNT];
};

/* Shares out a line of `width`; a blank stands between two columns. The name is always there, as
 * wide as the longest of the rows if there is room. */
void cli_top_layout_make(struct cli_top_layout *layout, const struct cli_top_rows *rows,
                         unsigned width);
/* A cell, harmless and exactly as wide as its column. */
void cli_top_cell(const struct cli_top_layout *layout, const struct cli_top_row *row,
                  enum cli_top_column column, char text[CLI_TOP_TEXT_MAX]);
/* The title of a column, the same way. */
void cli_top_title_cell(const struct cli_top_layout *layout, enum cli_top_column column,
                        char text[CLI_TOP_TEXT_MAX]);
/* Any text without what must not reach a terminal, cut at `width` columns and padded to them. */
void cli_top_fit(const char *text, unsigned width, bool to_the_right,
                 char fitted[CLI_TOP_TEXT_MAX]);

#endif
