/* A real store in a folder of its own under /tmp that refuses what the test says, from when it says
 * so. One at a time. */
#ifndef TESTS_FAKE_REFUSING_STORE_H
#define TESTS_FAKE_REFUSING_STORE_H

#include "vbmc/store/store.h"

/* Makes the folder. */
const char *refusing_store_folder(void);
/* The same with a store in it. */
struct store *refusing_store_open(uv_loop_t *loop);
/* From now on documents are refused that have this in their text ("": all). A store has to be open
 * there. */
void refusing_store_refuse(const char *part);
/* The same for all that goes into that table. */
void refusing_store_refuse_table(const char *table);
void refusing_store_accept(void);
/* Changes the database behind the daemon's back. A store has been open there. */
void refusing_store_run(const char *statement);
/* How many rows "SELECT count(*) FROM `rest`" finds. */
int refusing_store_count(const char *rest);
/* Removes the folder, when the store is closed. */
void refusing_store_remove(void);

#endif
