#include "vbmc/ipmi/cmd_boot.h"

#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/boot_parameters.h"
#include "vbmc/ipmi/codes.h"

#define PARAMETER_VERSION 0x01
#define PARAMETER_INVALID 0x80 /* bit 7 of the selector: the parameter is marked invalid */

int cmd_boot_set(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    uint8_t selector = wire_u8(in), number = selector & 0x7f;
    bool invalid = selector & PARAMETER_INVALID;
    size_t size = wire_left(in);
    union service_arguments arguments;

    if (number == BOOT_PARAMETER_FLAGS && size == BOOT_FLAGS_SIZE) {
        arguments.boot_flags.invalid = invalid;
        arguments.boot_flags.stays = false;
        wire_copy(in, arguments.boot_flags.flags, size);
        return command_call(request, out, SERVICE_BOOT_FLAGS, &arguments);
    }
    arguments.boot_parameter = (struct boot_parameter){number, invalid, wire_bytes(in, size), size};
    return command_call(request, out, SERVICE_BOOT_PARAMETER, &arguments);
}

int cmd_boot_get(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    uint8_t number = wire_u8(in), set_selector = wire_u8(in);
    uint8_t data[BOOT_PARAMETER_MAX];
    size_t size = 0;

    wire_skip(in, 1);               /* block selector: no parameter has blocks */
    if (number & PARAMETER_INVALID) /* reserved here */
        return CC_INVALID_DATA_FIELD;
    int result = boot_get_parameter(&request->bmc->boot, number, set_selector, data, &size);
    if (result < 0)
        return command_code_of_result(result);
    wire_put_u8(out, PARAMETER_VERSION);
    wire_put_u8(
        out,
        (uint8_t)(number | (boot_is_marked(&request->bmc->boot, number) ? PARAMETER_INVALID : 0)));
    wire_put_bytes(out, data, size);
    return CC_SUCCESS;
}
