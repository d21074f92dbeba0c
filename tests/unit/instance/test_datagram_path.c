/* What a request of a session costs on its way from the socket through all layers and back: nothing
 * is allocated, and of instructions there are few beside those of the cryptography. These are
 * counted by callgrind, which runs this program again as `test_datagram_path count`. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "sol/disk.h"
#include "tests/bench/client.h"
#include "tests/fake/fake_host.h"
#include "vbmc/base/array.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/locked_range.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/config/config.h"
#include "vbmc/instance/configure.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/dispatch.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/udp.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/state/chassis.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/store.h"

#define SESSIONS 8
#define ROUNDS   100 /* in which each session asks */
#define WARM_UP  20

/* Beside a loop of two HMACs and two calls of AES that keeps its contexts. */
#define INSTRUCTIONS_MAX 6000

#define GET_CHASSIS_STATUS 0x01
#define GET_SENSOR_READING 0x2d

/* ---- counting ---- */

static _Thread_local bool counts; /* allocations */
static unsigned allocations;

#ifndef __SANITIZE_ADDRESS__
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);
void *malloc(size_t size)
{
    allocations += counts;
    return __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    allocations += counts;
    return __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
    allocations += counts;
    return __libc_realloc(memory, size);
}
#endif

/* ---- a BMC, and those who ask it ---- */

static uv_loop_t loop;
static char folder[64];
static struct store *store;
static struct instance_shared shared;
static struct facility facility;
static struct instance *instance;
static struct config config;
static struct config_user user;
static struct fake_host host;
static struct endpoint bmc_at;

static struct client_account account = {.name = "admin", .password = "secret"};
static struct client clients[SESSIONS];
static int fds[SESSIONS];

static void on_reply(void *context, const struct ipmi_token *token,
                     const struct ipmi_response *response)
{
    (void)context, (void)token, (void)response;
}

static const struct ipmi_sink sink = {.reply = on_reply};

static int set_up_bmc(void)
{
    char error[512], name[] = "web01";
    struct store_bmc record = {.uuid = {{1, 2, 3}}, .name = name};

    log_set_level(LOG_LEVEL_ERROR);
    uv_loop_init(&loop);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-path-XXXXXX");
    if (!mkdtemp(folder) || store_open(&loop, folder, &store, error, sizeof error) < 0)
        return -1;
    shared = (struct instance_shared){.facility = &facility,
                                      .state_dir = folder,
                                      .loop = &loop,
                                      .store = store,
                                      .limiter = limiter_new(),
                                      .sink = &sink};
    server_settings_set_defaults(&config.bmc.server);
    facility_settings_set_defaults(&config.facility);
    facility_init(&facility, &config.facility);
    snprintf(user.name, sizeof user.name, "%s", account.name);
    snprintf(user.password, sizeof user.password, "%s", account.password);
    user.limit = PRIVILEGE_ADMINISTRATOR;
    config.users = &user;
    config.user_count = 1;
    channel_set_defaults(&config.bmc.channel);
    config.bmc.session_timeout_s = 60;
    instance = instance_new(&shared, 3, &record, NULL, NULL);
    if (!instance)
        return -1;
    instance_configure(instance, &config);
    fake_host_init(&host, HOST_POWER_RUNNING);
    bmc_set_host(instance_bmc(instance), &host.domain);
    endpoint_address_parse("127.0.0.1", 0, &bmc_at.remote);
    for (uint16_t port = 26000; port < 26100; port++) {
        endpoint_address_parse("127.0.0.1", port, &bmc_at.remote);
        instance_set_address(instance, &bmc_at.remote);
        if (instance_listen(instance) == 0)
            return 0;
    }
    return -1;
}

static int set_up(void **state)
{
    (void)state;
    return set_up_bmc();
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    bmc_set_host(instance_bmc(instance), NULL);
    instance_free(instance);
    config_clear_index(&config);
    store_close(store);
    limiter_free(shared.limiter);
    uv_run(&loop, UV_RUN_DEFAULT);
    disk_settle(DISK_STATE, NULL, 60000);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return uv_loop_close(&loop) || system(command);
}

