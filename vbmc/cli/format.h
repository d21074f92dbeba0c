/* Rows of results as text: the formats, columns and options that OpenStack's client tools have
 * (their library is called cliff), so that scripts written for those read ours. */
#ifndef VBMC_CLI_FORMAT_H
#define VBMC_CLI_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct json_object;

#define CLI_FORMAT_COLUMNS_MAX 20

enum cli_format_kind {
    CLI_FORMAT_TABLE,
    CLI_FORMAT_VALUE, /* values separated by spaces, no header */
    CLI_FORMAT_JSON,
    CLI_FORMAT_CSV,
    CLI_FORMAT_YAML,
};

enum cli_format_quote {
    CLI_FORMAT_QUOTE_NONNUMERIC,
    CLI_FORMAT_QUOTE_ALL,
    CLI_FORMAT_QUOTE_MINIMAL,
    CLI_FORMAT_QUOTE_NONE,
};

/* A set of column names, as the user gave them. */
struct cli_format_names {
    const char *names[CLI_FORMAT_COLUMNS_MAX];
    size_t count;
};

struct cli_format {
    enum cli_format_kind kind;
    struct cli_format_names columns; /* none: all */
    struct cli_format_names sort;    /* first one first; unknown ones are ignored */
    bool sort_descending;
    bool noindent;               /* json on one line */
    enum cli_format_quote quote; /* csv */
    unsigned max_width;          /* of a table; 0: as wide as it gets */
    bool width_given;            /* by max_width */
    bool fit_width;              /* of a table: to the terminal */
    bool print_empty;            /* a table's header even without rows */
    unsigned terminal_width;     /* 0: unknown */
    bool terminal;               /* a person looks: neutralise control characters */
    bool colour;                 /* of a table */
};

/* Name to value and back by table; 0, or -EINVAL. */
int cli_format_parse_kind(const char *text, enum cli_format_kind *kind);
int cli_format_parse_quote(const char *text, enum cli_format_quote *quote);

/* A column of a list: its title, and its key in the rows. */
struct cli_column {
    const char *title;
    const char *key;
};

/* Writes `rows`, a JSON array of objects, with those columns (at most CLI_FORMAT_COLUMNS_MAX) in
 * that order; a key that a row lacks is null. 0, or -EINVAL with one line in `error` when none of
 * the columns asked for exists. */
int cli_format_write(const struct cli_format *format, const struct cli_column *columns,
                     size_t count, struct json_object *rows, FILE *out, char *error, size_t size);
/* Writes any JSON value as json. */
void cli_format_write_json(const struct cli_format *format, struct json_object *value, FILE *out);

#endif
