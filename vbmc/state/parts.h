/* The parts of one BMC (enum bmc_part) on their way to the store and back. Loop thread. */
#ifndef VBMC_STATE_PARTS_H
#define VBMC_STATE_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/bmc/core.h"

struct bmc;
struct bmc_ticket;
struct parts;
struct saves;
struct store_boot;
struct store_chassis;
struct store_owed;
struct user_change;

/* Adds them to `saves`, which is borrowed. The model's own parts (sensors, ...) are there when a
 * part is restored or reported as changed. `driver_record` as in struct boot_owner. NULL if there
 * is no memory. */
struct parts *parts_new(struct bmc *bmc, struct saves *saves,
                        void (*driver_record)(struct bmc *bmc, const char **live,
                                              const char **stored));
/* When `saves` is gone. NULL is allowed. */
void parts_free(struct parts *parts);

/* Take over what is stored, before anything is known of the guest. */
void parts_restore_chassis(struct parts *parts, const struct store_chassis *row);
void parts_restore_boot(struct parts *parts, const struct store_boot *row);
/* All that is stored of it, when the accounts of the configuration are known. */
void parts_restore_users(struct parts *parts, const struct user_change *changes, size_t count);
/* One of them; in order. */
void parts_restore_owed(struct parts *parts, const struct store_owed *row);
/* What the store has under `name`; a name that is not known is passed over. */
void parts_restore_record(struct parts *parts, const char *name, const char *text);

/* The BMC starts again: what clients have set, and what it knows of itself, is as it is on disk.
 * Not what it knows of its guest (chassis, boot options, power actions, faults of the server),
 * which goes on meanwhile. */
void parts_read_again(struct parts *parts);

/* For bmc_hooks. */
void parts_changed(struct parts *parts, enum bmc_part part, const struct bmc_ticket *ticket);
bool parts_is_stored(const struct parts *parts, enum bmc_part part);

#endif
