/* The system interface: what a scripted QEMU sends and gets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/inband/framing.h"
#include "vbmc/inband/interface.h"
#include "vbmc/ipmi/msg.h"

#define BYTES_MAX 8192

static struct {
    struct inband_interface *interface;
    struct ipmi_sink sink;
    uint8_t sent[BYTES_MAX];
    size_t length;
    bool is_starting;
    char text[BYTES_MAX];
    /* Late answers are kept back until they are let go. */
    bool keeps;
    struct ipmi_token token;
    struct ipmi_response response;
} qemu;

static void take_sent(void *context, const uint8_t *bytes, size_t length)
{
    (void)context;
    assert_true(qemu.length + length <= sizeof qemu.sent);
    memcpy(qemu.sent + qemu.length, bytes, length);
    qemu.length += length;
}

static bool is_starting(void *context)
{
    (void)context;
    return qemu.is_starting;
}

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    (void)context;
    qemu.token = *token;
    qemu.response = *response;
    if (!qemu.keeps)
        inband_interface_complete(qemu.interface, token, response, fake_bmc.now_ms);
}

static int setup(void **state)
{
    fake_sel_setup(state);
    memset(&qemu, 0, sizeof qemu);
    qemu.sink.reply = reply;
    const struct inband_config config = {
        .bmc_number = FAKE_BMC_NUMBER,
        .bmc = &fake_bmc.bmc,
        .messaging = &fake_bmc.bmc.messaging,
        .sink = &qemu.sink,
        .send = take_sent,
        .is_starting = is_starting,
    };
    qemu.interface = inband_interface_new(&config);
    inband_interface_connected(qemu.interface);
    return 0;
}

static int teardown(void **state)
{
    inband_interface_free(qemu.interface);
    return fake_sel_teardown(state);
}

/* What was sent since the last call: "[ff 01]" for hardware commands, "<00 1c 01 00>" for messages.
 */
static const char *sent(void)
{
    struct framing_reader reader = {0};
    const uint8_t *bytes = qemu.sent;
    size_t length = qemu.length, used = 0;
    struct framing_message unit;
    enum framing_result result;

    qemu.text[0] = '\0';
    while ((result = framing_read(&reader, &bytes, &length, &unit)) != FRAMING_MORE) {
        char *text = qemu.text;
        assert_int_not_equal(result, FRAMING_DROPPED);
        if (result == FRAMING_COMMAND)
            used += (size_t)sprintf(text + used, "[%02x", unit.code);
        else
            used += (size_t)sprintf(text + used, "<%02x %02x %02x", unit.sequence,
                                    (unsigned)unit.netfn << 2 | unit.lun, unit.command);
        for (size_t i = 0; i < unit.data_length; i++)
            used += (size_t)sprintf(text + used, " %02x", unit.data[i]);
        used += (size_t)sprintf(text + used, "%c", result == FRAMING_COMMAND ? ']' : '>');
    }
    assert_int_equal(reader.length, 0);
    qemu.length = 0;
    return qemu.text;
}

static int feed(const void *bytes, size_t length)
{
    return inband_interface_receive(qemu.interface, bytes, length, fake_bmc.now_ms);
}

/* A request as hexadecimal text: "00 18 01" (sequence, NetFn and LUN, command, data). */
static void ask(const char *text)
{
    uint8_t bytes[BYTES_MAX];
    size_t length = 0;
    unsigned value;
    int read;

    for (; sscanf(text, "%x%n", &value, &read) == 1; text += read)
        bytes[length++] = (uint8_t)value;
    bytes[length] = ipmi_msg_checksum(bytes, length);
    for (size_t i = 0; i <= length; i++) {
        uint8_t escaped[] = {0xaa, bytes[i] | 0x10};
        bool escapes = bytes[i] == 0xa0 || bytes[i] == 0xa1 || bytes[i] == 0xaa;
        assert_int_equal(feed(escapes ? escaped : bytes + i, escapes ? 2 : 1), 0);
    }
    assert_int_equal(feed("\xa0", 1), 0);
}

#define SAYS(expected) assert_string_equal(sent(), expected)
#define EXPECT(request, answer)                                                                    \
    do {                                                                                           \
        ask(request);                                                                              \
        SAYS(answer);                                                                              \
    } while (0)

