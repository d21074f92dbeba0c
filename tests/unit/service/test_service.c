/* Operations of the service: what becomes of the model, and what the log says. */
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
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/result.h"
#include "vbmc/service/service.h"

/* ---- what is done, and what the log says ---- */

static void test_power(void **state)
{
    const union service_arguments off = {.power = HOST_POWER_ACTION_DOWN};
    const union service_arguments nosuch = {.power = HOST_POWER_ACTION_SOFT_SHUTDOWN + 1};
    char expected[128];

    (void)state;
    assert_int_equal(call(SERVICE_POWER, &nosuch), -EDOM);
    assert_int_equal(call(SERVICE_POWER, &off), -EINPROGRESS);
    assert_int_equal(fake_bmc.host.count, 1);
    fake_bmc_advance(&fake_bmc, BMC_ANSWER_WITHIN_MS);
    assert_int_equal(finished, 0);
    snprintf(expected, sizeof expected, "%s: power off by joe by SSH from 192.0.2.1: done audit {",
             fake_bmc.host.domain.name);
    assert_non_null(strstr(log_line("power off"), expected));
}

static void test_process_in_log(void **state)
{
    const union service_arguments boot = {
        .boot_flags = {.flags = {BOOT_FLAGS_VALID, 0x04}, .stays = true},
    };

    (void)state;
    caller = (struct caller){
        .front_end = CALLER_CONTROL,
        .name = "root",
        .pid = 12,
        .privilege = PRIVILEGE_ADMINISTRATOR,
    };
    assert_int_equal(call(SERVICE_BOOT_FLAGS, &boot), -EINPROGRESS);
    assert_non_null(
        strstr(log_line("boot device"), ": boot device pxe by root, pid 12: done audit {"));
    assert_int_equal(boot_override(&fake_bmc.bmc.boot).device, HOST_BOOT_NETWORK);
    assert_false(fake_bmc.bmc.boot.expires);
}

static void test_identify(void **state)
{
    (void)state;
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){.identify = {.seconds = 3}}),
                     0);
    assert_int_equal(finished, 1);
    assert_int_equal(chassis_identify_state(&fake_bmc.bmc.chassis), IDENTIFY_TIMED);
    assert_non_null(strstr(log_line("identify"), ": identify 3 s by joe by SSH"));
}

static void test_boot_parameter(void **state)
{
    static const uint8_t partition = 7, begin = BOOT_SET_IN_PROGRESS;
    union service_arguments arguments = {
        .boot_parameter = {.number = 1, .data = &partition, .size = 1}};

    (void)state;
    assert_int_equal(call(SERVICE_BOOT_PARAMETER, &arguments), -EINPROGRESS);
    assert_int_equal(finished, 0);
    assert_int_equal(fake_bmc.bmc.boot.service_partition, 7);
    arguments.boot_parameter.size = 2;
    assert_int_equal(call(SERVICE_BOOT_PARAMETER, &arguments), -EMSGSIZE);
    arguments.boot_parameter = (struct boot_parameter){.data = &begin, .size = 1};
    caller.session = 5;
    assert_int_equal(call(SERVICE_BOOT_PARAMETER, &arguments), 0);
    assert_int_equal(call(SERVICE_BOOT_PARAMETER, &arguments), -EALREADY);
    assert_int_equal(fake_bmc.bmc.boot.setting_session, 5);
    arguments.boot_parameter.number = 8;
    assert_int_equal(call(SERVICE_BOOT_PARAMETER, &arguments), -ENOPROTOOPT);
}

static void test_restore_policy(void **state)
{
    union service_arguments arguments = {.restore_policy = POWER_RESTORE_ALWAYS_ON};

    (void)state;
    fake_bmc.saves_wait = true;
    assert_int_equal(call(SERVICE_RESTORE_POLICY, &arguments), -EINPROGRESS);
    assert_int_equal(finished, 1);
    fake_bmc_finish_save(&fake_bmc, -ENOSPC);
    assert_int_equal(finished, -ENOSPC);
    assert_int_equal(fake_bmc.changes[BMC_PART_CHASSIS], 1);
    assert_non_null(strstr(log_line("policy"), "power restore policy always-on by joe by SSH"));
    arguments.restore_policy = POWER_RESTORE_ALWAYS_ON + 1;
    assert_int_equal(call(SERVICE_RESTORE_POLICY, &arguments), -EDOM);
}

