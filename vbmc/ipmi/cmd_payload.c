/* Payload commands (IPMI 2.0, chapter 24) and SOL commands (chapter 26). SOL, standard payload type
 * 1, is the one payload that can be activated, and it has one instance: other ways to the console
 * need no IPMI instance. */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

/* Section 13.27.3. */
#define TYPE_IPMI        0x00
#define TYPE_SOL         0x01
#define INSTANCE_LAST    0x0f
#define TYPE_SETUP_FIRST 0x10 /* Open Session Request */
#define TYPE_SETUP_LAST  0x15 /* RAKP 4 */

#define SOL_INSTANCE         1 /* the one there is */
#define STANDARD_PAYLOAD_SOL (1 << TYPE_SOL)

/* The payload type and the instance that a request begins with. */
static bool read_instance(struct wire_in *in, uint8_t *instance)
{
    uint8_t type = wire_u8(in);

    *instance = wire_u8(in);
    return type == TYPE_SOL && *instance != 0 && *instance <= INSTANCE_LAST;
}

/* Activate Payload (section 24.1). */
#define CC_ALREADY_ACTIVE            0x80
#define CC_PAYLOAD_DISABLED          0x81
#define CC_ACTIVATION_LIMIT          0x82
#define CC_CANNOT_WITH_ENCRYPTION    0x83
#define CC_CANNOT_WITHOUT_ENCRYPTION 0x84

#define ACTIVATE_ENCRYPT      0x80
#define ACTIVATE_AUTHENTICATE 0x40
#define NO_VLAN               0xffff

/* Packets of a session are all protected alike, as its cipher suite says. So SOL never has less
 * protection than was asked for, and cannot have more than the session. */
static int check_protection(const struct bmc_sol_policy *policy,
                            const struct ipmi_session_info *session, uint8_t wanted)
{
    if ((policy->force_encryption && !session->encrypted) ||
        (policy->force_authentication && !session->authenticated))
        return CC_CANNOT_WITHOUT_ENCRYPTION;
    if ((wanted & ACTIVATE_ENCRYPT && !session->encrypted) ||
        (wanted & ACTIVATE_AUTHENTICATE && !session->authenticated))
        return CC_CANNOT_WITH_ENCRYPTION;
    return CC_SUCCESS;
}

static int check_activation(const struct ipmi_request *request,
                            const struct ipmi_session_info *session, uint8_t instance,
                            uint8_t wanted)
{
    const struct bmc *bmc = request->bmc;
    struct bmc_sol_policy policy = bmc->payload->policy(bmc->payload_context);

    if (request->privilege < policy.privilege)
        return CC_INSUFFICIENT_PRIVILEGE;
    if (!policy.enabled || !bmc->payload->user_may(bmc->payload_context, request->user_id))
        return CC_PAYLOAD_DISABLED;
    if (instance > BMC_SOL_INSTANCES)
        return CC_ACTIVATION_LIMIT;
    int code = check_protection(&policy, session, wanted);
    if (code == CC_SUCCESS && bmc->payload->owner(bmc->payload_context).session != 0)
        return CC_ALREADY_ACTIVE;
    return code;
}

static int activate_payload(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    struct ipmi_session_info session;
    struct bmc_sol_activation activation = {0};
    uint8_t instance;

    if (!bmc->payload || !request->sessions ||
        request->sessions->info(request->sessions_context, request->token.session, &session) < 0)
        return CC_INVALID_COMMAND;
    if (!read_instance(in, &instance))
        return CC_INVALID_DATA_FIELD;
    if (!session.rmcp_plus) /* packets of IPMI 1.5 have no payload type */
        return CC_NOT_IN_PRESENT_STATE;
    int code = check_activation(request, &session, instance, wire_u8(in));
    wire_skip(in, 3);
    if (code != CC_SUCCESS)
        return code;
    code = command_call(request, out, SERVICE_SOL_ACTIVATE,
                        &(union service_arguments){.sol_activation = &activation});
    if (code != CC_SUCCESS)
        return code == CC_NOT_IN_PRESENT_STATE ? CC_PAYLOAD_DISABLED : code;
    wire_put_u32(out, 0); /* no test mode */
    wire_put_u16(out, activation.inbound_size);
    wire_put_u16(out, activation.outbound_size);
    wire_put_u16(out, activation.port);
    wire_put_u16(out, NO_VLAN);
    return CC_SUCCESS;
}

