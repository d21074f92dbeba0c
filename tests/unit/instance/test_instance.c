/* One BMC with its layers wired together, on a real store: what is stored comes back, answers wait
 * for the disk, configuration decides who may log in, and errors of its socket are told. */
#include <errno.h>
#include <ifaddrs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/restart.h"
#include "vbmc/instance/stored.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/dispatch.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/udp.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/state/chassis.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/boot.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/users.h"

static uv_loop_t loop;
static char folder[64];
static struct store *store;
static struct instance_shared shared;
static struct facility facility;
static struct instance *instance;
static struct config config;
static struct config_user users[2];
static unsigned replies;
static struct ipmi_response last;

static void on_reply(void *context, const struct ipmi_token *token,
                     const struct ipmi_response *response)
{
    assert_ptr_equal(context, &loop);
    assert_int_equal(token->bmc, 3);
    replies++;
    last = *response;
}

static const struct ipmi_sink sink = {.reply = on_reply, .context = &loop};

static void make(const struct store_chassis *chassis, const struct store_boot *boot)
{
    char name[] = "web01", username[] = "own", password[] = "own-secret";
    struct store_bmc record = {
        .uuid = {{1, 2, 3}}, .name = name, .username = username, .password = password};

    instance = instance_new(&shared, 3, &record, chassis, boot);
    assert_non_null(instance);
    memset(name, 0, sizeof name); /* the record was copied */
}

static int setup(void **state)
{
    char error[512];

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&loop);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-instance-XXXXXX");
    if (!mkdtemp(folder) || store_open(&loop, folder, &store, error, sizeof error) < 0)
        return -1;
    shared = (struct instance_shared){.facility = &facility,
                                      .state_dir = folder,
                                      .loop = &loop,
                                      .store = store,
                                      .limiter = limiter_new(),
                                      .sink = &sink};
    replies = 0;
    memset(&config, 0, sizeof config);
    server_settings_set_defaults(&config.bmc.server);
    facility_settings_set_defaults(&config.facility);
    facility_init(&facility, &config.facility);
    memset(users, 0, sizeof users);
    snprintf(users[0].name, sizeof users[0].name, "admin");
    snprintf(users[0].password, sizeof users[0].password, "secret");
    users[0].limit = PRIVILEGE_ADMINISTRATOR;
    snprintf(users[1].name, sizeof users[1].name, "looker");
    snprintf(users[1].password, sizeof users[1].password, "secret");
    users[1].limit = PRIVILEGE_USER;
    config.users = users;
    channel_set_defaults(&config.bmc.channel);
    config.bmc.session_timeout_s = 60;
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    instance_free(instance);
    instance = NULL;
    config_clear_index(&config);
    store_close(store);
    limiter_free(shared.limiter);
    uv_run(&loop, UV_RUN_DEFAULT);
    disk_settle(DISK_STATE, NULL, 60000);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return uv_loop_close(&loop) || system(command);
}

/* A command by way of the dispatcher; true if the answer is there at once. */
static bool ask(uint8_t netfn, uint8_t command, const uint8_t *data, size_t length)
{
    static uint32_t requests;
    const struct ipmi_msg msg = {
        .netfn = netfn, .command = command, .data = data, .data_length = length};
    const struct ipmi_request request = {
        .bmc = instance_bmc(instance),
        .msg = &msg,
        .token = {3, 1, ++requests},
        .origin = IPMI_ORIGIN_LAN_SESSION,
        .channel = CHANNEL_LAN,
        .privilege = PRIVILEGE_ADMINISTRATOR,
        .sink = &sink,
    };

    return ipmi_dispatch(&request, &last) == IPMI_ANSWERED;
}

static void turn_until_replied(unsigned count)
{
    while (replies < count)
        uv_run(&loop, UV_RUN_ONCE);
}