static void test_greeting(void **state)
{
    (void)state;
    SAYS("[ff 01][06][00]");
    assert_int_equal(feed("\xff\x01\xa1\x08\x3f\xa1", 6), 0);
    SAYS("");
    assert_int_equal(feed("\x04\xa1\x77\x01\x02\xa1", 6), 0); /* unknown ones are passed over */
    SAYS("");
    assert_int_equal(feed("\xff\x02\xa1", 3), -EPROTO);
    assert_int_equal(feed("\xff\xa1", 2), -EPROTO);
}

static void test_requests(void **state)
{
    (void)state;
    sent();
    EXPECT("05 18 01", "<05 1c 01 00 20 01 01 00 02 94 d9 7e 00 01 00>");
    EXPECT("06 19 01", "<06 1d 01 c2>"); /* LUN 1 */
    EXPECT("07 18 7f", "<07 1c 7f c1>");
    EXPECT("08 1c 01 00", ""); /* a response */
    /* The channel is 0Fh; there are no sessions. */
    EXPECT("09 18 42 0e", "<09 1c 42 00 0f 0c 05 00 f2 1b 00 ff ff>");
    EXPECT("0a 18 3b 00", "<0a 1c 3b c1>");
    /* The system interface's own. */
    EXPECT("0b 18 31", "<0b 1c 31 00 00>");
    EXPECT("0c 18 33", "<0c 1c 33 80>");
}

/* What is of a session only: none can be begun here, raised, or given a payload. */
static void test_no_sessions(void **state)
{
    static const struct {
        uint8_t command;
        const char *data;
        const char *code;
    } cases[] = {
        {0x39, "02 61 64 6d 69 6e 00 00 00 00 00 00 00 00 00 00 00", "cc"},
        {0x3a, "02 04 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 00 01 00 00 00", "d5"},
        {0x3b, "04", "c1"},
        {0x3c, "00 00 00 00", "c1"},
        {0x48, "01 01 00 00 00 00", "c1"},
    };
    char request[128], answer[32];

    (void)state;
    sent();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        snprintf(request, sizeof request, "01 18 %02x %s", cases[i].command, cases[i].data);
        snprintf(answer, sizeof answer, "<01 1c %02x %s>", cases[i].command, cases[i].code);
        EXPECT(request, answer);
    }
}

static void test_late_answers(void **state)
{
    struct ipmi_token first;
    struct ipmi_response response;

    (void)state;
    sent();
    fake_bmc.saves_wait = true;
    EXPECT("01 00 06 02", "");
    assert_true(inband_interface_has_pending(qemu.interface, fake_bmc.now_ms));
    fake_bmc_finish_save(&fake_bmc, 0);
    SAYS("<01 04 06 00 07>");
    assert_false(inband_interface_has_pending(qemu.interface, fake_bmc.now_ms));
    /* One that another request has taken the place of is not answered. */
    qemu.keeps = true;
    ask("02 00 06 01");
    fake_bmc_finish_save(&fake_bmc, 0);
    first = qemu.token;
    response = qemu.response;
    EXPECT("03 18 31", "<03 1c 31 00 00>");
    inband_interface_complete(qemu.interface, &first, &response, fake_bmc.now_ms);
    SAYS("");
    /* Nor is one twice, or when QEMU waits no more. */
    ask("04 00 06 02");
    fake_bmc_finish_save(&fake_bmc, 0);
    fake_bmc.now_ms += INBAND_QEMU_WAITS_MS;
    inband_interface_complete(qemu.interface, &qemu.token, &qemu.response, fake_bmc.now_ms);
    SAYS("");
    assert_int_equal(inband_interface_counters(qemu.interface)->late, 2);
    /* Nor one of another connection. */
    ask("05 00 06 01");
    fake_bmc_finish_save(&fake_bmc, 0);
    inband_interface_disconnected(qemu.interface);
    inband_interface_connected(qemu.interface);
    sent();
    inband_interface_complete(qemu.interface, &qemu.token, &qemu.response, fake_bmc.now_ms);
    SAYS("");
}

/* A part of a unit does not outlast its connection. */
static void test_reconnect(void **state)
{
    (void)state;
    sent();
    feed("\x00\x18", 2);
    inband_interface_disconnected(qemu.interface);
    assert_false(inband_interface_is_connected(qemu.interface));
    assert_int_equal(feed("\x01\xe7\xa0", 3), 0);
    inband_interface_update(qemu.interface);
    SAYS("");
    inband_interface_connected(qemu.interface);
    SAYS("[ff 01][06][00]");
    EXPECT("01 18 31", "<01 1c 31 00 00>");
}

