/* The parts of one BMC on a real store: what is saved comes back, and what could not be stored
 * does not stay either, unless a later save holds it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_server.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/bmc/lan_parameters.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/platform/inject.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/saves.h"
#include "vbmc/store/boot.h"
#include "vbmc/store/document.h"
#include "vbmc/store/users.h"

static uv_loop_t loop;
static struct store *store;
static struct saves *saves;
static struct parts *parts;
static unsigned answers, failures;
static int result;

static void no_driver(struct bmc *bmc, const char **live, const char **stored)
{
    (void)bmc;
    *live = *stored = NULL;
}

static void begin(void)
{
    saves = saves_new(store, "the test");
    assert_non_null(saves);
    parts = parts_new(&fake_bmc.bmc, saves, no_driver);
    assert_non_null(parts);
}

static void free_parts(void *context)
{
    parts_free(context);
}

/* As a BMC goes: what is on its way to the disk goes on. */
static void end(void)
{
    saves_free(saves, free_parts, parts);
    saves = NULL;
    parts = NULL;
}

static int setup(void **state)
{
    fake_server_setup(state);
    uv_loop_init(&loop);
    store = refusing_store_open(&loop);
    fake_bmc.bmc.fru = fru_new();
    begin();
    answers = failures = 0;
    return !fake_bmc.bmc.fru;
}

static int teardown(void **state)
{
    end();
    store_close(store);
    uv_run(&loop, UV_RUN_DEFAULT);
    refusing_store_remove();
    fru_free(fake_bmc.bmc.fru);
    fake_bmc.bmc.fru = NULL;
    log_set_target(LOG_TARGET_STDERR);
    return uv_loop_close(&loop) || fake_server_teardown(state);
}

static void on_done(const struct bmc_ticket *ticket, int outcome)
{
    (void)ticket;
    answers++;
    failures += outcome < 0;
    result = outcome;
}

static const struct bmc_ticket ticket = {.done = on_done};

static void save(enum bmc_part part)
{
    parts_changed(parts, part, &ticket);
}

/* The result of the save that ends last. */
static int wait_for(unsigned count)
{
    while (answers < count)
        uv_run(&loop, UV_RUN_ONCE);
    return result;
}

/* Forgets everything, and takes over what is on disk as the daemon does when it starts. */
static void start_again(void)
{
    struct store_document *stored;
    size_t count;
    struct faults none = {0};

    end();
    begin();
    platform_restore_faults(fake_bmc.bmc.platform, &none);
    sensors_reset_settings(fake_bmc.bmc.sensors);
    dcmi_restart(fake_bmc.bmc.dcmi);
    dcmi_reset(fake_bmc.bmc.dcmi);
    pef_restart(&fake_bmc.bmc.pef);
    pef_reset_parameters(&fake_bmc.bmc.pef);
    assert_int_equal(store_document_load_all(store, &stored, &count), 0);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(&stored[i].uuid, &fake_bmc.bmc.core.uuid, sizeof stored[i].uuid);
        parts_restore_record(parts, stored[i].name, stored[i].text);
    }
    store_documents_free(stored, count);
}

static bool has_fault(const char *psu, enum fault_kind kind)
{
    return faults_has(platform_faults(fake_bmc.bmc.platform), FAULT_TARGET_PSU, psu, kind);
}

static void set_threshold(uint8_t raw)
{
    struct sensor_settings settings;

    assert_int_equal(sensors_settings(fake_bmc.bmc.sensors, SENSOR_INLET_TEMP, &settings), 0);
    settings.thresholds[SENSOR_UNC] = raw;
    assert_int_equal(sensors_set_settings(fake_bmc.bmc.sensors, &settings), 0);
}

static uint8_t threshold(void)
{
    struct sensor_settings settings;

    assert_int_equal(sensors_settings(fake_bmc.bmc.sensors, SENSOR_INLET_TEMP, &settings), 0);
    return settings.thresholds[SENSOR_UNC];
}

static void set_limit(uint16_t watts)
{
    const struct dcmi_power_limit limit = {
        .active = true, .watts = watts, .correction_ms = DCMI_CORRECTION_MS_MIN, .sampling_s = 1};

    assert_int_equal(dcmi_set_power_limit(fake_bmc.bmc.dcmi, &limit), 0);
}

