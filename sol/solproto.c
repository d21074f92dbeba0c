/* Each direction is stop and wait with sequence numbers 1..15 of its own, 15 followed by 1. A
 * packet from us either carries characters (own sequence, nothing acknowledged) or acknowledges
 * (sequence 0), never both: every client known understands that, and pyghmi resends when an
 * acknowledgement that it has seen comes again, as it would with a resent packet.
 *
 * Guest to console. Characters are collected behind those under way in one buffer: the first
 * `sent` of `used` are under way, the others wait.
 *
 *   READY    nothing under way. Collected characters go when they reach the threshold or are old
 *            enough: -> SENT
 *   SENT     a packet is under way and repeated, the same bytes, every retry interval.
 *            Acknowledged whole or in part: -> READY, what was not taken is sent at once under a
 *            new sequence. NACK, or nothing taken: -> PAUSED. All repeats unanswered: -> STALLED
 *   PAUSED   the console cannot take more. After a retry interval, or when it acknowledges the
 *            same packet without NACK: -> READY
 *   STALLED  the console is silent. The characters are kept; when anything is heard, the same
 *            packet starts over, same sequence, as it may have arrived: -> SENT
 *
 * Console to guest. Characters go through a queue, so that a packet is nearly always taken whole:
 * ipmitool loses what is refused.
 *
 *   OPEN     the last packet, if any, is answered; `last` holds how, for its repeats.
 *   HELD     a packet is queued behind characters that the guest has not taken, its answer is
 *            held back to slow the console down. Queue empty, time over or repeated: answered
 *            with all if the queue has its size or less: -> OPEN; else the excess is dropped and
 *            NACKed: -> REFUSED. A new sequence: the console has given up waiting for an answer.
 *   REFUSED  a NACK was sent. Room for a whole packet again: the same packet is acknowledged
 *            without NACK, the sign to go on: -> OPEN
 *
 * A packet with the last sequence again is answered as before and not acted upon. One with a
 * sequence from shortly before that comes within SOLPROTO_STALE_MS is a repeat that was overtaken;
 * it gets no answer, for pyghmi would take that as a reason to resend.
 *
 * In a packet the acknowledgement counts first, then flushes, then break, then characters. A break
 * keeps its place between the characters, as SysRq demands; while one waits, others join it. */
#include "sol/solproto.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/wire.h"

enum {
    SEQUENCE_MASK = 0x0f,
    STALE_SEQUENCES = 7,
    RETRY_MS_MIN = 10,
};

#define NO_BREAK SIZE_MAX
#define NO_GAP   SIZE_MAX

enum output_state {
    OUTPUT_READY,
    OUTPUT_SENT,
    OUTPUT_PAUSED,
    OUTPUT_STALLED,
};

enum input_state {
    INPUT_OPEN,
    INPUT_HELD,
    INPUT_REFUSED,
};

struct output {
    enum output_state state;
    uint8_t sequence; /* of the last packet; 0 before the first */
    uint8_t status;   /* of the last packet */
    bool lost;        /* characters in front of those that next_bytes gives */
    unsigned tries;
    uint64_t wait_until; /* SENT: next repeat; PAUSED: end of the pause */
    uint64_t due;        /* when collected characters are old enough */
    uint8_t bytes[2 * SOLPROTO_CHARACTERS_MAX];
    size_t used;
    size_t sent;
    size_t gap_at; /* in bytes: characters were lost in front of this one, which is yet to be told
                      with the packet that has it; or NO_GAP */
};

/* What is to be known of one packet from the console. */
struct header {
    uint8_t sequence;
    uint8_t acknowledged;
    uint8_t accepted;
    uint8_t operation;
};

struct input {
    enum input_state state;
    struct {
        uint8_t sequence; /* 0 before the first */
        uint8_t accepted;
        uint8_t status;
        uint64_t time;
    } last;
    uint64_t held_until;
    size_t break_at; /* characters in front of a waiting break, or NO_BREAK */
    uint8_t queue[SOLPROTO_QUEUE_MAX + SOLPROTO_CHARACTERS_MAX];
    size_t queued;
};

struct solproto {
    struct solproto_config config;
    const struct solproto_ops *ops;
    void *context;
    bool deactivated;
    struct output output;
    struct input input;
};

static uint8_t next_sequence(uint8_t sequence)
{
    return sequence == SOLPROTO_SEQUENCE_MAX ? 1 : sequence + 1;
}