/* What is counted: the loop takes what has come, and answers. */
__attribute__((noinline)) static void path_turn(void)
{
    counts = true;
    uv_run(&loop, UV_RUN_NOWAIT);
    counts = false;
}

static void idle_turn(void)
{
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void send_request(unsigned i)
{
    assert_int_equal(send(fds[i], clients[i].request, clients[i].length, 0),
                     (ssize_t)clients[i].length);
}

static void take_answer(unsigned i)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    enum client_step step = clients[i].step;

    while (clients[i].step == step) {
        ssize_t length = recv(fds[i], bytes, sizeof bytes, MSG_DONTWAIT);
        if (length < 0)
            idle_turn();
        else
            assert_true(client_take(&clients[i], bytes, (size_t)length));
    }
}

static void log_in(unsigned suite)
{
    account.suite = cipher_suite_find((uint8_t)suite);
    for (unsigned i = 0; i < SESSIONS; i++) {
        fds[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(fds[i], &bmc_at.remote.any, sizeof bmc_at.remote.in), 0);
        assert_int_equal(client_init(&clients[i], &account, i + 1), 0);
        client_begin(&clients[i]);
        while (clients[i].step != CLIENT_IN) {
            assert_int_not_equal(clients[i].step, CLIENT_REFUSED);
            send_request(i);
            take_answer(i);
        }
    }
}

static void log_out(void)
{
    for (unsigned i = 0; i < SESSIONS; i++) {
        client_leave(&clients[i]);
        send_request(i);
        take_answer(i);
        assert_int_equal(clients[i].step, CLIENT_OUT);
        client_free(&clients[i]);
        close(fds[i]);
    }
}

/* In each round all of them have asked before the loop turns. */
static void ask(void (*turn)(void), uint8_t netfn, uint8_t command, const uint8_t *data,
                size_t length, unsigned rounds)
{
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < SESSIONS; i++) {
            client_ask(&clients[i], netfn, command, data, length);
            send_request(i);
        }
        turn();
        for (unsigned i = 0; i < SESSIONS; i++) {
            take_answer(i);
            assert_int_equal(clients[i].step, CLIENT_IN);
        }
    }
}

static void ask_status(void (*turn)(void), unsigned rounds)
{
    ask(turn, NETFN_CHASSIS, GET_CHASSIS_STATUS, NULL, 0, rounds);
}

/* ---- no allocation ---- */

static void expect_no_allocation(unsigned suite)
{
    static const uint8_t fan = SENSOR_FAN;

    log_in(suite);
    ask_status(idle_turn, WARM_UP);
    allocations = 0;
    ask_status(path_turn, ROUNDS);
    assert_int_equal(allocations, 0);
    ask(path_turn, NETFN_SENSOR_EVENT, GET_SENSOR_READING, &fan, 1, ROUNDS);
    assert_int_equal(allocations, 0);
    log_out();
}

static void test_no_allocation_suite_3(void **state)
{
    (void)state;
    expect_no_allocation(3);
}

static void test_no_allocation_suite_17(void **state)
{
    (void)state;
    expect_no_allocation(17);
}

/* ---- few instructions ---- */

static struct {
    EVP_MAC_CTX *mac;
    EVP_CIPHER_CTX *encrypting, *decrypting;
} contexts;

static void prepare_reference(const char *hash, size_t key_length)
{
    static const uint8_t key[32];
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)hash, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_CIPHER *aes = EVP_CIPHER_fetch(NULL, "AES-128-CBC", NULL);

    contexts.mac = EVP_MAC_CTX_new(mac);
    contexts.encrypting = EVP_CIPHER_CTX_new();
    contexts.decrypting = EVP_CIPHER_CTX_new();
    assert_int_equal(EVP_MAC_init(contexts.mac, key, key_length, parameters), 1);
    assert_int_equal(EVP_CipherInit_ex2(contexts.encrypting, aes, key, key, 1, NULL), 1);
    assert_int_equal(EVP_CipherInit_ex2(contexts.decrypting, aes, key, key, 0, NULL), 1);
    EVP_CIPHER_CTX_set_padding(contexts.encrypting, 0);
    EVP_CIPHER_CTX_set_padding(contexts.decrypting, 0);
    EVP_CIPHER_free(aes);
    EVP_MAC_free(mac);
}

