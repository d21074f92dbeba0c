/* The SOL payload machine with a clock, a guest and a console of the test's own: packet by packet.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sol/solproto.h"
#include "tests/unit/vectors.h"

#define ACCUMULATE_MS 60
#define RETRY_MS      500
#define RETRIES       3

struct packet {
    uint8_t bytes[SOLPROTO_PAYLOAD_MAX];
    size_t size;
};

struct rig {
    struct solproto *sol;
    uint64_t now;
    struct packet sent[32];
    size_t sent_count;
    size_t sent_seen;
    char source[2048]; /* what the guest writes */
    size_t source_from;
    size_t source_to;
    char guest[4096]; /* what the guest got; a break is a '^' */
    size_t guest_size;
    size_t writable; /* what the guest takes before it stops */
    bool echo;
};

static void on_transmit(void *context, const uint8_t *payload, size_t size)
{
    struct rig *rig = context;
    struct packet *packet = &rig->sent[rig->sent_count++];

    assert_true(rig->sent_count <= 32 && size <= sizeof packet->bytes);
    memcpy(packet->bytes, payload, size);
    packet->size = size;
}

static void guest_says(struct rig *rig, const char *text)
{
    size_t n = strlen(text);

    memcpy(rig->source + rig->source_to, text, n);
    rig->source_to += n;
    solproto_output_ready(rig->sol, rig->now);
}

static size_t on_guest_write(void *context, const uint8_t *bytes, size_t n)
{
    struct rig *rig = context;
    char text[SOLPROTO_QUEUE_MAX + SOLPROTO_PAYLOAD_MAX] = "";

    n = n < rig->writable ? n : rig->writable;
    rig->writable -= n;
    memcpy(rig->guest + rig->guest_size, bytes, n);
    rig->guest_size += n;
    if (rig->echo) {
        memcpy(text, bytes, n);
        guest_says(rig, text);
    }
    return n;
}

static void on_guest_break(void *context)
{
    struct rig *rig = context;

    rig->guest[rig->guest_size++] = '^';
}

static size_t on_next_bytes(void *context, uint8_t *buffer, size_t max)
{
    struct rig *rig = context;
    size_t n = rig->source_to - rig->source_from;

    n = n < max ? n : max;
    memcpy(buffer, rig->source + rig->source_from, n);
    rig->source_from += n;
    return n;
}

static void on_discard_bytes(void *context)
{
    struct rig *rig = context;

    rig->source_from = rig->source_to;
}

static const struct solproto_ops ops = {
    .transmit = on_transmit,
    .guest_write = on_guest_write,
    .guest_break = on_guest_break,
    .next_bytes = on_next_bytes,
    .discard_bytes = on_discard_bytes,
};

static const struct solproto_config usual = {
    .timing = {ACCUMULATE_MS, 8, RETRIES, RETRY_MS},
    .inbound_size = 24,
    .outbound_size = 24,
    .queue_size = 32,
};

static struct rig *rig_new(const struct solproto_config *config)
{
    struct rig *rig = test_calloc(1, sizeof *rig);

    rig->now = 1000;
    rig->writable = sizeof rig->guest;
    assert_int_equal(solproto_new(config, &ops, rig, &rig->sol), 0);
    return rig;
}

static void rig_free(struct rig *rig)
{
    assert_int_equal(rig->sent_seen, rig->sent_count);
    solproto_free(rig->sol);
    test_free(rig);
}

/* The console sends a packet with these fields and characters. */
static void say(struct rig *rig, uint8_t sequence, uint8_t acknowledged, uint8_t accepted,
                uint8_t operation, const char *text)
{
    uint8_t payload[512] = {sequence, acknowledged, accepted, operation};
    size_t n = strlen(text);

    memcpy(payload + SOLPROTO_HEADER_SIZE, text, n);
    assert_int_equal(solproto_receive(rig->sol, payload, SOLPROTO_HEADER_SIZE + n, rig->now), 0);
}

static void type(struct rig *rig, uint8_t sequence, const char *text)
{
    say(rig, sequence, 0, 0, 0, text);
}

static void acknowledge(struct rig *rig, uint8_t sequence, uint8_t accepted)
{
    say(rig, 0, sequence, accepted, 0, "");
}

