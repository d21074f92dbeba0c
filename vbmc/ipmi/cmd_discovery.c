/* Which commands there are (IPMI 2.0, chapter 21), answered from the tables of the dispatcher. No
 * command can be switched off: whoever writes what there is already is told that it is so, anything
 * else is refused. */
#include <stdbool.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

#define LUNS           4
#define MASK_SIZE      16   /* of 128 commands, or of the 32 pairs of NetFns of each LUN */
#define NETFN_MASK     0x3e /* the NetFn of requests stands for the pair */
#define OPERATION_HIGH 0x40 /* commands 80h to FFh */
#define OPERATIONS     0xc0
#define LUN_MASK       0x03
#define BODY_SIZE      1 /* behind NetFn 2Ch */
#define OEM_SIZE       3 /* behind NetFn 2Eh */

/* Get Command Sub-function Support: IPMI 2.0, revision 1.1, no errata. */
#define SPECIFICATION_IPMI     0x00
#define SPECIFICATION_VERSION  0x20
#define SPECIFICATION_REVISION 0x11
#define SUB_FUNCTIONS_SIZE     4

/* What a request of this chapter is about. */
struct scope {
    bool is_system; /* the channel is the system interface */
    uint8_t netfn;
    uint8_t lun;
    bool is_ours; /* of a group extension and an OEM NetFn: it is DCMI's, not another body's */
    bool is_high; /* commands 80h to FFh */
};

/* The channel: the LAN, the system interface, or the present one. */
static int read_channel(const struct ipmi_request *request, struct wire_in *in, struct scope *scope)
{
    uint8_t channel = wire_u8(in);

    if (channel == CHANNEL_THIS)
        channel = request->channel;
    scope->is_system = channel == CHANNEL_SYSTEM_INTERFACE;
    return channel == CHANNEL_LAN || scope->is_system ? CC_SUCCESS : CC_INVALID_DATA_FIELD;
}

/* The body code of a group extension may be left out (ipmitool does), and is DCMI's then. */
static int read_body(struct wire_in *in, struct scope *scope)
{
    size_t size = scope->netfn == NETFN_GROUP_EXTENSION ? BODY_SIZE
                  : scope->netfn == NETFN_OEM_GROUP     ? OEM_SIZE
                                                        : 0;

    scope->is_ours = scope->netfn != NETFN_OEM_GROUP;
    if (wire_left(in) == 0)
        return CC_SUCCESS;
    if (wire_left(in) != size)
        return CC_REQUEST_LENGTH_INVALID;
    if (scope->netfn == NETFN_GROUP_EXTENSION)
        scope->is_ours = wire_u8(in) == GROUP_DCMI;
    else
        wire_skip(in, size);
    return CC_SUCCESS;
}

/* Channel, NetFn and LUN; `operations`: NetFn says which half of the commands is meant. */
static int read_scope(const struct ipmi_request *request, struct wire_in *in, bool operations,
                      struct scope *scope)
{
    int code = read_channel(request, in, scope);
    uint8_t netfn = wire_u8(in);

    scope->lun = wire_u8(in);
    scope->netfn = netfn & NETFN_MASK;
    scope->is_high = netfn & OPERATION_HIGH;
    if (netfn & OPERATIONS & ~(operations ? OPERATION_HIGH : 0) || scope->lun & ~LUN_MASK)
        return CC_INVALID_DATA_FIELD;
    return code;
}

static bool serves(const struct scope *scope, const struct command *command)
{
    return scope->lun == 0 && scope->is_ours && command->netfn == scope->netfn &&
           (scope->is_system || command->privilege != COMMAND_FOR_SYSTEM);
}

/* The commands of one half, a bit each. */
static void list_commands(const struct ipmi_request *request, const struct scope *scope,
                          uint8_t mask[MASK_SIZE])
{
    memset(mask, 0, MASK_SIZE);
    for (size_t t = 0; t < request->directory->count; t++) {
        const struct command_table *table = request->directory->tables[t];
        for (size_t i = 0; i < table->count; i++) {
            uint8_t number = table->rows[i].number;
            if (serves(scope, &table->rows[i]) && scope->is_high == (number >= 0x80))
                mask[(number & 0x7f) / 8] |= (uint8_t)(1 << number % 8);
        }
    }
}

/* Get NetFn Support (section 21.2). */
static int get_netfn_support(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    uint8_t pairs[MASK_SIZE] = {0};
    struct scope scope;

    if (read_channel(request, in, &scope) != CC_SUCCESS)
        return CC_INVALID_DATA_FIELD;
    for (size_t t = 0; t < request->directory->count; t++) {
        const struct command_table *table = request->directory->tables[t];
        for (size_t i = 0; i < table->count; i++)
            pairs[table->rows[i].netfn / 16] |= (uint8_t)(1 << table->rows[i].netfn / 2 % 8);
    }
    wire_put_u8(out, 0x01); /* LUN 0 has commands, none of them restricted; the others have none */
    wire_put_bytes(out, pairs, sizeof pairs);
    return CC_SUCCESS;
}

static int list_asked(const struct ipmi_request *request, struct wire_in *in,
                      uint8_t mask[MASK_SIZE])
{
    struct scope scope;
    int code = read_scope(request, in, true, &scope);

    if (code == CC_SUCCESS)
        code = read_body(in, &scope);
    if (code == CC_SUCCESS)
        list_commands(request, &scope, mask);
    return code;
}

/* Get Command Support (section 21.3): a set bit says that there is no such command. */
static int get_command_support(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    uint8_t mask[MASK_SIZE];
    int code = list_asked(request, in, mask);

    for (size_t i = 0; code == CC_SUCCESS && i < sizeof mask; i++)
        wire_put_u8(out, (uint8_t)~mask[i]);
    return code;
}

