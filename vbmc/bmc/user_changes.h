/* Who wins: the accounts that are configured are the base. What a client changes of one, part by
 * part, is kept beside a fingerprint of the configured value that it replaced, and is in force
 * until that value itself is another one; then the configuration is in force again. The fingerprint
 * holds the account's configured name as well: under another name an id is another account, of
 * which nobody has changed anything yet.
 *
 * Whatever changes what an account logs in with, or what it may do, is told by
 * bmc_hooks.user_changed: a client's change, the configuration's, and one that is taken back.
 *
 * Who is enabled or gets another name or password is renewed (user_is_renewed). That ends lock-outs
 * (lockout.h), which is the caller's to do: for a client's change when it is on disk. What is taken
 * back renews nobody. */
#ifndef VBMC_BMC_USER_CHANGES_H
#define VBMC_BMC_USER_CHANGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/users.h"

#define USER_PARTS_ALL ((1u << USER_PART_COUNT) - 1)

/* Who changes an account: his own session goes on if it still may. */
struct user_author {
    uint32_t session; /* of the LAN; 0: none */
    const char *ssh;  /* address and port of a client of SSH, borrowed for the call; NULL: none */
};

/* For people: "name", "password", "privilege", "enabled", "access", "sessions". */
const char *user_part_name(enum user_part part);

/* Replaces what is configured by the users of `configured`, whose ids have no gap from
 * USER_ID_FIRST on. Changes of values that are other ones now are dropped. How many were, or
 * -ENOMEM with nothing changed. `*renewed` (NULL: nobody asks): whom it renews, bit N: user N. */
int users_configure(struct users *users, const struct users *configured, uint16_t *renewed);

/* Takes over these parts (1 << enum user_part) of `wanted`; a part that is so already changes
 * nothing, and one that is as configured is changed no more. 1: something has changed, 0: nothing.
 * Else nothing has changed: -EDOM (there is no such id, or a value that it cannot have), -EEXIST
 * (another account has the name), -ENOMEM. `by` may be NULL. */
int users_change(struct users *users, uint8_t id, unsigned parts, const struct user *wanted,
                 const struct user_author *by);
/* Takes back what was changed of these parts; id 0: all, of every account. As users_change;
 * `renewed` as of users_configure. */
int users_reset(struct users *users, uint8_t id, unsigned parts, const struct user_author *by,
                uint16_t *renewed);

/* The parts that are not as configured. */
unsigned users_changed_parts(const struct users *users, uint8_t id);
/* Whether the configuration has an account under this id. */
bool users_is_configured(const struct users *users, uint8_t id);

/* Replaces all changes by these (users->changes as it was), after a start or when what has changed
 * could not be stored. Those that no longer hold, or cannot be understood, are left out. How many
 * were, or -ENOMEM with nothing changed. */
int users_restore(struct users *users, const struct user_change *changes, size_t count);

#endif