/* A BMC that is no server. */
static void test_missing_parts(void **state)
{
    static const enum service_operation operations[] = {
        SERVICE_SENSOR_SETTINGS, SERVICE_SENSOR_RESET,  SERVICE_SENSOR_REARM,
        SERVICE_SENSOR_OVERRIDE, SERVICE_SEL_ADD,       SERVICE_SEL_DELETE,
        SERVICE_SEL_CLEAR,       SERVICE_SEL_TIME,      SERVICE_SEL_UTC_OFFSET,
        SERVICE_SEL_PROCESSED,   SERVICE_FRU_WRITE,     SERVICE_ASSET_TAG,
        SERVICE_POWER_LIMIT,     SERVICE_THERMAL_LIMIT, SERVICE_POWER_LIMIT_ACTIVE,
        SERVICE_IDENTIFIER,      SERVICE_DHCP,          SERVICE_SOL_ACTIVATE,
        SERVICE_SOL_DEACTIVATE,  SERVICE_SOL_ACCESS,    SERVICE_SOL_PARAMETER,
        SERVICE_CLEAR_FAULTS,
    };
    const union service_arguments arguments = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
        assert_int_equal(call(operations[i], &arguments), -ENOSYS);
        assert_int_equal(finished, 1);
    }
}

static void test_asset_tag(void **state)
{
    union service_arguments arguments = {.asset_tag = {(const uint8_t *)"rack 7", 0, true}};
    uint8_t tag[FRU_ASSET_TAG_MAX];

    (void)state;
    fake_bmc.bmc.fru = fru_new();
    assert_int_equal(call(SERVICE_ASSET_TAG, &arguments), -EINPROGRESS);
    assert_int_equal(finished, 0);
    assert_int_equal(fru_asset_tag(fake_bmc.bmc.fru, tag), 6);
    arguments.asset_tag.bytes = (const uint8_t *)"\n";
    assert_int_equal(call(SERVICE_ASSET_TAG, &arguments), -EINPROGRESS);
    assert_int_equal(finished, -EDOM);
    assert_string_equal(said, "an asset tag is printable text of at most 63 bytes (60 of UTF-8)");
    assert_int_equal(fake_bmc.changes[BMC_PART_FRU], 1);
    fru_free(fake_bmc.bmc.fru);
}

/* ---- sessions ---- */

static uint32_t closed;

static int close_session(void *context, uint32_t session)
{
    (void)context;
    closed = session;
    return session == 9 ? -ENOENT : 0;
}

static void test_close_session(void **state)
{
    union service_arguments arguments = {.session_close = {.session = 8, .close = close_session}};

    (void)state;
    caller.session = 7;
    caller.privilege = PRIVILEGE_OPERATOR;
    assert_int_equal(call(SERVICE_SESSION_CLOSE, &arguments), -EPERM);
    assert_int_equal(closed, 0);
    arguments.session_close.session = 7; /* its own */
    assert_int_equal(call(SERVICE_SESSION_CLOSE, &arguments), 0);
    assert_int_equal(closed, 7);
    caller.privilege = PRIVILEGE_ADMINISTRATOR;
    arguments.session_close.session = 9;
    assert_int_equal(call(SERVICE_SESSION_CLOSE, &arguments), -ENOENT);
}

static uint32_t taken_by;

static struct bmc_sol_owner sol_owner(void *context)
{
    (void)context;
    return (struct bmc_sol_owner){.session = 8, .user_id = 3};
}

static void take_sol(void *context, uint32_t session)
{
    (void)context;
    taken_by = session;
}

