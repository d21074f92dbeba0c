/* The Serial over LAN payload machine of one activated instance (IPMI 2.0, sections 15.9 to 15.11
 * and tables 15-2 and 15-3): what comes in are SOL payloads, characters of the guest and the time,
 * what goes out are SOL payloads and characters for the guest. It knows no session, no socket and
 * no console; those are behind the operations that its owner gives.
 *
 * Times are milliseconds of one monotonic clock that the owner passes in. The owner calls
 * solproto_tick when solproto_next_deadline has come and asks for the deadline again after any
 * call. Nothing is sent before the first such call, so the response that activates the payload can
 * go first. */
#ifndef SOL_SOLPROTO_H
#define SOL_SOLPROTO_H

#include <stddef.h>
#include <stdint.h>

enum {
    SOLPROTO_HEADER_SIZE = 4,
    SOLPROTO_PAYLOAD_MIN = 5, /* header included; FreeIPMI refuses sizes outside 5..259 */
    SOLPROTO_PAYLOAD_MAX = 259,
    SOLPROTO_CHARACTERS_MAX = SOLPROTO_PAYLOAD_MAX - SOLPROTO_HEADER_SIZE,
    SOLPROTO_SEQUENCE_MAX = 15,
    SOLPROTO_QUEUE_MAX = 1024, /* characters for the guest that may wait */
    SOLPROTO_HOLD_MS = 250,    /* an acknowledgement is held back so long; clients resend at 500 */
    SOLPROTO_STALE_MS = 1000,  /* an overtaken repeat is recognised for so long */
};

#define SOLPROTO_NEVER UINT64_MAX

/* Byte 3 of a payload to the BMC (table 15-2). The others are 0 or mean a modem line. */
enum solproto_operation {
    SOLPROTO_OPERATION_NACK = 0x40,
    SOLPROTO_OPERATION_BREAK = 0x10,
    SOLPROTO_OPERATION_FLUSH_INBOUND = 0x02,  /* guest to console */
    SOLPROTO_OPERATION_FLUSH_OUTBOUND = 0x01, /* console to guest */
};

/* Byte 3 of a payload from the BMC (table 15-3). */
enum solproto_status {
    SOLPROTO_STATUS_NACK = 0x40,
    SOLPROTO_STATUS_UNAVAILABLE = 0x20,
    SOLPROTO_STATUS_DEACTIVATED = 0x10,
    SOLPROTO_STATUS_OVERRUN = 0x08,
};

struct solproto;

/* None of these may free the machine. guest_write may call solproto_output_ready (an echo); the
 * others may call nothing here. */
struct solproto_ops {
    /* Sends one SOL payload to the console; it may get lost. The bytes are the machine's. */
    void (*transmit)(void *context, const uint8_t *payload, size_t size);
    /* Gives n characters to the guest; returns how many were taken. After fewer than n the owner
     * calls solproto_guest_writable when more may be taken. Without a guest the owner had better
     * take and forget them, so that the next one does not read what was typed before its start. */
    size_t (*guest_write)(void *context, const uint8_t *bytes, size_t n);
    void (*guest_break)(void *context);
    /* Moves up to max characters that the guest wrote to buffer; returns how many. The machine
     * keeps them until the console has acknowledged them. */
    size_t (*next_bytes)(void *context, uint8_t *buffer, size_t max);
    /* Drops all that next_bytes would give, because the console asked for it. */
    void (*discard_bytes)(void *context);
};

/* Configuration parameters 3 and 4. */
struct solproto_timing {
    unsigned accumulate_ms;
    unsigned send_threshold; /* characters; 0 counts as 1 */
    unsigned retry_count;    /* repeats of a packet that is not acknowledged */
    unsigned retry_ms;       /* 10 at least is used */
};

struct solproto_config {
    struct solproto_timing timing;
    size_t inbound_size;  /* as told in the answer to Activate Payload: whole payloads, 5..259 */
    size_t outbound_size; /* the same */
    size_t queue_size;    /* characters for the guest that may wait, 1..SOLPROTO_QUEUE_MAX */
};

/* Makes the machine of a newly activated instance. `ops` must outlive it. -EINVAL: sizes out of
 * range; -ENOMEM. */
int solproto_new(const struct solproto_config *config, const struct solproto_ops *ops,
                 void *context, struct solproto **result);
/* Frees it without a word to the console: after Deactivate Payload from its own session, or when
 * the session is gone. Queued characters are offered to the guest once more. NULL is fine. */
void solproto_free(struct solproto *sol);
/* Changed parameters 3 and 4; from the next packet on. */
void solproto_set_timing(struct solproto *sol, const struct solproto_timing *timing);

/* A payload from the console. -EBADMSG: shorter than a header, ignored. */
int solproto_receive(struct solproto *sol, const uint8_t *payload, size_t size, uint64_t now_ms);
/* Anything else from the console's session (a keepalive): output that had been given up is tried
 * again. */
void solproto_heard(struct solproto *sol, uint64_t now_ms);
/* next_bytes has something to give. */
void solproto_output_ready(struct solproto *sol, uint64_t now_ms);
/* Characters for the console were lost before next_bytes could give them: the packet with the first
 * character that it gives from now on says so. */
void solproto_output_lost(struct solproto *sol);
/* guest_write may take more than the last time. */
void solproto_guest_writable(struct solproto *sol, uint64_t now_ms);

/* When solproto_tick wants to be called, or SOLPROTO_NEVER. May lie in the past. */
uint64_t solproto_next_deadline(const struct solproto *sol);
void solproto_tick(struct solproto *sol, uint64_t now_ms);

/* The BMC ends it (take-over, SOL disabled, shutdown): offers queued characters to the guest and
 * tells the console in one last packet. Afterwards every call but solproto_free does nothing. */
void solproto_deactivate(struct solproto *sol);

#endif