static void test_state_comes_back(void **state)
{
    struct store_chassis chassis = {.restore_policy = POWER_RESTORE_ALWAYS_ON,
                                    .cycle_interval_s = 7,
                                    .poh_minutes = 121,
                                    .was_on = true,
                                    .restart_cause = RESTART_CAUSE_SOFT_RESET,
                                    .last_power_event = POWER_EVENT_AC_FAILED};
    struct store_boot boot = {.service_partition = 7,
                              .service_partition_scan = 1,
                              .locked = 0x20,
                              .valid_bit_clearing = 8,
                              .flags = {0xc0, 4},
                              .info_acknowledge = 3};

    (void)state;
    memset(boot.mailbox, 0x5a, sizeof boot.mailbox);
    memset(boot.initiator, 0xa5, sizeof boot.initiator);
    make(&chassis, &boot);
    const struct bmc *bmc = instance_bmc(instance);
    assert_string_equal(instance_record(instance)->name, "web01");
    assert_int_equal(bmc->core.number, 3);
    assert_int_equal(bmc->guid[15], 1); /* reversed */
    assert_int_equal(bmc->chassis.restore_policy, POWER_RESTORE_ALWAYS_ON);
    assert_int_equal(bmc->chassis.cycle_interval_s, 7);
    assert_int_equal(bmc->chassis.poh_minutes, 121);
    assert_true(bmc->chassis.was_on);
    assert_int_equal(bmc->chassis.restart_cause, RESTART_CAUSE_SOFT_RESET);
    assert_int_equal(bmc->chassis.last_power_event, POWER_EVENT_AC_FAILED);
    assert_memory_equal(bmc->boot.flags, boot.flags, sizeof boot.flags);
    assert_memory_equal(bmc->boot.mailbox, boot.mailbox, sizeof boot.mailbox);
    assert_memory_equal(bmc->boot.initiator, boot.initiator, sizeof boot.initiator);
    assert_int_equal(bmc->boot.service_partition, 7);
    assert_int_equal(bmc->boot.service_partition_scan, 1);
    assert_int_equal(bmc->boot.locked, 0x20);
    assert_int_equal(bmc->boot.valid_bit_clearing, 8);
    assert_int_equal(bmc->boot.info_acknowledge, 3);
}

static int64_t on_for_s(void)
{
    return (int64_t)(uv_hrtime() / 1000000) / 1000 -
           instance_bmc(instance)->chassis.on_since_ms / 1000;
}