/* The next packet that the console sees. */
static void expect(struct rig *rig, uint8_t sequence, uint8_t acknowledged, uint8_t accepted,
                   uint8_t status, const char *text)
{
    const uint8_t header[] = {sequence, acknowledged, accepted, status};

    assert_true(rig->sent_seen < rig->sent_count);
    struct packet *packet = &rig->sent[rig->sent_seen++];
    assert_int_equal(packet->size, sizeof header + strlen(text));
    assert_memory_equal(packet->bytes, header, sizeof header);
    assert_memory_equal(packet->bytes + sizeof header, text, strlen(text));
    if (rig->sent_seen == rig->sent_count)
        rig->sent_seen = rig->sent_count = 0;
}

static void expect_nothing(struct rig *rig)
{
    assert_int_equal(rig->sent_seen, rig->sent_count);
}

static void expect_guest(struct rig *rig, const char *text)
{
    assert_int_equal(rig->guest_size, strlen(text));
    assert_memory_equal(rig->guest, text, strlen(text));
}

/* Time goes on; the machine is ticked at its deadlines and not before. */
static void pass(struct rig *rig, uint64_t ms)
{
    uint64_t end = rig->now + ms;
    uint64_t deadline;

    while ((deadline = solproto_next_deadline(rig->sol)) <= end) {
        rig->now = deadline > rig->now ? deadline : rig->now;
        solproto_tick(rig->sol, rig->now);
        assert_true(solproto_next_deadline(rig->sol) > rig->now);
    }
    rig->now = end;
}

static void test_config(void **state)
{
    static const struct {
        size_t inbound, outbound, queue;
        int result;
    } cases[] = {
        {4, 5, 1, -EINVAL}, {260, 5, 1, -EINVAL},  {5, 4, 1, -EINVAL}, {5, 260, 1, -EINVAL},
        {5, 5, 0, -EINVAL}, {5, 5, 1025, -EINVAL}, {5, 5, 1, 0},       {259, 259, 1024, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct solproto_config config = usual;
        struct solproto *sol = NULL;
        config.inbound_size = cases[i].inbound;
        config.outbound_size = cases[i].outbound;
        config.queue_size = cases[i].queue;
        assert_int_equal(solproto_new(&config, &ops, NULL, &sol), cases[i].result);
        solproto_free(sol);
    }
}

static void test_accumulate(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    assert_true(solproto_next_deadline(rig->sol) == SOLPROTO_NEVER);
    guest_says(rig, "ab");
    pass(rig, ACCUMULATE_MS - 1);
    guest_says(rig, "c"); /* does not start the interval again */
    expect_nothing(rig);
    pass(rig, 1);
    expect(rig, 1, 0, 0, 0, "abc");
    acknowledge(rig, 1, 3);
    guest_says(rig, "1234567");
    expect_nothing(rig);
    guest_says(rig, "8"); /* the threshold */
    expect(rig, 2, 0, 0, 0, "12345678");
    guest_says(rig, "one packet has at most twenty characters");
    expect_nothing(rig); /* one in flight */
    acknowledge(rig, 2, 8);
    expect(rig, 3, 0, 0, 0, "one packet has at mo");
    acknowledge(rig, 3, 20);
    expect(rig, 4, 0, 0, 0, "st twenty characters");
    acknowledge(rig, 4, 20);
    assert_true(solproto_next_deadline(rig->sol) == SOLPROTO_NEVER);
    rig_free(rig);
}

static void test_timing_change(void **state)
{
    static const struct solproto_timing eager = {5, 0, 0, 0};
    struct rig *rig = rig_new(&usual);

    (void)state;
    solproto_set_timing(rig->sol, &eager);
    guest_says(rig, "a");
    expect(rig, 1, 0, 0, 0, "a");
    assert_int_equal(solproto_next_deadline(rig->sol), rig->now + 10); /* 0 would be a storm */
    pass(rig, 10000);
    expect_nothing(rig); /* no repeats */
    rig_free(rig);
}

static void test_threshold_above_packet(void **state)
{
    struct solproto_config config = usual;

    (void)state;
    config.timing.send_threshold = 255;
    struct rig *rig = rig_new(&config);
    guest_says(rig, "01234567890123456789+");
    expect(rig, 1, 0, 0, 0, "01234567890123456789");
    acknowledge(rig, 1, 20);
    expect_nothing(rig);
    pass(rig, ACCUMULATE_MS);
    expect(rig, 2, 0, 0, 0, "+");
    rig_free(rig);
}

static void test_output_wrap(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    for (int i = 0; i < 40; i++) {
        uint8_t sequence = (uint8_t)(i % 15 + 1);
        guest_says(rig, "12345678");
        expect(rig, sequence, 0, 0, 0, "12345678");
        acknowledge(rig, sequence, 8);
    }
    rig_free(rig);
}

static void test_lost_output(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, 0, "12345678");
    guest_says(rig, "more");
    pass(rig, RETRY_MS);
    expect(rig, 1, 0, 0, 0, "12345678"); /* the same bytes */
    acknowledge(rig, 2, 8);
    acknowledge(rig, 15, 8);
    acknowledge(rig, 0, 8);
    expect_nothing(rig); /* not its number */
    acknowledge(rig, 1, 8);
    expect(rig, 2, 0, 0, 0, "more"); /* old by now */
    acknowledge(rig, 1, 8);
    expect_nothing(rig);      /* acknowledged twice */
    acknowledge(rig, 2, 200); /* more than there is */
    guest_says(rig, "12345678");
    expect(rig, 3, 0, 0, 0, "12345678");
    rig_free(rig);
}