/* Get Configurable Commands (section 21.5). */
static int get_configurable_commands(const struct ipmi_request *request, struct wire_in *in,
                                     struct wire_out *out)
{
    uint8_t mask[MASK_SIZE];
    int code = list_asked(request, in, mask);

    if (code == CC_SUCCESS)
        wire_put_zeros(out, MASK_SIZE);
    return code;
}

/* Get Command Enables (section 21.8). */
static int get_command_enables(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    uint8_t mask[MASK_SIZE];
    int code = list_asked(request, in, mask);

    if (code == CC_SUCCESS)
        wire_put_bytes(out, mask, sizeof mask);
    return code;
}

/* Set Command Enables (section 21.7). */
static int set_command_enables(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    uint8_t mask[MASK_SIZE], wanted[MASK_SIZE];
    struct scope scope;
    int code = read_scope(request, in, true, &scope);

    (void)out;
    wire_copy(in, wanted, sizeof wanted);
    if (code == CC_SUCCESS)
        code = read_body(in, &scope);
    if (code != CC_SUCCESS)
        return code;
    list_commands(request, &scope, mask);
    return memcmp(mask, wanted, sizeof mask) == 0 ? CC_SUCCESS : CC_INVALID_DATA_FIELD;
}

/* ---- sub-functions: whatever a command that there is has ---- */

/* The command of the request, which must exist; `size` bytes that come in front of the body code
 * are put into `extra`. */
static int read_command(const struct ipmi_request *request, struct wire_in *in, uint8_t *extra,
                        size_t size)
{
    uint8_t mask[MASK_SIZE];
    struct scope scope;
    int code = read_scope(request, in, false, &scope);
    uint8_t number = wire_u8(in);
    bool has_body = scope.netfn == NETFN_GROUP_EXTENSION && wire_left(in) == BODY_SIZE + size;

    if (has_body)
        scope.is_ours = wire_u8(in) == GROUP_DCMI;
    if (size > 0)
        wire_copy(in, extra, size);
    if (code == CC_SUCCESS && !has_body)
        code = read_body(in, &scope);
    if (code != CC_SUCCESS)
        return code;
    scope.is_high = number >= 0x80;
    list_commands(request, &scope, mask);
    return mask[(number & 0x7f) / 8] & 1 << number % 8 ? CC_SUCCESS : CC_INVALID_DATA_FIELD;
}

/* Get Command Sub-function Support (section 21.4): none is missing. */
static int get_sub_function_support(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    int code = read_command(request, in, NULL, 0);

    if (code != CC_SUCCESS)
        return code;
    wire_put_u8(out, SPECIFICATION_IPMI);
    wire_put_u8(out, SPECIFICATION_VERSION);
    wire_put_u8(out, SPECIFICATION_REVISION);
    wire_put_zeros(out, SUB_FUNCTIONS_SIZE);
    return CC_SUCCESS;
}

/* Get Configurable Command Sub-functions (section 21.6). */
static int get_configurable_sub_functions(const struct ipmi_request *request, struct wire_in *in,
                                          struct wire_out *out)
{
    int code = read_command(request, in, NULL, 0);

    if (code == CC_SUCCESS)
        wire_put_zeros(out, SUB_FUNCTIONS_SIZE);
    return code;
}

/* Get Command Sub-function Enables (section 21.10). */
static int get_sub_function_enables(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    int code = read_command(request, in, NULL, 0);

    if (code == CC_SUCCESS)
        wire_put_u32(out, UINT32_MAX);
    return code;
}

/* Set Command Sub-function Enables (section 21.9). */
static int set_sub_function_enables(const struct ipmi_request *request, struct wire_in *in,
                                    struct wire_out *out)
{
    static const uint8_t all[SUB_FUNCTIONS_SIZE] = {0xff, 0xff, 0xff, 0xff};
    uint8_t wanted[SUB_FUNCTIONS_SIZE];
    int code = read_command(request, in, wanted, sizeof wanted);

    (void)out;
    if (code != CC_SUCCESS)
        return code;
    return memcmp(wanted, all, sizeof all) == 0 ? CC_SUCCESS : CC_INVALID_DATA_FIELD;
}

static const struct command commands[] = {
    {NETFN_APP, 0x09, PRIVILEGE_USER, 1, 1, get_netfn_support, "Get NetFn Support"},
    {NETFN_APP, 0x0a, PRIVILEGE_USER, 3, 6, get_command_support, "Get Command Support"},
    {NETFN_APP, 0x0b, PRIVILEGE_USER, 4, 7, get_sub_function_support,
     "Get Command Sub-function Support"},
    {NETFN_APP, 0x0c, PRIVILEGE_USER, 3, 6, get_configurable_commands, "Get Configurable Commands"},
    {NETFN_APP, 0x0d, PRIVILEGE_USER, 4, 7, get_configurable_sub_functions,
     "Get Configurable Command Sub-functions"},
    {NETFN_APP, 0x60, PRIVILEGE_ADMINISTRATOR, 19, 22, set_command_enables, "Set Command Enables"},
    {NETFN_APP, 0x61, PRIVILEGE_USER, 3, 6, get_command_enables, "Get Command Enables"},
    {NETFN_APP, 0x62, PRIVILEGE_ADMINISTRATOR, 8, 11, set_sub_function_enables,
     "Set Command Sub-function Enables"},
    {NETFN_APP, 0x63, PRIVILEGE_USER, 4, 7, get_sub_function_enables,
     "Get Command Sub-function Enables"},
};

const struct command_table cmd_discovery_table = {commands, ARRAY_SIZE(commands), NULL};