/* What QEMU may have lost with the connection before gets an answer, if nothing is asked;
 * backwards, and not of a QEMU that was just started. */
static void test_lost_requests(void **state)
{
    (void)state;
    sent();
    inband_interface_started(qemu.interface);
    inband_interface_settled(qemu.interface);
    SAYS("");
    EXPECT("07 18 31", "<07 1c 31 00 00>");
    inband_interface_settled(qemu.interface);
    SAYS("");
    inband_interface_disconnected(qemu.interface);
    inband_interface_settled(qemu.interface);
    SAYS("");
    inband_interface_connected(qemu.interface);
    sent();
    inband_interface_settled(qemu.interface);
    const char *at = sent();
    for (unsigned sequence = 256; sequence-- > 0; at = strchr(at, '>') + 1) {
        char expected[32];
        snprintf(expected, sizeof expected, "<%02x 1c 01 d2>", sequence);
        assert_memory_equal(at, expected, strlen(expected));
    }
    assert_string_equal(at, "");
    EXPECT("08 18 31", "<08 1c 31 00 00>");
}

static void put_event(void)
{
    const uint8_t event[MESSAGING_EVENT_SIZE] = {1, 2, 3};

    messaging_put_event(&fake_bmc.bmc.messaging, event);
    inband_interface_update(qemu.interface);
}

#define EVENT "01 02 03 00 00 00 00 00 00 00 00 00 00 00 00 00"

/* Attention is set once, and gone before the answer by which the last flag has gone. */
static void test_attention(void **state)
{
    (void)state;
    sent();
    EXPECT("01 18 2e 0c", "<01 1c 2e 00>");
    put_event();
    SAYS("[01]");
    put_event();
    SAYS("");
    EXPECT("02 18 31", "<02 1c 31 00 02>");
    ask("03 18 35");
    inband_interface_update(qemu.interface);
    SAYS("<03 1c 35 00 " EVENT ">[00]");
    /* With the interrupt, and told to who connects. */
    ask("04 18 2e 0e");
    inband_interface_update(qemu.interface);
    SAYS("<04 1c 2e 00>[05]");
    put_event();
    SAYS("[02]");
    inband_interface_disconnected(qemu.interface);
    inband_interface_connected(qemu.interface);
    SAYS("[ff 01][05][02]");
    ask("05 18 30 02");
    inband_interface_update(qemu.interface);
    SAYS("<05 1c 30 00>[00]");
}

/* It is enabled behind the attention that it is for, which QEMU makes an interrupt of only as that
 * comes; and it is not left to the system of after a reset, which has not asked for it: then it is
 * lowered too. */
static void test_late_interrupt(void **state)
{
    (void)state;
    sent();
    EXPECT("01 18 2e 0c", "<01 1c 2e 00>");
    put_event();
    SAYS("[01]");
    ask("02 18 2e 0e");
    inband_interface_update(qemu.interface);
    SAYS("<02 1c 2e 00>[05][00][02]");
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_RESET);
    inband_interface_update(qemu.interface);
    SAYS("[06][00][01]");
    EXPECT("03 18 2f", "<03 1c 2f 00 0c>");
}

/* A guest that was saved goes on; one that was off starts without. */
static void test_interrupts_of_guest(void **state)
{
    (void)state;
    sent();
    EXPECT("01 18 2e 0b", "<01 1c 2e 00>");
    fake_bmc.host.domain.stop_reason = HOST_STOP_SAVED;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOPPED);
    fake_bmc.host.domain.booted = false;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STARTED);
    EXPECT("02 18 2f", "<02 1c 2f 00 0b>");
    fake_bmc.host.domain.stop_reason = HOST_STOP_SHUTDOWN;
    bmc_host_event(&fake_bmc.bmc, HOST_EVENT_STOPPED);
    EXPECT("03 18 2f", "<03 1c 2f 00 08>");
}