static void stall(struct rig *rig)
{
    guest_says(rig, "12345678");
    for (int i = 0; i <= RETRIES; i++) {
        expect(rig, 1, 0, 0, 0, "12345678");
        pass(rig, RETRY_MS);
    }
    expect_nothing(rig);
    assert_true(solproto_next_deadline(rig->sol) == SOLPROTO_NEVER);
    guest_says(rig, "more");
    pass(rig, 100000);
    expect_nothing(rig);
}

static void test_retries_exhausted(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    stall(rig);
    solproto_heard(rig->sol, rig->now); /* the same packet starts over */
    for (int i = 0; i <= RETRIES; i++) {
        expect(rig, 1, 0, 0, 0, "12345678");
        pass(rig, RETRY_MS);
    }
    type(rig, 1, "x");
    expect(rig, 1, 0, 0, 0, "12345678");
    expect(rig, 0, 1, 1, 0, "");
    solproto_heard(rig->sol, rig->now);
    expect_nothing(rig); /* under way already */
    acknowledge(rig, 1, 8);
    expect(rig, 2, 0, 0, 0, "more");
    rig_free(rig);
}

static void test_late_acknowledgement(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    stall(rig);
    acknowledge(rig, 1, 8);
    expect(rig, 2, 0, 0, 0, "more");
    rig_free(rig);
}

static void test_output_partly_taken(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, 0, "12345678");
    guest_says(rig, "9");
    acknowledge(rig, 1, 3);
    expect(rig, 2, 0, 0, 0, "456789");
    acknowledge(rig, 2, 0); /* nothing: no storm */
    expect_nothing(rig);
    pass(rig, RETRY_MS);
    expect(rig, 3, 0, 0, 0, "456789");
    acknowledge(rig, 3, 6);
    rig_free(rig);
}

static void test_output_refused(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, 0, "12345678");
    say(rig, 0, 1, 2, SOLPROTO_OPERATION_NACK, "");
    pass(rig, RETRY_MS - 1);
    say(rig, 0, 1, 2, SOLPROTO_OPERATION_NACK, "");
    expect_nothing(rig);
    pass(rig, 1);
    expect(rig, 2, 0, 0, 0, "345678");
    say(rig, 0, 2, 1, SOLPROTO_OPERATION_NACK, "");
    guest_says(rig, "a full packet behind it");
    expect_nothing(rig);
    acknowledge(rig, 2, 1); /* go on */
    expect(rig, 3, 0, 0, 0, "45678a full packet b");
    say(rig, 0, 3, 20, SOLPROTO_OPERATION_NACK, "");
    pass(rig, RETRY_MS);
    expect(rig, 4, 0, 0, 0, "ehind it");
    rig_free(rig);
}

