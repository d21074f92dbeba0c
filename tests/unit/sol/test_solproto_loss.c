/* 64 KiB each way between the SOL payload machine and a small client, over a network that drops
 * 5 %, repeats 2 % and delays 2 % of the datagrams past others. Time and chance are the test's own;
 * VBMC_SOL_SEED and VBMC_SOL_BYTES change what is tried. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sol/solproto.h"

enum {
    DROP_PERCENT = 5,
    REPEAT_PERCENT = 2,
    REORDER_PERCENT = 2,
    DELAY_MS = 3,
    REORDER_MS = 25,
    IN_FLIGHT_MAX = 256,
    CLIENT_RETRY_MS = 500,
    CLIENT_CHUNK = 200,
    STALE = 7,
};

struct datagram {
    uint64_t due; /* 0: free */
    bool to_client;
    size_t size;
    uint8_t bytes[SOLPROTO_PAYLOAD_MAX];
};

/* One end: what it has to send and what it got. */
struct content {
    uint8_t *bytes;
    size_t size;
    size_t done;
};

/* Stop and wait as ipmitool does it, but it takes only a part of a packet now and then. */
struct client {
    uint8_t sequence; /* under way or last */
    size_t under_way; /* characters */
    uint64_t resend_at;
    uint8_t last_received;
    uint8_t last_accepted;
    uint64_t last_time;
};

struct rig {
    struct solproto *sol;
    struct client client;
    uint64_t now;
    uint32_t random;
    struct content typed;   /* by the client */
    struct content arrived; /* at the guest */
    struct content written; /* by the guest */
    struct content shown;   /* by the client */
    size_t writable;
    struct datagram network[IN_FLIGHT_MAX];
    unsigned dropped, repeated, reordered;
};

static unsigned chance(struct rig *rig, unsigned limit)
{
    rig->random = rig->random * 1664525 + 1013904223;
    return (rig->random >> 8) % limit;
}

static void put(struct rig *rig, bool to_client, const uint8_t *bytes, size_t size, uint64_t delay)
{
    struct datagram *slot = NULL;

    for (size_t i = 0; i < IN_FLIGHT_MAX && !slot; i++)
        if (rig->network[i].due == 0)
            slot = &rig->network[i];
    assert_true(slot && size <= SOLPROTO_PAYLOAD_MAX);
    slot->due = rig->now + delay;
    slot->to_client = to_client;
    slot->size = size;
    memcpy(slot->bytes, bytes, size);
}

static void network_send(struct rig *rig, bool to_client, const uint8_t *bytes, size_t size)
{
    uint64_t delay = DELAY_MS;

    if (chance(rig, 100) < DROP_PERCENT) {
        rig->dropped++;
        return;
    }
    if (chance(rig, 100) < REORDER_PERCENT) {
        rig->reordered++;
        delay += REORDER_MS;
    }
    put(rig, to_client, bytes, size, delay);
    if (chance(rig, 100) < REPEAT_PERCENT) {
        rig->repeated++;
        put(rig, to_client, bytes, size, delay + chance(rig, REORDER_MS));
    }
}

static void on_transmit(void *context, const uint8_t *payload, size_t size)
{
    network_send(context, true, payload, size);
}

static void append(struct content *content, const uint8_t *bytes, size_t n)
{
    assert_true(n <= content->size - content->done);
    memcpy(content->bytes + content->done, bytes, n);
    content->done += n;
}

static size_t on_guest_write(void *context, const uint8_t *bytes, size_t n)
{
    struct rig *rig = context;

    n = n < rig->writable ? n : rig->writable;
    rig->writable -= n;
    append(&rig->arrived, bytes, n);
    return n;
}

static void on_guest_break(void *context)
{
    (void)context;
    fail();
}

static size_t on_next_bytes(void *context, uint8_t *buffer, size_t max)
{
    struct content *written = &((struct rig *)context)->written;
    size_t n = written->size - written->done;

    n = n < max ? n : max;
    memcpy(buffer, written->bytes + written->done, n);
    written->done += n;
    return n;
}

static void on_discard_bytes(void *context)
{
    (void)context;
    fail();
}

static const struct solproto_ops ops = {
    .transmit = on_transmit,
    .guest_write = on_guest_write,
    .guest_break = on_guest_break,
    .next_bytes = on_next_bytes,
    .discard_bytes = on_discard_bytes,
};

static void client_send(struct rig *rig)
{
    uint8_t payload[SOLPROTO_PAYLOAD_MAX] = {rig->client.sequence};

    memcpy(payload + SOLPROTO_HEADER_SIZE, rig->typed.bytes + rig->typed.done,
           rig->client.under_way);
    network_send(rig, false, payload, SOLPROTO_HEADER_SIZE + rig->client.under_way);
    rig->client.resend_at = rig->now + CLIENT_RETRY_MS;
}

static void client_advance(struct rig *rig)
{
    struct client *client = &rig->client;
    size_t left = rig->typed.size - rig->typed.done;

    if (client->under_way && rig->now >= client->resend_at) {
        client_send(rig);
    } else if (!client->under_way && left) {
        client->under_way = left < CLIENT_CHUNK ? left : CLIENT_CHUNK;
        client->sequence = client->sequence % SOLPROTO_SEQUENCE_MAX + 1;
        client_send(rig);
    }
}

