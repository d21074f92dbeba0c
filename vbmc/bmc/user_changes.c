#include "vbmc/bmc/user_changes.h"

#include <errno.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "vbmc/base/locked.h"
#include "vbmc/bmc/core.h"

const char *user_part_name(enum user_part part)
{
    static const char *const names[USER_PART_COUNT] = {
        [USER_PART_NAME] = "name",       [USER_PART_PASSWORD] = "password",
        [USER_PART_LIMIT] = "privilege", [USER_PART_ENABLED] = "enabled",
        [USER_PART_ACCESS] = "access",   [USER_PART_SESSIONS] = "sessions",
    };

    return names[part];
}

/* ---- a part as bytes ---- */

static uint8_t get_part(const struct user *user, enum user_part part, uint8_t value[USER_VALUE_MAX])
{
    size_t length = strlen(user->name);

    memset(value, 0, USER_VALUE_MAX);
    switch (part) {
    case USER_PART_NAME:
        memcpy(value, user->name, length);
        return (uint8_t)length;
    case USER_PART_PASSWORD:
        value[0] = user->password_size;
        memcpy(value + 1, user->password, user->password_length);
        return (uint8_t)(1 + user->password_length);
    case USER_PART_LIMIT:
        value[0] = (uint8_t)user->limit;
        return 1;
    case USER_PART_ENABLED:
        value[0] = user->enabled;
        return 1;
    case USER_PART_ACCESS:
        value[0] = user->access;
        return 1;
    case USER_PART_SESSIONS:
        value[0] = user->sessions;
        return 1;
    default:
        return 0;
    }
}

static bool set_name(struct user *user, const uint8_t *value, uint8_t size)
{
    char name[USER_NAME_MAX + 1] = "";

    if (size > USER_NAME_MAX || memchr(value, '\0', size))
        return false;
    memcpy(name, value, size);
    if (size > 0 && !user_name_is_valid(name))
        return false;
    memcpy(user->name, name, sizeof name);
    return true;
}

static bool set_password(struct user *user, const uint8_t *value, uint8_t size)
{
    size_t length = size - 1u, room = value[0] == 0 ? USER_LONG_PASSWORD_MAX : value[0];

    if (value[0] != 0 && value[0] != USER_PASSWORD_SHORT && value[0] != USER_PASSWORD_MAX)
        return false;
    if (size == 0 || length > room || memchr(value + 1, '\0', length) ||
        (value[0] == 0 && length > 0 && length <= USER_PASSWORD_MAX))
        return false;
    user_set_password(user, value + 1, length, value[0]);
    return true;
}

/* False, and nothing changed, for a value that there is not. */
static bool set_part(struct user *user, enum user_part part, const uint8_t *value, uint8_t size)
{
    bool is_level = (value[0] >= PRIVILEGE_CALLBACK && value[0] <= PRIVILEGE_OEM) ||
                    value[0] == PRIVILEGE_NO_ACCESS;

    if (part == USER_PART_NAME)
        return set_name(user, value, size);
    if (part == USER_PART_PASSWORD)
        return set_password(user, value, size);
    if (size != 1)
        return false;
    if (part == USER_PART_LIMIT && is_level)
        user->limit = (enum privilege)value[0];
    else if (part == USER_PART_ENABLED && value[0] <= 1)
        user->enabled = value[0];
    else if (part == USER_PART_ACCESS && !(value[0] & ~USER_ACCESS_ALL))
        user->access = value[0];
    else if (part == USER_PART_SESSIONS && value[0] <= USER_SESSIONS_MAX)
        user->sessions = value[0];
    else
        return false;
    return true;
}

/* ---- what is configured ---- */

static struct user configured_user(const struct users *users, uint8_t id)
{
    bool is_configured = users_is_configured(users, id);

    return is_configured ? users->configured[id - USER_ID_FIRST] : user_unused();
}

bool users_is_configured(const struct users *users, uint8_t id)
{
    return id >= USER_ID_FIRST && id - USER_ID_FIRST < (int)users->configured_count;
}

