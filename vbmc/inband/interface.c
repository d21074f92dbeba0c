#include "vbmc/inband/interface.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/wire.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/messaging.h"
#include "vbmc/inband/framing.h"
#include "vbmc/ipmi/bridge.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/dispatch.h"
#include "vbmc/ipmi/msg.h"

#define CMD_GET_DEVICE_ID 0x01

/* The guest's answer to a request waits for it. */
struct pending {
    bool is_there;
    uint32_t serial;
    uint64_t since_ms;
    struct framing_message request; /* without data */
    uint8_t data[IPMI_MSG_DATA_MAX];
    size_t data_length;
};

struct inband_interface {
    struct inband_config config;
    bool read_only;
    bool connected;
    struct framing_reader reader;
    struct pending pending;
    uint32_t last_serial;
    bool asked;    /* something, by this connection */
    bool may_wait; /* for an answer to what was asked by another */
    /* What QEMU was told last; of no meaning where it is not connected. */
    uint8_t attention; /* enum framing_code */
    bool interrupts;
    struct inband_counters counters;
    /* Of the present window. */
    uint64_t window_ms;
    uint64_t window_requests, window_bytes;
};

struct inband_interface *inband_interface_new(const struct inband_config *config)
{
    struct inband_interface *interface = calloc(1, sizeof *interface);

    if (!interface)
        return NULL;
    interface->config = *config;
    interface->may_wait = true; /* of a daemon before this one */
    return interface;
}

void inband_interface_free(struct inband_interface *interface)
{
    free(interface);
}

void inband_interface_set_read_only(struct inband_interface *interface, bool read_only)
{
    interface->read_only = read_only;
}

/* ---- what QEMU is told ---- */

static void send_written(const struct inband_interface *interface, const struct wire_out *out)
{
    if (interface->connected && !out->failed && out->pos > 0)
        interface->config.send(interface->config.context, out->base, out->pos);
}

/* The pre-timeout of the watchdog goes by the interrupt of the queue, as in QEMU's ipmi-bmc-sim. */
static uint8_t attention_of(const struct messaging *messaging)
{
    uint8_t flags = messaging_flags(messaging), enables = messaging->enables;
    bool queue = flags & (MESSAGE_FLAG_QUEUE | MESSAGE_FLAG_WATCHDOG);

    if (!flags)
        return FRAMING_NO_ATTENTION;
    return (queue && enables & GLOBAL_ENABLE_QUEUE_INTERRUPT) ||
                   (flags & MESSAGE_FLAG_EVENT_BUFFER &&
                    enables & GLOBAL_ENABLE_EVENT_BUFFER_INTERRUPT)
               ? FRAMING_ATTENTION_INTERRUPT
               : FRAMING_ATTENTION;
}

static bool has_interrupts(const struct messaging *messaging)
{
    return messaging->enables &
           (GLOBAL_ENABLE_QUEUE_INTERRUPT | GLOBAL_ENABLE_EVENT_BUFFER_INTERRUPT);
}

static void put_state(struct inband_interface *interface, struct wire_out *out, bool is_new)
{
    const struct messaging *messaging = interface->config.messaging;
    uint8_t attention = attention_of(messaging);
    bool interrupts = has_interrupts(messaging);

    if (is_new || interrupts != interface->interrupts)
        framing_put_command(out, interrupts ? FRAMING_ENABLE_INTERRUPT : FRAMING_DISABLE_INTERRUPT);
    /* Between attention with an interrupt and without, none: of a BT interface QEMU raises the one
     * only as attention comes, and of all it lowers it only as that goes. */
    if (!is_new && attention != interface->attention && attention != FRAMING_NO_ATTENTION &&
        interface->attention != FRAMING_NO_ATTENTION)
        framing_put_command(out, FRAMING_NO_ATTENTION);
    if (is_new || attention != interface->attention)
        framing_put_command(out, attention);
    interface->interrupts = interrupts;
    interface->attention = attention;
}

