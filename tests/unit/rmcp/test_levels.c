/* Who has logged in at a level may do what is for that level and nothing above it: every command of
 * the dispatcher's tables is sent through the door for datagrams, in a session of RMCP+ that was
 * opened by a real log-in at that level. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "tests/fake/fake_server.h"
#include "tests/unit/rmcp_console.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

#define CMD_SET_SESSION_PRIVILEGE 0x3b
#define CODE_EXCEEDS_LIMIT        0x81 /* Set Session Privilege Level, section 22.18 */
#define SUITE                     17
#define BY_NAME_ONLY              0x10
#define COMMANDS_LEAST            100

static struct remote_console console;

/* Answers that come later are waited for by nobody: such a command was not refused. */
static void ignore_reply(void *context, const struct ipmi_token *token,
                         const struct ipmi_response *response)
{
    (void)context;
    (void)token;
    (void)response;
}

static const struct ipmi_sink sink = {.reply = ignore_reply};

static const struct {
    const char *name, *password;
    enum privilege level;
} accounts[] = {
    {"carl", "callback-pass", PRIVILEGE_CALLBACK},
    {"bob", "builder", PRIVILEGE_USER},
    {"op", "operator-pass", PRIVILEGE_OPERATOR},
    {"admin", "admin-pass", PRIVILEGE_ADMINISTRATOR},
};

static int setup(void **state)
{
    fake_sel_setup(state);
    fake_server_setup(state); /* which begins with another BMC */
    struct bmc *bmc = &fake_bmc.bmc;
    bmc->sel = fake_sel.sel;
    bmc->fru = fru_new();
    log_set_level(LOG_LEVEL_ERROR);
    for (size_t i = 0; i < ARRAY_SIZE(accounts); i++)
        users_add(&bmc->users, accounts[i].name, accounts[i].password, accounts[i].level);
    remote_console_init(&console);
    console.config.bmc = bmc;
    console.config.bmc_number = FAKE_BMC_NUMBER;
    console.config.users = &bmc->users;
    console.config.channel = &bmc->channel;
    console.config.sink = &sink;
    remote_console_restart(&console);
    return 0;
}

static int teardown(void **state)
{
    remote_console_free(&console);
    fru_free(fake_bmc.bmc.fru);
    fake_bmc.bmc.fru = NULL;
    fake_server_teardown(state);
    return fake_sel_teardown(state);
}

/* The status of the log-in of that account at a level. */
static int log_in(size_t account, enum privilege level)
{
    const char *password = accounts[account].password;

    memset(console.kuid, 0, sizeof console.kuid);
    memcpy(console.kuid, password, strlen(password));
    memcpy(console.kg, console.kuid, sizeof console.kg);
    return remote_console_login_as(&console, SUITE, accounts[account].name,
                                   (uint8_t)(BY_NAME_ONLY | level));
}

static int ask(const struct command *row)
{
    uint8_t data[UINT8_MAX] = {0};

    if (row->netfn == NETFN_GROUP_EXTENSION)
        data[0] = GROUP_DCMI;
    return remote_console_command(&console, row->netfn, row->number, data, row->data_min);
}

/* As the row says, of a session at that level. Nobody gets what is for the system interface. */
static void check(const struct command *row, enum privilege level)
{
    int code = ask(row);
    bool may = row->privilege <= level; /* COMMAND_FOR_SYSTEM is above all */

    if ((code == CC_INSUFFICIENT_PRIVILEGE) == may)
        fail_msg("%s, for level %u, at level %d: %02x", row->name, row->privilege, level, code);
}

static void walk(size_t account)
{
    const struct command_table *const *tables = ipmi_commands.tables;
    const enum privilege level = accounts[account].level;
    unsigned walked = 0;

    for (size_t t = 0; t < ipmi_commands.count; t++) {
        for (size_t i = 0; i < tables[t]->count; i++, walked++) {
            const struct command *row = &tables[t]->rows[i];
            /* A session of its own, as some end it or lower its level. */
            teardown(NULL);
            setup(NULL);
            assert_int_equal(log_in(account, level), 0);
            if (level > PRIVILEGE_USER) {
                const uint8_t wanted = (uint8_t)level;
                assert_int_equal(remote_console_command(&console, NETFN_APP,
                                                        CMD_SET_SESSION_PRIVILEGE, &wanted, 1),
                                 CC_SUCCESS);
            }
            check(row, level);
        }
    }
    assert_in_range(walked, COMMANDS_LEAST, 1000);
}

static void test_callback(void **state)
{
    (void)state;
    walk(0);
}

static void test_user(void **state)
{
    (void)state;
    walk(1);
}

static void test_operator(void **state)
{
    (void)state;
    walk(2);
}

static void test_administrator(void **state)
{
    (void)state;
    walk(3);
}

/* Nobody logs in above his level, nor rises above it once he is in. */
static void test_no_higher(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(accounts); i++) {
        for (int level = PRIVILEGE_CALLBACK; level <= PRIVILEGE_ADMINISTRATOR; level++) {
            teardown(NULL);
            setup(NULL);
            bool may = level <= (int)accounts[i].level;
            assert_int_equal(log_in(i, (enum privilege)level) == 0, may);
            for (uint8_t wanted = PRIVILEGE_CALLBACK + 1; may && wanted <= PRIVILEGE_ADMINISTRATOR;
                 wanted++) {
                int code = remote_console_command(&console, NETFN_APP, CMD_SET_SESSION_PRIVILEGE,
                                                  &wanted, 1);
                int right = wanted <= level               ? CC_SUCCESS
                            : level == PRIVILEGE_CALLBACK ? CC_INSUFFICIENT_PRIVILEGE
                                                          : CODE_EXCEEDS_LIMIT;
                assert_int_equal(code, right);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_callback, setup, teardown),
        cmocka_unit_test_setup_teardown(test_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_operator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_administrator, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_higher, setup, teardown),
    };
    return cmocka_run_group_tests_name("levels", tests, NULL, NULL);
}
