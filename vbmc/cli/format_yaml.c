#include "vbmc/cli/format_yaml.h"

/* The yaml format: a list of flat maps, keys sorted, a text quoted wherever it could be anything
 * else. */
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/format_cell.h"
#include "vbmc/term/text.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#define DIGITS  "0123456789"

/* What YAML 1.1 takes for something else than a text. */
static const char *const reserved[] = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"};

static bool is_dotted_quad(const char *text)
{
    unsigned dots = 0;

    for (const char *p = text; *p; p++)
        dots += *p == '.';
    return dots == 3 && text[strspn(text, DIGITS ".")] == '\0';
}

static bool is_plain(const char *text)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (strcasecmp(text, reserved[i]) == 0)
            return false;
    }
    if (is_dotted_quad(text))
        return true;
    return length > 0 && strchr(LETTERS "/_", text[0]) && text[length - 1] != ' ' &&
           strspn(text, LETTERS DIGITS "/_.+@ -") == length;
}

static bool is_printable(const char *text)
{
    const char *end = text + strlen(text);
    struct cli_text_char next;

    for (; (next = cli_text_next(text, end)).bytes; text += next.bytes) {
        if (!next.printable)
            return false;
    }
    return true;
}

static void put_escaped(const char *text, FILE *out)
{
    const char *end = text + strlen(text);
    struct cli_text_char next;

    fputc('"', out);
    for (; (next = cli_text_next(text, end)).bytes; text += next.bytes) {
        if (next.code == '\n')
            fputs("\\n", out);
        else if (next.code == '"' || next.code == '\\')
            fprintf(out, "\\%c", (char)next.code);
        else if (next.printable)
            fwrite(text, 1, next.bytes, out);
        else
            fprintf(out, "\\U%08X", next.code);
    }
    fputc('"', out);
}

static void put_text(const char *text, FILE *out)
{
    if (is_plain(text)) {
        fputs(text, out);
    } else if (is_printable(text)) {
        fputc('\'', out);
        for (const char *p = text; *p; p++) {
            if (*p == '\'')
                fputc('\'', out);
            fputc(*p, out);
        }
        fputc('\'', out);
    } else {
        put_escaped(text, out);
    }
}

static void put_cell(struct json_object *cell, FILE *out)
{
    if (json_object_is_type(cell, json_type_string))
        put_text(json_object_get_string(cell), out);
    else /* JSON's numbers, lists and maps are YAML too */
        fputs(json_object_to_json_string_ext(cell, JSON_C_TO_STRING_SPACED |
                                                       JSON_C_TO_STRING_NOSLASHESCAPE),
              out);
}

static int compare_columns(const void *a, const void *b, void *context)
{
    const struct cli_format_rows *rows = context;

    return strcmp(rows->names[*(const size_t *)a], rows->names[*(const size_t *)b]);
}

void cli_format_yaml(const struct cli_format_rows *rows, FILE *out)
{
    size_t order[CLI_FORMAT_COLUMNS_MAX];

    for (size_t i = 0; i < rows->columns; i++)
        order[i] = i;
    qsort_r(order, rows->columns, sizeof *order, compare_columns, (void *)rows);
    if (rows->count == 0)
        fputs("[]\n", out);
    for (size_t row = 0; row < rows->count; row++) {
        for (size_t i = 0; i < rows->columns; i++) {
            fputs(i ? "  " : "- ", out);
            put_text(rows->names[order[i]], out);
            fputs(": ", out);
            put_cell(cli_format_cell(rows, row, order[i]), out);
            fputc('\n', out);
        }
    }
}