static void transmit(struct solproto *sol, const struct header *header, const uint8_t *characters,
                     size_t n)
{
    uint8_t payload[SOLPROTO_PAYLOAD_MAX];
    struct wire_out out = wire_out_init(payload, sizeof payload);

    wire_put_u8(&out, header->sequence);
    wire_put_u8(&out, header->acknowledged);
    wire_put_u8(&out, header->accepted);
    wire_put_u8(&out, header->operation);
    wire_put_bytes(&out, characters, n);
    assert(!out.failed);
    sol->ops->transmit(sol->context, payload, out.pos);
}

static size_t outbound_characters(const struct solproto *sol)
{
    return sol->config.outbound_size - SOLPROTO_HEADER_SIZE;
}

static size_t inbound_characters(const struct solproto *sol)
{
    return sol->config.inbound_size - SOLPROTO_HEADER_SIZE;
}

static unsigned retry_ms(const struct solproto *sol)
{
    unsigned ms = sol->config.timing.retry_ms;

    return ms < RETRY_MS_MIN ? RETRY_MS_MIN : ms;
}

/* Fills up to one packet behind the one under way. */
static void output_collect(struct solproto *sol, uint64_t now_ms)
{
    struct output *output = &sol->output;
    size_t limit = output->sent + outbound_characters(sol);

    if (output->used >= limit || (output->lost && output->gap_at != NO_GAP))
        return;
    bool first = output->used == output->sent;
    size_t n =
        sol->ops->next_bytes(sol->context, output->bytes + output->used, limit - output->used);
    assert(n <= limit - output->used);
    if (n && output->lost) {
        output->gap_at = output->used;
        output->lost = false;
    }
    output->used += n;
    if (n && first)
        output->due = now_ms + sol->config.timing.accumulate_ms;
}

/* The status of the packet that is about to be sent. */
static uint8_t output_take_status(struct output *output)
{
    if (output->gap_at >= output->sent) /* or there is none */
        return 0;
    output->gap_at = NO_GAP;
    return SOLPROTO_STATUS_OVERRUN;
}

static void output_transmit(struct solproto *sol, uint64_t now_ms)
{
    struct output *output = &sol->output;
    struct header header = {.sequence = output->sequence, .operation = output->status};

    output->state = OUTPUT_SENT;
    output->wait_until = now_ms + retry_ms(sol);
    transmit(sol, &header, output->bytes, output->sent);
}

/* Sends what is collected if it is much or old enough. */
static void output_advance(struct solproto *sol, uint64_t now_ms)
{
    struct output *output = &sol->output;
    size_t max = outbound_characters(sol);
    size_t threshold = sol->config.timing.send_threshold;

    output_collect(sol, now_ms);
    if (output->state != OUTPUT_READY || output->used == 0)
        return;
    threshold = threshold < max ? threshold : max;
    if (output->used < threshold && now_ms < output->due)
        return;
    output->sent = output->used < max ? output->used : max;
    output->sequence = next_sequence(output->sequence);
    output->status = output_take_status(output);
    output->tries = 0;
    if (output->used > output->sent)
        output->due = now_ms;
    output_transmit(sol, now_ms);
    output_collect(sol, now_ms);
}

static void output_acknowledged(struct solproto *sol, const struct header *header, uint64_t now_ms)
{
    struct output *output = &sol->output;
    bool nack = header->operation & SOLPROTO_OPERATION_NACK;

    if (header->acknowledged == 0 || header->acknowledged != output->sequence)
        return;
    if (output->state == OUTPUT_PAUSED && !nack)
        output->state = OUTPUT_READY;
    if (output->state != OUTPUT_SENT && output->state != OUTPUT_STALLED)
        return;
    size_t taken = header->accepted < output->sent ? header->accepted : output->sent;
    if (taken < output->sent)
        output->due = now_ms;
    output->used -= taken;
    if (output->gap_at != NO_GAP)
        output->gap_at -= taken;
    memmove(output->bytes, output->bytes + taken, output->used);
    output->sent = 0;
    output->state = OUTPUT_READY;
    if (nack || taken == 0) {
        output->state = OUTPUT_PAUSED;
        output->wait_until = now_ms + retry_ms(sol);
    }
}

static void output_tick(struct solproto *sol, uint64_t now_ms)
{
    struct output *output = &sol->output;

    if (output->state == OUTPUT_PAUSED && now_ms >= output->wait_until)
        output->state = OUTPUT_READY;
    if (output->state == OUTPUT_SENT && now_ms >= output->wait_until) {
        if (output->tries == sol->config.timing.retry_count) {
            output->state = OUTPUT_STALLED;
        } else {
            output->tries++;
            output_transmit(sol, now_ms);
        }
    }
    output_advance(sol, now_ms);
}

