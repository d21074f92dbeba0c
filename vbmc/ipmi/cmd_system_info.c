/* Set and Get System Info Parameters (IPMI 2.0, sections 22.14a and 22.14b). */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

static int set_system_info_parameters(const struct ipmi_request *request, struct wire_in *in,
                                      struct wire_out *out)
{
    union service_arguments arguments = {.system_info = {.number = wire_u8(in)}};

    arguments.system_info.size = wire_left(in);
    arguments.system_info.data = wire_bytes(in, arguments.system_info.size);
    return command_call(request, out, SERVICE_SYSTEM_INFO, &arguments);
}

static int get_system_info_parameters(const struct ipmi_request *request, struct wire_in *in,
                                      struct wire_out *out)
{
    uint8_t what = wire_u8(in), number = wire_u8(in), set = wire_u8(in), block = wire_u8(in);
    uint8_t data[SYSTEM_INFO_PARAMETER_MAX];
    size_t size = 0;

    if (what & ~REVISION_ONLY || block != 0)
        return CC_INVALID_DATA_FIELD;
    int result = system_info_get(&request->bmc->system_info, number, what & REVISION_ONLY ? 0 : set,
                                 data, &size);
    if (result < 0)
        return command_code_of_result(result);
    wire_put_u8(out, PARAMETER_REVISION);
    if (!(what & REVISION_ONLY))
        wire_put_bytes(out, data, size);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_APP, 0x58, PRIVILEGE_ADMINISTRATOR, 2, 1 + SYSTEM_INFO_PARAMETER_MAX,
     set_system_info_parameters, "Set System Info Parameters"},
    {NETFN_APP, 0x59, PRIVILEGE_USER, 4, 4, get_system_info_parameters,
     "Get System Info Parameters"},
};

const struct command_table cmd_system_info_table = {commands, ARRAY_SIZE(commands), NULL};
