/* libFuzzer target: whatever a console may send as SOL payloads, between ticks, guest output and a
 * guest that stops and goes on. Payload sizes, queue and timing come first (7 bytes); then records
 * of an action byte and an argument byte:
 *
 *   0  time passes: the argument in 10 ms, ticked at every deadline
 *   1  a payload of as many bytes as the argument, cut to what is left
 *   2  the last data packet that the machine sent is acknowledged, the argument as accepted count
 *      (FF all; odd upper action bits: NACK)
 *   3  the guest writes as many characters
 *   4  the guest takes as many characters
 *   5  the session is heard, output was lost, the parameters change or it is deactivated
 *
 * Files: sol/solproto.c
 *
 * Each packet must hold what the guest wrote without a gap, and a repeat the same bytes. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sol/solproto.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/wire.h"

enum action {
    ACTION_TIME,
    ACTION_PAYLOAD,
    ACTION_ACKNOWLEDGE,
    ACTION_OUTPUT,
    ACTION_WRITABLE,
    ACTION_OTHER,
    ACTION_COUNT,
};

struct target {
    struct solproto *sol;
    uint64_t now;
    size_t writable;
    size_t output;                      /* characters that wait for next_bytes */
    uint8_t written;                    /* the next character of the guest; they count up */
    bool flushed;                       /* from here on there may be gaps */
    uint8_t last[SOLPROTO_PAYLOAD_MAX]; /* data packet */
    size_t last_size;
    size_t outbound_size;
};

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void on_transmit(void *context, const uint8_t *payload, size_t size)
{
    struct target *target = context;

    require(size >= SOLPROTO_HEADER_SIZE && size <= target->outbound_size);
    require(payload[0] <= SOLPROTO_SEQUENCE_MAX && payload[1] <= SOLPROTO_SEQUENCE_MAX);
    if (size == SOLPROTO_HEADER_SIZE) {
        require(payload[0] == 0);
        return;
    }
    require(payload[0] != 0 && payload[1] == 0 && payload[2] == 0);
    for (size_t i = SOLPROTO_HEADER_SIZE + 1; i < size; i++)
        require(target->flushed || payload[i] == (uint8_t)(payload[i - 1] + 1));
    if (payload[0] == target->last[0] && target->last_size) /* a repeat */
        require(size == target->last_size && memcmp(payload, target->last, size) == 0);
    memcpy(target->last, payload, size);
    target->last_size = size;
}

static size_t on_guest_write(void *context, const uint8_t *bytes, size_t n)
{
    struct target *target = context;
    uint8_t copy[SOLPROTO_QUEUE_MAX + SOLPROTO_CHARACTERS_MAX];

    require(n > 0 && n <= sizeof copy);
    memcpy(copy, bytes, n); /* reads them all */
    n = n < target->writable ? n : target->writable;
    target->writable -= n;
    return n;
}

static void on_guest_break(void *context)
{
    struct target *target = context;

    target->output++;
    solproto_output_ready(target->sol, target->now);
}

static size_t on_next_bytes(void *context, uint8_t *buffer, size_t max)
{
    struct target *target = context;
    size_t n = target->output < max ? target->output : max;

    for (size_t i = 0; i < n; i++)
        buffer[i] = target->written++;
    target->output -= n;
    return n;
}

static void on_discard_bytes(void *context)
{
    struct target *target = context;

    target->output = 0;
    target->flushed = true;
}

static const struct solproto_ops ops = {
    .transmit = on_transmit,
    .guest_write = on_guest_write,
    .guest_break = on_guest_break,
    .next_bytes = on_next_bytes,
    .discard_bytes = on_discard_bytes,
};

static struct solproto_timing read_timing(struct wire_in *in)
{
    struct solproto_timing timing = {
        .accumulate_ms = wire_u8(in) * 5U,
        .send_threshold = wire_u8(in),
        .retry_count = wire_u8(in) & 7,
        .retry_ms = wire_u8(in) * 10U,
    };

    return timing;
}

static void pass_time(struct target *target, uint64_t ms)
{
    uint64_t end = target->now + ms;
    uint64_t deadline;

    while ((deadline = solproto_next_deadline(target->sol)) <= end) {
        target->now = deadline > target->now ? deadline : target->now;
        solproto_tick(target->sol, target->now);
        require(solproto_next_deadline(target->sol) > target->now);
    }
    target->now = end;
}

/* From memory of exactly that size, so that a read behind it is seen. */
static void send_payload(struct target *target, struct wire_in *in, size_t size)
{
    size = size < wire_left(in) ? size : wire_left(in);
    uint8_t *exact = malloc(size ? size : 1);

    wire_copy(in, exact, size);
    solproto_receive(target->sol, exact, size, target->now);
    free(exact);
}

static void acknowledge(struct target *target, uint8_t accepted, bool nack)
{
    const uint8_t payload[] = {0, target->last[0], accepted, nack ? SOLPROTO_OPERATION_NACK : 0};

    solproto_receive(target->sol, payload, sizeof payload, target->now);
}

static void act_other(struct target *target, struct wire_in *in, uint8_t argument)
{
    switch (argument % 4) {
    case 0:
        solproto_heard(target->sol, target->now);
        break;
    case 1:
        solproto_output_lost(target->sol);
        break;
    case 2: {
        struct solproto_timing timing = read_timing(in);
        solproto_set_timing(target->sol, &timing);
        break;
    }
    default:
        if (argument == UINT8_MAX)
            solproto_deactivate(target->sol);
        break;
    }
}

static void act(struct target *target, struct wire_in *in)
{
    uint8_t action = wire_u8(in);
    uint8_t argument = wire_u8(in);

    switch ((enum action)((action & 0x0f) % ACTION_COUNT)) {
    case ACTION_TIME:
        pass_time(target, argument * 10U);
        break;
    case ACTION_PAYLOAD:
        send_payload(target, in, argument);
        break;
    case ACTION_ACKNOWLEDGE:
        acknowledge(target, argument, action & 0x10);
        break;
    case ACTION_OUTPUT:
        target->output += argument;
        solproto_output_ready(target->sol, target->now);
        break;
    case ACTION_WRITABLE:
        target->writable = argument;
        solproto_guest_writable(target->sol, target->now);
        break;
    case ACTION_OTHER:
    case ACTION_COUNT:
        act_other(target, in, argument);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct wire_in in = wire_in_init(bytes, size);
    struct target target = {.now = 1000};
    struct solproto_config config = {
        .inbound_size = SOLPROTO_PAYLOAD_MIN + wire_u8(&in) % SOLPROTO_CHARACTERS_MAX,
        .outbound_size = SOLPROTO_PAYLOAD_MIN + wire_u8(&in) % SOLPROTO_CHARACTERS_MAX,
        .queue_size = 1 + wire_u8(&in) * 4U % SOLPROTO_QUEUE_MAX,
    };

    config.timing = read_timing(&in);
    target.outbound_size = config.outbound_size;
    if (in.failed || solproto_new(&config, &ops, &target, &target.sol) != 0)
        return 0;
    while (wire_left(&in) >= 2)
        act(&target, &in);
    solproto_free(target.sol);
    return 0;
}