static void output_flush(struct solproto *sol)
{
    struct output *output = &sol->output;

    output->used = output->sent;
    if (output->gap_at != NO_GAP)
        output->lost = true;
    output->gap_at = NO_GAP;
    sol->ops->discard_bytes(sol->context);
}

static void output_heard(struct solproto *sol, uint64_t now_ms)
{
    if (sol->output.state != OUTPUT_STALLED)
        return;
    sol->output.tries = 0;
    output_transmit(sol, now_ms);
}

static void input_answer(struct solproto *sol)
{
    struct header header = {
        .acknowledged = sol->input.last.sequence,
        .accepted = sol->input.last.accepted,
        .operation = sol->input.last.status,
    };

    transmit(sol, &header, NULL, 0);
}

/* Offers the guest n characters from the front of the queue; false if it did not take them all. */
static bool input_write(struct solproto *sol, size_t n)
{
    struct input *input = &sol->input;

    if (n == 0)
        return true;
    size_t taken = sol->ops->guest_write(sol->context, input->queue, n);
    assert(taken <= n);
    input->queued -= taken;
    memmove(input->queue, input->queue + taken, input->queued);
    if (input->break_at != NO_BREAK)
        input->break_at -= taken;
    return taken == n;
}

static void input_drain(struct solproto *sol)
{
    struct input *input = &sol->input;

    if (input->break_at != NO_BREAK) {
        if (!input_write(sol, input->break_at))
            return;
        input->break_at = NO_BREAK;
        sol->ops->guest_break(sol->context);
    }
    input_write(sol, input->queued);
}

/* Ends HELD: takes back what the queue may not keep. */
static void input_settle(struct solproto *sol)
{
    struct input *input = &sol->input;

    input->state = INPUT_OPEN;
    if (input->queued <= sol->config.queue_size)
        return;
    size_t excess = input->queued - sol->config.queue_size;
    assert(excess <= input->last.accepted);
    input->queued = sol->config.queue_size;
    if (input->break_at != NO_BREAK && input->break_at > input->queued)
        input->break_at = input->queued;
    input->last.accepted -= (uint8_t)excess;
    input->last.status = SOLPROTO_STATUS_NACK;
    if (input->last.accepted == 0)
        input->last.status |= SOLPROTO_STATUS_UNAVAILABLE;
    input->state = INPUT_REFUSED;
}

/* Whether a console that was refused may go on: the queue has room for a packet, or is empty. */
static bool input_has_room(const struct solproto *sol)
{
    size_t queued = sol->input.queued;

    return queued == 0 || queued + inbound_characters(sol) <= sol->config.queue_size;
}

static void input_advance(struct solproto *sol, uint64_t now_ms)
{
    struct input *input = &sol->input;

    input_drain(sol);
    if (input->state == INPUT_HELD && (input->queued == 0 || now_ms >= input->held_until)) {
        input_settle(sol);
        input_answer(sol);
    } else if (input->state == INPUT_REFUSED && input_has_room(sol)) {
        input->state = INPUT_OPEN;
        input->last.status = 0;
        input_answer(sol);
    }
}

/* Flush and break. */
static void input_operate(struct solproto *sol, uint8_t operation)
{
    struct input *input = &sol->input;

    if (operation & SOLPROTO_OPERATION_FLUSH_INBOUND)
        output_flush(sol);
    if (operation & SOLPROTO_OPERATION_FLUSH_OUTBOUND) {
        input->queued = 0;
        if (input->break_at != NO_BREAK)
            input->break_at = 0;
    }
    if (operation & SOLPROTO_OPERATION_BREAK && input->break_at == NO_BREAK)
        input->break_at = input->queued;
}

static bool input_is_stale(const struct solproto *sol, uint8_t sequence, uint64_t now_ms)
{
    const struct input *input = &sol->input;

    if (input->last.sequence == 0 || now_ms - input->last.time >= SOLPROTO_STALE_MS)
        return false;
    int behind = (input->last.sequence - sequence + SOLPROTO_SEQUENCE_MAX) % SOLPROTO_SEQUENCE_MAX;
    return behind >= 1 && behind <= STALE_SEQUENCES;
}

static void input_packet(struct solproto *sol, const struct header *header, struct wire_in *in,
                         uint64_t now_ms)
{
    struct input *input = &sol->input;

    if (header->sequence == input->last.sequence) {
        if (input->state == INPUT_HELD)
            input->held_until = now_ms;
        else
            input_answer(sol);
        return;
    }
    if (input_is_stale(sol, header->sequence, now_ms))
        return;
    if (input->state == INPUT_HELD)
        input_settle(sol);
    size_t n = wire_left(in);
    n = n < inbound_characters(sol) ? n : inbound_characters(sol);
    input_operate(sol, header->operation);
    wire_copy(in, input->queue + input->queued, n);
    input->queued += n;
    input->last.sequence = header->sequence;
    input->last.accepted = (uint8_t)n;
    input->last.status = 0;
    input->last.time = now_ms;
    input->held_until = now_ms + SOLPROTO_HOLD_MS;
    input->state = INPUT_HELD;
}

