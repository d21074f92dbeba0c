#include "vbmc/store/row.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/sql.h"
#include "vbmc/store/store.h"

static void clear_rows(const struct row_type *type, void *rows, size_t count)
{
    for (size_t i = 0; i < count && type->clear; i++)
        type->clear((char *)rows + i * type->size);
    free(rows);
}

/* Room for one more, zeroed; the array doubles. */
static void *next_row(const struct row_type *type, void **rows, size_t *count)
{
    if ((*count & (*count - 1)) == 0) { /* 0 or a power of two: full */
        void *grown = reallocarray(*rows, *count ? *count * 2 : 1, type->size);
        if (!grown)
            return NULL;
        *rows = grown;
    }
    void *row = (char *)*rows + (*count)++ * type->size;
    memset(row, 0, type->size);
    return row;
}

int row_load_all(struct store *store, const char *text, const struct row_type *type, void **rows,
                 size_t *count)
{
    struct sql sql;
    void *found = NULL;
    size_t used = 0;

    sql_begin(&sql, store_reader(store), text);
    while (sql_next_row(&sql)) {
        void *row = next_row(type, &found, &used);
        if (!row) {
            sql.result = -ENOMEM;
            break;
        }
        type->read(&sql, row);
    }
    int result = sql_end(&sql);
    if (result < 0) {
        clear_rows(type, found, used);
        return result;
    }
    *rows = found;
    *count = used;
    return 0;
}
