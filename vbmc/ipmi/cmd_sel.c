/* System Event Log commands (IPMI 2.0, chapter 31), and Platform Event (section 29.3). Changes are
 * answered when they are on disk. */
#include "vbmc/bmc/sel.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

#define SEL_VERSION 0x51 /* of IPMI 1.5 and 2.0, BCD with the digits swapped */

/* Get SEL Info, operation support (section 31.2). */
#define SUPPORTS_OVERFLOW_FLAG   0x80
#define SUPPORTS_DELETE          0x08
#define SUPPORTS_RESERVE         0x02
#define SUPPORTS_ALLOCATION_INFO 0x01

/* ipmitool adds the bytes used and free up in 16 bits to tell a percentage, and takes 64 KiB - 1
 * and more for unknown. So a log that is full to the last place shows one record less in the count.
 */
#define ENTRIES_SHOWN_MAX 4095
#define BYTES_SHOWN_MAX   0xfffe

#define WHOLE_RECORD    0xff
#define RECORDS_IN_UNIT 1

/* Clear SEL (section 31.9). */
#define CLEAR_START     0xaa
#define CLEAR_STATUS    0x00
#define CLEAR_ERASING   0x00
#define CLEAR_COMPLETED 0x01

static unsigned free_records(const struct sel *sel)
{
    return sel_count(sel) < SEL_RECORDS_MAX ? SEL_RECORDS_MAX - sel_count(sel) : 0;
}

static int get_sel_info(const struct ipmi_request *request, struct wire_in *in,
                        struct wire_out *out)
{
    const struct sel *sel = request->bmc->sel;

    (void)in;
    if (!sel)
        return CC_INVALID_COMMAND;
    const struct sel_state *state = sel_state(sel);
    unsigned entries = sel_count(sel) < ENTRIES_SHOWN_MAX ? sel_count(sel) : ENTRIES_SHOWN_MAX;
    unsigned bytes = free_records(sel) * SEL_RECORD_SIZE;
    if (bytes > BYTES_SHOWN_MAX - entries * SEL_RECORD_SIZE)
        bytes = BYTES_SHOWN_MAX - entries * SEL_RECORD_SIZE;
    wire_put_u8(out, SEL_VERSION);
    wire_put_u16(out, (uint16_t)entries);
    wire_put_u16(out, (uint16_t)bytes);
    wire_put_u32(out, state->added_at);
    wire_put_u32(out, state->erased_at);
    wire_put_u8(out, (uint8_t)((state->overflow ? SUPPORTS_OVERFLOW_FLAG : 0) | SUPPORTS_DELETE |
                               SUPPORTS_RESERVE | SUPPORTS_ALLOCATION_INFO));
    return CC_SUCCESS;
}

static int get_sel_allocation_info(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    const struct sel *sel = request->bmc->sel;

    (void)in;
    if (!sel)
        return CC_INVALID_COMMAND;
    wire_put_u16(out, SEL_RECORDS_MAX);
    wire_put_u16(out, SEL_RECORD_SIZE);
    wire_put_u16(out, (uint16_t)free_records(sel));
    wire_put_u16(out, (uint16_t)free_records(sel)); /* in one piece */
    wire_put_u8(out, RECORDS_IN_UNIT);
    return CC_SUCCESS;
}

static int reserve_sel(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    (void)in;
    if (!request->bmc->sel)
        return CC_INVALID_COMMAND;
    wire_put_u16(out, sel_reserve(request->bmc->sel));
    return CC_SUCCESS;
}

