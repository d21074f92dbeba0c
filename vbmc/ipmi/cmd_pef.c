/* Platform Event Filtering (IPMI 2.0, chapter 30). */
#include <errno.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

#define PEF_VERSION        0x51 /* of IPMI 1.5 and 2.0, BCD with the digits swapped */
#define PARAMETER_RESERVED 0x80 /* the same of Set PEF Configuration Parameters */

/* Arm PEF Postpone Timer (section 30.2): changes nothing. */
#define POSTPONE_READ 0xff

/* Alert Immediate (section 30.7). */
#define ALERT_SELECTOR_RESERVED 0x30
#define ALERT_WITH_STRING       0x80
#define ALERT_EVENT_SIZE        8
enum {
    ALERT_INITIATE = 0,
    ALERT_GET_STATUS = 1,
    ALERT_CLEAR_STATUS = 2,
};

/* Of Set and Get Last Processed Event ID (sections 30.5 and 30.6). */
#define CC_ERASE_IN_PROGRESS 0x81

static int get_pef_capabilities(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    (void)request, (void)in;
    wire_put_u8(out, PEF_VERSION);
    wire_put_u8(out, PEF_ACTIONS);
    wire_put_u8(out, PEF_FILTERS);
    return CC_SUCCESS;
}

/* Answers with the countdown as it is afterwards. */
static int arm_pef_postpone_timer(const struct ipmi_request *request, struct wire_in *in,
                                  struct wire_out *out)
{
    const union service_arguments arguments = {.pef_postpone_s = wire_u8(in)};

    if (arguments.pef_postpone_s == POSTPONE_READ) {
        wire_put_u8(out, pef_postpone_left(&request->bmc->pef));
        return CC_SUCCESS;
    }
    wire_put_u8(out, arguments.pef_postpone_s); /* with which it begins */
    int code = command_call(request, out, SERVICE_PEF_POSTPONE, &arguments);
    if (code != CC_SUCCESS && code != COMMAND_PENDING)
        out->pos = 0;
    return code;
}

static int set_pef_parameter(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    uint8_t number = wire_u8(in);
    size_t size = wire_left(in);
    union service_arguments arguments;

    if (number & PARAMETER_RESERVED)
        return CC_INVALID_DATA_FIELD;
    arguments.pef_parameter = (struct pef_parameter){number, wire_bytes(in, size), size};
    return command_call(request, out, SERVICE_PEF_PARAMETER, &arguments);
}

static int get_pef_parameter(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    uint8_t selector = wire_u8(in), number = selector & (uint8_t)~REVISION_ONLY;
    uint8_t set = wire_u8(in), block = wire_u8(in);
    uint8_t data[PEF_PARAMETER_MAX];
    int size = pef_get_parameter(&request->bmc->pef, number, set, block, data);

    if (selector & REVISION_ONLY && size != -ENOPROTOOPT)
        size = 0;
    if (size < 0)
        return command_code_of_result(size);
    wire_put_u8(out, PARAMETER_REVISION);
    wire_put_bytes(out, data, (size_t)size);
    return CC_SUCCESS;
}

static int get_last_processed(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    const struct sel *sel = request->bmc->sel;
    uint8_t record[SEL_RECORD_SIZE];
    unsigned n;

    (void)in;
    if (!sel)
        return CC_INVALID_COMMAND;
    if (sel_is_clearing(sel))
        return CC_ERASE_IN_PROGRESS;
    bool is_empty = sel_find(sel, SEL_ID_LAST, &n) < 0 || sel_record(sel, n, record) < 0;
    wire_put_u32(out, sel_state(sel)->added_at);
    wire_put_u16(out, is_empty ? SEL_ID_LAST : sel_record_id(record));
    wire_put_u16(out, sel_state(sel)->last_by_software);
    wire_put_u16(out, sel_state(sel)->last_by_bmc);
    return CC_SUCCESS;
}

static int set_last_processed(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    uint8_t by_bmc = wire_u8(in);
    const union service_arguments arguments = {.sel_processed = {by_bmc, wire_u16(in)}};

    if (by_bmc > 1)
        return CC_INVALID_DATA_FIELD;
    if (request->bmc->sel && sel_is_clearing(request->bmc->sel))
        return CC_ERASE_IN_PROGRESS;
    return command_call(request, out, SERVICE_SEL_PROCESSED, &arguments);
}