/* Keyed, so that equal values of two BMCs do not look alike. */
static void take_fingerprint(const struct users *users, uint8_t id, enum user_part part,
                             uint8_t fingerprint[USER_FINGERPRINT_SIZE])
{
    struct user user = configured_user(users, id);
    uint8_t text[1 + sizeof user.name + USER_VALUE_MAX] = {(uint8_t)part};
    uint8_t digest[EVP_MAX_MD_SIZE] = {0};
    unsigned size = 0;

    memcpy(text + 1, user.name, sizeof user.name);
    uint8_t length = get_part(&user, part, text + 1 + sizeof user.name);
    HMAC(EVP_sha256(), users->core->uuid.bytes, sizeof users->core->uuid.bytes, text,
         1 + sizeof user.name + length, digest, &size);
    memcpy(fingerprint, digest, USER_FINGERPRINT_SIZE);
    OPENSSL_cleanse(&user, sizeof user);
    OPENSSL_cleanse(text, sizeof text);
}

/* ---- lists of changes ---- */

static const struct user_change *find_change(const struct user_change *changes, size_t count,
                                             uint8_t id, unsigned part)
{
    for (size_t i = 0; i < count; i++) {
        if (changes[i].id == id && changes[i].part == part)
            return &changes[i];
    }
    return NULL;
}

unsigned users_changed_parts(const struct users *users, uint8_t id)
{
    unsigned parts = 0;

    for (size_t i = 0; i < users->change_count; i++) {
        if (users->changes[i].id == id)
            parts |= 1u << users->changes[i].part;
    }
    return parts;
}

/* Whether a change can be made, and is of what is configured now. */
static bool holds(const struct users *users, const struct user_change *change)
{
    uint8_t fingerprint[USER_FINGERPRINT_SIZE];
    struct user user = user_unused();
    bool is_null = change->id == USER_ID_NULL;

    if (change->id < USER_ID_NULL || change->id > USER_ID_MAX || change->part >= USER_PART_COUNT ||
        change->value_size > USER_VALUE_MAX ||
        !set_part(&user, (enum user_part)change->part, change->value, change->value_size) ||
        (is_null && (user.name[0] || user.enabled || user.password_length > 0)))
        return false;
    take_fingerprint(users, change->id, (enum user_part)change->part, fingerprint);
    OPENSSL_cleanse(&user, sizeof user);
    return CRYPTO_memcmp(fingerprint, change->replaced, sizeof fingerprint) == 0;
}

/* Whether another account has the name: by configuration, or under a lower id. */
static bool is_name_taken(const struct users *users, const struct user_change *changes,
                          size_t count, const struct user_change *change)
{
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        struct user user = configured_user(users, id);
        const struct user_change *of = find_change(changes, count, id, USER_PART_NAME);
        if (id == change->id || (of && id > change->id))
            continue;
        if (of)
            set_part(&user, USER_PART_NAME, of->value, of->value_size);
        bool is_same = user.name[0] && strlen(user.name) == change->value_size &&
                       memcmp(user.name, change->value, change->value_size) == 0;
        OPENSSL_cleanse(&user, sizeof user);
        if (is_same)
            return true;
    }
    return false;
}

/* Removes what does not hold from the list. How many that were. */
static size_t drop_stale(const struct users *users, struct user_change *changes, size_t *count)
{
    size_t before = *count, kept = 0;

    for (size_t i = 0; i < before; i++) {
        if (holds(users, &changes[i]))
            changes[kept++] = changes[i];
    }
    *count = kept;
    uint16_t gone = 0; /* the ids that a client had named, and are nobody's without that */
    for (size_t i = kept = 0; i < *count; i++) {
        if (changes[i].part != USER_PART_NAME ||
            !is_name_taken(users, changes, *count, &changes[i]))
            changes[kept++] = changes[i];
        else if (!users_is_configured(users, changes[i].id))
            gone |= (uint16_t)(1u << changes[i].id);
    }
    *count = kept;
    for (size_t i = kept = 0; i < *count; i++) {
        if (!(gone >> changes[i].id & 1))
            changes[kept++] = changes[i];
    }
    *count = kept;
    return before - kept;
}

/* ---- what is in force ---- */

static struct user user_in_force(const struct users *users, uint8_t id)
{
    struct user user = configured_user(users, id);

    for (size_t i = 0; i < users->change_count; i++) {
        const struct user_change *change = &users->changes[i];
        if (change->id == id)
            set_part(&user, (enum user_part)change->part, change->value, change->value_size);
    }
    return user;
}

