/* The known answers of vectors.json that concern the RMCP layer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/rmcp_console.h"
#include "tests/unit/rmcp_stub.h"
#include "tests/unit/vectors.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/bmc/users.h"
#include "vbmc/ipmi/msg.h"
#include "vbmc/rmcp/asf.h"
#include "vbmc/rmcp/cipher.h"

static struct json_object *vectors;

struct blob {
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t length;
};

static struct blob blob(struct json_object *from, const char *pointer)
{
    struct blob result;

    result.length = vectors_bytes(from, pointer, result.bytes, sizeof result.bytes);
    return result;
}

static void assert_blob(const uint8_t *bytes, size_t length, struct json_object *from,
                        const char *pointer)
{
    struct blob expected = blob(from, pointer);

    if (length != expected.length || memcmp(bytes, expected.bytes, length) != 0)
        fail_msg("differs from %s: %s", pointer, vectors_text(from, pointer));
}

static void assert_answer(struct remote_console *console, struct json_object *from,
                          const char *request, const char *response)
{
    struct blob datagram = blob(from, request);

    assert_int_equal(remote_console_send(console, datagram.bytes, datagram.length), 1);
    assert_blob(console->last.bytes, console->last.length, from, response);
}

static void test_checksums(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/checksum8/cases"); i++) {
        struct json_object *entry = vectors_item(vectors, "/checksum8/cases", i);
        struct blob bytes = blob(entry, "/bytes");
        uint8_t sum = ipmi_msg_checksum(bytes.bytes, bytes.length);
        assert_blob(&sum, 1, entry, "/checksum");
    }
}

static void test_asf(void **state)
{
    struct blob ping = blob(vectors, "/asf/ping_tag_2a");
    uint8_t pong[ASF_PONG_SIZE];
    struct remote_console console;

    (void)state;
    remote_console_init(&console);
    assert_answer(&console, vectors, "/asf/ping_tag_2a", "/asf/pong_tag_2a");
    for (size_t cut = 0; cut < ping.length; cut++)
        assert_int_equal(remote_console_send(&console, ping.bytes, cut), 0);
    ping.bytes[8] = 0x40; /* a pong is not answered */
    assert_true(asf_answer_ping(ping.bytes, ping.length, pong) < 0);
    remote_console_free(&console);
}

static void test_pre_session(void **state)
{
    struct remote_console console;
    struct blob data;

    (void)state;
    remote_console_init(&console);
    rmcp_stub_reset();
    data = blob(vectors, "/pre_session/get_channel_auth_cap_rs/data_after_completion_code");
    memcpy(rmcp_stub.response.data, data.bytes, data.length);
    rmcp_stub.response.data_length = data.length;
    assert_answer(&console, vectors, "/pre_session/get_channel_auth_cap_rq/packet",
                  "/pre_session/get_channel_auth_cap_rs/packet");
    assert_int_equal(rmcp_stub.request.origin, IPMI_ORIGIN_LAN_OUTSIDE_SESSION);
    assert_int_equal(rmcp_stub.request.channel, CHANNEL_LAN);
    assert_null(rmcp_stub.request.sessions);

    data = blob(vectors, "/pre_session/get_channel_cipher_suites_for_3_8_12_17/index0/data");
    memcpy(rmcp_stub.response.data, data.bytes, data.length);
    rmcp_stub.response.data_length = data.length;
    assert_answer(&console, vectors, "/pre_session/get_channel_cipher_suites_rq_index0/packet",
                  "/pre_session/get_channel_cipher_suites_for_3_8_12_17/index0/packet");
    remote_console_free(&console);
}

static void set_exchange(struct json_object *entry, const struct cipher_suite *suite,
                         struct rakp_exchange *exchange)
{
    const char *name = vectors_text(entry, "/username");
    uint8_t role;

    assert_int_equal(vectors_bytes(entry, "/rakp1_role_byte", &role, 1), 1);
    *exchange = (struct rakp_exchange){.suite = suite,
                                       .console_id = CONSOLE_ID,
                                       .bmc_id = CONSOLE_BMC_ID,
                                       .role = role,
                                       .name_length = (uint8_t)strlen(name)};
    memcpy(exchange->name, name, exchange->name_length);
    vectors_bytes(vectors, "/about/common_inputs/Rm", exchange->rm, sizeof exchange->rm);
    vectors_bytes(vectors, "/about/common_inputs/Rc", exchange->rc, sizeof exchange->rc);
    vectors_bytes(vectors, "/about/common_inputs/guid_wire", exchange->guid, sizeof exchange->guid);
}