static void test_overrun(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    solproto_output_lost(rig->sol);
    expect_nothing(rig);
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, SOLPROTO_STATUS_OVERRUN, "12345678");
    pass(rig, RETRY_MS);
    expect(rig, 1, 0, 0, SOLPROTO_STATUS_OVERRUN, "12345678");
    acknowledge(rig, 1, 8);
    guest_says(rig, "12345678");
    expect(rig, 2, 0, 0, 0, "12345678");
    rig_free(rig);
}

/* What was collected before a loss does not call itself overrun. */
static void test_overrun_place(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    guest_says(rig, "12345678");
    guest_says(rig, "a full packet before");
    solproto_output_lost(rig->sol);
    guest_says(rig, "behind it");
    expect(rig, 1, 0, 0, 0, "12345678");
    acknowledge(rig, 1, 8);
    expect(rig, 2, 0, 0, 0, "a full packet before");
    acknowledge(rig, 2, 10); /* the gap is in the next packet, with the rest */
    expect(rig, 3, 0, 0, SOLPROTO_STATUS_OVERRUN, "ket beforebehind it");
    guest_says(rig, "more");
    solproto_output_lost(rig->sol);
    guest_says(rig, "less");
    solproto_output_lost(rig->sol); /* waits until the one before has been told */
    guest_says(rig, "least of all");
    acknowledge(rig, 3, 19);
    expect(rig, 4, 0, 0, SOLPROTO_STATUS_OVERRUN, "moreless");
    acknowledge(rig, 4, 8);
    expect(rig, 5, 0, 0, SOLPROTO_STATUS_OVERRUN, "least of all");
    acknowledge(rig, 5, 0); /* nothing taken, but told */
    pass(rig, RETRY_MS);
    expect(rig, 6, 0, 0, 0, "least of all");
    solproto_output_lost(rig->sol);
    guest_says(rig, "dropped");
    say(rig, 0, 6, 12, SOLPROTO_OPERATION_FLUSH_INBOUND, "");
    guest_says(rig, "not dropped");
    say(rig, 0, 0, 0, 0, "");
    expect(rig, 7, 0, 0, SOLPROTO_STATUS_OVERRUN, "not dropped");
    rig_free(rig);
}

static void test_input(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    rig->echo = true;
    type(rig, 1, "ls\r");
    expect(rig, 0, 1, 3, 0, ""); /* first the acknowledgement */
    pass(rig, ACCUMULATE_MS);
    expect(rig, 1, 0, 0, 0, "ls\r");
    say(rig, 2, 1, 3, 0, "x"); /* both in one packet, as ipmiconsole does */
    expect(rig, 0, 2, 1, 0, "");
    pass(rig, ACCUMULATE_MS);
    expect(rig, 2, 0, 0, 0, "x");
    expect_guest(rig, "ls\rx");
    rig_free(rig);
}

static void test_input_repeated(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    for (int i = 0; i < 5; i++) {
        type(rig, 1, "abc");
        expect(rig, 0, 1, 3, 0, "");
        pass(rig, 500);
    }
    expect_guest(rig, "abc");
    rig_free(rig);
}

static void test_input_wrap(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    for (int i = 0; i < 40; i++) {
        uint8_t sequence = (uint8_t)(i % 15 + 1);
        type(rig, sequence, "a");
        expect(rig, 0, sequence, 1, 0, "");
    }
    assert_int_equal(rig->guest_size, 40);
    rig_free(rig);
}

static void test_input_overtaken(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    type(rig, 14, "a");
    expect(rig, 0, 14, 1, 0, "");
    type(rig, 1, "b"); /* 15 never came */
    expect(rig, 0, 1, 1, 0, "");
    type(rig, 14, "a");
    type(rig, 15, "c");
    expect_nothing(rig);
    expect_guest(rig, "ab");
    pass(rig, SOLPROTO_STALE_MS);
    type(rig, 15, "c"); /* no repeat after so long */
    expect(rig, 0, 15, 1, 0, "");
    expect_guest(rig, "abc");
    rig_free(rig);
}

static void test_input_sequence_zero(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    say(rig, 0, 0, 0, 0, "not data");
    say(rig, 0xf0, 0, 0, 0, "not data"); /* the upper bits are reserved */
    say(rig, 0, 0, 0, SOLPROTO_OPERATION_BREAK, "");
    expect_nothing(rig);
    expect_guest(rig, "^");
    type(rig, 0xf1, "a");
    expect(rig, 0, 1, 1, 0, "");
    rig_free(rig);
}

