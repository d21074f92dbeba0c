/* Opening state.db: the folder, its lock, permissions, and SQLite's settings. */
#ifndef VBMC_STORE_FILE_H
#define VBMC_STORE_FILE_H

#include <sqlite3.h>
#include <stddef.h>

struct store_file {
    int dir;         /* holds the lock against a second daemon; -1 if not open */
    sqlite3 *writer; /* for the writer thread */
    sqlite3 *reader;
};

/* 0, or a negative error with one line in `error` and nothing left open. */
int store_file_open(struct store_file *file, const char *state_dir, char *error, size_t error_size);
void store_file_close(struct store_file *file);

#endif
