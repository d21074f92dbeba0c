/* App commands by which a client finds out how to log in, and that act on sessions (IPMI 2.0,
 * chapter 22). */
#include <errno.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

/* Get Channel Authentication Capabilities (section 22.13). */
#define EXTENDED               0x80 /* asks for data of IPMI 2.0, and says that it is there */
#define STATUS_KG              0x20
#define STATUS_PER_MESSAGE_OFF 0x10
#define STATUS_USER_LEVEL_OFF  0x08
#define STATUS_NAMED_USERS     0x04 /* there never is a null user */
#define CONNECTIONS_IPMI_2_0   0x02
#define CONNECTIONS_IPMI_1_5   0x01

static uint8_t authentication_status(const struct bmc *bmc)
{
    const struct channel *channel = &bmc->channel;

    return (uint8_t)((channel->has_kg ? STATUS_KG : 0) |
                     (channel->per_message_off ? STATUS_PER_MESSAGE_OFF : 0) |
                     (channel->user_level_off ? STATUS_USER_LEVEL_OFF : 0) |
                     (users_have_named(&bmc->users) ? STATUS_NAMED_USERS : 0));
}

static int get_channel_authentication_capabilities(const struct ipmi_request *request,
                                                   struct wire_in *in, struct wire_out *out)
{
    const struct channel *lan = &request->bmc->channel;
    uint8_t channel = wire_u8(in);
    uint8_t level = wire_u8(in);
    bool extended = channel & EXTENDED;

    if (channel & 0x70 || !command_is_lan(request, channel & 0x0f))
        return CC_INVALID_DATA_FIELD;
    if (level < PRIVILEGE_CALLBACK || level > PRIVILEGE_OEM)
        return CC_INVALID_DATA_FIELD;
    wire_put_u8(out, CHANNEL_LAN);
    wire_put_u8(out, (uint8_t)((extended ? EXTENDED : 0) |
                               channel_authentication_types(lan, (enum privilege)level)));
    wire_put_u8(out, authentication_status(request->bmc));
    if (extended)
        wire_put_u8(out, (uint8_t)(CONNECTIONS_IPMI_2_0 |
                                   (lan->authentication_types ? CONNECTIONS_IPMI_1_5 : 0)));
    else
        wire_put_u8(out, 0);
    wire_put_zeros(out, 4); /* no OEM authentication */
    return CC_SUCCESS;
}

/* Get Session Challenge (section 22.16), of IPMI 1.5. Whether there is such a user is not told. */
#define CC_NULL_USER_DISABLED 0x82

static int get_session_challenge(const struct ipmi_request *request, struct wire_in *in,
                                 struct wire_out *out)
{
    uint8_t challenge[IPMI_LOGIN_CHALLENGE_SIZE];
    uint8_t type = wire_u8(in);
    const uint8_t *name = wire_bytes(in, IPMI_LOGIN_NAME_MAX);
    uint32_t id;

    if (type > 7 || (request->bmc->channel.authentication_types & 1U << type) == 0)
        return CC_INVALID_DATA_FIELD;
    if (!request->logins)
        return CC_NOT_IN_PRESENT_STATE;
    int error = request->logins->challenge(request->logins_context, type, name,
                                           strnlen((const char *)name, IPMI_LOGIN_NAME_MAX), &id,
                                           challenge);
    if (error < 0)
        return error == -ENOENT ? CC_NULL_USER_DISABLED : CC_NODE_BUSY;
    wire_put_u32(out, id);
    wire_put_bytes(out, challenge, sizeof challenge);
    return CC_SUCCESS;
}

/* Activate Session (section 22.17). */
#define CC_NO_SESSION_SLOT      0x81
#define CC_NO_SLOT_FOR_USER     0x82
#define CC_SEQUENCE_UNUSABLE    0x84
#define CC_INVALID_SESSION_ID   0x85
#define CC_PRIVILEGE_OVER_LIMIT 0x86

static int activation_code(int error)
{
    switch (error) {
    case 0:
        return CC_SUCCESS;
    case -ENOSPC:
        return CC_NO_SESSION_SLOT;
    case -EUSERS:
        return CC_NO_SLOT_FOR_USER;
    case -ERANGE:
        return CC_SEQUENCE_UNUSABLE;
    case -ENOENT:
        return CC_INVALID_SESSION_ID;
    case -EPERM:
        return CC_PRIVILEGE_OVER_LIMIT;
    case -EINVAL:
        return CC_INVALID_DATA_FIELD;
    default:
        return CC_NODE_BUSY;
    }
}

static int activate_session(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    struct ipmi_activation activation = {.type = wire_u8(in)};
    struct ipmi_activated activated;
    uint8_t level = wire_u8(in);

    wire_copy(in, activation.challenge, sizeof activation.challenge);
    activation.outbound = wire_u32(in);
    activation.wanted = (enum privilege)level;
    if (activation.type > 7 || level < PRIVILEGE_CALLBACK || level > PRIVILEGE_OEM)
        return CC_INVALID_DATA_FIELD;
    if (!request->logins)
        return CC_NOT_IN_PRESENT_STATE;
    int error = request->logins->activate(request->logins_context, &activation, &activated);
    if (error == 0) {
        wire_put_u8(out, activated.rest);
        wire_put_u32(out, activated.session);
        wire_put_u32(out, activated.inbound);
        wire_put_u8(out, (uint8_t)activated.maximum);
    }
    return activation_code(error);
}