/* Another session of the same user may take the console over, another user may not. */
static void test_take_console_over(void **state)
{
    static const struct bmc_payload_ops ops = {.owner = sol_owner, .deactivate = take_sol};

    (void)state;
    fake_bmc.bmc.payload = &ops;
    caller.front_end = CALLER_LAN;
    caller.session = 7;
    caller.user_id = 2;
    caller.privilege = PRIVILEGE_OPERATOR;
    assert_int_equal(call(SERVICE_SOL_DEACTIVATE, NULL), -EPERM);
    assert_int_equal(taken_by, 0);
    caller.user_id = 3;
    assert_int_equal(call(SERVICE_SOL_DEACTIVATE, NULL), 0);
    assert_int_equal(taken_by, 7);
    caller.user_id = 2;
    caller.privilege = PRIVILEGE_ADMINISTRATOR;
    assert_int_equal(call(SERVICE_SOL_DEACTIVATE, NULL), 0);
}

/* ---- the guest ---- */

static void take_no_picture(void *context, struct host_picture *picture)
{
    (void)context;
    (void)picture;
    fail();
}

/* The fake host can do neither: the driver's own words come with the ticket, and the log says who
 * asked for what. Without a host there is nobody to ask. */
static void test_guest(void **state)
{
    static const union service_arguments dump = {.dump = {.path = "/tmp/a.dump"}};
    static const union service_arguments screenshot = {.screenshot = {.take = take_no_picture}};

    (void)state;
    for (unsigned without_host = 0; without_host < 2; without_host++) {
        int expected = without_host ? -EHOSTUNREACH : -EINPROGRESS;
        assert_int_equal(call(SERVICE_SCREENSHOT, &screenshot), expected);
        assert_int_equal(finished, without_host ? 1 : -ENOTSUP);
        assert_int_equal(call(SERVICE_DUMP, &dump), expected);
        assert_int_equal(finished, without_host ? 1 : -ENOTSUP);
        assert_true(without_host || said[0]);
        fake_bmc.bmc.core.host = NULL;
    }
    assert_non_null(strstr(log_line("screenshot"), "screenshot by joe by SSH"));
    assert_non_null(strstr(log_line("memory dump"), "memory dump to /tmp/a.dump by joe by SSH"));
    caller.privilege = PRIVILEGE_OPERATOR;
    assert_int_equal(call(SERVICE_DUMP, &dump), -EPERM);
}

/* ---- operations of the fleet ---- */

static int declare_dead(void *context, const struct service_call *made,
                        const union service_arguments *arguments)
{
    assert_ptr_equal(context, &fake_bmc);
    bmc_ticket_finish_with(made->ticket, 0, arguments->hypervisor);
    return -EINPROGRESS;
}

static void test_registered(void **state)
{
    (void)state;
    service_register(SERVICE_DECLARE_DEAD, declare_dead, &fake_bmc);
    assert_int_equal(call(SERVICE_DECLARE_DEAD, &(union service_arguments){.hypervisor = "east"}),
                     -EINPROGRESS);
    assert_int_equal(finished, 0);
    assert_string_equal(said, "east");
    assert_non_null(strstr(log_line("declare dead"), "declare dead hypervisor east by joe by SSH"));
    caller.one_bmc = true;
    assert_int_equal(call(SERVICE_DECLARE_DEAD, &(union service_arguments){.hypervisor = "east"}),
                     -EACCES);
    service_register(SERVICE_DECLARE_DEAD, NULL, NULL);
    caller.one_bmc = false;
    assert_int_equal(call(SERVICE_DECLARE_DEAD, &(union service_arguments){.hypervisor = "east"}),
                     -ENOSYS);
}

/* ---- accounts ---- */