/* Those whom it renews. */
static uint16_t apply(struct users *users, const struct user_author *by)
{
    uint16_t all_renewed = 0;

    for (uint8_t id = USER_ID_NULL; id <= USER_ID_MAX; id++) {
        struct user user = user_in_force(users, id);
        bool tells = !user_is_same_login(&user, &users->by_id[id]);
        bool renewed = user_is_renewed(&users->by_id[id], &user);
        users->by_id[id] = user;
        OPENSSL_cleanse(&user, sizeof user);
        all_renewed |= (uint16_t)(renewed << id);
        if (tells && users->core->hooks->user_changed)
            users->core->hooks->user_changed(users->core, id, by);
    }
    return all_renewed;
}

/* Takes over the list, of USER_CHANGES_MAX at most. 0 or -ENOMEM. */
static int replace_changes(struct users *users, const struct user_change *changes, size_t count)
{
    if (users_make_room(users) < 0)
        return -ENOMEM;
    struct user_change *copy = count > 0 ? locked_calloc(count, sizeof *copy) : NULL;

    if (count > 0 && !copy)
        return -ENOMEM;
    if (count > 0)
        memcpy(copy, changes, count * sizeof *copy);
    locked_free(users->changes, users->change_count * sizeof *copy);
    users->changes = copy;
    users->change_count = count;
    return 0;
}

static void tell_renewed(uint16_t *renewed, uint16_t ids)
{
    if (renewed)
        *renewed = ids;
}

int users_configure(struct users *users, const struct users *configured, uint16_t *renewed)
{
    size_t count = 0;
    struct user *copy = NULL;

    tell_renewed(renewed, 0);
    while (USER_ID_FIRST + count <= USER_ID_MAX && configured->by_id[USER_ID_FIRST + count].name[0])
        count++;
    if (users_make_room(users) < 0 || (count > 0 && !(copy = locked_calloc(count, sizeof *copy))))
        return -ENOMEM;
    if (count > 0)
        memcpy(copy, configured->by_id + USER_ID_FIRST, count * sizeof *copy);
    locked_free(users->configured, users->configured_count * sizeof *copy);
    users->configured = copy;
    users->configured_count = count;
    users->own_account = configured->own_account;
    size_t stale = drop_stale(users, users->changes, &users->change_count);
    tell_renewed(renewed, apply(users, NULL));
    return (int)stale;
}

int users_restore(struct users *users, const struct user_change *changes, size_t count)
{
    struct user_change *list = locked_calloc(USER_CHANGES_MAX, sizeof *list);
    size_t kept = count < USER_CHANGES_MAX ? count : USER_CHANGES_MAX;
    int result = list ? 0 : -ENOMEM;

    if (list) {
        if (kept > 0)
            memcpy(list, changes, kept * sizeof *list);
        drop_stale(users, list, &kept);
        result = replace_changes(users, list, kept);
    }
    locked_free(list, USER_CHANGES_MAX * sizeof *list);
    if (result < 0)
        return result;
    apply(users, &(struct user_author){.session = users->changed_by});
    return (int)(count - kept);
}

/* ---- a client's changes ---- */

/* Puts the part into the list, or takes it out where it is as configured. */
static void put_change(const struct users *users, struct user_change *list, size_t *count,
                       uint8_t id, enum user_part part, const struct user *wanted)
{
    struct user configured = configured_user(users, id);
    uint8_t value[USER_VALUE_MAX], base[USER_VALUE_MAX];
    uint8_t size = get_part(wanted, part, value), base_size = get_part(&configured, part, base);
    bool is_configured = size == base_size && memcmp(value, base, sizeof value) == 0;
    size_t place = 0;

    while (place < *count &&
           (list[place].id < id || (list[place].id == id && list[place].part < part)))
        place++;
    bool is_there = place < *count && list[place].id == id && list[place].part == part;
    if (is_configured && is_there) {
        (*count)--;
        memmove(&list[place], &list[place + 1], (*count - place) * sizeof *list);
    } else if (!is_configured) {
        if (!is_there)
            memmove(&list[place + 1], &list[place], ((*count)++ - place) * sizeof *list);
        list[place] = (struct user_change){.id = id, .part = (uint8_t)part, .value_size = size};
        memcpy(list[place].value, value, sizeof value);
        take_fingerprint(users, id, part, list[place].replaced);
    }
    OPENSSL_cleanse(&configured, sizeof configured);
    OPENSSL_cleanse(value, sizeof value);
    OPENSSL_cleanse(base, sizeof base);
}

