/* Accounts: what is configured, what clients change of it, and which of both is in force. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/user_changes.h"

#define NAME     (1u << USER_PART_NAME)
#define PASSWORD (1u << USER_PART_PASSWORD)
#define LIMIT    (1u << USER_PART_LIMIT)
#define ENABLED  (1u << USER_PART_ENABLED)
#define ACCESS   (1u << USER_PART_ACCESS)
#define SESSIONS (1u << USER_PART_SESSIONS)

static unsigned told;         /* ids of which user_changed told, as bits */
static uint32_t told_session; /* of who did it last */

static void user_changed(const struct bmc_core *core, uint8_t id, const struct user_author *by)
{
    (void)core;
    told |= 1u << id;
    told_session = by ? by->session : 0;
}

static const struct bmc_hooks hooks = {.user_changed = user_changed};
static struct bmc_core core = {.uuid = {{1, 2, 3}}, .hooks = &hooks};
static struct users users;
static uint16_t renewed; /* by what was done last, bit N: user N */

struct account {
    const char *name, *password;
    enum privilege limit;
};

/* How many changes of clients that ends. */
static int configure(const struct account *accounts, size_t count)
{
    struct users configured;

    users_init(&configured, NULL);
    for (size_t i = 0; i < count; i++)
        assert_true(
            users_add(&configured, accounts[i].name, accounts[i].password, accounts[i].limit) > 0);
    int stale = users_configure(&users, &configured, &renewed);
    users_clear(&configured);
    return stale;
}

static const struct account two[] = {
    {"admin", "secret", PRIVILEGE_ADMINISTRATOR},
    {"looker", "look", PRIVILEGE_USER},
};

static int setup(void **state)
{
    (void)state;
    users_init(&users, &core);
    assert_int_equal(configure(two, ARRAY_SIZE(two)), 0);
    told = told_session = 0;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    users_clear(&users);
    return 0;
}

static struct user named(const char *name)
{
    struct user user = user_unused();

    snprintf(user.name, sizeof user.name, "%s", name);
    return user;
}

static struct user with_password(const char *password, uint8_t size)
{
    struct user user = user_unused();

    user_set_password(&user, (const uint8_t *)password, strlen(password), size);
    return user;
}

static int change(uint8_t id, unsigned parts, const struct user *user)
{
    const struct user before = users.by_id[id <= USER_ID_MAX ? id : 0];
    int result = users_change(&users, id, parts, user, &(struct user_author){.session = 7});

    renewed = result > 0 ? (uint16_t)(user_is_renewed(&before, &users.by_id[id]) << id) : 0;
    return result;
}

static bool is_password(uint8_t id, const char *password)
{
    uint8_t padded[USER_PASSWORD_MAX] = {0};

    memcpy(padded, password, strlen(password));
    return user_test_password(&users.by_id[id], padded, users.by_id[id].password_size) == 0;
}

/* A lock-out ends with another name or password, or when the account is enabled, and with nothing
 * else that changes. */
static void test_renewed(void **state)
{
    const struct user lower = {.limit = PRIVILEGE_CALLBACK, .enabled = false};
    const struct user on = {.enabled = true};
    const struct user other = with_password("other", 16);
    const struct account others[] = {two[0], {"looker", "other", PRIVILEGE_USER}};

    (void)state;
    assert_int_equal(change(3, LIMIT, &lower), 1);
    assert_int_equal(change(3, ENABLED, &lower), 1);
    assert_int_equal(told, 1u << 3);
    assert_int_equal(renewed, 0);
    assert_int_equal(change(3, ENABLED, &on), 1);
    assert_int_equal(renewed, 1u << 3);
    assert_int_equal(change(3, ENABLED, &on), 0); /* is so already */
    assert_int_equal(renewed, 0);
    assert_int_equal(change(2, PASSWORD, &other), 1);
    assert_int_equal(renewed, 1u << 2);
    assert_int_equal(users_restore(&users, NULL, 0), 0); /* taken back */
    assert_int_equal(change(2, PASSWORD, &other), 1);
    assert_int_equal(users_reset(&users, 0, 0, NULL, &renewed), 1);
    assert_int_equal(renewed, 1u << 2);
    assert_int_equal(users_reset(&users, 0, 0, NULL, &renewed), 0);
    assert_int_equal(renewed, 0);
    assert_int_equal(configure(others, ARRAY_SIZE(others)), 0);
    assert_int_equal(renewed, 1u << 3);
}