/* Set Session Privilege Level (section 22.18). */
#define CC_LEVEL_EXCEEDS_LIMIT 0x81

static int set_session_privilege_level(const struct ipmi_request *request, struct wire_in *in,
                                       struct wire_out *out)
{
    uint8_t level = wire_u8(in);

    if (!request->sessions || request->origin == IPMI_ORIGIN_SYSTEM_INTERFACE)
        return CC_INVALID_COMMAND;
    if (level == 0) {
        wire_put_u8(out, (uint8_t)request->privilege);
        return CC_SUCCESS;
    }
    if (level == PRIVILEGE_CALLBACK || level > PRIVILEGE_OEM)
        return CC_INVALID_DATA_FIELD;
    if (request->sessions->set_privilege(request->sessions_context, request->token.session,
                                         (enum privilege)level) < 0)
        return CC_LEVEL_EXCEEDS_LIMIT;
    wire_put_u8(out, level);
    return CC_SUCCESS;
}

/* Close Session (section 22.19). */
#define CC_NO_SUCH_SESSION 0x87
#define CC_NO_SUCH_HANDLE  0x88

static int close_session(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    const struct ipmi_session_ops *sessions = request->sessions;
    uint32_t session = wire_u32(in);
    bool by_handle = wire_left(in) > 0;

    if (!sessions)
        return CC_INVALID_COMMAND;
    if (by_handle && session != 0)
        return CC_REQUEST_LENGTH_INVALID;
    if (by_handle)
        session = sessions->find_handle(request->sessions_context, wire_u8(in));
    if (session == 0)
        return by_handle ? CC_NO_SUCH_HANDLE : CC_NO_SUCH_SESSION;
    const union service_arguments arguments = {
        .session_close = {session, sessions->close, request->sessions_context},
    };
    int code = command_call(request, out, SERVICE_SESSION_CLOSE, &arguments);
    return code == CC_NOT_PRESENT ? CC_NO_SUCH_SESSION : code;
}

#define COUNT_MAX 0x3f /* that Get Session Info can tell */

/* Get Session Info (section 22.20): which session the request means; 0 if there is none. */
static uint32_t find_asked_session(const struct ipmi_request *request, uint8_t index,
                                   struct wire_in *in)
{
    const struct ipmi_session_ops *sessions = request->sessions;

    switch (index) {
    case 0x00:
        return request->token.session;
    case 0xfe:
        return sessions->find_handle(request->sessions_context, wire_u8(in));
    case 0xff:
        return wire_u32(in);
    default:
        return sessions->find_nth(request->sessions_context, index);
    }
}

static void put_session_address(struct wire_out *out, const union endpoint_address *remote)
{
    const uint8_t *ip = endpoint_address_v4(remote);

    if (ip)
        wire_put_bytes(out, ip, 4); /* network order */
    else
        wire_put_zeros(out, 4); /* the field has no room for IPv6 */
    wire_put_zeros(out, 6);     /* MAC address: not known above UDP */
    wire_put_u16(out, endpoint_address_port(remote));
}

static int get_session_info(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    const struct ipmi_session_ops *sessions = request->sessions;
    struct ipmi_session_info info = {0};
    unsigned slots, active;
    uint8_t index = wire_u8(in);

    if (!sessions)
        return CC_INVALID_COMMAND;
    uint32_t session = find_asked_session(request, index, in);
    if (wire_left(in) > 0)
        return CC_REQUEST_LENGTH_INVALID;
    bool found = session != 0 && sessions->info(request->sessions_context, session, &info) == 0;
    sessions->count(request->sessions_context, &slots, &active);
    wire_put_u8(out, found ? info.handle : 0);
    wire_put_u8(out, (uint8_t)(slots < COUNT_MAX ? slots : COUNT_MAX));
    wire_put_u8(out, (uint8_t)(active < COUNT_MAX ? active : COUNT_MAX));
    if (!found)
        return CC_SUCCESS;
    wire_put_u8(out, info.user_id);
    wire_put_u8(out, (uint8_t)info.privilege);
    wire_put_u8(out, (uint8_t)((info.rmcp_plus ? 0x10 : 0x00) | info.channel));
    put_session_address(out, &info.remote);
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_APP, 0x38, COMMAND_FOR_ANYONE, 2, 2, get_channel_authentication_capabilities,
     "Get Channel Authentication Capabilities"},
    {NETFN_APP, 0x39, COMMAND_FOR_ANYONE, 17, 17, get_session_challenge, "Get Session Challenge"},
    {NETFN_APP, 0x3a, COMMAND_FOR_ANYONE, 22, 22, activate_session, "Activate Session"},
    {NETFN_APP, 0x3b, PRIVILEGE_USER, 1, 1, set_session_privilege_level,
     "Set Session Privilege Level"},
    {NETFN_APP, 0x3c, PRIVILEGE_CALLBACK, 4, 5, close_session, "Close Session"},
    {NETFN_APP, 0x3d, PRIVILEGE_USER, 1, 5, get_session_info, "Get Session Info"},
};

const struct command_table cmd_session_table = {commands, ARRAY_SIZE(commands), NULL};