/* 0, -EDOM or -EEXIST. */
static int check_part(const struct users *users, uint8_t id, enum user_part part,
                      const struct user *wanted)
{
    struct user_change change = {.id = id, .part = (uint8_t)part};
    struct user user = user_unused();
    int result = 0;

    change.value_size = get_part(wanted, part, change.value);
    bool is_valid = set_part(&user, part, change.value, change.value_size);
    if (!is_valid ||
        (id == USER_ID_NULL && (user.name[0] || user.enabled || user.password_length > 0)))
        result = -EDOM;
    uint8_t owner = result == 0 && user.name[0] ? users_id_of(users, user.name) : 0;
    if (owner != 0 && owner != id)
        result = -EEXIST;
    OPENSSL_cleanse(&user, sizeof user);
    OPENSSL_cleanse(&change, sizeof change);
    return result;
}

static bool is_part_equal(const struct user *a, const struct user *b, enum user_part part)
{
    uint8_t of_a[USER_VALUE_MAX], of_b[USER_VALUE_MAX];
    bool is_equal = get_part(a, part, of_a) == get_part(b, part, of_b) &&
                    CRYPTO_memcmp(of_a, of_b, sizeof of_a) == 0;

    OPENSSL_cleanse(of_a, sizeof of_a);
    OPENSSL_cleanse(of_b, sizeof of_b);
    return is_equal;
}

/* users_change; `renewed` is set where it changes something. */
static int change(struct users *users, uint8_t id, unsigned parts, const struct user *wanted,
                  const struct user_author *by, uint16_t *renewed)
{
    const struct user *present = &users->by_id[id <= USER_ID_MAX ? id : 0];
    int result = id < USER_ID_NULL || id > USER_ID_MAX ? -EDOM : 0;
    size_t count = users->change_count;
    unsigned differ = 0;

    for (unsigned part = 0; part < USER_PART_COUNT && result == 0; part++) {
        if (!(parts & 1u << part) || is_part_equal(present, wanted, (enum user_part)part))
            continue;
        differ |= 1u << part;
        result = check_part(users, id, (enum user_part)part, wanted);
    }
    if (result < 0 || differ == 0)
        return result;
    struct user_change *list = locked_calloc(USER_CHANGES_MAX, sizeof *list);
    if (!list)
        return -ENOMEM;
    if (count > 0)
        memcpy(list, users->changes, count * sizeof *list);
    for (unsigned part = 0; part < USER_PART_COUNT; part++) {
        if (differ & 1u << part)
            put_change(users, list, &count, id, (enum user_part)part, wanted);
    }
    result = replace_changes(users, list, count);
    locked_free(list, USER_CHANGES_MAX * sizeof *list);
    if (result < 0)
        return result;
    users->changed_by = by ? by->session : 0;
    tell_renewed(renewed, apply(users, by));
    return 1;
}

int users_change(struct users *users, uint8_t id, unsigned parts, const struct user *wanted,
                 const struct user_author *by)
{
    return change(users, id, parts, wanted, by, NULL);
}

static int reset_all(struct users *users, const struct user_author *by, uint16_t *renewed)
{
    if (users->change_count == 0)
        return 0;
    replace_changes(users, NULL, 0);
    users->changed_by = by ? by->session : 0;
    tell_renewed(renewed, apply(users, by));
    return 1;
}

int users_reset(struct users *users, uint8_t id, unsigned parts, const struct user_author *by,
                uint16_t *renewed)
{
    tell_renewed(renewed, 0);
    if (id > USER_ID_MAX)
        return -EDOM;
    if (id == 0)
        return reset_all(users, by, renewed);
    struct user configured = configured_user(users, id);
    int result =
        change(users, id, parts & users_changed_parts(users, id), &configured, by, renewed);
    OPENSSL_cleanse(&configured, sizeof configured);
    return result;
}
