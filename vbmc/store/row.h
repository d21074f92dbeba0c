/* What the persisted types have in common: loading all rows. */
#ifndef VBMC_STORE_ROW_H
#define VBMC_STORE_ROW_H

#include <stddef.h>

struct sql;
struct store;

struct row_type {
    size_t size;
    void (*read)(struct sql *sql, void *row); /* all columns into a zeroed row */
    void (*clear)(void *row);                 /* frees what the row owns; NULL: nothing */
};

/* Runs the SELECT `text` on the reader. On success *rows is an array of *count rows (NULL if none).
 */
int row_load_all(struct store *store, const char *text, const struct row_type *type, void **rows,
                 size_t *count);

#endif
