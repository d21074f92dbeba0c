/* Text from outside on its way to a person: columns it takes, characters that must not reach a
 * terminal. Text is UTF-8; bytes that are not count as one column each and print as '?'. */
#ifndef VBMC_TERM_TEXT_H
#define VBMC_TERM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Makes the C library know UTF-8, whatever the user's locale. Call once, first. */
void cli_text_init(void);

/* One character of a text. */
struct cli_text_char {
    size_t bytes;   /* 0 at the end of the text */
    unsigned width; /* columns */
    bool printable; /* harmless by utf8.h, and known to the C library */
    unsigned code;  /* Unicode; U+FFFD for an invalid byte */
};

struct cli_text_char cli_text_next(const char *text, const char *end);

/* Columns that the bytes take when printed by cli_text_print. */
size_t cli_text_width(const char *text, const char *end);
/* Writes the bytes with every character that is not printable replaced by '?'. */
void cli_text_print(const char *text, const char *end, FILE *out);

#endif
