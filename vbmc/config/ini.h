/* Reads an INI file through libinih, and refuses every line that libinih would silently cut or
 * change: it has a fixed line buffer, a fixed section name, joins indented lines to the one before,
 * and reports no line numbers. */
#ifndef VBMC_CONFIG_INI_H
#define VBMC_CONFIG_INI_H

#include <stdbool.h>
#include <stddef.h>

#define INI_FILE_MAX    (1024 * 1024) /* bytes of a file */
#define INI_SECTION_MAX 49            /* bytes of a section name: MAX_SECTION of libinih less one */

enum ini_dialect {
    INI_DIALECT_OWN,    /* " ;" begins a comment, also behind a value */
    INI_DIALECT_PYTHON, /* as configparser: comments are whole lines only */
};

struct ini_entry {
    unsigned line;       /* from 1 */
    const char *section; /* without outer blanks */
    const char *key;     /* NULL: this is the section's header */
    const char *value;   /* without outer blanks; may be empty */
    /* A blank and then ';' or '#' stands behind the '=': whether that is a comment is in the eye of
     * the reader. Never set in the Python dialect, which has no such comments. */
    bool is_ambiguous;
};

/* Takes one header or one key; the strings live as long as the call. Returns 0, or a negative error
 * that ends the reading, with a line in `error`. */
typedef int (*ini_entry_fn)(void *context, const struct ini_entry *entry, char *error,
                            size_t error_size);

/* Reads the open file `fd` (read to its end, not closed) and calls `take` for every header and key
 * in order. `name` is what errors call the file ("NAME:LINE: ..."). Returns 0 or a negative error:
 * -EINVAL for a malformed line, -EFBIG for a file over INI_FILE_MAX, the callback's own, or a read
 * error; `error` then holds one line. Not for two threads at once (libinih has global switches). */
int ini_load(int fd, const char *name, enum ini_dialect dialect, ini_entry_fn take, void *context,
             char *error, size_t error_size);

#endif