/* Only a record that is read in pieces needs a reservation (section 31.4.1). */
static int get_sel_entry(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    const struct sel *sel = request->bmc->sel;
    uint16_t reservation = wire_u16(in);
    uint16_t id = wire_u16(in);
    uint8_t offset = wire_u8(in);
    uint8_t count = wire_u8(in);
    uint8_t record[SEL_RECORD_SIZE], next[SEL_RECORD_SIZE];
    unsigned n;

    if (!sel)
        return CC_INVALID_COMMAND;
    if ((offset != 0 || count != WHOLE_RECORD) && !sel_is_reserved(sel, reservation))
        return CC_RESERVATION_CANCELLED;
    if (sel_find(sel, id, &n) < 0 || sel_record(sel, n, record) < 0)
        return CC_NOT_PRESENT;
    if (offset >= sizeof record)
        return CC_PARAMETER_OUT_OF_RANGE;
    if (count == WHOLE_RECORD)
        count = (uint8_t)(sizeof record - offset);
    if (offset + count > (int)sizeof record)
        return CC_CANNOT_RETURN_BYTES;
    wire_put_u16(out, sel_record(sel, n + 1, next) < 0 ? SEL_ID_LAST : sel_record_id(next));
    wire_put_bytes(out, record + offset, count);
    return CC_SUCCESS;
}

static int add_sel_entry(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    uint8_t record[SEL_RECORD_SIZE];

    wire_copy(in, record, sizeof record);
    wire_put_u16(out, 0); /* the id comes with the answer */
    return command_call(request, out, SERVICE_SEL_ADD,
                        &(union service_arguments){.sel_record = record});
}

/* Answers with the id of the record that went. */
static int delete_sel_entry(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    const struct sel *sel = request->bmc->sel;
    uint16_t reservation = wire_u16(in);
    uint16_t id = wire_u16(in);
    uint8_t record[SEL_RECORD_SIZE];
    unsigned n;

    if (!sel)
        return CC_INVALID_COMMAND;
    if (!sel_is_reserved(sel, reservation))
        return CC_RESERVATION_CANCELLED;
    if (sel_find(sel, id, &n) < 0 || sel_record(sel, n, record) < 0)
        return CC_NOT_PRESENT;
    id = sel_record_id(record);
    wire_put_u16(out, id);
    return command_call(request, out, SERVICE_SEL_DELETE, &(union service_arguments){.sel_id = id});
}

static int clear_sel(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    const struct sel *sel = request->bmc->sel;
    uint16_t reservation = wire_u16(in);
    const uint8_t *mark = wire_bytes(in, 3);
    uint8_t action = wire_u8(in);

    if (!sel)
        return CC_INVALID_COMMAND;
    if (!mark || memcmp(mark, "CLR", 3) != 0)
        return CC_INVALID_DATA_FIELD;
    if (action == CLEAR_STATUS) {
        if (!sel_may_ask_progress(sel, reservation))
            return CC_RESERVATION_CANCELLED;
        wire_put_u8(out, sel_is_clearing(sel) ? CLEAR_ERASING : CLEAR_COMPLETED);
        return CC_SUCCESS;
    }
    if (action != CLEAR_START)
        return CC_INVALID_DATA_FIELD;
    if (!sel_is_reserved(sel, reservation))
        return CC_RESERVATION_CANCELLED;
    wire_put_u8(out, CLEAR_COMPLETED);
    return command_call(request, out, SERVICE_SEL_CLEAR, NULL);
}

static int get_sel_time(const struct ipmi_request *request, struct wire_in *in,
                        struct wire_out *out)
{
    (void)in;
    if (!request->bmc->sel)
        return CC_INVALID_COMMAND;
    wire_put_u32(out, sel_now(request->bmc->sel));
    return CC_SUCCESS;
}

static int set_sel_time(const struct ipmi_request *request, struct wire_in *in,
                        struct wire_out *out)
{
    return command_call(request, out, SERVICE_SEL_TIME,
                        &(union service_arguments){.sel_time = wire_u32(in)});
}

static int get_sel_utc_offset(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    (void)in;
    if (!request->bmc->sel)
        return CC_INVALID_COMMAND;
    wire_put_u16(out, (uint16_t)sel_state(request->bmc->sel)->utc_offset_min);
    return CC_SUCCESS;
}

static int set_sel_utc_offset(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    const union service_arguments arguments = {.sel_utc_offset_min = (int16_t)wire_u16(in)};

    return command_call(request, out, SERVICE_SEL_UTC_OFFSET, &arguments);
}

