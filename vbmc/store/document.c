#include "vbmc/store/document.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/row.h"
#include "vbmc/store/sql.h"

static void clear_row(void *row)
{
    struct store_document *document = row;

    free(document->name);
    free(document->text);
}

static void release(void *data)
{
    clear_row(data);
    free(data);
}

static int run_put(sqlite3 *db, void *data)
{
    const struct store_document *document = data;
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "INSERT OR REPLACE INTO documents (uuid, name, text) VALUES (?, ?, ?)");
    sql_bind_uuid(&sql, &document->uuid);
    sql_bind_text(&sql, document->name);
    sql_bind_text(&sql, document->text);
    return sql_end(&sql);
}

static void read_row(struct sql *sql, void *row)
{
    struct store_document *document = row;

    sql_uuid(sql, &document->uuid);
    document->name = sql_text(sql);
    document->text = sql_text(sql);
}

int store_document_put(struct store *store, const struct uuid *uuid, const char *name,
                       const char *text, store_done_fn done, void *context)
{
    struct store_document *copy = calloc(1, sizeof *copy);

    if (!copy)
        return -ENOMEM;
    copy->uuid = *uuid;
    copy->name = strdup(name);
    copy->text = strdup(text);
    if (!copy->name || !copy->text) {
        release(copy);
        return -ENOMEM;
    }
    return store_submit(store, &(struct store_job){run_put, release, copy, done, context});
}

int store_document_load(struct store *store, const struct uuid *uuid, const char *name, char **text)
{
    struct sql sql;

    *text = NULL;
    sql_begin_kept(&sql, store_reader(store),
                   "SELECT text FROM documents WHERE uuid = ? AND name = ?");
    sql_bind_uuid(&sql, uuid);
    sql_bind_text(&sql, name);
    if (sql_next_row(&sql))
        *text = sql_text(&sql);
    return sql_end(&sql);
}

int store_document_load_all(struct store *store, struct store_document **documents, size_t *count)
{
    return row_load_all(store, "SELECT uuid, name, text FROM documents ORDER BY uuid, name",
                        &(struct row_type){sizeof **documents, read_row, clear_row},
                        (void **)documents, count);
}

void store_documents_free(struct store_document *documents, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clear_row(&documents[i]);
    free(documents);
}