static void set_pef(uint8_t number, const uint8_t *data, size_t size)
{
    const struct bmc_ticket nobody = {0};

    pef_set_parameter(&fake_bmc.bmc.pef, &(struct pef_parameter){number, data, size}, 0, &nobody);
}

static int pef_control(void)
{
    uint8_t data[PEF_PARAMETER_MAX];

    assert_int_equal(pef_get_parameter(&fake_bmc.bmc.pef, 1, 0, 0, data), 1);
    return data[0];
}

/* ---- the tests ---- */

static void test_all_come_back(void **state)
{
    (void)state;
    fake_server_inject("psu/1", "ac-lost");
    set_threshold(33);
    set_limit(321);
    for (unsigned i = BMC_PART_SENSORS; i < BMC_PART_COUNT; i++)
        save((enum bmc_part)i);
    assert_int_equal(answers, 0); /* not before it is on disk */
    assert_int_equal(wait_for(BMC_PART_COUNT - BMC_PART_SENSORS), 0);
    start_again();
    assert_true(has_fault("1", FAULT_AC_LOST));
    assert_int_equal(threshold(), 33);
    assert_int_equal(dcmi_power_limit_watts(fake_bmc.bmc.dcmi), 321);
}

/* What clients set of the LAN goes back to what is stored; what is volatile stays. */
static void test_lan_is_refused(void **state)
{
    struct lan *lan = &fake_bmc.bmc.lan;
    const struct lan_access_change closed = {.access_of = LAN_NON_VOLATILE,
                                             .access = {.mode = LAN_ACCESS_DISABLED}};
    const struct lan_access_change shared = {.access_of = LAN_VOLATILE,
                                             .access = {.mode = LAN_ACCESS_SHARED}};
    const struct lan_access_change low = {.limit_of = LAN_VOLATILE,
                                          .access = {.limit = PRIVILEGE_USER}};
    uint8_t data[LAN_PARAMETER_MAX];
    size_t size;

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    lan_set_parameter(lan, 11, (const uint8_t[]){7}, 1, 0, NULL);
    save(BMC_PART_LAN);
    assert_int_equal(wait_for(1), 0);
    refusing_store_refuse("");
    lan_set_parameter(lan, 11, (const uint8_t[]){9}, 1, 0, NULL);
    lan_set_parameter(lan, 18, (const uint8_t[]){0, 0x80, 1, 1}, 4, 0, NULL);
    lan_set_access(lan, &shared, NULL);
    lan_set_access(lan, &closed, NULL);
    lan_set_access(lan, &low, NULL);
    save(BMC_PART_LAN);
    assert_true(wait_for(2) < 0);
    assert_int_equal(lan_get_parameter(lan, 11, 0, 0, data, &size), 0);
    assert_int_equal(data[0], 7);
    assert_int_equal(lan_get_parameter(lan, 18, 0, 0, data, &size), 0);
    assert_int_equal(data[1], 0x80);
    assert_int_equal(lan_access(lan, LAN_NON_VOLATILE).mode, LAN_ACCESS_ALWAYS);
    assert_int_equal(lan_access(lan, LAN_VOLATILE).mode, LAN_ACCESS_SHARED);
    assert_int_equal(lan_access(lan, LAN_VOLATILE).limit, PRIVILEGE_USER);
    assert_true(parts_is_stored(parts, BMC_PART_LAN));
    /* What the configuration has overtaken is stored no more. */
    parts_restore_record(parts, "lan",
                         "{\"access\": {\"mode\": 2, \"limit\": 2, \"limit-over\": 3}}");
    assert_false(parts_is_stored(parts, BMC_PART_LAN));
}

/* What is never stored does not go with what is refused beside it, but when the BMC starts again.
 */
