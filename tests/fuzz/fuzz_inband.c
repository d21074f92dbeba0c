/* libFuzzer target: what a guest's QEMU, which may be hostile, sends to the BMC of the guest.
 *
 * Files: vbmc/inband/framing.c vbmc/inband/interface.c
 *
 * The input is a byte that says in pieces of how many bytes the rest comes (0: in one), whether the
 * guest may only read (bit 7), and the bytes. In one piece they must mean the same. Whatever is
 * answered has the sequence number, NetFn and command of the newest request, and each is answered
 * once at most. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_sel.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/log.h"
#include "vbmc/inband/framing.h"
#include "vbmc/inband/interface.h"

#define READ_ONLY  0x80
#define PIECE_MASK 0x7f
#define PASSES_MS  7 /* between pieces: windows turn, saves end */

static struct {
    struct inband_interface *interface;
    uint64_t answers;
    uint64_t sum; /* of what was sent */
} qemu;

static void take_answer(const struct framing_message *answer)
{
    qemu.answers++;
    fuzz_require(answer->netfn & 1);
    fuzz_require(answer->data_length >= 1); /* the completion code */
    fuzz_require(qemu.answers <= inband_interface_counters(qemu.interface)->requests);
}

static void take_sent(void *context, const uint8_t *bytes, size_t length)
{
    struct framing_reader reader = {0};
    struct framing_message unit;
    enum framing_result result;

    (void)context;
    for (size_t i = 0; i < length; i++)
        qemu.sum = qemu.sum * 31 + bytes[i];
    while ((result = framing_read(&reader, &bytes, &length, &unit)) != FRAMING_MORE) {
        fuzz_require(result != FRAMING_DROPPED);
        if (result == FRAMING_MESSAGE)
            take_answer(&unit);
    }
    fuzz_require(reader.length == 0 && !reader.escapes);
}

static void reply(void *context, const struct ipmi_token *token,
                  const struct ipmi_response *response)
{
    (void)context;
    if (!qemu.interface) /* at the very end */
        return;
    inband_interface_complete(qemu.interface, token, response, fake_bmc.now_ms);
}

static const struct ipmi_sink sink = {.reply = reply};

static void start(bool read_only)
{
    void *state = NULL;

    log_set_level(LOG_LEVEL_ERROR);
    fake_sel_setup(&state);
    const struct inband_config config = {
        .bmc_number = FAKE_BMC_NUMBER,
        .bmc = &fake_bmc.bmc,
        .messaging = &fake_bmc.bmc.messaging,
        .sink = &sink,
        .send = take_sent,
    };
    qemu.answers = qemu.sum = 0;
    qemu.interface = inband_interface_new(&config);
    fuzz_require(qemu.interface != NULL);
    inband_interface_set_read_only(qemu.interface, read_only);
    inband_interface_connected(qemu.interface);
}

static void stop(void)
{
    void *state = NULL;

    inband_interface_free(qemu.interface);
    qemu.interface = NULL;
    fake_sel_teardown(&state);
}

/* The sum of what was answered. */
static uint64_t run(const uint8_t *bytes, size_t size, size_t piece, bool read_only)
{
    start(read_only);
    while (size > 0) {
        size_t now = piece && piece < size ? piece : size;
        uint8_t *copy = fuzz_copy(bytes, now);
        int result = inband_interface_receive(qemu.interface, copy, now, fake_bmc.now_ms);
        free(copy);
        if (result < 0)
            break;
        fuzz_require(inband_interface_pause_ms(qemu.interface, fake_bmc.now_ms) <=
                     INBAND_WINDOW_MS);
        bytes += now;
        size -= now;
    }
    inband_interface_update(qemu.interface);
    uint64_t sum = qemu.sum;
    /* It goes, and comes again, with whatever was under way. */
    inband_interface_disconnected(qemu.interface);
    inband_interface_connected(qemu.interface);
    fake_bmc_advance(&fake_bmc, PASSES_MS);
    stop();
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    bool read_only = bytes[0] & READ_ONLY;
    uint64_t once = run(bytes + 1, size - 1, 0, read_only);
    fuzz_require(run(bytes + 1, size - 1, bytes[0] & PIECE_MASK, read_only) == once);
    return 0;
}
