/* The tables of state.db and how an older database comes up to date. */
#ifndef VBMC_STORE_SCHEMA_H
#define VBMC_STORE_SCHEMA_H

#include <sqlite3.h>

struct uuid;

/* The version this program writes (PRAGMA user_version). */
int schema_version(void);

/* The version of an open database, or a negative error. */
int schema_read_version(sqlite3 *db);

/* Runs the steps that the database lacks, each in a transaction of its own: after a crash between
 * two the rest is done at the next start. Returns 0 or a negative error. */
int schema_migrate(sqlite3 *db);

/* Removes all rows of a domain, inside the transaction at hand. 0 or a negative error. */
int schema_forget_domain(sqlite3 *db, const struct uuid *uuid);
/* Removes the rows of all domains whose BMC is deleted, but for that in `bmcs` which says so,
 * inside the transaction at hand. 0 or a negative error. */
int schema_forget_deleted(sqlite3 *db);

#endif