static void test_passing_stays(void **state)
{
    const struct dcmi_thermal_limit passing = {.actions = DCMI_THERMAL_LOG, .celsius = 44},
                                    persistent = {.actions = DCMI_THERMAL_PERSISTENT};
    struct bmc *bmc = &fake_bmc.bmc;
    struct sensor_view view;

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    set_pef(13, (const uint8_t *)"\0\1hot", 5); /* string 0 */
    assert_int_equal(dcmi_set_thermal_limit(bmc->dcmi, &passing), 0);
    assert_int_equal(sensors_override(bmc->sensors, SENSOR_INLET_TEMP, 77, 0, 0), 0);
    refusing_store_refuse("");
    set_pef(1, (const uint8_t[]){1}, 1);
    assert_int_equal(dcmi_set_thermal_limit(bmc->dcmi, &persistent), 0);
    set_threshold(33);
    save(BMC_PART_PEF);
    save(BMC_PART_DCMI);
    save(BMC_PART_SENSORS);
    assert_true(wait_for(3) < 0);
    assert_int_equal(failures, 3);
    assert_int_equal(pef_control(), pef_default_settings.control);
    assert_string_equal(pef_settings(&bmc->pef)->strings[0].text, "hot");
    assert_int_equal(dcmi_thermal_limit(bmc->dcmi)->celsius, 44);
    assert_int_equal(sensors_view(bmc->sensors, SENSOR_INLET_TEMP, &view), 0);
    assert_int_equal(view.raw, 77);
    bmc_restart(bmc);
    parts_read_again(parts);
    assert_string_equal(pef_settings(&bmc->pef)->strings[0].text, "");
    assert_int_equal(dcmi_thermal_limit(bmc->dcmi)->celsius, 0);
    assert_int_equal(sensors_view(bmc->sensors, SENSOR_INLET_TEMP, &view), 0);
    assert_int_not_equal(view.raw, 77);
}

/* Nothing was stored before: back to the defaults. */
static void test_first_save_fails(void **state)
{
    uint8_t standard = threshold();

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse("");
    fake_server_inject("psu/1", "ac-lost");
    set_threshold(33);
    set_limit(321);
    for (unsigned i = BMC_PART_SENSORS; i < BMC_PART_COUNT; i++)
        save((enum bmc_part)i);
    assert_true(wait_for(BMC_PART_COUNT - BMC_PART_SENSORS) < 0);
    assert_int_equal(platform_faults(fake_bmc.bmc.platform)->count, 0);
    assert_int_equal(threshold(), standard);
    assert_int_equal(dcmi_power_limit_watts(fake_bmc.bmc.dcmi), 0);
    refusing_store_accept();
    start_again();
    assert_int_equal(platform_faults(fake_bmc.bmc.platform)->count, 0);
}

static void set_name(const char *name)
{
    struct system_info_text text = {.length = (uint8_t)strlen(name)};

    memcpy(text.bytes, name, text.length);
    assert_int_equal(system_info_restore(&fake_bmc.bmc.system_info, SYSTEM_INFO_SYSTEM_NAME, &text),
                     0);
}

static const char *name(void)
{
    const struct system_info_text *text = fake_bmc.bmc.system_info.texts[SYSTEM_INFO_SYSTEM_NAME];

    return text ? (const char *)text->bytes : "";
}

/* System information: refused, and after a restart of the daemon. */
static void test_system_info(void **state)
{
    (void)state;
    set_name("web01");
    save(BMC_PART_SYSTEM_INFO);
    assert_int_equal(wait_for(1), 0);
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse("");
    set_name("web02");
    save(BMC_PART_SYSTEM_INFO);
    assert_true(wait_for(2) < 0);
    assert_string_equal(name(), "web01");
    refusing_store_accept();
    set_name("web03");
    start_again();
    assert_string_equal(name(), "web01");
}

/* The BMC starts again: what clients have set is as it is on disk, and what happened to the server
 * stays. */
static void test_read_again(void **state)
{
    uint8_t standard = threshold();

    (void)state;
    set_name("web01");
    save(BMC_PART_SYSTEM_INFO);
    set_limit(300);
    save(BMC_PART_DCMI);
    assert_int_equal(wait_for(2), 0);
    set_name("web02");
    set_limit(200);
    set_threshold(33);
    fake_server_inject("psu/1", "ac-lost");
    fake_bmc.bmc.chassis.restore_policy = POWER_RESTORE_ALWAYS_ON;
    parts_read_again(parts);
    assert_string_equal(name(), "web01");
    assert_int_equal(dcmi_power_limit_watts(fake_bmc.bmc.dcmi), 300);
    assert_int_equal(threshold(), standard);
    assert_true(has_fault("1", FAULT_AC_LOST));
    assert_int_equal(fake_bmc.bmc.chassis.restore_policy, POWER_RESTORE_ALWAYS_ON);
}