/* A name that the configuration takes for another id leaves no account without one behind. */
static void test_name_is_taken(void **state)
{
    static const struct account three[] = {
        {"admin", "secret", PRIVILEGE_ADMINISTRATOR},
        {"looker", "look", PRIVILEGE_USER},
        {"bob", "configured", PRIVILEGE_USER},
    };
    struct user bob = named("bob");

    (void)state;
    bob.enabled = true;
    bob.limit = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(change(9, NAME | LIMIT | ENABLED, &bob), 1);
    assert_int_equal(configure(three, ARRAY_SIZE(three)), 3);
    assert_false(users.by_id[9].enabled);
    assert_int_equal(users.change_count, 0);
}

static void test_configured(void **state)
{
    uint8_t id;

    (void)state;
    assert_non_null(users_find(&users, "admin", 5, &id));
    assert_int_equal(id, 2);
    assert_non_null(users_find(&users, "looker", 6, &id));
    assert_int_equal(id, 3);
    assert_null(users_find(&users, "", 0, &id));
    assert_true(users_is_configured(&users, 3));
    assert_false(users_is_configured(&users, 4));
    assert_false(users_is_configured(&users, USER_ID_NULL));
    assert_int_equal(users_count_enabled(&users), 2);
    assert_false(users.by_id[USER_ID_NULL].enabled);
    assert_int_equal(users.by_id[4].limit, PRIVILEGE_NO_ACCESS);
}

/* Name, password, access, enable: as ipmitool makes an account. */
static void test_new_account(void **state)
{
    const struct user name = named("bob"), password = with_password("builder", 16);
    const struct user access = {.limit = PRIVILEGE_USER, .access = USER_ACCESS_IPMI};
    const struct user enabled = {.enabled = true}, disabled = {.enabled = false};
    uint8_t id;

    (void)state;
    assert_int_equal(change(5, NAME, &name), 1);
    assert_int_equal(change(5, PASSWORD, &password), 1);
    assert_int_equal(change(5, ENABLED, &enabled), 1);
    assert_non_null(users_find(&users, "bob", 3, &id));
    assert_false(user_may_use_ipmi(&users.by_id[5])); /* has no access yet */
    assert_int_equal(change(5, LIMIT | ACCESS, &access), 1);
    assert_true(user_may_use_ipmi(&users.by_id[5]));
    assert_int_equal(users_changed_parts(&users, 5), NAME | PASSWORD | ENABLED | LIMIT | ACCESS);
    assert_int_equal(told, 1u << 5);
    assert_int_equal(told_session, 7);
    assert_int_equal(change(5, ENABLED, &disabled), 1);
    assert_null(users_find(&users, "bob", 3, &id));
    assert_int_equal(users_changed_parts(&users, 5), NAME | PASSWORD | LIMIT | ACCESS);
}

static void test_same_value(void **state)
{
    const struct user same = users.by_id[3];
    const struct user link = {.access = USER_ACCESS_IPMI | USER_ACCESS_LINK};
    const struct user sessions = {.sessions = 3};

    (void)state;
    assert_int_equal(change(3, USER_PARTS_ALL, &same), 0);
    assert_int_equal(users.change_count, 0);
    /* Nothing that ends sessions. */
    assert_int_equal(change(3, ACCESS, &link), 1);
    assert_int_equal(change(3, SESSIONS, &sessions), 1);
    assert_int_equal(told, 0);
    /* What is as configured again is changed no more. */
    assert_int_equal(change(3, ACCESS | SESSIONS, &same), 1);
    assert_int_equal(users.change_count, 0);
}

static void test_refusals(void **state)
{
    struct user user = user_unused();

    (void)state;
    assert_int_equal(change(0, ENABLED, &user), -EDOM);
    assert_int_equal(change(16, ENABLED, &user), -EDOM);
    user = named("admin");
    assert_int_equal(change(3, NAME, &user), -EEXIST);
    assert_int_equal(change(2, NAME, &user), 0);
    user = named("b\tb");
    assert_int_equal(change(5, NAME, &user), -EDOM);
    user = (struct user){.limit = (enum privilege)6};
    assert_int_equal(change(3, LIMIT, &user), -EDOM);
    user = (struct user){.limit = PRIVILEGE_HIGHEST};
    assert_int_equal(change(3, LIMIT, &user), -EDOM);
    user = (struct user){.access = 0x80};
    assert_int_equal(change(3, ACCESS, &user), -EDOM);
    user = (struct user){.sessions = 16};
    assert_int_equal(change(3, SESSIONS, &user), -EDOM);
    /* One part that cannot be keeps the others from being changed. */
    user = (struct user){.limit = PRIVILEGE_OPERATOR, .sessions = 16};
    assert_int_equal(change(3, LIMIT | SESSIONS, &user), -EDOM);
    assert_int_equal(users.by_id[3].limit, PRIVILEGE_USER);
    assert_int_equal(users.change_count, 0);
    assert_int_equal(told, 0);
}

