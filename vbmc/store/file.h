/* Opening state.db: the folder, its lock, permissions, and SQLite's settings. */
#ifndef VBMC_STORE_FILE_H
#define VBMC_STORE_FILE_H

#include <sqlite3.h>
#include <stddef.h>

struct store_file {
    int dir;         /* holds the lock on the folder; -1 if not open */
    sqlite3 *writer; /* for the writer thread */
    sqlite3 *reader;
};

/* `lock` is that of the folder (lock.h), which becomes the file's, or -1: it is taken here. 0, or a
 * negative error with one line in `error` and nothing left open. */
int store_file_open(struct store_file *file, const char *state_dir, int lock, char *error,
                    size_t error_size);
/* Copies what the write-ahead log holds to the database and gives its room on the disk back. For
 * the writer thread, outside a transaction. 0; -ENOSPC if the database cannot grow by as much as
 * the log holds of new pages; another negative error. Nothing is lost in either case. */
int store_file_checkpoint(struct store_file *file);
void store_file_close(struct store_file *file);

#endif