static bool size_is_valid(size_t size)
{
    return size >= SOLPROTO_PAYLOAD_MIN && size <= SOLPROTO_PAYLOAD_MAX;
}

int solproto_new(const struct solproto_config *config, const struct solproto_ops *ops,
                 void *context, struct solproto **result)
{
    if (!size_is_valid(config->inbound_size) || !size_is_valid(config->outbound_size) ||
        config->queue_size == 0 || config->queue_size > SOLPROTO_QUEUE_MAX)
        return -EINVAL;
    struct solproto *sol = calloc(1, sizeof *sol);
    if (!sol)
        return -ENOMEM;
    sol->config = *config;
    sol->ops = ops;
    sol->context = context;
    sol->input.break_at = NO_BREAK;
    sol->output.gap_at = NO_GAP;
    *result = sol;
    return 0;
}

void solproto_free(struct solproto *sol)
{
    if (!sol)
        return;
    if (!sol->deactivated) {
        sol->deactivated = true;
        input_drain(sol);
    }
    explicit_bzero(sol, sizeof *sol); /* what was typed may be a password */
    free(sol);
}

void solproto_set_timing(struct solproto *sol, const struct solproto_timing *timing)
{
    sol->config.timing = *timing;
}

int solproto_receive(struct solproto *sol, const uint8_t *payload, size_t size, uint64_t now_ms)
{
    struct wire_in in = wire_in_init(payload, size);
    struct header header;

    header.sequence = wire_u8(&in) & SEQUENCE_MASK;
    header.acknowledged = wire_u8(&in) & SEQUENCE_MASK;
    header.accepted = wire_u8(&in);
    header.operation = wire_u8(&in);
    if (in.failed)
        return -EBADMSG;
    if (sol->deactivated)
        return 0;
    output_acknowledged(sol, &header, now_ms);
    output_heard(sol, now_ms);
    if (header.sequence)
        input_packet(sol, &header, &in, now_ms);
    else
        input_operate(sol, header.operation);
    input_advance(sol, now_ms);
    output_advance(sol, now_ms);
    return 0;
}

void solproto_heard(struct solproto *sol, uint64_t now_ms)
{
    if (!sol->deactivated)
        output_heard(sol, now_ms);
}

void solproto_output_ready(struct solproto *sol, uint64_t now_ms)
{
    if (!sol->deactivated)
        output_advance(sol, now_ms);
}

void solproto_output_lost(struct solproto *sol)
{
    sol->output.lost = true;
}

void solproto_guest_writable(struct solproto *sol, uint64_t now_ms)
{
    if (!sol->deactivated)
        input_advance(sol, now_ms);
}

uint64_t solproto_next_deadline(const struct solproto *sol)
{
    const struct output *output = &sol->output;
    uint64_t deadline = SOLPROTO_NEVER;

    if (sol->deactivated)
        return SOLPROTO_NEVER;
    if (output->state == OUTPUT_SENT || output->state == OUTPUT_PAUSED)
        deadline = output->wait_until;
    else if (output->state == OUTPUT_READY && output->used)
        deadline = output->due;
    if (sol->input.state == INPUT_HELD && sol->input.held_until < deadline)
        deadline = sol->input.held_until;
    return deadline;
}

void solproto_tick(struct solproto *sol, uint64_t now_ms)
{
    if (sol->deactivated)
        return;
    input_advance(sol, now_ms);
    output_tick(sol, now_ms);
}

void solproto_deactivate(struct solproto *sol)
{
    struct header header = {.operation = SOLPROTO_STATUS_DEACTIVATED};
    struct input *input = &sol->input;

    if (sol->deactivated)
        return;
    sol->deactivated = true;
    input_drain(sol);
    /* A packet not acknowledged yet is refused in the same answer: pyghmi reads no other. */
    if (input->state == INPUT_HELD) {
        size_t lost = input->queued < input->last.accepted ? input->queued : input->last.accepted;
        header.acknowledged = input->last.sequence;
        header.accepted = (uint8_t)(input->last.accepted - lost);
        header.operation |= SOLPROTO_STATUS_NACK;
    }
    transmit(sol, &header, NULL, 0);
}