static void test_later_save_fails(void **state)
{
    (void)state;
    set_limit(300);
    save(BMC_PART_DCMI);
    fake_server_inject("psu/1", "ac-lost");
    save(BMC_PART_FAULTS);
    assert_int_equal(wait_for(2), 0);
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse("");
    fake_server_inject("psu/2", "failed");
    fake_server_clear("psu/1");
    save(BMC_PART_FAULTS);
    set_limit(200);
    save(BMC_PART_DCMI);
    assert_true(wait_for(4) < 0);
    assert_true(has_fault("1", FAULT_AC_LOST));
    assert_false(has_fault("2", FAULT_FAILED));
    assert_int_equal(dcmi_power_limit_watts(fake_bmc.bmc.dcmi), 300);
    /* And after a restart the stored one is what a failure goes back to. */
    start_again();
    fake_server_clear(NULL);
    save(BMC_PART_FAULTS);
    assert_true(wait_for(5) < 0);
    assert_true(has_fault("1", FAULT_AC_LOST));
}

/* Of two saves under way the first is refused: the second would hold both changes, and is refused
 * too. */
static void test_save_fails_before_another(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    fake_server_inject("psu/1", "ac-lost");
    save(BMC_PART_FAULTS);
    assert_int_equal(wait_for(1), 0);
    refusing_store_refuse("failed\",\"since\":0}]}");
    fake_server_inject("psu/2", "failed"); /* the last one of the list is refused */
    save(BMC_PART_FAULTS);
    fake_server_inject("fan/1", "failed");
    fake_server_clear("fan/1");
    fake_server_inject("intrusion", "open");
    save(BMC_PART_FAULTS);
    assert_true(wait_for(3) < 0);
    assert_int_equal(failures, 2);
    assert_int_equal(platform_faults(fake_bmc.bmc.platform)->count, 1);
    start_again();
    assert_int_equal(platform_faults(fake_bmc.bmc.platform)->count, 1);
    assert_true(has_fault("1", FAULT_AC_LOST));
}

static void test_damage(void **state)
{
    static const char *const texts[] = {
        "", "{", "[]", "{\"faults\": 5}", "null", "{\"faults\": [{\"target\": \"psu/1\"}]}"};

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        parts_restore_record(parts, "faults", texts[i]);
        assert_int_equal(platform_faults(fake_bmc.bmc.platform)->count, 0);
    }
    parts_restore_record(parts, "of the future", "{}");
    parts_restore_record(parts, "faults",
                         "{\"faults\": [{\"target\": \"psu/9\", \"kind\": \"lost\", \"since\": 1},"
                         "{\"target\": \"psu/1\", \"kind\": \"ac-lost\", \"since\": 1}]}");
    assert_true(has_fault("1", FAULT_AC_LOST)); /* the rest holds */
}

static void test_pef(void **state)
{
    static const uint8_t on[] = {0x01}, delay[] = {5}, keys[] = {16, 32, 3};
    uint8_t filter[21] = {32, 0x80, 0x21, 0x12, 0x20}, policy[] = {16, 0x28, 0x12, 0x85};
    uint8_t string[18] = {16, 4, 'a', 0xff}, guid[17] = {1, 0xab}, data[PEF_PARAMETER_MAX];
    const struct pef *pef = &fake_bmc.bmc.pef;

    (void)state;
    set_pef(1, on, sizeof on);
    set_pef(4, delay, sizeof delay);
    set_pef(6, filter, sizeof filter);
    set_pef(9, policy, sizeof policy);
    set_pef(10, guid, sizeof guid);
    set_pef(12, keys, sizeof keys);
    set_pef(13, string, sizeof string);
    string[0] = 0; /* the volatile one */
    set_pef(13, string, sizeof string);
    save(BMC_PART_PEF);
    assert_int_equal(wait_for(1), 0);
    start_again();
    assert_int_equal(pef_control(), 0x01);
    assert_int_equal(pef_get_parameter(pef, 4, 0, 0, data), 1);
    assert_int_equal(data[0], 5);
    assert_int_equal(pef_get_parameter(pef, 6, 32, 0, data), sizeof filter);
    assert_memory_equal(data, filter, sizeof filter);
    assert_int_equal(pef_get_parameter(pef, 9, 16, 0, data), sizeof policy);
    assert_memory_equal(data, policy, sizeof policy);
    assert_int_equal(pef_get_parameter(pef, 10, 0, 0, data), sizeof guid);
    assert_memory_equal(data, guid, sizeof guid);
    assert_int_equal(pef_get_parameter(pef, 12, 16, 0, data), sizeof keys);
    assert_memory_equal(data, keys, sizeof keys);
    assert_int_equal(pef_get_parameter(pef, 13, 16, 4, data), sizeof string);
    assert_memory_equal(data + 1, string + 1, sizeof string - 1);
    assert_int_equal(pef_get_parameter(pef, 13, 0, 4, data), sizeof string);
    assert_int_equal(data[2], 0);
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse("");
    set_pef(1, (const uint8_t[]){0x03}, 1);
    save(BMC_PART_PEF);
    assert_true(wait_for(2) < 0);
    assert_int_equal(pef_control(), 0x01);
}