static void test_input_too_long(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    type(rig, 1, "01234567890123456789 and more than was agreed");
    expect(rig, 0, 1, 20, 0, "");
    expect_guest(rig, "01234567890123456789");
    rig_free(rig);
}

static void test_input_held(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    rig->writable = 2;
    type(rig, 1, "abcd");
    expect_nothing(rig);
    rig->writable = 1;
    solproto_guest_writable(rig->sol, rig->now);
    expect_nothing(rig);
    rig->writable = 1;
    solproto_guest_writable(rig->sol, rig->now);
    expect(rig, 0, 1, 4, 0, "");
    type(rig, 2, "efgh");
    pass(rig, SOLPROTO_HOLD_MS - 1);
    expect_nothing(rig);
    pass(rig, 1);
    expect(rig, 0, 2, 4, 0, ""); /* whole, from the queue */
    type(rig, 3, "i");
    type(rig, 3, "i");
    expect(rig, 0, 3, 1, 0, ""); /* a repeat is not made to wait */
    type(rig, 4, "j");
    type(rig, 5, "k"); /* does not wait for the answer to 4 */
    rig->writable = 100;
    solproto_guest_writable(rig->sol, rig->now);
    expect(rig, 0, 5, 1, 0, "");
    expect_guest(rig, "abcdefghijk");
    rig_free(rig);
}

static void test_input_refused(void **state)
{
    struct rig *rig = rig_new(&usual);
    const uint8_t none = SOLPROTO_STATUS_NACK | SOLPROTO_STATUS_UNAVAILABLE;

    (void)state;
    rig->writable = 0;
    type(rig, 1, "01234567890123456789");
    pass(rig, SOLPROTO_HOLD_MS);
    expect(rig, 0, 1, 20, 0, "");
    type(rig, 2, "abcdefghijklmnopqrst");
    rig->writable = 1;
    pass(rig, SOLPROTO_HOLD_MS); /* 32 wait and one is gone */
    expect(rig, 0, 2, 13, SOLPROTO_STATUS_NACK, "");
    type(rig, 2, "abcdefghijklmnopqrst");
    expect(rig, 0, 2, 13, SOLPROTO_STATUS_NACK, "");
    type(rig, 3, "nopqrst");
    pass(rig, SOLPROTO_HOLD_MS);
    expect(rig, 0, 3, 0, none, "");
    rig->writable = 19;
    solproto_guest_writable(rig->sol, rig->now);
    expect_nothing(rig); /* no room yet for any packet */
    rig->writable = 1;
    solproto_guest_writable(rig->sol, rig->now);
    expect(rig, 0, 3, 0, 0, ""); /* go on */
    solproto_guest_writable(rig->sol, rig->now);
    expect_nothing(rig);
    type(rig, 3, "nopqrst");
    expect(rig, 0, 3, 0, 0, "");
    rig->writable = 100;
    type(rig, 4, "nopqrst");
    expect(rig, 0, 4, 7, 0, "");
    expect_guest(rig, "01234567890123456789abcdefghijklmnopqrst");
    rig_free(rig);
}

static void test_break(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    say(rig, 1, 0, 0, SOLPROTO_OPERATION_BREAK, "");
    expect(rig, 0, 1, 0, 0, "");
    say(rig, 1, 0, 0, SOLPROTO_OPERATION_BREAK, "");
    expect(rig, 0, 1, 0, 0, "");
    expect_guest(rig, "^"); /* once */
    rig->writable = 0;
    type(rig, 2, "ab");
    say(rig, 3, 0, 0, SOLPROTO_OPERATION_BREAK, "c");
    say(rig, 0, 0, 0, SOLPROTO_OPERATION_BREAK, "");
    expect_guest(rig, "^");
    rig->writable = 1;
    solproto_guest_writable(rig->sol, rig->now);
    expect_guest(rig, "^a");
    rig->writable = 100;
    solproto_guest_writable(rig->sol, rig->now);
    expect_guest(rig, "^ab^c");
    expect(rig, 0, 3, 1, 0, "");
    rig_free(rig);
}

