#include "vbmc/bmc/users.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include <openssl/crypto.h>

#include "vbmc/base/locked.h"

bool user_name_is_valid(const char *name)
{
    size_t length = strlen(name);

    if (length == 0 || length > USER_NAME_MAX)
        return false;
    for (const unsigned char *p = (const unsigned char *)name; *p; p++) {
        if (*p < 0x20 || *p == 0x7f)
            return false;
    }
    return true;
}

struct user user_unused(void)
{
    return (struct user){.limit = PRIVILEGE_NO_ACCESS};
}

void user_set_password(struct user *user, const uint8_t *bytes, size_t length, uint8_t size)
{
    memset(user->password, 0, sizeof user->password);
    memcpy(user->password, bytes, length);
    user->password_length = length;
    user->password_size = size;
}

int user_make(struct user *user, const char *name, const char *password, enum privilege limit)
{
    size_t length = strlen(password);
    uint8_t size = length <= USER_PASSWORD_SHORT ? USER_PASSWORD_SHORT : USER_PASSWORD_MAX;

    if (!user_name_is_valid(name) || length == 0 || length > USER_LONG_PASSWORD_MAX)
        return -EINVAL;
    *user = (struct user){.limit = limit, .enabled = true, .access = USER_ACCESS_IPMI};
    memcpy(user->name, name, strlen(name) + 1);
    user_set_password(user, (const uint8_t *)password, length,
                      length > USER_PASSWORD_MAX ? 0 : size);
    return 0;
}

/* This and the two below are asked before a password was given: no branch may depend on whose
 * account it is, or the time of RAKP 2 tells it. */
enum privilege user_level(const struct user *user)
{
    bool is_restricted =
        ((user->access & USER_ACCESS_CALLBACK) != 0) & (user->limit <= PRIVILEGE_OEM);
    unsigned of_limit = (unsigned)is_restricted - 1;

    return (enum privilege)((user->limit & of_limit) | (PRIVILEGE_CALLBACK & ~of_limit));
}

bool user_may_log_in(const struct user *user)
{
    return user->enabled & (user->name[0] != '\0') & (user->password_length > 0);
}

enum privilege user_level_within(const struct user *user, enum privilege limit)
{
    enum privilege level = user_level(user);

    if (level < PRIVILEGE_CALLBACK || level > PRIVILEGE_OEM || limit < PRIVILEGE_CALLBACK)
        return PRIVILEGE_NONE; /* No Access is the highest number */
    return level < limit ? level : limit;
}

bool user_may_use_ipmi(const struct user *user)
{
    return user_may_log_in(user) & ((user->access & USER_ACCESS_IPMI) != 0) &
           (user->password_length <= USER_PASSWORD_MAX) & (user->limit >= PRIVILEGE_CALLBACK) &
           (user->limit <= PRIVILEGE_OEM);
}

static bool has_same_secret(const struct user *a, const struct user *b)
{
    return strcmp(a->name, b->name) == 0 && a->password_length == b->password_length &&
           CRYPTO_memcmp(a->password, b->password, sizeof a->password) == 0;
}

bool user_is_renewed(const struct user *before, const struct user *after)
{
    return !has_same_secret(before, after) || (after->enabled && !before->enabled);
}

bool user_is_same_login(const struct user *a, const struct user *b)
{
    return has_same_secret(a, b) && user_level(a) == user_level(b) && a->enabled == b->enabled &&
           (a->access & USER_ACCESS_IPMI) == (b->access & USER_ACCESS_IPMI);
}

int user_test_password(const struct user *user, const uint8_t *bytes, size_t size)
{
    uint8_t padded[USER_LONG_PASSWORD_MAX] = {0};
    int result = 0;

    if (user->password_length == 0)
        return -EACCES;
    if (size != user->password_size)
        return -EMSGSIZE;
    memcpy(padded, bytes, size);
    if (CRYPTO_memcmp(user->password, padded, sizeof padded) != 0)
        result = -EACCES;
    OPENSSL_cleanse(padded, sizeof padded);
    return result;
}

/* All that have nobody share these. */
static struct user nobody[USER_ID_MAX + 1];

