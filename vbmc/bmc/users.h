/* The users of one BMC. Id 1 is the fixed null user, which is never enabled; real ones start at 2
 * (IPMI 2.0, section 22.26). */
#ifndef VBMC_BMC_USERS_H
#define VBMC_BMC_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/privilege.h"

#define USER_NAME_MAX     16
#define USER_PASSWORD_MAX 20
#define USER_ID_NULL      1
#define USER_ID_FIRST     2
#define USER_ID_MAX       15

struct user {
    char name[USER_NAME_MAX + 1];        /* empty: this id is unused */
    uint8_t password[USER_PASSWORD_MAX]; /* zero padded */
    size_t password_length;
    enum privilege limit;
    bool enabled;
};

struct users {
    struct user by_id[USER_ID_MAX + 1]; /* index 0 is never used */
};

/* Adds a user under the lowest free id and enables it. Returns the id, or -EINVAL (name empty, over
 * 16 bytes or with unprintable characters; password empty or over 20 bytes), -EEXIST, -ENOSPC. */
int users_add(struct users *users, const char *name, const char *password, enum privilege limit);

/* The enabled user of that name (length bytes, not terminated), or NULL; *id is set on success. The
 * null name finds nobody. Valid until the users change. */
const struct user *users_find(const struct users *users, const char *name, size_t length,
                              uint8_t *id);

/* True if both have the same name, password, limit and state. */
bool user_equal(const struct user *a, const struct user *b);

/* True if at least one enabled user has a name. */
bool users_have_named(const struct users *users);

/* Forgets all users and wipes their passwords. */
void users_clear(struct users *users);

#endif
