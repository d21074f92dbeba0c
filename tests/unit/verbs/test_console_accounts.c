/* Consoles of those who have come by the SSH address of all BMCs: they end when the BMC's own
 * accounts no longer allow them, and when the BMC starts again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/console_fixture.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/lan_parameters.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/restart.h"
#include "vbmc/verbs/console.h"

static struct config_user account = {
    .name = "admin", .password = "secret", .limit = PRIVILEGE_ADMINISTRATOR};
static struct console_client by_ssh, local, at_own_address;

static void open_as(struct console_client *client, bool is_ssh, bool one_bmc)
{
    struct control_identity identity = {
        .by_ssh = is_ssh, .one_bmc = one_bmc, .privilege = PRIVILEGE_ADMINISTRATOR};

    snprintf(identity.account, sizeof identity.account, "admin");
    console_client_open_as(client, &identity, "\"lines\":0");
    assert_non_null(strstr(client->answer, "\"ok\":true"));
}

static int setup(void **state)
{
    (void)state;
    console_fixture_start(1024);
    console_fixture.config.users = &account;
    console_fixture.config.user_count = 1;
    instance_configure(console_fixture.instance, &console_fixture.config);
    open_as(&by_ssh, true, false);
    open_as(&at_own_address, true, true); /* which ends with its session there */
    open_as(&local, false, false);
    return 0;
}

static void set_admin(enum user_part part, enum privilege limit, bool enabled)
{
    struct users *users = &instance_bmc(console_fixture.instance)->users;
    struct user wanted = users->by_id[USER_ID_FIRST];

    wanted.limit = limit;
    wanted.enabled = enabled;
    assert_int_equal(users_change(users, USER_ID_FIRST, 1u << part, &wanted, NULL), 1);
    console_session_review();
    console_fixture_turn();
}

static void assert_only_other_goes(const char *reason)
{
    char expected[64];

    snprintf(expected, sizeof expected, "[end: %s]", reason);
    assert_non_null(strstr(console_client_hear(&by_ssh), expected));
    assert_null(strstr(console_client_hear(&local), "[end"));
    assert_null(strstr(console_client_hear(&at_own_address), "[end"));
}

static void close_all(void)
{
    console_client_close(&by_ssh);
    console_client_close(&local);
    console_client_close(&at_own_address);
}

static void test_disabled(void **state)
{
    (void)state;
    console_session_review(); /* nothing has changed */
    assert_null(strstr(console_client_hear(&by_ssh), "[end"));
    set_admin(USER_PART_ENABLED, PRIVILEGE_ADMINISTRATOR, false);
    assert_only_other_goes("the account was changed");
    close_all();
}

/* Who may type must still be allowed to. */
static void test_lowered(void **state)
{
    (void)state;
    set_admin(USER_PART_LIMIT, PRIVILEGE_OPERATOR, true);
    assert_null(strstr(console_client_hear(&by_ssh), "[end"));
    set_admin(USER_PART_LIMIT, PRIVILEGE_USER, true);
    assert_only_other_goes("the account was changed");
    close_all();
}

/* What was open stays open, and begins nothing more on the guest. */
static void test_locked_out(void **state)
{
    static const enum console_frame_kind kinds[] = {CONSOLE_BREAK, CONSOLE_NMI};
    static const char refused[] =
        "[reply: this BMC has locked the account out after bad passwords]";
    static const uint8_t rule[] = {0, 1, 0, 0, 1, 0};
    struct bmc *bmc = instance_bmc(console_fixture.instance);

    (void)state;
    lan_set_parameter(&bmc->lan, 26, rule, sizeof rule, 0, &(struct bmc_ticket){.done = NULL});
    bmc_note_login(bmc, USER_ID_FIRST, false);
    assert_true(lockout_is_locked(&bmc->lockout, USER_ID_FIRST));
    console_session_review();
    for (unsigned i = 0; i < 2; i++) {
        console_client_send_frame(&by_ssh, kinds[i], "", 0);
        console_client_send_frame(&at_own_address, kinds[i], "", 0);
        console_fixture_turn();
        assert_non_null(strstr(console_client_hear(&by_ssh), refused));
        assert_null(strstr(console_client_hear(&at_own_address), refused));
    }
    console_fixture_make_room(100);
    console_client_type(&by_ssh, "typed");
    console_fixture_turn();
    assert_string_equal(console_fixture_typed(), "typed");
    close_all();
}

static void test_restart(void **state)
{
    uint64_t now = uv_hrtime() / 1000000;

    (void)state;
    instance_restart_ask(console_fixture.instance, now);
    instance_restart_tick(console_fixture.instance, now + INSTANCE_RESTART_AFTER_MS);
    console_session_review();
    console_fixture_turn();
    assert_only_other_goes("the BMC restarts");
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_disabled, setup, console_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_lowered, setup, console_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_locked_out, setup, console_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, console_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