/* A break behind characters that are refused later. */
static void test_break_refused(void **state)
{
    struct solproto_config config = usual;

    (void)state;
    config.queue_size = 1;
    struct rig *rig = rig_new(&config);
    rig->writable = 0;
    type(rig, 1, "abc");
    say(rig, 0, 0, 0, SOLPROTO_OPERATION_BREAK, "");
    pass(rig, SOLPROTO_HOLD_MS);
    expect(rig, 0, 1, 1, SOLPROTO_STATUS_NACK, "");
    rig->writable = 100;
    solproto_guest_writable(rig->sol, rig->now);
    expect(rig, 0, 1, 1, 0, "");
    expect_guest(rig, "a^");
    rig_free(rig);
}

static void test_flush(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, 0, "12345678");
    guest_says(rig, "all this, more than one packet, is dropped");
    say(rig, 1, 0, 0, SOLPROTO_OPERATION_FLUSH_INBOUND, "");
    expect(rig, 0, 1, 0, 0, "");
    acknowledge(rig, 1, 8);
    expect_nothing(rig);
    guest_says(rig, "abcdefgh");
    expect(rig, 2, 0, 0, 0, "abcdefgh");

    rig->writable = 0;
    type(rig, 2, "dropped");
    pass(rig, SOLPROTO_HOLD_MS);
    expect(rig, 0, 2, 7, 0, "");
    say(rig, 3, 0, 0, SOLPROTO_OPERATION_BREAK, "too");
    rig->writable = 100;
    say(rig, 4, 0, 0, SOLPROTO_OPERATION_FLUSH_OUTBOUND, "x");
    expect(rig, 0, 4, 1, 0, "");
    expect_guest(rig, "^x");
    rig_free(rig);
}

/* Ring, CTS, DCD and the reserved bit are no reason to do anything. */
static void test_modem_lines(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    say(rig, 1, 0, 0, 0xac, "a");
    expect(rig, 0, 1, 1, 0, "");
    say(rig, 0, 0, 0, 0xac, "");
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, 0, "12345678");
    expect_guest(rig, "a");
    rig_free(rig);
}

static void test_deactivate(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    guest_says(rig, "12345678");
    expect(rig, 1, 0, 0, 0, "12345678");
    type(rig, 1, "a");
    expect(rig, 0, 1, 1, 0, "");
    solproto_deactivate(rig->sol);
    expect(rig, 0, 0, 0, SOLPROTO_STATUS_DEACTIVATED, "");
    solproto_deactivate(rig->sol);
    type(rig, 2, "b");
    acknowledge(rig, 1, 8);
    guest_says(rig, "12345678");
    solproto_output_lost(rig->sol);
    solproto_guest_writable(rig->sol, rig->now);
    solproto_heard(rig->sol, rig->now);
    solproto_tick(rig->sol, rig->now + 100000);
    assert_true(solproto_next_deadline(rig->sol) == SOLPROTO_NEVER);
    expect_guest(rig, "a");
    rig_free(rig);
}

static void test_deactivate_held(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    rig->writable = 2;
    type(rig, 1, "abcd");
    rig->writable = 1;
    solproto_deactivate(rig->sol);
    expect(rig, 0, 1, 3, SOLPROTO_STATUS_NACK | SOLPROTO_STATUS_DEACTIVATED, "");
    expect_guest(rig, "abc");
    rig_free(rig);
}

/* What was acknowledged is offered once more when the session ends. */
static void test_free_drains(void **state)
{
    struct rig *rig = rig_new(&usual);

    (void)state;
    rig->writable = 0;
    rig->echo = true;
    type(rig, 1, "abcd");
    rig->writable = 100;
    solproto_free(rig->sol);
    rig->sol = NULL;
    expect_guest(rig, "abcd");
    rig_free(rig);
}