static void test_damaged_pef(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "{\"parameters\": 1}",
        "{\"parameters\": [\"\", \"0001\", \"01\", \"0101ff\", \"0500\", \"7f00\", \"zz\", 5]}",
    };

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        parts_restore_record(parts, "pef", texts[i]);
        assert_null(fake_bmc.bmc.pef.own);
    }
    parts_restore_record(parts, "pef", "{\"parameters\": [\"0910\", \"0109\"]}");
    assert_int_equal(pef_control(), 0x09); /* the rest holds */
}

/* Rows of their own: what clients set goes back to the defaults, then to what is stored. */
static void test_chassis_is_refused(void **state)
{
    struct chassis *chassis = &fake_bmc.bmc.chassis;
    enum power_restore_policy standard = chassis->restore_policy;

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse_table("chassis");
    chassis->restore_policy = POWER_RESTORE_ALWAYS_ON;
    chassis->cycle_interval_s = 9;
    chassis->boots = 4;
    save(BMC_PART_CHASSIS);
    assert_true(wait_for(1) < 0);
    assert_int_equal(chassis->restore_policy, standard);
    assert_int_equal(chassis->cycle_interval_s, 0);
    assert_int_equal(chassis->boots, 4); /* this has happened */
    refusing_store_accept();
    chassis->restore_policy = POWER_RESTORE_PREVIOUS;
    save(BMC_PART_CHASSIS);
    assert_int_equal(wait_for(2), 0);
    refusing_store_refuse_table("chassis");
    chassis->restore_policy = POWER_RESTORE_ALWAYS_ON;
    save(BMC_PART_CHASSIS);
    assert_true(wait_for(3) < 0);
    assert_int_equal(chassis->restore_policy, POWER_RESTORE_PREVIOUS);
}

static void test_boot_is_refused(void **state)
{
    struct boot_options *boot = &fake_bmc.bmc.boot;
    struct store_boot row = {.service_partition = 3, .mailbox = {1, 2}};

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse_table("boot");
    boot->service_partition = 5;
    save(BMC_PART_BOOT);
    assert_true(wait_for(1) < 0);
    assert_int_equal(boot->service_partition, 0);
    parts_restore_boot(parts, &row);
    assert_int_equal(boot->service_partition, 3);
    boot->service_partition = 5;
    boot->mailbox[0] = 9;
    save(BMC_PART_BOOT);
    assert_true(wait_for(2) < 0);
    assert_int_equal(boot->service_partition, 3);
    assert_memory_equal(boot->mailbox, row.mailbox, sizeof row.mailbox);
}

/* What the guest has used up is not valid again because something else is refused. */
static void test_used_boot_flags_stay_so(void **state)
{
    struct boot_options *boot = &fake_bmc.bmc.boot;
    struct store_boot row = {.flags = {BOOT_FLAGS_VALID, 0x04}};

    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    parts_restore_boot(parts, &row);
    refusing_store_refuse_table("boot");
    boot_host_event(boot, HOST_EVENT_BOOT_CONSUMED); /* the fake stores nothing by itself */
    parts_changed(parts, BMC_PART_BOOT, NULL);
    boot->service_partition = 5;
    save(BMC_PART_BOOT);
    assert_true(wait_for(1) < 0);
    assert_int_equal(boot->service_partition, 0);
    assert_int_equal(boot->flags[0] & BOOT_FLAGS_VALID, 0);
    assert_int_equal(boot->flags[1], 0x04);
    assert_false(parts_is_stored(parts, BMC_PART_BOOT));
    refusing_store_accept();
    save(BMC_PART_BOOT);
    assert_int_equal(wait_for(2), 0);
    row.flags[0] = boot->flags[0] |= BOOT_FLAGS_VALID; /* another client's, stored from now on */
    save(BMC_PART_BOOT);
    assert_int_equal(wait_for(3), 0);
    refusing_store_refuse_table("boot");
    boot->flags[1] = 0x08;
    save(BMC_PART_BOOT);
    assert_true(wait_for(4) < 0);
    assert_memory_equal(boot->flags, row.flags, sizeof boot->flags);
}

