/* The accounts of one BMC, for IPMI and for SSH. Id 1 is the fixed null user, which has no name and
 * is never enabled; real ones start at 2 (IPMI 2.0, section 22.26). How they come of what is
 * configured and of what clients changed is in user_changes.h. */
#ifndef VBMC_BMC_USERS_H
#define VBMC_BMC_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/privilege.h"

#define USER_NAME_MAX          16
#define USER_PASSWORD_MAX      20 /* that IPMI can use */
#define USER_PASSWORD_SHORT    16 /* the other size of section 22.30 */
#define USER_LONG_PASSWORD_MAX 64 /* of an account that can log in by SSH alone */
#define USER_ID_NULL           1
#define USER_ID_FIRST          2
#define USER_ID_MAX            15
#define USER_SESSIONS_MAX      15 /* that a limit can name */

/* Bits as in Set User Access (section 22.26). */
#define USER_ACCESS_CALLBACK 0x40 /* above Callback only in connections that the BMC calls back */
#define USER_ACCESS_LINK     0x20 /* has a password for the link as well; a LAN has no such link */
#define USER_ACCESS_IPMI     0x10 /* may use IPMI over the LAN */
#define USER_ACCESS_ALL      0x70

struct user {
    char name[USER_NAME_MAX + 1];             /* empty: this id is unused */
    uint8_t password[USER_LONG_PASSWORD_MAX]; /* zero padded; the first 20 are the key of IPMI */
    size_t password_length;                   /* 0: none, and nobody can log in */
    uint8_t password_size;                    /* as it was set: 16 or 20; 0: too long for IPMI */
    enum privilege limit;                     /* on the LAN channel; PRIVILEGE_NO_ACCESS: none */
    bool enabled;
    uint8_t access;   /* USER_ACCESS_* */
    uint8_t sessions; /* so many at a time; 0: as many as the BMC has */
};

enum user_part {
    USER_PART_NAME,
    USER_PART_PASSWORD,
    USER_PART_LIMIT,
    USER_PART_ENABLED,
    USER_PART_ACCESS,
    USER_PART_SESSIONS,
    USER_PART_COUNT,
};

#define USER_FINGERPRINT_SIZE 16
#define USER_VALUE_MAX        (1 + USER_LONG_PASSWORD_MAX)

/* A part of an account that is not as configured. */
struct user_change {
    uint8_t id;
    uint8_t part; /* enum user_part */
    uint8_t value_size;
    uint8_t replaced[USER_FINGERPRINT_SIZE];
    uint8_t value[USER_VALUE_MAX]; /* zero padded */
};
#define USER_CHANGES_MAX (USER_ID_MAX * USER_PART_COUNT)

struct bmc_core;

struct users {
    struct user *by_id;          /* in force, USER_ID_MAX + 1 of them; index 0 is never used */
    const struct bmc_core *core; /* NULL: a plain list that is stored nowhere */
    struct user *configured;     /* from USER_ID_FIRST on; the rest is user_unused() */
    size_t configured_count;
    bool own_account; /* what is configured is this BMC's alone, not what vbmc.conf has for all */
    struct user_change *changes; /* by id and part */
    size_t change_count;
    uint32_t changed_by; /* session that made the latest change, which may yet be taken back */
};

/* What an id is that nobody uses: no name, no password, disabled, no access. */
struct user user_unused(void);
/* An enabled account with IPMI access. 0, or -EINVAL: the name is empty, over 16 bytes or has
 * unprintable characters, or the password is empty or over USER_LONG_PASSWORD_MAX bytes. */
int user_make(struct user *user, const char *name, const char *password, enum privilege limit);
/* True for 1 to 16 printable bytes. */
bool user_name_is_valid(const char *name);
/* Sets `length` bytes (at least 1, at most USER_LONG_PASSWORD_MAX, without zeros), to be kept as
 * `size` of IPMI has it. */
void user_set_password(struct user *user, const uint8_t *bytes, size_t length, uint8_t size);

/* The level that the account has at most, whatever its limit says of other connections: Callback
 * where it is restricted to that. */
enum privilege user_level(const struct user *user);
/* The same over a channel with that limit; PRIVILEGE_NONE: no level at all. */
enum privilege user_level_within(const struct user *user, enum privilege limit);
/* Whether it can log in at all: it is enabled, and has a name and a password. */
bool user_may_log_in(const struct user *user);
/* The same by IPMI over the LAN, at some level. */
bool user_may_use_ipmi(const struct user *user);
/* True if it can log in with what logged the other in, and may do the same. */
bool user_is_same_login(const struct user *a, const struct user *b);
/* Whether the account was enabled, or has another name or password: it starts without the
 * failures of log-ins before. */
bool user_is_renewed(const struct user *before, const struct user *after);
/* Compares in constant time. 0; -EACCES: another password; -EMSGSIZE: it was set with another size
 * (Set User Password, section 22.30: 80h and 81h). `size` is 16 or 20, zero padded. */
int user_test_password(const struct user *user, const uint8_t *bytes, size_t size);

/* Nobody but unused ids, for which nothing is allocated; `core` is borrowed. users_clear frees what
 * comes later, in memory of locked.h. */
void users_init(struct users *users, const struct bmc_core *core);
/* Makes `by_id` one that may be written. 0 or -ENOMEM. */
int users_make_room(struct users *users);
/* Adds a user of user_make under the lowest free id. Returns the id, or -EINVAL, -EEXIST, -ENOSPC,
 * -ENOMEM. */
int users_add(struct users *users, const char *name, const char *password, enum privilege limit);

/* The id of the user of that name (length bytes, not terminated) who may log in, or 0, the id that
 * nobody has. The null name finds nobody. Takes the same time for each name of that length. */
uint8_t users_find_id(const struct users *users, const char *name, size_t length);
/* The same user, or NULL; *id is set on success. Valid until the users change. */
const struct user *users_find(const struct users *users, const char *name, size_t length,
                              uint8_t *id);
/* The id of that name, enabled or not; 0: nobody has it. */
uint8_t users_id_of(const struct users *users, const char *name);
/* The id of the account that vbmc.conf has for all BMCs under that name, whatever became of it; 0:
 * none, also where this BMC has its own account instead. */
uint8_t users_configured_id(const struct users *users, const char *name);
/* How many ids are enabled. */
unsigned users_count_enabled(const struct users *users);
/* True if at least one user with a name may log in. */
bool users_have_named(const struct users *users);

/* Forgets all users, configured and changed, and wipes their passwords; the core stays. */
void users_clear(struct users *users);

#endif
