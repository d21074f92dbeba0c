#include "vbmc/bmc/users.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>

static bool name_is_valid(const char *name)
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

int users_add(struct users *users, const char *name, const char *password, enum privilege limit)
{
    size_t password_length = strlen(password);
    uint8_t taken;

    if (!name_is_valid(name) || password_length == 0 || password_length > USER_PASSWORD_MAX)
        return -EINVAL;
    if (users_find(users, name, strlen(name), &taken))
        return -EEXIST;
    for (int id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        struct user *user = &users->by_id[id];
        if (user->name[0] != '\0')
            continue;
        *user = (struct user){.password_length = password_length, .limit = limit, .enabled = true};
        memcpy(user->name, name, strlen(name) + 1);
        memcpy(user->password, password, password_length);
        return id;
    }
    return -ENOSPC;
}

const struct user *users_find(const struct users *users, const char *name, size_t length,
                              uint8_t *id)
{
    if (length == 0 || length > USER_NAME_MAX)
        return NULL;
    for (int i = USER_ID_FIRST; i <= USER_ID_MAX; i++) {
        const struct user *user = &users->by_id[i];
        if (user->enabled && strlen(user->name) == length &&
            memcmp(user->name, name, length) == 0) {
            *id = (uint8_t)i;
            return user;
        }
    }
    return NULL;
}

bool user_equal(const struct user *a, const struct user *b)
{
    return strcmp(a->name, b->name) == 0 && a->password_length == b->password_length &&
           memcmp(a->password, b->password, sizeof a->password) == 0 && a->limit == b->limit &&
           a->enabled == b->enabled;
}

bool users_have_named(const struct users *users)
{
    for (int i = USER_ID_FIRST; i <= USER_ID_MAX; i++) {
        if (users->by_id[i].enabled)
            return true;
    }
    return false;
}

void users_clear(struct users *users)
{
    OPENSSL_cleanse(users, sizeof *users);
}