static void test_null_user(void **state)
{
    const struct user name = named("root"), password = with_password("x", 16);
    const struct user enabled = {.enabled = true}, disabled = {.enabled = false};
    const struct user access = {.limit = PRIVILEGE_USER, .access = USER_ACCESS_LINK};

    (void)state;
    assert_int_equal(change(USER_ID_NULL, NAME, &name), -EDOM);
    assert_int_equal(change(USER_ID_NULL, PASSWORD, &password), -EDOM);
    assert_int_equal(change(USER_ID_NULL, ENABLED, &enabled), -EDOM);
    assert_int_equal(change(USER_ID_NULL, ENABLED, &disabled), 0);
    assert_int_equal(change(USER_ID_NULL, LIMIT | ACCESS, &access), 1);
    assert_false(user_may_log_in(&users.by_id[USER_ID_NULL]));
}

/* A client's value is in force until the configured one is another. */
static void test_who_wins(void **state)
{
    static const struct account password[] = {
        {"admin", "other", PRIVILEGE_ADMINISTRATOR},
        {"looker", "look", PRIVILEGE_USER},
    };
    const struct user changed = with_password("mine", 16);
    const struct user limit = {.limit = PRIVILEGE_OPERATOR};

    (void)state;
    assert_int_equal(change(2, PASSWORD, &changed), 1);
    assert_int_equal(change(2, LIMIT, &limit), 1);
    assert_int_equal(configure(two, ARRAY_SIZE(two)), 0);
    assert_true(is_password(2, "mine"));
    assert_int_equal(configure(password, ARRAY_SIZE(password)), 1);
    assert_true(is_password(2, "other"));
    assert_int_equal(users.by_id[2].limit, PRIVILEGE_OPERATOR); /* another part */
    assert_int_equal(configure(two, ARRAY_SIZE(two)), 0);
    assert_true(is_password(2, "secret")); /* the client's is gone for good */
}

/* Under another name an id is another account, which nobody has changed yet. */
static void test_other_account(void **state)
{
    static const struct account moved[] = {
        {"looker", "look", PRIVILEGE_USER},
        {"admin", "secret", PRIVILEGE_ADMINISTRATOR},
    };
    static const struct account three[] = {
        {"admin", "secret", PRIVILEGE_ADMINISTRATOR},
        {"looker", "look", PRIVILEGE_USER},
        {"bob", "third", PRIVILEGE_USER},
    };
    const struct user limit = {.limit = PRIVILEGE_ADMINISTRATOR}, name = named("bob");
    struct user renamed = named("carol");

    (void)state;
    assert_int_equal(change(3, LIMIT, &limit), 1);
    assert_int_equal(configure(moved, ARRAY_SIZE(moved)), 1);
    assert_int_equal(users.by_id[2].limit, PRIVILEGE_USER);
    /* The configuration's bob wins over the client's. */
    assert_int_equal(change(9, NAME, &name), 1);
    assert_int_equal(configure(three, ARRAY_SIZE(three)), 1);
    assert_string_equal(users.by_id[9].name, "");
    assert_string_equal(users.by_id[4].name, "bob");
    /* A configured account that a client has renamed. */
    assert_int_equal(change(4, NAME, &renamed), 1);
    assert_string_equal(users.by_id[4].name, "carol");
    assert_int_equal(change(9, NAME, &name), 1);
    assert_int_equal(users_reset(&users, 4, NAME, NULL, NULL), -EEXIST);
    assert_int_equal(users_reset(&users, 9, USER_PARTS_ALL, NULL, NULL), 1);
    assert_int_equal(users_reset(&users, 4, NAME, NULL, NULL), 1);
    assert_string_equal(users.by_id[4].name, "bob");
    assert_int_equal(users.change_count, 0);
    assert_int_equal(users_reset(&users, 4, NAME, NULL, NULL), 0);
    assert_int_equal(change(3, LIMIT, &limit), 1);
    assert_int_equal(users_reset(&users, 0, USER_PARTS_ALL, NULL, NULL), 1);
    assert_int_equal(users_reset(&users, 0, USER_PARTS_ALL, NULL, NULL), 0);
    assert_int_equal(users.by_id[3].limit, PRIVILEGE_USER);
}