static int change_user(uint8_t id, enum user_part part, const struct user *wanted)
{
    return users_change(&fake_bmc.bmc.users, id, 1u << part, wanted, NULL);
}

/* As the daemon does when it starts. */
static void restore_users(void)
{
    struct store_user *rows;
    struct user_change changes[USER_CHANGES_MAX];
    size_t count;

    end();
    users_clear(&fake_bmc.bmc.users);
    begin();
    assert_int_equal(store_users_load_all(store, &rows, &count), 0);
    for (size_t i = 0; i < count; i++) {
        assert_memory_equal(&rows[i].uuid, &fake_bmc.bmc.core.uuid, sizeof rows[i].uuid);
        changes[i] = rows[i].change;
    }
    parts_restore_users(parts, changes, count);
    store_users_free(rows, count);
}

static void test_users(void **state)
{
    const struct user *bob;
    struct user wanted;

    (void)state;
    assert_int_equal(user_make(&wanted, "bob", "builder", PRIVILEGE_OPERATOR), 0);
    for (unsigned part = 0; part < USER_PART_COUNT; part++)
        change_user(5, (enum user_part)part, &wanted);
    save(BMC_PART_USERS);
    assert_int_equal(wait_for(1), 0);
    restore_users();
    bob = &fake_bmc.bmc.users.by_id[5];
    assert_string_equal(bob->name, "bob");
    assert_true(user_is_same_login(bob, &wanted));
    /* Refused: as it was. */
    log_set_target(LOG_TARGET_SYSLOG);
    refusing_store_refuse_table("users");
    assert_int_equal(user_make(&wanted, "rob", "other", PRIVILEGE_USER), 0);
    assert_int_equal(change_user(5, USER_PART_PASSWORD, &wanted), 1);
    assert_int_equal(change_user(6, USER_PART_NAME, &wanted), 1);
    save(BMC_PART_USERS);
    assert_true(wait_for(2) < 0);
    assert_memory_equal(bob->password, "builder", 8);
    assert_string_equal(fake_bmc.bmc.users.by_id[6].name, "");
    /* What the configuration has overtaken while the daemon was down is stored no more. */
    refusing_store_accept();
    assert_int_equal(change_user(6, USER_PART_LIMIT, &wanted), 1);
    save(BMC_PART_USERS);
    assert_int_equal(wait_for(3), 0);
    struct user_change stale = fake_bmc.bmc.users.changes[0];
    stale.replaced[0] ^= 1;
    parts_restore_users(parts, &stale, 1);
    save(BMC_PART_USERS);
    assert_int_equal(wait_for(4), 0);
    restore_users();
    assert_int_equal(fake_bmc.bmc.users.change_count, 0);
}

static void test_freed_while_saves_run(void **state)
{
    (void)state;
    log_set_target(LOG_TARGET_SYSLOG);
    fake_server_inject("psu/1", "ac-lost");
    save(BMC_PART_FAULTS);
    save(BMC_PART_DCMI);
    end();
    assert_int_equal(wait_for(2), 0);
    /* and with one that fails, which has nothing to bring back any more */
    begin();
    refusing_store_refuse("");
    save(BMC_PART_FAULTS);
    end();
    assert_true(wait_for(3) < 0);
    assert_true(has_fault("1", FAULT_AC_LOST));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_come_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lan_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_first_save_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_system_info, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_again, setup, teardown),
        cmocka_unit_test_setup_teardown(test_later_save_fails, setup, teardown),
        cmocka_unit_test_setup_teardown(test_save_fails_before_another, setup, teardown),
        cmocka_unit_test_setup_teardown(test_passing_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pef, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_pef, setup, teardown),
        cmocka_unit_test_setup_teardown(test_chassis_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_boot_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_used_boot_flags_stay_so, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freed_while_saves_run, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