static void client_take(struct rig *rig, const struct datagram *datagram)
{
    struct client *client = &rig->client;
    uint8_t sequence = datagram->bytes[0];
    size_t n = datagram->size - SOLPROTO_HEADER_SIZE;
    int behind = (client->last_received - sequence + SOLPROTO_SEQUENCE_MAX) % SOLPROTO_SEQUENCE_MAX;

    assert_in_range(sequence, 1, SOLPROTO_SEQUENCE_MAX);
    if (client->last_received && behind >= 1 && behind <= STALE)
        return;
    if (sequence != client->last_received) {
        if (chance(rig, 10) == 0)
            n = chance(rig, (unsigned)n + 1);
        append(&rig->shown, datagram->bytes + SOLPROTO_HEADER_SIZE, n);
        client->last_received = sequence;
        client->last_accepted = (uint8_t)n;
    }
    uint8_t answer[] = {0, sequence, client->last_accepted, 0};
    if (client->last_accepted < datagram->size - SOLPROTO_HEADER_SIZE && sequence % 2)
        answer[3] = SOLPROTO_OPERATION_NACK;
    network_send(rig, false, answer, sizeof answer);
}

static void client_receive(struct rig *rig, const struct datagram *datagram)
{
    struct client *client = &rig->client;

    if (datagram->bytes[1] && datagram->bytes[1] == client->sequence && client->under_way) {
        assert_true(datagram->bytes[2] <= client->under_way);
        rig->typed.done += datagram->bytes[2];
        client->under_way = 0;
    }
    if (datagram->size > SOLPROTO_HEADER_SIZE)
        client_take(rig, datagram);
    else
        assert_int_equal(datagram->bytes[0], 0);
}

static void deliver(struct rig *rig)
{
    for (size_t i = 0; i < IN_FLIGHT_MAX; i++) {
        struct datagram datagram = rig->network[i];
        if (datagram.due == 0 || datagram.due > rig->now)
            continue;
        rig->network[i].due = 0;
        if (datagram.to_client)
            client_receive(rig, &datagram);
        else
            solproto_receive(rig->sol, datagram.bytes, datagram.size, rig->now);
    }
}

static struct content content_new(struct rig *rig, size_t size, bool fill)
{
    struct content content = {.bytes = test_calloc(1, size), .size = size};

    for (size_t i = 0; fill && i < size; i++)
        content.bytes[i] = (uint8_t)chance(rig, 256);
    return content;
}

static size_t number_from(const char *name, size_t usual)
{
    const char *text = getenv(name);

    return text ? strtoul(text, NULL, 0) : usual;
}

static void start(struct rig *rig, unsigned seed, size_t queue)
{
    const struct solproto_config config = {
        .timing = {60, 96, 7, 500},
        .inbound_size = SOLPROTO_PAYLOAD_MAX,
        .outbound_size = SOLPROTO_PAYLOAD_MAX,
        .queue_size = queue,
    };
    size_t size = number_from("VBMC_SOL_BYTES", 65536);

    rig->random = (uint32_t)number_from("VBMC_SOL_SEED", seed);
    rig->now = 1;
    rig->typed = content_new(rig, size, true);
    rig->arrived = content_new(rig, size, false);
    rig->written = content_new(rig, size, true);
    rig->shown = content_new(rig, size, false);
    assert_int_equal(solproto_new(&config, &ops, rig, &rig->sol), 0);
    solproto_output_ready(rig->sol, rig->now);
}

static void stop(struct rig *rig)
{
    solproto_free(rig->sol);
    test_free(rig->typed.bytes);
    test_free(rig->arrived.bytes);
    test_free(rig->written.bytes);
    test_free(rig->shown.bytes);
    test_free(rig);
}

/* The guest takes `rate` characters a millisecond. */
static void run(unsigned seed, size_t queue, unsigned rate)
{
    struct rig *rig = test_calloc(1, sizeof *rig);
    uint64_t limit;

    start(rig, seed, queue);
    limit = rig->typed.size * 20;
    while (rig->arrived.done < rig->arrived.size || rig->shown.done < rig->shown.size ||
           rig->typed.done < rig->typed.size) {
        assert_true(rig->now++ < limit);
        rig->writable = rate;
        solproto_guest_writable(rig->sol, rig->now);
        deliver(rig);
        client_advance(rig);
        if (solproto_next_deadline(rig->sol) <= rig->now)
            solproto_tick(rig->sol, rig->now);
    }
    assert_memory_equal(rig->arrived.bytes, rig->typed.bytes, rig->typed.size);
    assert_memory_equal(rig->shown.bytes, rig->written.bytes, rig->written.size);
    assert_true(rig->dropped && rig->repeated && rig->reordered);
    print_message("%zu bytes each way in %.1f s: %u dropped, %u repeated, %u reordered\n",
                  rig->typed.size, (double)rig->now / 1000, rig->dropped, rig->repeated,
                  rig->reordered);
    stop(rig);
}

static void test_fast_guest(void **state)
{
    (void)state;
    run(1, SOLPROTO_QUEUE_MAX, 12);
}

/* The guest is slower than the client: acknowledgements are held back, the queue fills. */
static void test_slow_guest(void **state)
{
    (void)state;
    run(2, SOLPROTO_QUEUE_MAX, 1);
}

/* Hardly a queue: packets are refused and gone on with all the time. */
static void test_no_queue(void **state)
{
    (void)state;
    run(3, 1, 1);
    run(4, 100, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fast_guest),
        cmocka_unit_test(test_slow_guest),
        cmocka_unit_test(test_no_queue),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