/* What it sends to the BMC's own address comes back by the queue, and with attention. */
static void test_queue(void **state)
{
    (void)state;
    sent();
    /* Get Device ID, from its address 20h and LUN 2. */
    ask("01 18 34 00 20 18 c8 20 0a 01 d5");
    inband_interface_update(qemu.interface);
    SAYS("<01 1c 34 00>[01]");
    EXPECT("02 18 31", "<02 1c 31 00 01>");
    ask("03 18 33");
    inband_interface_update(qemu.interface);
    SAYS("<03 1c 33 00 00 1e c2 20 08 01 00 20 01 01 00 02 94 d9 7e 00 01 00 c7>[00]");
    EXPECT("04 18 33", "<04 1c 33 80>");
    /* One whose answer comes later: Set Power Restore Policy. */
    fake_bmc.saves_wait = true;
    EXPECT("05 18 34 00 20 00 e0 20 0c 06 02 cc", "");
    fake_bmc_finish_save(&fake_bmc, 0);
    inband_interface_update(qemu.interface);
    SAYS("<05 1c 34 00>[01]");
    EXPECT("06 18 33", "<06 1c 33 00 00 04 dc 20 0c 06 00 07 c7>");
    fake_bmc.saves_wait = false;
    /* A full one loses what comes; it is emptied by its flag. */
    for (unsigned i = 0; i <= MESSAGING_QUEUE_MAX; i++)
        ask("07 18 34 00 20 18 c8 20 0a 01 d5");
    sent();
    EXPECT("08 18 31", "<08 1c 31 00 01>");
    EXPECT("09 18 30 01", "<09 1c 30 00>");
    EXPECT("0a 18 31", "<0a 1c 31 00 00>");
    EXPECT("0b 18 33", "<0b 1c 33 80>");
    EXPECT("0c 18 34 0f 20 18 c8 20 0a 01 d5", "<0c 1c 34 d3>");
}

static void test_starting(void **state)
{
    (void)state;
    sent();
    qemu.is_starting = true;
    EXPECT("01 18 01", "<01 1c 01 d2>");
    qemu.is_starting = false;
    EXPECT("01 18 31", "<01 1c 31 00 00>");
}

static void test_read_only(void **state)
{
    (void)state;
    sent();
    inband_interface_set_read_only(qemu.interface, true);
    EXPECT("01 00 06 01", "<01 04 06 d4>"); /* Set Power Restore Policy */
    EXPECT("02 00 02 03", "<02 04 02 d4>"); /* Chassis Control */
    EXPECT("03 28 44 00 00 02 00 00 00 00 20 00 04 01 01 01 57 60 55", "<03 2c 44 d4>");
    EXPECT("04 18 24 04 01 00 00 10 00", "<04 1c 24 d4>"); /* Set Watchdog Timer */
    /* What a driver needs, and what shows something. */
    EXPECT("05 18 2e 0f", "<05 1c 2e 00>");
    EXPECT("06 18 2e 07", "<06 1c 2e d4>"); /* it turns event logging off */
    EXPECT("07 18 30 0b", "<07 1c 30 00>");
    EXPECT("08 28 42", "<08 2c 42 00 01 00>"); /* Reserve SEL */
    EXPECT("09 18 25", "<09 1c 25 00 00 00 00 00 00 00 00 00>");
}

static void test_budget(void **state)
{
    uint8_t noise[1024] = {0};

    (void)state;
    fake_bmc.now_ms += INBAND_WINDOW_MS;
    for (unsigned i = 0; i < INBAND_WINDOW_REQUESTS; i++) {
        assert_int_equal(inband_interface_pause_ms(qemu.interface, fake_bmc.now_ms), 0);
        ask("01 18 31");
        qemu.length = 0;
    }
    assert_int_equal(inband_interface_pause_ms(qemu.interface, fake_bmc.now_ms + 40), 60);
    fake_bmc.now_ms += INBAND_WINDOW_MS;
    assert_int_equal(inband_interface_pause_ms(qemu.interface, fake_bmc.now_ms), 0);
    for (size_t used = 0; used < INBAND_WINDOW_BYTES; used += sizeof noise) {
        assert_int_equal(inband_interface_pause_ms(qemu.interface, fake_bmc.now_ms), 0);
        feed(noise, sizeof noise);
    }
    assert_int_equal(inband_interface_pause_ms(qemu.interface, fake_bmc.now_ms), INBAND_WINDOW_MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_greeting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_sessions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_answers, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reconnect, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attention, setup, teardown),
        cmocka_unit_test_setup_teardown(test_late_interrupt, setup, teardown),
        cmocka_unit_test_setup_teardown(test_interrupts_of_guest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_queue, setup, teardown),
        cmocka_unit_test_setup_teardown(test_starting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only, setup, teardown),
        cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