static void test_restore(void **state)
{
    struct user_change kept[USER_CHANGES_MAX];
    const struct user name = named("bob"), password = with_password("builder", 20);
    const struct user limit = {.limit = PRIVILEGE_OPERATOR};
    size_t count;

    (void)state;
    assert_int_equal(change(5, NAME, &name), 1);
    assert_int_equal(change(5, PASSWORD, &password), 1);
    assert_int_equal(change(2, LIMIT, &limit), 1);
    count = users.change_count;
    assert_int_equal(count, 3);
    memcpy(kept, users.changes, count * sizeof *kept);
    /* Not stored: all is as it was; told on behalf of who did it, whose session may go on. */
    told = 0;
    assert_int_equal(users_restore(&users, NULL, 0), 0);
    assert_int_equal(told, 1u << 2 | 1u << 5);
    assert_int_equal(told_session, 7);
    assert_string_equal(users.by_id[5].name, "");
    assert_int_equal(users.by_id[2].limit, PRIVILEGE_ADMINISTRATOR);
    /* A start. */
    kept[2].value_size = 77; /* damage */
    assert_int_equal(users_restore(&users, kept, count), 1);
    assert_string_equal(users.by_id[5].name, "bob");
    assert_int_equal(users.by_id[2].limit, PRIVILEGE_OPERATOR);
    kept[0].replaced[0] ^= 1; /* the configuration has been changed meanwhile */
    assert_int_equal(users_restore(&users, kept, count), 2);
    assert_int_equal(users.by_id[2].limit, PRIVILEGE_ADMINISTRATOR);
}

static void test_passwords(void **state)
{
    static const char twenty[] = "12345678901234567890";
    struct user user = with_password("short", 16);

    (void)state;
    assert_int_equal(user_test_password(&user, (const uint8_t *)"short\0\0\0\0\0\0\0\0\0\0\0", 16),
                     0);
    assert_int_equal(user_test_password(&user, (const uint8_t *)"shorT\0\0\0\0\0\0\0\0\0\0\0", 16),
                     -EACCES);
    assert_int_equal(user_test_password(&user, (const uint8_t *)twenty, 20), -EMSGSIZE);
    user = with_password(twenty, 20);
    assert_int_equal(user_test_password(&user, (const uint8_t *)twenty, 20), 0);
    assert_int_equal(user_test_password(&user, (const uint8_t *)twenty, 16), -EMSGSIZE);
    user = user_unused();
    assert_int_equal(user_test_password(&user, (const uint8_t *)twenty, 20), -EACCES);
    /* Longer than IPMI has it: for SSH alone. */
    assert_int_equal(user_make(&user, "long", "a password of 21 bytes", PRIVILEGE_USER), 0);
    assert_true(user_may_log_in(&user));
    assert_false(user_may_use_ipmi(&user));
    assert_int_equal(user_make(&user, "long", "", PRIVILEGE_USER), -EINVAL);
    assert_int_equal(user_make(&user, "seventeen letters", "x", PRIVILEGE_USER), -EINVAL);
}

static void test_levels(void **state)
{
    struct user user;

    (void)state;
    assert_int_equal(user_make(&user, "bob", "builder", PRIVILEGE_ADMINISTRATOR), 0);
    assert_int_equal(user_level(&user), PRIVILEGE_ADMINISTRATOR);
    user.access |= USER_ACCESS_CALLBACK;
    assert_int_equal(user_level(&user), PRIVILEGE_CALLBACK);
    user.limit = PRIVILEGE_NO_ACCESS;
    assert_int_equal(user_level(&user), PRIVILEGE_NO_ACCESS);
    assert_false(user_may_use_ipmi(&user));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

/* No Access, whose number is the highest, is no level. */
static void test_level_within(void **state)
{
    static const struct {
        enum privilege own, limit, level;
        uint8_t access;
    } cases[] = {
        {PRIVILEGE_ADMINISTRATOR, PRIVILEGE_ADMINISTRATOR, PRIVILEGE_ADMINISTRATOR, 0},
        {PRIVILEGE_ADMINISTRATOR, PRIVILEGE_OPERATOR, PRIVILEGE_OPERATOR, 0},
        {PRIVILEGE_USER, PRIVILEGE_ADMINISTRATOR, PRIVILEGE_USER, 0},
        {PRIVILEGE_NO_ACCESS, PRIVILEGE_ADMINISTRATOR, PRIVILEGE_NONE, 0},
        {PRIVILEGE_NO_ACCESS, PRIVILEGE_OPERATOR, PRIVILEGE_NONE, USER_ACCESS_CALLBACK},
        {PRIVILEGE_OPERATOR, PRIVILEGE_ADMINISTRATOR, PRIVILEGE_CALLBACK, USER_ACCESS_CALLBACK},
        {PRIVILEGE_HIGHEST, PRIVILEGE_ADMINISTRATOR, PRIVILEGE_NONE, 0},
        {PRIVILEGE_USER, PRIVILEGE_HIGHEST, PRIVILEGE_NONE, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct user user = {.limit = cases[i].own, .access = cases[i].access};
        assert_int_equal(user_level_within(&user, cases[i].limit), cases[i].level);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_configured),    TEST(test_new_account), TEST(test_same_value),
        TEST(test_refusals),      TEST(test_null_user),   TEST(test_who_wins),
        TEST(test_other_account), TEST(test_restore),     TEST(test_passwords),
        TEST(test_levels),        TEST(test_renewed),     TEST(test_name_is_taken),
        TEST(test_level_within),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