/* There are no other logs: no type of log is one that we know. */
static int auxiliary_log_status(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    (void)in;
    (void)out;
    return request->bmc->sel ? CC_INVALID_DATA_FIELD : CC_INVALID_COMMAND;
}

/* Platform Event (section 29.3). By LAN the generator is who sent it; the guest says for whom
 * it speaks. */
static int platform_event(const struct ipmi_request *request, struct wire_in *in,
                          struct wire_out *out)
{
    bool by_guest = request->origin == IPMI_ORIGIN_SYSTEM_INTERFACE;
    uint8_t record[SEL_RECORD_SIZE], event[7];

    if (!request->bmc->sel)
        return CC_INVALID_COMMAND;
    uint8_t generator = by_guest ? wire_u8(in) : request->msg->rq_address;
    uint8_t where = by_guest ? 0 : (uint8_t)(request->channel << 4 | request->msg->rq_lun);
    wire_copy(in, event, sizeof event);
    if (in->failed || wire_left(in) > 0)
        return CC_REQUEST_LENGTH_INVALID;
    if (event[0] != SEL_EVENT_REVISION && event[0] != SEL_EVENT_REVISION - 1)
        return CC_INVALID_DATA_FIELD;
    struct wire_out to = wire_out_init(record, sizeof record);
    wire_put_zeros(&to, 2); /* the id */
    wire_put_u8(&to, SEL_TYPE_EVENT);
    wire_put_zeros(&to, 4); /* the time */
    wire_put_u8(&to, generator);
    wire_put_u8(&to, where);
    wire_put_bytes(&to, event, sizeof event);
    return command_call(request, out, SERVICE_PLATFORM_EVENT,
                        &(union service_arguments){.sel_record = record});
}

static const struct command commands[] = {
    {NETFN_STORAGE, 0x40, PRIVILEGE_USER, 0, 0, get_sel_info, "Get SEL Info"},
    {NETFN_STORAGE, 0x41, PRIVILEGE_USER, 0, 0, get_sel_allocation_info, "Get SEL Allocation Info"},
    {NETFN_STORAGE, 0x42, PRIVILEGE_USER, 0, 0, reserve_sel, "Reserve SEL"},
    {NETFN_STORAGE, 0x43, PRIVILEGE_USER, 6, 6, get_sel_entry, "Get SEL Entry"},
    {NETFN_STORAGE, 0x44, PRIVILEGE_OPERATOR, 16, 16, add_sel_entry, "Add SEL Entry"},
    {NETFN_STORAGE, 0x46, PRIVILEGE_OPERATOR, 4, 4, delete_sel_entry, "Delete SEL Entry"},
    {NETFN_STORAGE, 0x47, PRIVILEGE_OPERATOR, 6, 6, clear_sel, "Clear SEL"},
    {NETFN_STORAGE, 0x48, PRIVILEGE_USER, 0, 0, get_sel_time, "Get SEL Time"},
    {NETFN_STORAGE, 0x49, PRIVILEGE_OPERATOR, 4, 4, set_sel_time, "Set SEL Time"},
    {NETFN_STORAGE, 0x5a, PRIVILEGE_USER, 1, 1, auxiliary_log_status, "Get Auxiliary Log Status"},
    {NETFN_STORAGE, 0x5b, PRIVILEGE_OPERATOR, 1, 17, auxiliary_log_status,
     "Set Auxiliary Log Status"},
    {NETFN_STORAGE, 0x5c, PRIVILEGE_USER, 0, 0, get_sel_utc_offset, "Get SEL Time UTC Offset"},
    {NETFN_STORAGE, 0x5d, PRIVILEGE_OPERATOR, 2, 2, set_sel_utc_offset, "Set SEL Time UTC Offset"},
    {NETFN_SENSOR_EVENT, 0x02, PRIVILEGE_OPERATOR, 7, 8, platform_event, "Platform Event"},
};

const struct command_table cmd_sel_table = {commands, ARRAY_SIZE(commands), NULL};