/* All 18 cases, those of suites that are not offered too: keys depend on the RAKP hash alone. */
static void test_rakp_case(struct crypto *crypto, struct json_object *entry)
{
    struct cipher_suite suite = {
        .authentication = (uint8_t)vectors_number(entry, "/algorithms/auth"),
    };
    size_t size = crypto_digest_size(cipher_suite_rakp(&suite).hash);
    const char *kg_text = vectors_text(entry, "/kg");
    uint8_t kuid[RAKP_KEY_SIZE] = {0};
    uint8_t kg[RAKP_KEY_SIZE] = {0};
    uint8_t code[CRYPTO_DIGEST_MAX];
    uint8_t sik[CRYPTO_DIGEST_MAX];
    struct rakp_exchange exchange;
    struct rmcpplus_keys keys;
    struct crypto_hmac_key k1;

    set_exchange(entry, &suite, &exchange);
    memcpy(kuid, vectors_text(entry, "/password"), strlen(vectors_text(entry, "/password")));
    memcpy(kg, kg_text, strlen(kg_text));
    assert_int_equal(rakp_code2(crypto, &exchange, kuid, code), 0);
    assert_blob(code, size, entry, "/rakp2_hmac");
    assert_int_equal(rakp_code3(crypto, &exchange, kuid, code), 0);
    assert_blob(code, size, entry, "/rakp3_hmac");
    assert_int_equal(rakp_sik(crypto, &exchange, kg_text[0] ? kg : kuid, sik), 0);
    assert_blob(sik, size, entry, "/sik");
    assert_int_equal(rakp_icv(crypto, &exchange, sik, code), 0);
    assert_blob(code, size, entry, "/rakp4_hmac_full");
    assert_blob(code, cipher_suite_rakp(&suite).size, entry, "/rakp4_icv");
    assert_int_equal(rakp_k(crypto, &exchange, sik, 2, code), 0);
    assert_blob(code, size, entry, "/k2");
    assert_int_equal(rakp_k(crypto, &exchange, sik, 1, code), 0);
    assert_blob(code, size, entry, "/k1");
    assert_int_equal(rakp_derive_keys(crypto, &exchange, kuid, sik, &keys), 0);
    assert_int_equal(crypto_hmac_prepare(crypto, cipher_suite_rakp(&suite).hash, code, size, &k1),
                     0);
    assert_memory_equal(&keys.k1, &k1, sizeof k1);
    assert_blob(keys.aes, sizeof keys.aes, entry, "/aes_key");
}

static void test_rakp(void **state)
{
    struct crypto *crypto = crypto_new();

    (void)state;
    assert_non_null(crypto);
    assert_int_equal(vectors_count(vectors, "/rakp/cases"), 18);
    for (size_t i = 0; i < 18; i++)
        test_rakp_case(crypto, vectors_item(vectors, "/rakp/cases", i));
    crypto_free(crypto);
}

/* The RAKP cases of suites that this program speaks as whole set-ups. */
static void test_rakp_payloads(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/rakp/cases"); i++) {
        struct json_object *entry = vectors_item(vectors, "/rakp/cases", i);
        uint8_t id = (uint8_t)vectors_number(entry, "/cipher_suite");
        const char *name = vectors_text(entry, "/username");
        const char *kg = vectors_text(entry, "/kg");
        struct blob rakp1 = blob(entry, "/rakp1_payload");
        struct blob rakp3 = blob(entry, "/rakp3_payload");
        struct remote_console console;

        if (!cipher_suite_find(id) || name[0] == '\0')
            continue;
        remote_console_init(&console);
        console.channel.suites[0] = id;
        users_clear(&console.users);
        assert_true(users_add(&console.users, name, vectors_text(entry, "/password"),
                              strcmp(name, "operator") == 0 ? PRIVILEGE_OPERATOR
                                                            : PRIVILEGE_ADMINISTRATOR) > 0);
        console.channel.has_kg = kg[0] != '\0';
        uint8_t padded[CHANNEL_KG_SIZE] = {0};
        memcpy(padded, kg, strlen(kg));
        console.channel.kg = padded;
        assert_int_equal(remote_console_open(&console, id), RAKP_OK);
        assert_int_equal(
            remote_console_send_clear(&console, PAYLOAD_RAKP1, rakp1.bytes, rakp1.length), RAKP_OK);
        assert_blob(console.last.bytes + 16, console.last.length - 16, entry, "/rakp2_payload");
        assert_int_equal(
            remote_console_send_clear(&console, PAYLOAD_RAKP3, rakp3.bytes, rakp3.length), RAKP_OK);
        assert_blob(console.last.bytes + 16, console.last.length - 16, entry, "/rakp4_payload");
        remote_console_free(&console);
    }
}

