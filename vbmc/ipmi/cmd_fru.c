/* FRU inventory commands (IPMI 2.0, chapter 34). All FRUs are read and written by bytes. */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

#define ACCESS_BY_BYTES 0x00
#define WRITE_DATA_MAX  255
#define WRITE_HEADER    3 /* device id and offset */

/* Get FRU Inventory Area Info (section 34.1). */
static int get_fru_inventory_area_info(const struct ipmi_request *request, struct wire_in *in,
                                       struct wire_out *out)
{
    const struct fru *fru = request->bmc->fru;
    uint8_t id = wire_u8(in);

    if (!fru)
        return CC_INVALID_COMMAND;
    if (fru_size(fru, id) == 0)
        return CC_NOT_PRESENT;
    wire_put_u16(out, (uint16_t)fru_size(fru, id));
    wire_put_u8(out, ACCESS_BY_BYTES);
    return CC_SUCCESS;
}

/* Read FRU Data (section 34.2). A read across the end gives what is there. */
static int read_fru_data(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    const struct fru *fru = request->bmc->fru;
    uint8_t id = wire_u8(in);
    size_t offset = wire_u16(in), count = wire_u8(in);

    if (!fru)
        return CC_INVALID_COMMAND;
    size_t size = fru_size(fru, id);
    if (size == 0)
        return CC_NOT_PRESENT;
    if (offset >= size)
        return CC_PARAMETER_OUT_OF_RANGE;
    if (count > size - offset)
        count = size - offset;
    wire_put_u8(out, (uint8_t)count);
    wire_put_bytes(out, fru_image(fru, id) + offset, count);
    return CC_SUCCESS;
}

/* Write FRU Data (section 34.3). */
static int write_fru_data(const struct ipmi_request *request, struct wire_in *in,
                          struct wire_out *out)
{
    uint8_t id = wire_u8(in);
    size_t offset = wire_u16(in), count = wire_left(in);
    const union service_arguments arguments = {
        .fru_write = {id, offset, wire_bytes(in, count), count},
    };

    wire_put_u8(out, (uint8_t)count);
    return command_call(request, out, SERVICE_FRU_WRITE, &arguments);
}

static const struct command commands[] = {
    {NETFN_STORAGE, 0x10, PRIVILEGE_USER, 1, 1, get_fru_inventory_area_info,
     "Get FRU Inventory Area Info"},
    {NETFN_STORAGE, 0x11, PRIVILEGE_USER, 4, 4, read_fru_data, "Read FRU Data"},
    {NETFN_STORAGE, 0x12, PRIVILEGE_OPERATOR, WRITE_HEADER, WRITE_DATA_MAX, write_fru_data,
     "Write FRU Data"},
};

const struct command_table cmd_fru_table = {commands, ARRAY_SIZE(commands), NULL};
