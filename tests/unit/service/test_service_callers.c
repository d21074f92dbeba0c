/* Who may ask the service for what: by the level of the caller and of the BMC's own account, and
 * not while that is locked out. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "tests/unit/service_call.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/service/accounts.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/result.h"
#include "vbmc/service/service.h"

/* ---- who asks ---- */

static void test_caller_text(void **state)
{
    static const struct {
        struct caller caller;
        const char *text;
    } rows[] = {
        {{.front_end = CALLER_CONTROL, .name = "root"}, "root"},
        {{.front_end = CALLER_SSH, .name = "joe", .address = "192.0.2.1"},
         "joe by SSH from 192.0.2.1"},
        {{.front_end = CALLER_LAN, .name = "admin", .address = "2001:db8::1"},
         "admin by IPMI from 2001:db8::1"},
        {{.front_end = CALLER_SYSTEM_INTERFACE}, "the guest"},
    };
    char text[CALLER_TEXT_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        caller_format(&rows[i].caller, text);
        assert_string_equal(text, rows[i].text);
    }
}

/* Each level is refused what is above it; the guest itself has no level. */
static void test_privileges(void **state)
{
    (void)state;
    for (int i = 0; i < SERVICE_COUNT; i++) {
        enum service_operation operation = (enum service_operation)i;
        const struct service_row *row = service_row(operation);
        assert_non_null(row->name);
        /* Whoever has got an alert may acknowledge it. */
        assert_true(row->privilege >= PRIVILEGE_CALLBACK || operation == SERVICE_ALERT_ACKNOWLEDGE);
        caller.front_end = CALLER_SSH;
        for (int level = PRIVILEGE_CALLBACK; level <= PRIVILEGE_ADMINISTRATOR; level++) {
            caller.privilege = (enum privilege)level;
            caller.one_bmc = false;
            assert_int_equal(service_permit(operation, &caller),
                             (enum privilege)level < row->privilege ? -EPERM : 0);
            caller.one_bmc = true;
            assert_int_equal(service_permit(operation, &caller),
                             (enum privilege)level < row->privilege ? -EPERM
                             : (row->flags & SERVICE_WHOLE)         ? -EACCES
                                                                    : 0);
        }
        caller.front_end = CALLER_SYSTEM_INTERFACE;
        caller.privilege = PRIVILEGE_HIGHEST;
        caller.one_bmc = false;
        assert_int_equal(service_permit(operation, &caller), 0);
    }
}

static void test_refused(void **state)
{
    const union service_arguments off = {.power = HOST_POWER_ACTION_DOWN};
    char text[SERVICE_TEXT_SIZE];

    (void)state;
    caller.privilege = PRIVILEGE_USER;
    assert_int_equal(call(SERVICE_POWER, &off), -EPERM);
    assert_int_equal(finished, 1);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_string_equal(service_explain(SERVICE_POWER, -EPERM, text),
                        "this needs the privilege level operator");
    assert_non_null(
        strstr(log_line("refused"),
               ": power by joe by SSH from 192.0.2.1: refused: this needs the privilege "
               "level operator audit {"));
}

/* Who knows one BMC only cannot ask for another, whatever the front end has let through. */
static void test_other_bmc(void **state)
{
    (void)state;
    caller.one_bmc = true;
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){0}), -ENOENT);
    caller.uuid = fake_bmc.bmc.core.uuid;
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){0}), 0);
}

/* ---- accounts of vbmc.conf, by the SSH address of all BMCs ---- */

static void configure_joe(void)
{
    struct users configured;

    users_init(&configured, NULL);
    users_add(&configured, "admin", "secret", PRIVILEGE_ADMINISTRATOR);
    users_add(&configured, "joe", "secret", PRIVILEGE_ADMINISTRATOR);
    assert_int_equal(users_configure(&fake_bmc.bmc.users, &configured, NULL), 0);
    users_clear(&configured);
}

#define JOE (USER_ID_FIRST + 1)

static void set_joe(enum user_part part, const struct user *wanted)
{
    assert_int_equal(users_change(&fake_bmc.bmc.users, JOE, 1u << part, wanted, NULL), 1);
}