/* Deactivate Payload (section 24.2). */
#define CC_ALREADY_INACTIVE 0x80

static int deactivate_payload(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint8_t instance;

    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    if (!read_instance(in, &instance))
        return CC_INVALID_DATA_FIELD;
    wire_skip(in, 4);
    if (!bmc->payload->policy(bmc->payload_context).enabled)
        return CC_PAYLOAD_DISABLED;
    if (instance > BMC_SOL_INSTANCES || bmc->payload->owner(bmc->payload_context).session == 0)
        return CC_ALREADY_INACTIVE;
    return command_call(request, out, SERVICE_SOL_DEACTIVATE, NULL);
}

/* Get Payload Activation Status (section 24.4). */
static int get_payload_activation_status(const struct ipmi_request *request, struct wire_in *in,
                                         struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;

    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    if (wire_u8(in) != TYPE_SOL)
        return CC_INVALID_DATA_FIELD;
    bool active = bmc->payload->owner(bmc->payload_context).session != 0;
    wire_put_u8(out, BMC_SOL_INSTANCES);
    wire_put_u16(out, active ? 1 << (SOL_INSTANCE - 1) : 0);
    return CC_SUCCESS;
}

/* Get Payload Instance Info (section 24.5). */
#define SERIAL_PORT 1

static int get_payload_instance_info(const struct ipmi_request *request, struct wire_in *in,
                                     struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint32_t session = 0;
    uint8_t instance;

    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    if (!read_instance(in, &instance))
        return CC_INVALID_DATA_FIELD;
    if (instance == SOL_INSTANCE)
        session = bmc->payload->owner(bmc->payload_context).session;
    wire_put_u32(out, session);
    wire_put_u8(out, session ? SERIAL_PORT : 0);
    wire_put_zeros(out, 7);
    return CC_SUCCESS;
}

/* Set User Payload Access (section 24.6). The bits of a request are those to enable or to disable;
 * only that of SOL stands for something. */
#define USER_MASK         0x3f
#define OPERATION_MASK    0xc0
#define OPERATION_ENABLE  0x00
#define OPERATION_DISABLE 0x40

static bool is_user_id(uint8_t id)
{
    return id >= USER_ID_NULL && id <= USER_ID_MAX;
}

static int set_user_payload_access(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint8_t channel = wire_u8(in);
    uint8_t user = wire_u8(in);
    uint8_t operation = user & OPERATION_MASK;
    uint8_t standard = wire_u8(in);
    uint8_t others = wire_u8(in);

    others |= wire_u8(in);
    others |= wire_u8(in);
    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    user &= USER_MASK;
    if (!command_is_lan(request, channel) || !is_user_id(user) || operation > OPERATION_DISABLE)
        return CC_INVALID_DATA_FIELD;
    if (operation == OPERATION_ENABLE && (standard & ~STANDARD_PAYLOAD_SOL || others))
        return CC_INVALID_DATA_FIELD;
    if (!(standard & STANDARD_PAYLOAD_SOL))
        return CC_SUCCESS;
    bool may = operation == OPERATION_ENABLE;
    return command_call(request, out, SERVICE_SOL_ACCESS,
                        &(union service_arguments){.sol_access = {user, may}});
}

/* Get User Payload Access (section 24.7). */
static int get_user_payload_access(const struct ipmi_request *request, struct wire_in *in,
                                   struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint8_t channel = wire_u8(in);
    uint8_t user = wire_u8(in);

    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    if (!command_is_lan(request, channel) || !is_user_id(user))
        return CC_INVALID_DATA_FIELD;
    wire_put_u8(out, bmc->payload->user_may(bmc->payload_context, user) ? STANDARD_PAYLOAD_SOL : 0);
    wire_put_zeros(out, 3);
    return CC_SUCCESS;
}

/* Get Channel Payload Support (section 24.8). */
#define STANDARD_PAYLOADS (1 << TYPE_IPMI | 1 << TYPE_SOL)
#define SETUP_PAYLOADS    0x3f /* Open Session and RAKP */

static int get_channel_payload_support(const struct ipmi_request *request, struct wire_in *in,
                                       struct wire_out *out)
{
    uint8_t channel = wire_u8(in);