/* The guest's start is stored by the time of day, which a clock that was set makes worthless. */
static void test_run_comes_back(void **state)
{
    static const struct {
        int64_t age_s;
        bool is_taken;
    } cases[] = {
        {360, true}, {86400 * 400, true}, {-600, false}, {86400 * INT64_C(365) * 40, false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct store_chassis row = {.run = 5,
                                    .started_at = (int64_t)time(NULL) - cases[i].age_s,
                                    .counted_at = (int64_t)time(NULL) - 60};
        make(&row, NULL);
        const struct chassis *chassis = &instance_bmc(instance)->chassis;
        assert_int_equal(chassis->on_since_in_doubt, cases[i].is_taken);
        if (cases[i].is_taken) {
            assert_in_range(on_for_s() - cases[i].age_s + 5, 0, 10);
            assert_int_equal(chassis->run, 5);
        } else {
            assert_int_equal(chassis->on_since_ms, 0);
        }
        struct store_chassis again;
        chassis_rows_encode(instance_bmc(instance), &again);
        if (cases[i].is_taken) { /* stored again before the guest was found: nothing is lost */
            assert_int_equal(again.run, 5);
            assert_in_range(again.started_at - row.started_at + 5, 0, 10);
            assert_in_range(again.counted_at - row.counted_at + 5, 0, 10);
        } else {
            assert_int_equal(again.run, -1);
            assert_int_equal(again.started_at, 0);
        }
        instance_free(instance);
        instance = NULL;
    }
}

/* What was answered is in the store. */
static void test_answered_when_stored(void **state)
{
    static const uint8_t policy[] = {POWER_RESTORE_PREVIOUS}, flags[] = {5, 0xc0, 0x08, 0, 0, 0};
    static const uint8_t mark[] = {0x85}, partition[] = {1, 0x5a};
    CLEANUP_FREE struct store_chassis *chassis = NULL;
    struct store_boot *boots = NULL;
    size_t count = 0;

    (void)state;
    make(NULL, NULL);
    assert_false(ask(NETFN_CHASSIS, 0x06, policy, sizeof policy));
    assert_int_equal(replies, 0); /* never from within the call */
    turn_until_replied(1);
    assert_int_equal(last.completion_code, CC_SUCCESS);
    assert_int_equal(last.data_length, 1);
    assert_int_equal(last.data[0], 0x07);
    assert_int_equal(store_chassis_load_all(store, &chassis, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(chassis[0].restore_policy, POWER_RESTORE_PREVIOUS);

    assert_false(ask(NETFN_CHASSIS, 0x08, flags, sizeof flags));
    turn_until_replied(2);
    assert_int_equal(last.completion_code, CC_SUCCESS);
    assert_int_equal(store_boot_load_all(store, &boots, &count), 0);
    assert_int_equal(count, 1);
    assert_memory_equal(boots[0].flags, flags + 1, 5);
    store_boot_free(boots, count);

    assert_false(ask(NETFN_CHASSIS, 0x08, mark, sizeof mark));
    turn_until_replied(3);
    assert_false(ask(NETFN_CHASSIS, 0x08, partition, sizeof partition));
    turn_until_replied(4);
    assert_int_equal(last.completion_code, CC_SUCCESS);
    assert_int_equal(store_boot_load_all(store, &boots, &count), 0);
    assert_int_equal(boots[0].locked, 0x20);
    assert_int_equal(boots[0].service_partition, 0x5a);
    store_boot_free(boots, count);
}

static void test_freed_while_a_save_runs(void **state)
{
    static const uint8_t policy[] = {POWER_RESTORE_PREVIOUS};

    (void)state;
    make(NULL, NULL);
    assert_false(ask(NETFN_CHASSIS, 0x06, policy, sizeof policy));
    instance_free(instance);
    instance = NULL;
    turn_until_replied(1); /* the answer finds nobody by its number */
}

static void test_users(void **state)
{
    const struct users *present;
    uint8_t id;

    (void)state;
    make(NULL, NULL);
    config.user_count = 2;
    present = &instance_bmc(instance)->users;
    instance_configure(instance, &config); /* its record has a user of its own: that one alone */
    assert_non_null(users_find(present, "own", 3, &id));
    assert_null(users_find(present, "admin", 5, &id));
    free(cleanup_steal_pointer(&instance_record(instance)->username));
    instance_configure(instance, &config);
    assert_null(users_find(present, "own", 3, &id));
    assert_non_null(users_find(present, "admin", 5, &id));
    assert_non_null(users_find(present, "looker", 6, &id));
    assert_int_equal(users_find(present, "looker", 6, &id)->limit, PRIVILEGE_USER);
    config.user_count = 1;
    instance_configure(instance, &config);
    assert_null(users_find(present, "looker", 6, &id));
}

static unsigned times_told;
static char told_ssh[32];

static void users_changed(void *context, const char *ssh)
{
    (void)context;
    times_told++;
    snprintf(told_ssh, sizeof told_ssh, "%s", ssh ? ssh : "");
}

/* How many changes of accounts are on disk. */
static size_t stored_changes(void)
{
    struct store_user *rows;
    size_t count;

    assert_int_equal(store_users_load_all(store, &rows, &count), 0);
    store_users_free(rows, count);
    return count;
}

/* As the fleet does it at a start. */
static void restore_users(void)
{
    struct user_change changes[USER_CHANGES_MAX];
    struct store_user *rows;
    size_t count;

    instance_free(instance);
    make(NULL, NULL);
    free(cleanup_steal_pointer(&instance_record(instance)->username));
    instance_configure(instance, &config);
    assert_int_equal(store_users_load_all(store, &rows, &count), 0);
    for (size_t i = 0; i < count; i++)
        changes[i] = rows[i].change;
    store_users_free(rows, count);
    instance_restore_users(instance, changes, count);
}

/* What clients change is kept over a restart, until the configuration has another value. */
static void test_changed_users(void **state)
{
    static const uint8_t name[17] = {5, 'b', 'o', 'b'};
    static const uint8_t password[18] = {2, 2, 'o', 't', 'h', 'e', 'r'};
    uint8_t id;

    (void)state;
    config.user_count = 1;
    shared.users_changed = users_changed;
    make(NULL, NULL);
    free(cleanup_steal_pointer(&instance_record(instance)->username));
    instance_configure(instance, &config);
    times_told = 0;
    assert_false(ask(NETFN_APP, 0x45, name, sizeof name));
    assert_false(ask(NETFN_APP, 0x47, password, sizeof password));
    assert_int_equal(times_told, 2);
    turn_until_replied(2);
    assert_int_equal(last.completion_code, CC_SUCCESS);
    assert_int_equal(stored_changes(), 2);
    restore_users();
    const struct users *present = &instance_bmc(instance)->users;
    assert_string_equal(present->by_id[5].name, "bob");
    assert_memory_equal(users_find(present, "admin", 5, &id)->password, "other", 6);
    /* Changed while the daemon is down: the password is vbmc.conf's again, and the other is gone.
     */
    snprintf(users[0].password, sizeof users[0].password, "configured");
    restore_users();
    present = &instance_bmc(instance)->users;
    assert_memory_equal(users_find(present, "admin", 5, &id)->password, "configured", 11);
    assert_string_equal(present->by_id[5].name, "bob");
    while (stored_changes() != 1)
        uv_run(&loop, UV_RUN_ONCE);
    /* And while it runs. */
    assert_false(ask(NETFN_APP, 0x47, password, sizeof password));
    turn_until_replied(3);
    assert_int_equal(stored_changes(), 2);
    snprintf(users[0].password, sizeof users[0].password, "again");
    instance_configure(instance, &config);
    assert_memory_equal(users_find(present, "admin", 5, &id)->password, "again", 6);
    while (stored_changes() != 1)
        uv_run(&loop, UV_RUN_ONCE);
    assert_string_equal(told_ssh, "");
}

static void test_channel(void **state)
{
    static char name[] = "web01";
    static struct config_domain section = {.name = name, .enabled = true};

    (void)state;
    make(NULL, NULL);
    config.bmc.channel.suites[0] = 17;
    config.bmc.channel.suite_count = 1;
    instance_configure(instance, &config);
    assert_false(channel_has_suite(&instance_bmc(instance)->channel, 3));
    section.channel = config.bmc.channel; /* a section of its own comes first */
    section.channel.suites[0] = 3;
    config.domains = &section;
    config.domain_count = 1;
    assert_int_equal(config_index_domain(&config, 0), 0);
    instance_configure(instance, &config);
    assert_true(channel_has_suite(&instance_bmc(instance)->channel, 3));
}

static unsigned looks;

/* In place of the C library's: this machine has no addresses. */
int getifaddrs(struct ifaddrs **list)
{
    *list = NULL;
    looks++;
    return 0;
}

static struct lan_network network_at(const char *text)
{
    const struct lan *lan = &instance_bmc(instance)->lan;
    struct lan_network network = {.port = LAN_PORT_DEFAULT};
    union endpoint_address address;

    assert_int_equal(endpoint_address_parse(text, 6230, &address), 0);
    instance_set_address(instance, &address);
    for (unsigned i = 0; i < 100; i++)
        lan->ops->network(lan->ops_context, &network);
    return network;
}

/* The kernel is not asked at each read of a parameter; another address holds at once. */
static void test_network(void **state)
{
    (void)state;
    make(NULL, NULL);
    looks = 0;
    struct lan_network network = network_at("192.0.2.7");
    assert_true(network.has_v4 && !network.has_v6);
    assert_memory_equal(network.ip, "\xc0\x00\x02\x07", 4);
    assert_int_equal(network.port, 6230);
    network = network_at("fd00::7");
    assert_true(network.has_v6 && !network.has_v4);
    assert_int_equal(network.ipv6[15], 7);
    assert_int_equal(looks, 2); /* one for each address */
}

static void on_restarted(void *context)
{
    (*(unsigned *)context)++;
}

/* Behind the answer; what is volatile is gone, what was stored is there, and nobody is heard
 * meanwhile. */
static void test_restart(void **state)
{
    const uint8_t identifier[] = {0xdc, 0, 3, 'm', 'e', 0}, lasting[] = {2}, begin[] = {0, 1};
    const uint8_t get_identifier[] = {0xdc, 0, 16}, get_progress[] = {0, 0, 0};
    const uint8_t limit[] = {0xdc, 0x40, 1, 0x20, 40, 5, 0}, get_limit[] = {0xdc, 0x40, 1};
    unsigned told = 0;

    (void)state;
    shared.restarted = on_restarted;
    shared.restarted_context = &told;
    make(NULL, NULL);
    uint64_t now = uv_hrtime() / 1000000;
    assert_false(ask(NETFN_GROUP_EXTENSION, 0x0a, identifier, sizeof identifier));
    turn_until_replied(1);
    assert_false(ask(NETFN_CHASSIS, 0x06, lasting, sizeof lasting));
    turn_until_replied(2);
    assert_true(ask(NETFN_GROUP_EXTENSION, 0x0b, limit, sizeof limit)); /* not to be stored */
    assert_int_equal(last.completion_code, CC_SUCCESS);
    assert_true(ask(NETFN_CHASSIS, 0x08, begin, sizeof begin));
    assert_true(ask(NETFN_APP, 0x02, NULL, 0));
    assert_int_equal(last.completion_code, CC_SUCCESS);
    uint64_t due = instance_restart_deadline(instance);
    assert_true(due >= now + INSTANCE_RESTART_AFTER_MS);
    instance_restart_tick(instance, due - 1);
    assert_int_equal(told, 0);
    assert_false(instance_is_restarting(instance, due - 1));
    instance_restart_tick(instance, due);
    assert_int_equal(told, 1);
    assert_int_equal(instance_restarts(instance), 1);
    assert_int_equal(instance_restart_deadline(instance), UINT64_MAX);
    assert_true(instance_is_restarting(instance, due + INSTANCE_RESTART_TAKES_MS - 1));
    assert_false(instance_is_restarting(instance, due + INSTANCE_RESTART_TAKES_MS));
    assert_true(ask(NETFN_CHASSIS, 0x09, get_progress, sizeof get_progress));
    assert_int_equal(last.data[2], 0);
    assert_true(ask(NETFN_GROUP_EXTENSION, 0x09, get_identifier, sizeof get_identifier));
    assert_memory_equal(last.data + 2, "me", 3);
    assert_true(ask(NETFN_GROUP_EXTENSION, 0x0c, get_limit, sizeof get_limit));
    assert_int_equal(last.data[2], 0);
    assert_int_equal(instance_bmc(instance)->chassis.restore_policy, POWER_RESTORE_ALWAYS_ON);
}

static void test_port_in_use(void **state)
{
    union endpoint_address address;
    socklen_t size = sizeof address;
    char text[INSTANCE_ERROR_SIZE];
    CLEANUP_CLOSE int taken = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    (void)state;
    make(NULL, NULL);
    assert_int_equal(endpoint_address_parse("127.0.0.1", 0, &address), 0);
    assert_int_equal(bind(taken, &address.any, sizeof address.in), 0);
    assert_int_equal(getsockname(taken, &address.any, &size), 0);
    instance_set_address(instance, &address);
    assert_int_equal(instance_listen(instance), -EADDRINUSE);
    assert_false(instance_is_listening(instance));
    udp_socket_explain(&address, -EADDRINUSE, text, sizeof text);
    assert_non_null(strstr(text, "has this port"));
    log_set_target(LOG_TARGET_SYSLOG); /* it is said in the log too */
    instance_note_error(instance, text);
    log_set_target(LOG_TARGET_STDERR);
    assert_string_equal(instance_error(instance), text);
    close(taken);
    taken = -1;
    assert_int_equal(instance_listen(instance), 0);
    assert_true(instance_is_listening(instance));
    assert_string_equal(instance_error(instance), "");
    instance_stop_listening(instance);
    assert_false(instance_is_listening(instance));
}

static void test_set(void **state)
{
    struct bmcset set = {0};
    const struct uuid uuid = {{1, 2, 3}}, other = {{9}};

    (void)state;
    make(NULL, NULL);
    assert_int_equal(bmcset_add(&set, instance), 0);
    assert_ptr_equal(bmcset_find_uuid(&set, &uuid), instance);
    assert_null(bmcset_find_uuid(&set, &other));
    assert_ptr_equal(bmcset_find_number(&set, 3), instance);
    assert_null(bmcset_find_number(&set, 4));
    bmcset_remove(&set, instance);
    assert_int_equal(set.count, 0);
    bmcset_clear(&set);
}

/* An alert waits for the socket of a BMC that is to have one, and not for that of one that is
 * stopped. */
static void test_alert_without_a_socket(void **state)
{
    const struct lan_destination to = {.ip = {192, 0, 2, 1}};
    const struct alert alert = {.sequence = 1};

    (void)state;
    make(NULL, NULL);
    const struct alerts *alerts = &instance_bmc(instance)->alerts;
    assert_int_equal(alerts->ops->send(alerts->context, &to, &alert), -ENETDOWN);
    instance_record(instance)->active = true;
    assert_int_equal(alerts->ops->send(alerts->context, &to, &alert), -ENOTCONN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_state_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_run_comes_back, setup, teardown),
        cmocka_unit_test_setup_teardown(test_alert_without_a_socket, setup, teardown),
        cmocka_unit_test_setup_teardown(test_answered_when_stored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_freed_while_a_save_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_changed_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_channel, setup, teardown),
        cmocka_unit_test_setup_teardown(test_network, setup, teardown),
        cmocka_unit_test_setup_teardown(test_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_port_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
