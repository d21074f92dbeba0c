/* What clients changed of the accounts of a BMC, on its way to the store and back. */
#ifndef VBMC_STATE_USERS_H
#define VBMC_STATE_USERS_H

#include <stddef.h>

#include "vbmc/state/saves.h"

struct user_change;

/* The owner is a struct bmc; copies belong to users_copy. */
extern const struct save_kind users_save_kind;

/* What is on disk, for saves_set_stored; NULL without memory. */
void *users_copy(const struct user_change *changes, size_t count);

#endif