static void test_cut(void **state)
{
    static const uint8_t payload[] = {1, 0, 0, SOLPROTO_OPERATION_BREAK, 'a', 'b'};

    (void)state;
    for (size_t cut = 0; cut <= sizeof payload; cut++) {
        struct rig *rig = rig_new(&usual);
        uint8_t *exact = malloc(cut ? cut : 1);
        memcpy(exact, payload, cut);
        int result = solproto_receive(rig->sol, exact, cut, rig->now);
        free(exact);
        if (cut < SOLPROTO_HEADER_SIZE) {
            assert_int_equal(result, -EBADMSG);
            expect_guest(rig, "");
        } else {
            assert_int_equal(result, 0);
            expect(rig, 0, 1, (uint8_t)(cut - SOLPROTO_HEADER_SIZE), 0, "");
            assert_int_equal(rig->guest_size, 1 + cut - SOLPROTO_HEADER_SIZE);
        }
        rig_free(rig);
    }
}

static size_t vector(struct json_object *vectors, size_t n, uint8_t *payload)
{
    struct json_object *entry = vectors_item(vectors, "/sol_packets/cases", n);

    return vectors_bytes(entry, "/sol_payload", payload, SOLPROTO_PAYLOAD_MAX);
}

static void vector_in(struct rig *rig, struct json_object *vectors, size_t n)
{
    uint8_t payload[SOLPROTO_PAYLOAD_MAX];
    size_t size = vector(vectors, n, payload);

    assert_int_equal(solproto_receive(rig->sol, payload, size, rig->now), 0);
}

static void vector_out(struct rig *rig, struct json_object *vectors, size_t n)
{
    uint8_t payload[SOLPROTO_PAYLOAD_MAX];
    size_t size = vector(vectors, n, payload);

    assert_int_equal(rig->sent_count, 1);
    assert_int_equal(rig->sent[0].size, size);
    assert_memory_equal(rig->sent[0].bytes, payload, size);
    rig->sent_count = 0;
}

/* Both halves of the list: one for each cipher suite, which does not matter here. */
static void test_vectors(void **state)
{
    struct json_object *vectors = vectors_load();
    struct solproto_config config = usual;

    (void)state;
    config.queue_size = 1;
    assert_int_equal(vectors_count(vectors, "/sol_packets/cases"), 10);
    for (size_t first = 0; first < 10; first += 5) {
        struct rig *rig = rig_new(&config);
        vector_in(rig, vectors, first);
        expect_guest(rig, "ls\r");
        vector_out(rig, vectors, first + 1);
        guest_says(rig, "12345678");
        expect(rig, 1, 0, 0, 0, "12345678");
        acknowledge(rig, 1, 8);
        guest_says(rig, "ls");
        pass(rig, ACCUMULATE_MS);
        vector_out(rig, vectors, first + 2);
        vector_in(rig, vectors, first + 3);
        expect_guest(rig, "ls\r^");
        expect(rig, 0, 2, 0, 0, "");
        rig_free(rig);

        rig = rig_new(&config);
        rig->writable = 0;
        type(rig, 1, "f");
        pass(rig, SOLPROTO_HOLD_MS);
        expect(rig, 0, 1, 1, 0, "");
        type(rig, 2, "g");
        pass(rig, SOLPROTO_HOLD_MS);
        vector_out(rig, vectors, first + 4);
        rig_free(rig);
    }
    json_object_put(vectors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config),
        cmocka_unit_test(test_accumulate),
        cmocka_unit_test(test_timing_change),
        cmocka_unit_test(test_threshold_above_packet),
        cmocka_unit_test(test_output_wrap),
        cmocka_unit_test(test_lost_output),
        cmocka_unit_test(test_retries_exhausted),
        cmocka_unit_test(test_late_acknowledgement),
        cmocka_unit_test(test_output_partly_taken),
        cmocka_unit_test(test_output_refused),
        cmocka_unit_test(test_overrun),
        cmocka_unit_test(test_overrun_place),
        cmocka_unit_test(test_input),
        cmocka_unit_test(test_input_repeated),
        cmocka_unit_test(test_input_wrap),
        cmocka_unit_test(test_input_overtaken),
        cmocka_unit_test(test_input_sequence_zero),
        cmocka_unit_test(test_input_too_long),
        cmocka_unit_test(test_input_held),
        cmocka_unit_test(test_input_refused),
        cmocka_unit_test(test_break),
        cmocka_unit_test(test_break_refused),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_modem_lines),
        cmocka_unit_test(test_deactivate),
        cmocka_unit_test(test_deactivate_held),
        cmocka_unit_test(test_free_drains),
        cmocka_unit_test(test_cut),
        cmocka_unit_test(test_vectors),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