static void test_setup_datagrams(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/session_setup_datagrams"); i++) {
        struct json_object *entry = vectors_item(vectors, "/session_setup_datagrams", i);
        struct remote_console console;

        remote_console_init(&console);
        assert_answer(&console, entry, "/open_request", "/open_response");
        assert_answer(&console, entry, "/rakp1", "/rakp2");
        assert_answer(&console, entry, "/rakp3", "/rakp4");
        assert_int_equal(rmcp_server_count_sessions(console.server), 1);
        remote_console_free(&console);
    }
}

static void test_setup_errors(void **state)
{
    struct blob form = blob(vectors, "/session_setup_errors/1/packet");
    struct remote_console console;

    (void)state;
    remote_console_init(&console);
    console.tag = 7;
    console.channel.suites[0] = 17; /* suite 3 is not offered */
    assert_int_equal(remote_console_open(&console, 3), RAKP_NO_CIPHER_SUITE);
    assert_blob(console.last.bytes, console.last.length, vectors, "/session_setup_errors/0/packet");

    /* RAKP 2 with another status, as 0Dh is never given. */
    assert_int_equal(remote_console_open(&console, 17), RAKP_OK);
    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, 0x15), RAKP_INVALID_ROLE);
    form.bytes[17] = RAKP_INVALID_ROLE;
    assert_int_equal(console.last.length, form.length);
    assert_memory_equal(console.last.bytes, form.bytes, form.length);

    assert_int_equal(remote_console_rakp1(&console, CONSOLE_NAME, CONSOLE_ROLE), RAKP_OK);
    console.kuid[0] ^= 1;
    assert_int_equal(remote_console_rakp3(&console), RAKP_INVALID_INTEGRITY_CHECK_VALUE);
    assert_blob(console.last.bytes, console.last.length, vectors, "/session_setup_errors/2/packet");
    remote_console_free(&console);
}

/* Logs in with a suite under the fixed random of the vectors. */
static void login(struct remote_console *console, uint8_t suite)
{
    remote_console_init(console);
    console->channel.suites[0] = suite;
    assert_int_equal(remote_console_login(console, suite, CONSOLE_ROLE), RAKP_OK);
    rmcp_stub_reset();
}

/* Makes the stub answer what a response message of the vectors holds. */
static void stub_answers(const uint8_t *message, size_t length)
{
    assert_true(length >= 8);
    rmcp_stub.response.completion_code = message[6];
    rmcp_stub.response.data_length = length - 8;
    memcpy(rmcp_stub.response.data, message + 7, length - 8);
}

static void test_chassis_status_packets(void **state)
{
    size_t spoken = 0;

    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/get_chassis_status_packets"); i++) {
        struct json_object *entry = vectors_item(vectors, "/get_chassis_status_packets", i);
        uint8_t suite = (uint8_t)vectors_number(entry, "/cipher_suite");
        struct blob response = blob(entry, "/response/ipmi_message");
        struct remote_console console;

        if (!cipher_suite_find(suite))
            continue;
        spoken++;
        login(&console, suite);
        stub_answers(response.bytes, response.length);
        assert_answer(&console, entry, "/request/packet", "/response/packet");
        assert_int_equal(rmcp_stub.msg.command, 0x01);
        remote_console_free(&console);
    }
    assert_int_equal(spoken, 11); /* all that there are */
}