    if (!request->bmc->payload)
        return CC_INVALID_COMMAND;
    if (!command_is_lan(request, channel))
        return CC_INVALID_DATA_FIELD;
    wire_put_u16(out, STANDARD_PAYLOADS);
    wire_put_u16(out, SETUP_PAYLOADS);
    wire_put_u32(out, 0); /* no OEM payloads */
    return CC_SUCCESS;
}

/* Get Channel Payload Version (section 24.9). FreeIPMI's console keeps its session alive with it.
 */
#define CC_NOT_ON_CHANNEL   0x80
#define TYPE_RESERVED       0xc0
#define PAYLOAD_VERSION_1_0 0x10

static int get_channel_payload_version(const struct ipmi_request *request, struct wire_in *in,
                                       struct wire_out *out)
{
    uint8_t channel = wire_u8(in);
    uint8_t type = wire_u8(in);

    if (!request->bmc->payload)
        return CC_INVALID_COMMAND;
    if (!command_is_lan(request, channel) || type & TYPE_RESERVED)
        return CC_INVALID_DATA_FIELD;
    if (type > TYPE_SOL && (type < TYPE_SETUP_FIRST || type > TYPE_SETUP_LAST))
        return CC_NOT_ON_CHANNEL;
    wire_put_u8(out, PAYLOAD_VERSION_1_0);
    return CC_SUCCESS;
}

/* Set SOL Configuration Parameters (section 26.2). */
#define SET_DATA_MAX 20 /* any longer parameter there may be is not supported, no wrong length */

static int set_sol_configuration(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint8_t channel = wire_u8(in);
    uint8_t parameter = wire_u8(in);
    size_t size = wire_left(in);
    const uint8_t *data = wire_bytes(in, size);

    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    if (!command_is_lan(request, channel))
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_SOL_PARAMETER,
                        &(union service_arguments){.sol_parameter = {parameter, data, size}});
}

/* Get SOL Configuration Parameters (section 26.3). */
static int get_sol_configuration(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    const struct bmc *bmc = request->bmc;
    uint8_t channel = wire_u8(in);
    uint8_t parameter = wire_u8(in);
    uint8_t set = wire_u8(in);
    uint8_t block = wire_u8(in);
    uint8_t data[BMC_SOL_PARAMETER_MAX];
    size_t size = 0;

    if (!bmc->payload)
        return CC_INVALID_COMMAND;
    if (!command_is_lan(request, channel & (uint8_t)~REVISION_ONLY))
        return CC_INVALID_DATA_FIELD;
    if (!(channel & REVISION_ONLY)) {
        int result =
            bmc->payload->get_parameter(bmc->payload_context, parameter, set, block, data, &size);
        if (result < 0)
            return command_code_of_result(result);
    }
    wire_put_u8(out, PARAMETER_REVISION);
    wire_put_bytes(out, data, size);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_APP, 0x48, PRIVILEGE_CALLBACK, 6, 6, activate_payload, "Activate Payload"},
    {NETFN_APP, 0x49, PRIVILEGE_CALLBACK, 6, 6, deactivate_payload, "Deactivate Payload"},
    {NETFN_APP, 0x4a, PRIVILEGE_USER, 1, 1, get_payload_activation_status,
     "Get Payload Activation Status"},
    {NETFN_APP, 0x4b, PRIVILEGE_USER, 2, 2, get_payload_instance_info, "Get Payload Instance Info"},
    {NETFN_APP, 0x4c, PRIVILEGE_ADMINISTRATOR, 6, 6, set_user_payload_access,
     "Set User Payload Access"},
    {NETFN_APP, 0x4d, PRIVILEGE_OPERATOR, 2, 2, get_user_payload_access, "Get User Payload Access"},
    {NETFN_APP, 0x4e, PRIVILEGE_USER, 1, 1, get_channel_payload_support,
     "Get Channel Payload Support"},
    {NETFN_APP, 0x4f, PRIVILEGE_USER, 2, 2, get_channel_payload_version,
     "Get Channel Payload Version"},
    {NETFN_TRANSPORT, 0x21, PRIVILEGE_ADMINISTRATOR, 2, SET_DATA_MAX, set_sol_configuration,
     "Set SOL Configuration Parameters"},
    {NETFN_TRANSPORT, 0x22, PRIVILEGE_USER, 4, 4, get_sol_configuration,
     "Get SOL Configuration Parameters"},
};

const struct command_table cmd_payload_table = {commands, ARRAY_SIZE(commands), NULL};