void inband_interface_update(struct inband_interface *interface)
{
    uint8_t bytes[FRAMING_WRITTEN_MAX];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    if (!interface->connected)
        return;
    put_state(interface, &out, false);
    send_written(interface, &out);
}

static void forget_connection(struct inband_interface *interface)
{
    memset(&interface->reader, 0, sizeof interface->reader);
    interface->pending.is_there = false;
}

void inband_interface_connected(struct inband_interface *interface)
{
    uint8_t bytes[FRAMING_WRITTEN_MAX];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    forget_connection(interface);
    interface->connected = true;
    interface->asked = false;
    interface->counters.connections++;
    framing_put_version(&out);
    put_state(interface, &out, true);
    send_written(interface, &out);
}

#define SEQUENCES 256

void inband_interface_settled(struct inband_interface *interface)
{
    const struct ipmi_response response = {.completion_code = CC_INITIALISING};
    struct framing_message lost = {.netfn = NETFN_APP, .command = CMD_GET_DEVICE_ID};
    uint8_t bytes[SEQUENCES * 8];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    if (!interface->connected || interface->asked || !interface->may_wait)
        return;
    for (unsigned sequence = SEQUENCES; sequence-- > 0;) {
        lost.sequence = (uint8_t)sequence;
        framing_put_response(&out, &lost, &response);
    }
    send_written(interface, &out);
}

void inband_interface_started(struct inband_interface *interface)
{
    interface->may_wait = false;
}

void inband_interface_disconnected(struct inband_interface *interface)
{
    forget_connection(interface);
    interface->connected = false;
}

/* ---- requests ---- */

static struct ipmi_msg message_of(const struct pending *pending)
{
    return (struct ipmi_msg){
        .rs_address = IPMI_BMC_ADDRESS,
        .netfn = pending->request.netfn,
        .rs_lun = pending->request.lun,
        .command = pending->request.command,
        .data = pending->data,
        .data_length = pending->data_length,
    };
}

static void answer(struct inband_interface *interface, const struct ipmi_response *response)
{
    const struct ipmi_msg message = message_of(&interface->pending);
    struct ipmi_response trimmed = *response;
    uint8_t bytes[FRAMING_WRITTEN_MAX];
    struct wire_out out = wire_out_init(bytes, sizeof bytes);

    trimmed.data_length = ipmi_msg_response_data_length(&message, response);
    interface->pending.is_there = false;
    framing_put_response(&out, &interface->pending.request, &trimmed);
    send_written(interface, &out);
}

static void answer_code(struct inband_interface *interface, enum completion_code code)
{
    const struct ipmi_response response = {.completion_code = (uint8_t)code};

    answer(interface, &response);
}

static void begin_pending(struct inband_interface *interface, const struct framing_message *request,
                          uint64_t now_ms)
{
    struct pending *pending = &interface->pending;

    if (++interface->last_serial == 0)
        interface->last_serial = 1;
    pending->is_there = true;
    pending->serial = interface->last_serial;
    pending->since_ms = now_ms;
    pending->request = *request;
    pending->request.data = NULL;
    pending->data_length = request->data_length <= sizeof pending->data ? request->data_length : 0;
    memcpy(pending->data, request->data, pending->data_length);
}

static void run(struct inband_interface *interface, uint64_t now_ms)
{
    const struct inband_config *config = &interface->config;
    const struct ipmi_msg message = message_of(&interface->pending);
    uint32_t serial = interface->pending.serial;
    struct ipmi_response response = {.completion_code = CC_UNSPECIFIED};
    const struct ipmi_request request = {
        .bmc = config->bmc,
        .msg = &message,
        .token = {.bmc = config->bmc_number, .request = serial},
        .origin = IPMI_ORIGIN_SYSTEM_INTERFACE,
        .read_only = interface->read_only,
        .channel = CHANNEL_SYSTEM_INTERFACE,
        .privilege = PRIVILEGE_ADMINISTRATOR,
        .sessions = config->sessions,
        .sessions_context = config->sessions_context,
        .sink = config->sink,
        .now_ms = now_ms,
    };

    if (ipmi_dispatch(&request, &response) != IPMI_ANSWERED)
        return;
    if (interface->pending.is_there && interface->pending.serial == serial)
        answer(interface, &response);
}