/* The event that an Alert Immediate may have behind it (section 30.7): generator, EvMRev, sensor
 * type and number, event direction and type, three bytes of data. */
static void read_event(struct wire_in *in, uint8_t record[SEL_RECORD_SIZE])
{
    memset(record, 0, SEL_RECORD_SIZE);
    record[SEL_RECORD_GENERATOR] = wire_u8(in);
    wire_copy(in, record + SEL_RECORD_REVISION, SEL_RECORD_SIZE - SEL_RECORD_REVISION);
}

static int alert_immediate(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    uint8_t channel = wire_u8(in), selector = wire_u8(in), string = wire_u8(in);
    union service_arguments arguments = {
        .alert =
            {
                .channel = channel == CHANNEL_THIS ? request->channel : channel,
                .destination = selector & 0x0f,
                .has_text = string & ALERT_WITH_STRING,
                .string = string & (uint8_t)~ALERT_WITH_STRING,
                .has_event = wire_left(in) > 0,
            },
    };

    if (arguments.alert.has_event && wire_left(in) != ALERT_EVENT_SIZE)
        return CC_REQUEST_LENGTH_INVALID;
    if (selector & ALERT_SELECTOR_RESERVED || arguments.alert.channel != CHANNEL_LAN)
        return CC_INVALID_DATA_FIELD;
    switch (selector >> 6) {
    case ALERT_INITIATE:
        if (arguments.alert.has_event)
            read_event(in, arguments.alert.record);
        return command_call(request, out, SERVICE_ALERT, &arguments);
    case ALERT_GET_STATUS:
        wire_put_u8(out, (uint8_t)request->bmc->alerts.immediate);
        return CC_SUCCESS;
    case ALERT_CLEAR_STATUS:
        return command_call(request, out, SERVICE_ALERT_FORGET, NULL);
    default:
        return CC_INVALID_DATA_FIELD;
    }
}

/* By whoever has got a trap, without a session; the trap's own numbers, least byte first. */
static int pet_acknowledge(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    union service_arguments arguments;
    struct alert_acknowledgement *acknowledgement = &arguments.alert_acknowledgement;

    acknowledgement->sequence = wire_u16(in);
    acknowledgement->time = wire_u32(in);
    acknowledgement->source = wire_u8(in);
    acknowledgement->device = wire_u8(in);
    acknowledgement->number = wire_u8(in);
    wire_copy(in, acknowledgement->data, sizeof acknowledgement->data);
    return command_call(request, out, SERVICE_ALERT_ACKNOWLEDGE, &arguments);
}

static const struct command commands[] = {
    {NETFN_SENSOR_EVENT, 0x10, PRIVILEGE_USER, 0, 0, get_pef_capabilities, "Get PEF Capabilities"},
    {NETFN_SENSOR_EVENT, 0x11, PRIVILEGE_ADMINISTRATOR, 1, 1, arm_pef_postpone_timer,
     "Arm PEF Postpone Timer"},
    {NETFN_SENSOR_EVENT, 0x12, PRIVILEGE_ADMINISTRATOR, 2, 1 + PEF_PARAMETER_MAX, set_pef_parameter,
     "Set PEF Configuration Parameters"},
    {NETFN_SENSOR_EVENT, 0x13, PRIVILEGE_OPERATOR, 3, 3, get_pef_parameter,
     "Get PEF Configuration Parameters"},
    {NETFN_SENSOR_EVENT, 0x14, PRIVILEGE_ADMINISTRATOR, 3, 3, set_last_processed,
     "Set Last Processed Event ID"},
    {NETFN_SENSOR_EVENT, 0x15, PRIVILEGE_ADMINISTRATOR, 0, 0, get_last_processed,
     "Get Last Processed Event ID"},
    {NETFN_SENSOR_EVENT, 0x16, PRIVILEGE_ADMINISTRATOR, 3, 3 + ALERT_EVENT_SIZE, alert_immediate,
     "Alert Immediate"},
    {NETFN_SENSOR_EVENT, 0x17, COMMAND_FOR_ANYONE, 12, 12, pet_acknowledge, "PET Acknowledge"},
};

const struct command_table cmd_pef_table = {commands, ARRAY_SIZE(commands), NULL};
