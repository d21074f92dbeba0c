/* The service: who may, what the log says of it, and what becomes of the model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/service/accounts.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/result.h"
#include "vbmc/service/service.h"

static struct caller caller;
static int finished;     /* by the ticket; 1: not */
static char said[128];   /* its text */
static char path[64];    /* of the log */
static char logged[512]; /* its last line, without the time */

static int setup(void **state)
{
    int fd;

    fake_bmc_setup(state);
    snprintf(path, sizeof path, "/tmp/vbmc-test-service-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(log_set_file(path), 0);
    log_set_level(LOG_LEVEL_INFO);
    caller = (struct caller){
        .front_end = CALLER_SSH,
        .name = "joe",
        .address = "192.0.2.1",
        .privilege = PRIVILEGE_ADMINISTRATOR,
    };
    return 0;
}

static int teardown(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    unlink(path);
    return fake_bmc_teardown(state);
}

static void note_finished(const struct bmc_ticket *ticket, int result)
{
    assert_int_equal(finished, 1); /* once */
    finished = result;
    snprintf(said, sizeof said, "%s", ticket->text ? ticket->text : "");
}

static int call(enum service_operation operation, const union service_arguments *arguments)
{
    const struct bmc_ticket ticket = {.done = note_finished};
    const struct service_call made = {&caller, &fake_bmc.bmc, &ticket};

    finished = 1;
    return service_call(operation, &made, arguments);
}

/* The line of the log that contains the text; "" if there is none. */
static const char *log_line(const char *text)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    while (fgets(logged, sizeof logged, file) && !strstr(logged, text))
        ;
    if (!strstr(logged, text))
        logged[0] = '\0';
    fclose(file);
    return logged;
}

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

/* ---- accounts of vbmc.conf, by the SSH address of all BMCs ---- */

static void configure_joe(void)
{
    struct users configured;

    users_init(&configured, NULL);
    users_add(&configured, "admin", "secret", PRIVILEGE_ADMINISTRATOR);
    users_add(&configured, "joe", "secret", PRIVILEGE_ADMINISTRATOR);
    assert_int_equal(users_configure(&fake_bmc.bmc.users, &configured), 0);
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
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL), 1);
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){.identify = {0, false}}), 0);
    wanted.enabled = false;
    set_joe(USER_PART_ENABLED, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL), 1);
    /* A name that is another's there is not his. */
    snprintf(wanted.name, sizeof wanted.name, "jim");
    set_joe(USER_PART_NAME, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL), 1);
    /* The password that he knows is not the one there; his key is as good as before. */
    user_set_password(&wanted, (const uint8_t *)"other", 5, 16);
    set_joe(USER_PART_PASSWORD, &wanted);
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_NONE);
    caller.by_key = true;
    assert_int_equal(service_level_on(&caller, bmc), PRIVILEGE_ADMINISTRATOR);
    caller.by_key = false;
    assert_int_equal(users_reset(&bmc->users, 0, 0, NULL), 1);
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
    users_configure(&bmc->users, &own);
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
    assert_non_null(strstr(log_line("power refused"), "power refused to joe by SSH from 192.0.2.1: "
                                                      "this BMC has locked the account out after "
                                                      "bad passwords\n"));
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
    assert_non_null(strstr(log_line("refused"), "power refused to joe by SSH from 192.0.2.1: this "
                                                "needs the privilege level operator\n"));
}

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
    snprintf(expected, sizeof expected, "%s: power off by joe by SSH from 192.0.2.1\n",
             fake_bmc.host.domain.name);
    assert_non_null(strstr(log_line("power off"), expected));
    fake_bmc_advance(&fake_bmc, BMC_ANSWER_WITHIN_MS);
    assert_int_equal(finished, 0);
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
    assert_non_null(strstr(log_line("boot device"), ": boot device pxe by root, pid 12\n"));
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
    assert_string_equal(log_line("identify"), ""); /* nothing that anybody asks for later */
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

/* Who knows one BMC only cannot ask for another, whatever the front end has let through. */
static void test_other_bmc(void **state)
{
    (void)state;
    caller.one_bmc = true;
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){0}), -ENOENT);
    caller.uuid = fake_bmc.bmc.core.uuid;
    assert_int_equal(call(SERVICE_IDENTIFY, &(union service_arguments){0}), 0);
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
        cmocka_unit_test(test_caller_text),
        cmocka_unit_test_setup_teardown(test_privileges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_level_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_own_account, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked_out_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refused, setup, teardown),
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
        cmocka_unit_test_setup_teardown(test_other_bmc, setup, teardown),
        cmocka_unit_test_setup_teardown(test_accounts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_renamed, setup, teardown),
        cmocka_unit_test(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
