/* What is stored of one BMC: taken over at the start, and on its way to the disk. */
#ifndef VBMC_INSTANCE_STORED_H
#define VBMC_INSTANCE_STORED_H

#include <stddef.h>

#include "vbmc/store/store.h"

struct instance;
struct store_bmc;
struct store_boot;
struct store_chassis;
struct store_owed;
struct store_sol;
struct user_change;

/* For instance.c, before anything else that is stored: takes over rows, which may be NULL; `name`
 * is the domain's, for the log. 0, or -ENOMEM. */
int instance_begin_stored(struct instance *instance, const char *name,
                          const struct store_chassis *chassis, const struct store_boot *boot);
/* For instance.c: `gone` is called when all is on disk; then the instance may go. */
void instance_end_stored(struct instance *instance, void (*gone)(void *instance));

/* A power action that is owed; those of one BMC in order, before it has a guest. */
void instance_restore_owed(struct instance *instance, const struct store_owed *owed);
/* The SOL configuration as it is stored; without it the defaults hold. */
void instance_restore_sol(struct instance *instance, const struct store_sol *sol);
/* All that is stored of what clients changed of its accounts; after instance_configure. */
void instance_restore_users(struct instance *instance, const struct user_change *changes,
                            size_t count);
/* Takes over what the store has under `name` (vbmc/state/record.h). */
void instance_restore_record(struct instance *instance, const char *name, const char *text);

/* Where its guest is; who changes it calls instance_note_placement. */
struct placement *instance_placement(struct instance *instance);
/* Stores where its guest is if that has changed. */
void instance_note_placement(struct instance *instance);

/* The record as it is to be stored; the caller may change it and calls instance_record_changed. Its
 * strings belong to the record (malloc). */
struct store_bmc *instance_record(struct instance *instance);
/* 0 or -ENOMEM. */
int instance_replace_record(struct instance *instance, const struct store_bmc *record);
/* `done` (NULL: nobody waits) is called when the change is on disk, or with the error for which it
 * is not; then nothing is taken back, and the record is tried again as it is by then. */
void instance_record_changed(struct instance *instance, store_done_fn done, void *context);

#endif