static void serve(struct inband_interface *interface, const struct framing_message *request,
                  uint64_t now_ms)
{
    const struct inband_config *config = &interface->config;

    if (request->netfn & 1) { /* a response, which nobody has asked for */
        interface->counters.dropped++;
        return;
    }
    interface->asked = interface->may_wait = true;
    interface->counters.requests++;
    interface->window_requests++;
    begin_pending(interface, request, now_ms);
    if (request->data_length > IPMI_MSG_DATA_MAX)
        answer_code(interface, CC_REQUEST_LENGTH_EXCEEDED);
    else if (config->is_starting && config->is_starting(config->context))
        answer_code(interface, CC_INITIALISING);
    else
        run(interface, now_ms);
}

void inband_interface_complete(struct inband_interface *interface, const struct ipmi_token *token,
                               const struct ipmi_response *response, uint64_t now_ms)
{
    const struct pending *pending = &interface->pending;
    struct ipmi_response late = *response;

    if (!pending->is_there || pending->serial != token->request ||
        now_ms - pending->since_ms >= INBAND_QEMU_WAITS_MS) {
        interface->counters.late++;
        return;
    }
    const struct ipmi_msg message = message_of(pending);
    ipmi_bridge_complete_to_queue(interface->config.bmc, &message, &late);
    answer(interface, &late);
}

bool inband_interface_has_pending(const struct inband_interface *interface, uint64_t now_ms)
{
    return interface->pending.is_there &&
           now_ms - interface->pending.since_ms < INBAND_QEMU_WAITS_MS;
}

/* Of QEMU's hardware commands, its version alone has a meaning here: it says what it can do, but
 * nothing is asked of it that it could not. */
static int take_command(struct inband_interface *interface, const struct framing_message *command)
{
    if (command->code != FRAMING_IS_VERSION)
        return 0;
    if (command->data_length == 1 && command->data[0] == FRAMING_VERSION)
        return 0;
    interface->counters.dropped++;
    return -EPROTO;
}

/* ---- bytes ---- */

static void turn_window(struct inband_interface *interface, uint64_t now_ms)
{
    if (now_ms - interface->window_ms < INBAND_WINDOW_MS)
        return;
    interface->window_ms = now_ms;
    interface->window_requests = interface->window_bytes = 0;
}

uint64_t inband_interface_pause_ms(const struct inband_interface *interface, uint64_t now_ms)
{
    uint64_t passed = now_ms - interface->window_ms;

    if (passed >= INBAND_WINDOW_MS || (interface->window_requests < INBAND_WINDOW_REQUESTS &&
                                       interface->window_bytes < INBAND_WINDOW_BYTES))
        return 0;
    return INBAND_WINDOW_MS - passed;
}

int inband_interface_receive(struct inband_interface *interface, const uint8_t *bytes,
                             size_t length, uint64_t now_ms)
{
    struct framing_message message;
    enum framing_result result;
    int error = 0;

    turn_window(interface, now_ms);
    interface->window_bytes += length;
    while (error == 0 && interface->connected &&
           (result = framing_read(&interface->reader, &bytes, &length, &message)) != FRAMING_MORE) {
        if (result == FRAMING_MESSAGE)
            serve(interface, &message, now_ms);
        else if (result == FRAMING_COMMAND)
            error = take_command(interface, &message);
        else
            interface->counters.dropped++;
    }
    return error;
}

bool inband_interface_is_read_only(const struct inband_interface *interface)
{
    return interface->read_only;
}

bool inband_interface_is_connected(const struct inband_interface *interface)
{
    return interface->connected;
}

const struct inband_counters *inband_interface_counters(const struct inband_interface *interface)
{
    return &interface->counters;
}