static void free_reference(void)
{
    EVP_MAC_CTX_free(contexts.mac);
    EVP_CIPHER_CTX_free(contexts.encrypting);
    EVP_CIPHER_CTX_free(contexts.decrypting);
}

/* What a request and its answer need: 48 bytes are covered, a block is encrypted. */
__attribute__((noinline)) static void reference_turn(void)
{
    static const uint8_t covered[48], iv[16];
    uint8_t digest[32], block[16] = {0};
    size_t size;
    int written;

    for (int i = 0; i < 2; i++) {
        EVP_CIPHER_CTX *aes = i == 0 ? contexts.decrypting : contexts.encrypting;
        EVP_MAC_init(contexts.mac, NULL, 0, NULL);
        EVP_MAC_update(contexts.mac, covered, sizeof covered);
        EVP_MAC_final(contexts.mac, digest, &size, sizeof digest);
        EVP_CipherInit_ex2(aes, NULL, NULL, iv, -1, NULL);
        EVP_CipherUpdate(aes, block, &written, block, sizeof block);
    }
}

/* Callgrind writes what it has counted when this returns. */
__attribute__((noinline)) static void end_part(void)
{
    __asm__ volatile("" ::: "memory");
}

static int count(void)
{
    static const unsigned suites[] = {3, 17};

    if (set_up_bmc() < 0)
        return 1;
    for (size_t i = 0; i < ARRAY_SIZE(suites); i++) {
        log_in(suites[i]);
        ask_status(idle_turn, 1);
        ask_status(path_turn, ROUNDS);
        log_out();
        end_part();
        prepare_reference(suites[i] == 17 ? "SHA256" : "SHA1", suites[i] == 17 ? 32 : 20);
        for (unsigned n = 0; n < ROUNDS * SESSIONS; n++)
            reference_turn();
        free_reference();
        end_part();
    }
    return 0;
}

/* For each request, of the n-th part (from 1). */
static double counted_in(const char *path, unsigned n)
{
    char name[128], line[256];
    double total = -1;

    snprintf(name, sizeof name, "%s.%u", path, n);
    FILE *file = fopen(name, "r");
    while (file && fgets(line, sizeof line, file))
        sscanf(line, "totals: %lf", &total);
    assert_non_null(file);
    fclose(file);
    assert_true(total > 0);
    return total / (ROUNDS * SESSIONS);
}

static void test_few_instructions(void **state)
{
    static const char *const suites[] = {"suite 3", "suite 17"};
    char path[128], command[512], program[PATH_MAX] = "";

    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();
#endif
    if (system("valgrind --version >/dev/null 2>&1") != 0) {
        print_message("skipped: valgrind is missing\n");
        skip();
    }
    assert_true(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
    snprintf(path, sizeof path, "%s/callgrind", folder);
    snprintf(command, sizeof command,
             "valgrind -q --tool=callgrind --toggle-collect=path_turn "
             "--toggle-collect=reference_turn --dump-after=end_part --callgrind-out-file=%s %.200s "
             "count",
             path, program);
    assert_int_equal(system(command), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(suites); i++) {
        double ours = counted_in(path, 2 * i + 1), reference = counted_in(path, 2 * i + 2);
        printf("%s: %.0f instructions, the cryptography in a loop %.0f\n", suites[i], ours,
               reference);
        assert_true(ours <= reference + INSTRUCTIONS_MAX);
    }
}

int main(int argc, char **argv)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_allocation_suite_3),
        cmocka_unit_test(test_no_allocation_suite_17),
        cmocka_unit_test(test_few_instructions),
    };

    locked_begin();
    if (argc == 2 && strcmp(argv[1], "count") == 0)
        return count();
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