/* What the BMC's own account says of each of them: what a client has changed there holds. */
static void test_level_on(void **state)
{
    struct bmc *bmc = &fake_bmc.bmc;
    struct user wanted;

    (void)state;
    configure_joe();
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR);
    caller.privilege = PRIVILEGE_OPERATOR; /* no more than everywhere */
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_OPERATOR);
    caller.privilege = PRIVILEGE_ADMINISTRATOR;
    wanted = bmc->users.by_id[JOE];
    wanted.limit = PRIVILEGE_USER;
    set_joe(USER_PART_LIMIT, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_USER);
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){.identify = {0, false}}),
                     -EPERM);
    wanted.limit = PRIVILEGE_NO_ACCESS;
    set_joe(USER_PART_LIMIT, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL, NULL), 1);
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){.identify = {0, false}}), 0);
    wanted.enabled = false;
    set_joe(USER_PART_ENABLED, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL, NULL), 1);
    /* A name that is another's there is not his. */
    snprintf(wanted.name, sizeof wanted.name, "jim");
    set_joe(USER_PART_NAME, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL, NULL), 1);
    /* The password that he knows is not the one there; his key is as good as before. */
    user_set_password(&wanted, (const uint8_t *)"other", 5, 16);
    set_joe(USER_PART_PASSWORD, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    caller.by_key = true;
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR);
    caller.by_key = false;
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL, NULL), 1);
    /* The channel as it is now, not as it is configured. */
    bmc->channel.limit = PRIVILEGE_OPERATOR;
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_OPERATOR);
    caller.front_end = CALLER_CONTROL; /* whoever has the socket */
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR);
    caller.front_end = CALLER_SSH;
    caller.one_bmc = true; /* who was let in by this BMC's accounts already */
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR);
    caller.one_bmc = false;
    snprintf(caller.name, sizeof caller.name, "jane"); /* nobody's there: an account of its own */
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_OPERATOR);
}

/* The BMC has an account of its own, which only has the name of one of vbmc.conf. */
static void test_own_account(void **state)
{
    struct bmc *bmc = &fake_bmc.bmc;
    struct users own;

    (void)state;
    configure_joe();
    users_init(&own, NULL);
    assert_int_equal(users_add(&own, "joe", "other", PRIVILEGE_USER), USER_ID_FIRST);
    own.own_account = true;
    users_configure(&bmc->users, &own, NULL);
    users_clear(&own);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR);
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0c 01 01 1a 00 01 00 00 00 00"), "00");
    bmc_note_login(bmc, USER_ID_FIRST, false);
    assert_true(lockout_is_locked(&bmc->lockout, USER_ID_FIRST));
    assert_false(service_is_locked_out(&caller, bmc));
}

static void test_locked_out_there(void **state)
{
    struct bmc *bmc = &fake_bmc.bmc;

    (void)state;
    configure_joe();
    assert_string_equal(fake_bmc_talk(&fake_bmc, "0c 01 01 1a 00 01 00 00 00 00"), "00");
    assert_false(service_is_locked_out(&caller, bmc));
    bmc_note_login(bmc, JOE, false);
    assert_true(service_is_locked_out(&caller, bmc));
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR); /* goes on */
    /* Whichever way it has come there: of the BMC it is refused all, of the fleet nothing. */
    for (int i = 0; i < SERVICE_COUNT; i++) {
        if (!service_is_judged_there(service_row((enum service_operation)i)->flags))
            continue;
        assert_int_equal(call((enum service_operation)i, NULL), -EKEYREJECTED);
        assert_int_equal(finished, 1);
    }
    assert_int_equal(call(SERVICE_VIEW_FLEET, NULL), 0);
    assert_int_equal(fake_bmc.host.count, 0);
    assert_non_null(strstr(log_line("power by joe"),
                           ": power by joe by SSH from 192.0.2.1: refused: this BMC has locked the "
                           "account out after bad passwords audit {"));
    lockout_release(&bmc->lockout, 1u << JOE, NULL);
    assert_int_equal(call(SERVICE_BREAK, NULL), 0);
    bmc_note_login(bmc, JOE, false);
    /* Who has a session of this BMC keeps it. */
    caller.one_bmc = true;
    caller.uuid = bmc->core.uuid;
    assert_false(service_is_locked_out(&caller, bmc));
    assert_int_equal(call(SERVICE_BREAK, NULL), 0);
    caller.front_end = CALLER_LAN;
    caller.user_id = JOE;
    assert_int_equal(call(SERVICE_BREAK, NULL), 0);
    caller.front_end = CALLER_CONTROL;
    caller.one_bmc = false;
    assert_int_equal(call(SERVICE_BREAK, NULL), 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_caller_text),
        cmocka_unit_test_setup_teardown(test_privileges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked_out_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_bmc, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