static void test_padding_edges(void **state)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    uint8_t room[RMCP_DATAGRAM_MAX];
    struct remote_console console;

    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/padding_edges/cases"); i++) {
        struct json_object *entry = vectors_item(vectors, "/padding_edges/cases", i);
        struct blob message = blob(entry, "/ipmi_message");
        struct rmcpplus_packet packet;
        const uint8_t *payload;
        size_t length;

        login(&console, (uint8_t)vectors_number(entry, "/cipher_suite"));
        int size =
            rmcpplus_seal(console.crypto, &console.keys, PAYLOAD_IPMI, CONSOLE_ID, 2,
                          console.random16, message.bytes, message.length, bytes, sizeof bytes);
        assert_true(size > 0);
        assert_blob(bytes, (size_t)size, entry, "/packet");

        struct wire_in in = wire_in_init(bytes, (size_t)size);
        wire_skip(&in, RMCP_HEADER_SIZE);
        assert_int_equal(rmcpplus_parse(in, &packet), 0);
        assert_true(rmcpplus_verify(&console.keys, &packet));
        assert_int_equal(
            rmcpplus_open(console.crypto, &console.keys, &packet, room, &payload, &length), 0);
        assert_int_equal(length, message.length);
        assert_memory_equal(payload, message.bytes, length);
        remote_console_free(&console);
    }
}

static void test_must_be_dropped(void **state)
{
    const struct session *session;
    struct remote_console console;

    (void)state;
    login(&console, 3);
    session = session_table_find(console.server->sessions, CONSOLE_BMC_ID);
    assert_non_null(session);
    struct session before = *session;
    console.now_ms += 100;
    console.from.remote.in.sin_port = htons(1);
    for (size_t i = 0; i < vectors_count(vectors, "/must_be_dropped/cases"); i++) {
        struct json_object *entry = vectors_item(vectors, "/must_be_dropped/cases", i);
        struct blob packet = blob(entry, "/packet");
        if (remote_console_send(&console, packet.bytes, packet.length) != 0)
            fail_msg("answered: %s", vectors_text(entry, "/why"));
        if (memcmp(session, &before, sizeof before) != 0)
            fail_msg("changed the session: %s", vectors_text(entry, "/why"));
    }
    assert_int_equal(rmcp_stub.calls, 0);
    struct blob good = blob(vectors, "/get_chassis_status_packets/2/request/packet");
    assert_int_equal(remote_console_send(&console, good.bytes, good.length), 1);
    remote_console_free(&console);
}

/* The message inside of a recorded answer of the BMC. */
static size_t recorded_message(struct remote_console *console, const struct blob *datagram,
                               uint8_t message[RMCP_DATAGRAM_MAX])
{
    memcpy(console->last.bytes, datagram->bytes, datagram->length);
    console->last.length = datagram->length;
    return remote_console_unseal(console, message);
}

static void test_transcript(struct json_object *transcript, struct remote_console *console)
{
    struct remote_console guide; /* knows the keys */
    uint8_t message[RMCP_DATAGRAM_MAX];

    login(&guide, (uint8_t)vectors_number(transcript, "/cipher_suite"));
    for (size_t i = 0; i < vectors_count(transcript, "/exchanges"); i++) {
        struct json_object *exchange = vectors_item(transcript, "/exchanges", i);
        struct blob answer = blob(exchange, "/bmc");
        size_t length = recorded_message(&guide, &answer, message);

        if (length > 0)
            stub_answers(message, length);
        else if (i == 0)
            stub_answers(answer.bytes + 14, answer.length - 14);
        assert_answer(console, exchange, "/client", "/bmc");
    }
    remote_console_free(&guide);
}

static void test_transcripts(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/ipmitool_transcripts"); i++) {
        struct json_object *transcript = vectors_item(vectors, "/ipmitool_transcripts", i);
        size_t last = vectors_count(transcript, "/exchanges") - 1;
        struct blob closing = blob(vectors_item(transcript, "/exchanges", last), "/client");
        struct remote_console console;

        remote_console_init(&console);
        test_transcript(transcript, &console);
        assert_int_equal(rmcp_server_count_sessions(console.server), 0);
        assert_int_equal(remote_console_send(&console, closing.bytes, closing.length), 0);
        remote_console_free(&console);
    }
}

/* Every datagram of a session in front of the whole one, cut at every length; the session goes on
 * as recorded, so nothing was answered or disturbed. */