static void fill_with_nobody(struct user *by_id)
{
    for (int id = 0; id <= USER_ID_MAX; id++)
        by_id[id] = user_unused();
}

void users_init(struct users *users, const struct bmc_core *core)
{
    fill_with_nobody(nobody);
    *users = (struct users){.core = core, .by_id = nobody};
}

int users_make_room(struct users *users)
{
    if (users->by_id != nobody)
        return 0;
    struct user *by_id = locked_calloc(USER_ID_MAX + 1, sizeof *by_id);
    if (!by_id)
        return -ENOMEM;
    fill_with_nobody(by_id);
    users->by_id = by_id;
    return 0;
}

int users_add(struct users *users, const char *name, const char *password, enum privilege limit)
{
    struct user user;
    int result = user_make(&user, name, password, limit);

    if (result == 0 && users_id_of(users, name) != 0)
        result = -EEXIST;
    if (result == 0)
        result = users_make_room(users);
    for (int id = USER_ID_FIRST; result == 0 && id <= USER_ID_MAX; id++) {
        if (users->by_id[id].name[0] != '\0')
            continue;
        users->by_id[id] = user;
        result = id;
    }
    OPENSSL_cleanse(&user, sizeof user);
    return result == 0 ? -ENOSPC : result;
}

/* `wanted` is zero padded. In a time that does not depend on where they differ. */
static bool is_named(const struct user *user, const char wanted[USER_NAME_MAX + 1])
{
    unsigned char differs = 0, is_within = UCHAR_MAX;

    for (size_t i = 0; i <= USER_NAME_MAX; i++) {
        differs |= (unsigned char)((user->name[i] ^ wanted[i]) & is_within);
        is_within &= (unsigned char)-(user->name[i] != '\0');
    }
    return differs == 0;
}

uint8_t users_find_id(const struct users *users, const char *name, size_t length)
{
    char wanted[USER_NAME_MAX + 1] = {0};
    uint8_t found = 0;

    if (length == 0 || length > USER_NAME_MAX || memchr(name, '\0', length))
        return 0;
    memcpy(wanted, name, length);
    for (uint8_t i = USER_ID_MAX; i >= USER_ID_FIRST; i--) {
        bool is_it = is_named(&users->by_id[i], wanted);
        bool may = user_may_log_in(&users->by_id[i]);
        uint8_t of_it = (uint8_t) - (is_it & may);
        found = (uint8_t)((i & of_it) | (found & ~of_it));
    }
    return found;
}

const struct user *users_find(const struct users *users, const char *name, size_t length,
                              uint8_t *id)
{
    uint8_t found = users_find_id(users, name, length);

    if (found == 0)
        return NULL;
    *id = found;
    return &users->by_id[found];
}

uint8_t users_id_of(const struct users *users, const char *name)
{
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (users->by_id[id].name[0] && strcmp(users->by_id[id].name, name) == 0)
            return id;
    }
    return 0;
}

uint8_t users_configured_id(const struct users *users, const char *name)
{
    for (size_t i = 0; i < users->configured_count && !users->own_account; i++) {
        if (strcmp(users->configured[i].name, name) == 0)
            return (uint8_t)(USER_ID_FIRST + i);
    }
    return 0;
}

unsigned users_count_enabled(const struct users *users)
{
    unsigned count = 0;

    for (int id = USER_ID_NULL; id <= USER_ID_MAX; id++)
        count += users->by_id[id].enabled;
    return count;
}

bool users_have_named(const struct users *users)
{
    for (int i = USER_ID_FIRST; i <= USER_ID_MAX; i++) {
        if (user_may_log_in(&users->by_id[i]))
            return true;
    }
    return false;
}

void users_clear(struct users *users)
{
    const struct bmc_core *core = users->core;

    locked_free(users->configured, users->configured_count * sizeof *users->configured);
    locked_free(users->changes, users->change_count * sizeof *users->changes);
    if (users->by_id != nobody)
        locked_free(users->by_id, (USER_ID_MAX + 1) * sizeof *users->by_id);
    users_init(users, core);
}