/* The log says what is set of whom, but no password. */
static void test_accounts(void **state)
{
    struct user user;

    (void)state;
    assert_int_equal(user_make(&user, "bob", "builder", PRIVILEGE_OPERATOR), 0);
    const union service_arguments change = {.user_change = {5, USER_PARTS_ALL, &user}};
    assert_int_equal(call(SERVICE_USER_CHANGE, &change), -EINPROGRESS);
    assert_int_equal(finished, 0);
    log_line("account");
    assert_non_null(strstr(logged, "account 5: name 'bob' password privilege 3 enabled access 10h "
                                   "sessions 0 by joe"));
    assert_null(strstr(logged, "builder"));
    assert_int_equal(call(SERVICE_USER_CHANGE, &change), 0); /* it is so already */
    const union service_arguments same = {.user_change = {6, 1u << USER_PART_NAME, &user}};
    assert_int_equal(call(SERVICE_USER_CHANGE, &same), -EINPROGRESS);
    assert_int_equal(finished, -EEXIST);
    strcpy(user.name, "a\nb");
    assert_int_equal(call(SERVICE_USER_CHANGE, &same), -EDOM);
    const union service_arguments reset = {.user_reset = {5, 1u << USER_PART_LIMIT}};
    assert_int_equal(call(SERVICE_USER_RESET, &reset), -EINPROGRESS);
    assert_non_null(strstr(log_line("reset account"), "reset account 5: privilege by joe"));
    assert_int_equal(fake_bmc.bmc.users.by_id[5].limit, PRIVILEGE_NO_ACCESS);
    assert_int_equal(call(SERVICE_USER_RESET, &reset), 0);
}

static unsigned denied; /* ids, as bits */
static char denied_name[USER_NAME_MAX + 1];

static bool may_use_sol(void *context, uint8_t user_id)
{
    (void)context;
    return strcmp(fake_bmc.bmc.users.by_id[user_id].name, denied_name) != 0;
}

static int set_sol_access(void *context, uint8_t user_id, bool may, const struct bmc_ticket *ticket)
{
    (void)context;
    (void)ticket;
    assert_false(may);
    denied |= 1u << user_id;
    strcpy(denied_name, fake_bmc.bmc.users.by_id[user_id].name);
    return 0;
}

/* Who may not use SOL may not under another name either. */
static void test_renamed(void **state)
{
    static const struct bmc_payload_ops ops = {.user_may = may_use_sol,
                                               .set_user_access = set_sol_access};
    struct user user;

    (void)state;
    fake_bmc.bmc.payload = &ops;
    strcpy(denied_name, "bob");
    assert_int_equal(user_make(&user, "bob", "builder", PRIVILEGE_USER), 0);
    const union service_arguments change = {.user_change = {5, USER_PARTS_ALL, &user}};
    call(SERVICE_USER_CHANGE, &change);
    strcpy(user.name, "rob");
    call(SERVICE_USER_CHANGE, &change);
    assert_int_equal(denied, 1u << 5);
    assert_string_equal(denied_name, "rob");
    denied = 0;
    user = user_unused(); /* the account is gone, and nobody is to be denied anything */
    call(SERVICE_USER_CHANGE, &change);
    assert_int_equal(denied, 0);
    fake_bmc.bmc.payload = NULL;
}

/* ---- words ---- */

static void test_words(void **state)
{
    char text[SERVICE_TEXT_SIZE];

    (void)state;
    assert_string_equal(service_explain(SERVICE_POWER, -EHOSTUNREACH, text),
                        "its hypervisor cannot be reached, or the domain is not there");
    assert_string_equal(service_explain(SERVICE_POWER, -EIO, text),
                        "the hypervisor refused; the daemon's log says why");
    assert_string_equal(service_explain(SERVICE_BREAK, -ENOTCONN, text),
                        "the guest is off, or has no serial port");
    assert_string_equal(service_explain(SERVICE_BOOT_PARAMETER, -EIO, text),
                        "the change could not be stored: Input/output error");
    assert_string_equal(service_explain(SERVICE_VIEW_FLEET, -EACCES, text),
                        "this login is for one BMC only");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_power, setup, teardown),
        cmocka_unit_test_setup_teardown(test_process_in_log, setup, teardown),
        cmocka_unit_test_setup_teardown(test_identify, setup, teardown),
        cmocka_unit_test_setup_teardown(test_boot_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restore_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_missing_parts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_asset_tag, setup, teardown),
        cmocka_unit_test_setup_teardown(test_close_session, setup, teardown),
        cmocka_unit_test_setup_teardown(test_take_console_over, setup, teardown),
        cmocka_unit_test_setup_teardown(test_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_registered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