static void test_transcripts_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < vectors_count(vectors, "/ipmitool_transcripts"); i++) {
        struct json_object *transcript = vectors_item(vectors, "/ipmitool_transcripts", i);
        size_t last = vectors_count(transcript, "/exchanges");
        struct remote_console console, guide;
        uint8_t message[RMCP_DATAGRAM_MAX];

        remote_console_init(&console);
        login(&guide, (uint8_t)vectors_number(transcript, "/cipher_suite"));
        for (size_t j = 1; j < last; j++) {
            struct json_object *exchange = vectors_item(transcript, "/exchanges", j);
            struct blob client = blob(exchange, "/client");
            struct blob answer = blob(exchange, "/bmc");
            /* A RAKP 3 whose own length field fits a shorter code is another test. */
            for (size_t cut = 0; cut < client.length; cut++) {
                uint8_t exact[RMCP_DATAGRAM_MAX];
                memcpy(exact, client.bytes, cut);
                assert_int_equal(remote_console_send(&console, exact, cut), 0);
            }
            size_t length = recorded_message(&guide, &answer, message);
            if (length > 0)
                stub_answers(message, length);
            assert_answer(&console, exchange, "/client", "/bmc");
        }
        remote_console_free(&guide);
        remote_console_free(&console);
    }
}

static int load(void **state)
{
    (void)state;
    vectors = vectors_load();
    return 0;
}

static int unload(void **state)
{
    (void)state;
    json_object_put(vectors);
    return 0;
}

/* No two of 1,000 are equal, whatever lengths are taken in between. */
static void test_random(void **state)
{
    static uint64_t taken[1000];
    uint8_t bytes[1024 + 1];

    (void)state;
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(crypto_random(NULL, (uint8_t *)&taken[i], sizeof taken[i]), 0);
        assert_int_equal(crypto_random(NULL, bytes, i % 7), 0);
        for (size_t j = 0; j < i; j++)
            assert_true(taken[i] != taken[j]);
    }
    assert_int_equal(crypto_random(NULL, bytes, 1024), 0);
    assert_int_equal(crypto_random(NULL, bytes, 1025), -EINVAL);
}

/* Whether it is in the memory that malloc has grown by brk(2); the sanitizers' malloc has none. */
static bool is_in_heap(const uint8_t key[CRYPTO_BLOCK_SIZE])
{
#ifdef __SANITIZE_ADDRESS__
    (void)key;
    return false;
#else
    const uint8_t *begin = NULL, *end = NULL;
    char line[256];
    FILE *maps = fopen("/proc/self/maps", "r");

    assert_non_null(maps);
    while (fgets(line, sizeof line, maps) && !strstr(line, "[heap]"))
        ;
    fclose(maps);
    if (sscanf(line, "%p-%p", (void **)&begin, (void **)&end) != 2)
        return false;
    return memmem(begin, (size_t)(end - begin), key, CRYPTO_BLOCK_SIZE) != NULL;
#endif
}

/* The AES key is not left behind where OpenSSL has computed with it. */
static void test_forget(void **state)
{
    static const uint8_t key[CRYPTO_BLOCK_SIZE] = "a key of a kind";
    uint8_t iv[CRYPTO_BLOCK_SIZE] = {0}, block[CRYPTO_BLOCK_SIZE] = {0};
    struct crypto *crypto = crypto_new();

    (void)state;
    assert_non_null(crypto);
    assert_int_equal(crypto_encrypt(crypto, key, iv, block, sizeof block, block), 0);
    assert_true(crypto_has_key());
    crypto_forget();
    assert_false(crypto_has_key());
    assert_false(is_in_heap(key));
    assert_int_equal(crypto_decrypt(crypto, key, iv, block, sizeof block, block), 0);
    crypto_forget();
    assert_false(is_in_heap(key));
    assert_memory_equal(block, iv, sizeof block);
    crypto_free(crypto);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checksums),     cmocka_unit_test(test_asf),
        cmocka_unit_test(test_pre_session),   cmocka_unit_test(test_rakp),
        cmocka_unit_test(test_rakp_payloads), cmocka_unit_test(test_setup_datagrams),
        cmocka_unit_test(test_setup_errors),  cmocka_unit_test(test_chassis_status_packets),
        cmocka_unit_test(test_padding_edges), cmocka_unit_test(test_must_be_dropped),
        cmocka_unit_test(test_transcripts),   cmocka_unit_test(test_transcripts_cut),
        cmocka_unit_test(test_random),        cmocka_unit_test(test_forget),
    };

    return cmocka_run_group_tests_name("rmcp vectors", tests, load, unload);
}
