/* SDR repository commands (IPMI 2.0, chapter 33). The repository is generated: whatever would write
 * to it has no row here and is answered as an invalid command. */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/sdr.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

#define SDR_VERSION            0x51
#define NON_MODAL_UPDATE       0x20
#define RESERVE_SUPPORTED      0x02
#define ALLOCATION_SUPPORTED   0x01
#define COUNT_WHOLE_RECORD     0xff
#define RUN_AGENT              0x01
#define INITIALIZATION_IS_OVER 0x01

/* A time that there is none of (section 37). */
#define TIME_UNSPECIFIED UINT32_MAX

static uint32_t time_or_unspecified(uint32_t time)
{
    return time != 0 ? time : TIME_UNSPECIFIED;
}

/* Get SDR Repository Info (section 33.9). */
static int get_sdr_repository_info(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;

    (void)in;
    if (!bmc->sensors)
        return CC_INVALID_COMMAND;
    wire_put_u8(out, SDR_VERSION);
    wire_put_u16(out, (uint16_t)sdr_count(bmc));
    wire_put_u16(out, 0); /* free bytes: nothing can be added */
    wire_put_u32(out, time_or_unspecified(bmc->sdr.addition_time));
    wire_put_u32(out, time_or_unspecified(bmc->sdr.erase_time));
    wire_put_u8(out, NON_MODAL_UPDATE | RESERVE_SUPPORTED | ALLOCATION_SUPPORTED);
    return CC_SUCCESS;
}

/* Get SDR Repository Allocation Info (section 33.10): one unit holds any record. */
static int get_sdr_repository_allocation_info(const struct ipmi_request *request,
                                              struct wire_in *in, struct wire_out *out)
{
    (void)in;
    if (!request->bmc->sensors)
        return CC_INVALID_COMMAND;
    wire_put_u16(out, (uint16_t)sdr_count(request->bmc));
    wire_put_u16(out, SDR_RECORD_MAX);
    wire_put_u16(out, 0); /* free units */
    wire_put_u16(out, 0); /* largest free block */
    wire_put_u8(out, 1);  /* units of the longest record */
    return CC_SUCCESS;
}

/* Reserve SDR Repository (section 33.11). */
static int reserve_sdr_repository(const struct ipmi_request *request, struct wire_in *in,
                                  struct wire_out *out)
{
    (void)in;
    if (!request->bmc->sensors)
        return CC_INVALID_COMMAND;
    wire_put_u16(out, sdr_reserve(request->bmc));
    return CC_SUCCESS;
}

/* Get SDR (section 33.12). ipmitool copies as many bytes as it asked for, so that a part is given
 * whole or not at all. */
static int get_sdr(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint16_t reservation = wire_u16(in), id = wire_u16(in), next;
    size_t offset = wire_u8(in), count = wire_u8(in), length;
    uint8_t record[SDR_RECORD_MAX];

    if (!bmc->sensors)
        return CC_INVALID_COMMAND;
    bool is_partial = offset != 0 || count != COUNT_WHOLE_RECORD;
    if ((is_partial || reservation != 0) &&
        (reservation == 0 || reservation != bmc->sdr.reservation))
        return CC_RESERVATION_CANCELLED;
    if (sdr_get(bmc, id, record, &length, &next) < 0)
        return CC_NOT_PRESENT;
    if (offset >= length)
        return CC_PARAMETER_OUT_OF_RANGE;
    if (count == COUNT_WHOLE_RECORD)
        count = length - offset;
    if (count > length - offset)
        return CC_CANNOT_RETURN_BYTES;
    wire_put_u16(out, next);
    wire_put_bytes(out, record + offset, count);
    return CC_SUCCESS;
}

/* Get SDR Repository Time (section 33.17): the BMC has one clock, that of the SEL. */
static int get_sdr_repository_time(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    struct bmc *bmc = request->bmc;

    (void)in;
    if (!bmc->sensors)
        return CC_INVALID_COMMAND;
    wire_put_u32(out, (uint32_t)bmc->core.hooks->wall_time(&bmc->core));
    return CC_SUCCESS;
}

/* Set SDR Repository Time (section 33.18). */
static int set_sdr_repository_time(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    const union service_arguments arguments = {.sel_time = wire_u32(in)};

    if (!request->bmc->sensors)
        return CC_INVALID_COMMAND;
    return command_call(request, out, SERVICE_SEL_TIME, &arguments);
}

/* Run Initialization Agent (section 33.21): all sensors go back to what their records say. */
static int run_initialization_agent(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    if (!request->bmc->sensors)
        return CC_INVALID_COMMAND;
    wire_put_u8(out, INITIALIZATION_IS_OVER);
    if (!(wire_u8(in) & RUN_AGENT))
        return CC_SUCCESS;
    return command_call(request, out, SERVICE_SENSOR_RESET, NULL);
}

static const struct command commands[] = {
    {NETFN_STORAGE, 0x20, PRIVILEGE_USER, 0, 0, get_sdr_repository_info, "Get SDR Repository Info"},
    {NETFN_STORAGE, 0x21, PRIVILEGE_USER, 0, 0, get_sdr_repository_allocation_info,
     "Get SDR Repository Allocation Info"},
    {NETFN_STORAGE, 0x22, PRIVILEGE_USER, 0, 0, reserve_sdr_repository, "Reserve SDR Repository"},
    {NETFN_STORAGE, 0x23, PRIVILEGE_USER, 6, 6, get_sdr, "Get SDR"},
    {NETFN_STORAGE, 0x28, PRIVILEGE_USER, 0, 0, get_sdr_repository_time, "Get SDR Repository Time"},
    {NETFN_STORAGE, 0x29, PRIVILEGE_OPERATOR, 4, 4, set_sdr_repository_time,
     "Set SDR Repository Time"},
    {NETFN_STORAGE, 0x2c, PRIVILEGE_OPERATOR, 1, 1, run_initialization_agent,
     "Run Initialization Agent"},
};

const struct command_table cmd_sdr_table = {commands, ARRAY_SIZE(commands), NULL};
