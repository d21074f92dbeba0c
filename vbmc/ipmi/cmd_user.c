/* App commands about accounts (IPMI 2.0, sections 22.26 to 22.30). */
#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

#define CHANNEL_MASK  0x0f
#define USER_MASK     0x3f
#define RESERVED_ID   0xc0
#define RESERVED_HIGH 0xf0

#define SET_USER_PASSWORD 0x47

/* CC_SUCCESS, or what is wrong with an id. Id 0 is reserved. */
static int check_id(uint8_t id)
{
    if ((id & RESERVED_ID) || id == 0)
        return CC_INVALID_DATA_FIELD;
    return id > USER_ID_MAX ? CC_PARAMETER_OUT_OF_RANGE : CC_SUCCESS;
}

static int change(const struct ipmi_request *request, const struct wire_out *out, uint8_t id,
                  unsigned parts, const struct user *user)
{
    return command_call(request, out, SERVICE_USER_CHANGE,
                        &(union service_arguments){.user_change = {id, parts, user}});
}

/* Set User Access (section 22.26). The session limit may be left out. */
#define CHANGE_ACCESS 0x80

static int set_user_access(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    uint8_t channel = wire_u8(in);
    uint8_t id = wire_u8(in);
    uint8_t limit = wire_u8(in);
    bool has_sessions = wire_left(in) > 0;
    uint8_t sessions = has_sessions ? wire_u8(in) : 0;
    unsigned parts = 1u << USER_PART_LIMIT;
    int code = check_id(id);

    if (!command_has_accounts(request, channel & CHANNEL_MASK) || (limit & RESERVED_HIGH) ||
        (sessions & RESERVED_HIGH))
        return CC_INVALID_DATA_FIELD;
    if (code != CC_SUCCESS)
        return code;
    if (channel & CHANGE_ACCESS)
        parts |= 1u << USER_PART_ACCESS;
    if (has_sessions)
        parts |= 1u << USER_PART_SESSIONS;
    const struct user user = {
        .limit = (enum privilege)limit,
        .access = channel & USER_ACCESS_ALL,
        .sessions = sessions,
    };
    return change(request, out, id, parts, &user);
}

/* Get User Access (section 22.27). */
#define STATUS_ENABLED  0x40
#define STATUS_DISABLED 0x80
#define FIXED_NAMES     1 /* that of the null user */

static int get_user_access(const struct ipmi_request *request, struct wire_in *in,
                           struct wire_out *out)
{
    const struct users *users = &request->bmc->users;
    uint8_t channel = wire_u8(in);
    uint8_t id = wire_u8(in);
    int code = check_id(id);

    if ((channel & RESERVED_HIGH) || !command_has_accounts(request, channel))
        return CC_INVALID_DATA_FIELD;
    if (code != CC_SUCCESS)
        return code;
    const struct user *user = &users->by_id[id];
    wire_put_u8(out, USER_ID_MAX);
    wire_put_u8(out, (uint8_t)((user->enabled ? STATUS_ENABLED : STATUS_DISABLED) |
                               users_count_enabled(users)));
    wire_put_u8(out, FIXED_NAMES);
    wire_put_u8(out, (uint8_t)(user->access | user->limit));
    return CC_SUCCESS;
}

/* Set User Name (section 22.28). Without a name an id is nobody's: its other parts go with it. */
static int set_user_name(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    struct user user = user_unused();
    uint8_t id = wire_u8(in);
    int code = check_id(id);

    wire_copy(in, (uint8_t *)user.name, USER_NAME_MAX);
    if (code != CC_SUCCESS)
        return code;
    for (size_t i = strlen(user.name); i < USER_NAME_MAX; i++) {
        if (user.name[i] != '\0')
            return CC_INVALID_DATA_FIELD;
    }
    bool removes = user.name[0] == '\0' && request->bmc->users.by_id[id].name[0] != '\0';
    return change(request, out, id, removes ? USER_PARTS_ALL : 1u << USER_PART_NAME, &user);
}

/* Get User Name (section 22.29). */
static int get_user_name(const struct ipmi_request *request, struct wire_in *in,
                         struct wire_out *out)
{
    uint8_t id = wire_u8(in);
    int code = check_id(id);

    if (code != CC_SUCCESS)
        return code;
    wire_put_bytes(out, (const uint8_t *)request->bmc->users.by_id[id].name, USER_NAME_MAX);
    return CC_SUCCESS;
}

/* Set User Password (section 22.30). Clients send a password for every operation. */
#define PASSWORD_IS_LONG       0x80
#define CC_PASSWORD_WRONG      0x80
#define CC_PASSWORD_SIZE       0x81
#define PASSWORD_REQUEST_FIXED 2

enum password_operation {
    PASSWORD_DISABLE,
    PASSWORD_ENABLE,
    PASSWORD_SET,
    PASSWORD_TEST,
};

/* The length is up to the first zero; behind it there may be zeros only, as SSH would not see what
 * is there. An account has no empty password. */
static int set_password(const struct ipmi_request *request, const struct wire_out *out, uint8_t id,
                        const uint8_t *bytes, size_t size)
{
    struct user user = user_unused();
    size_t length = strnlen((const char *)bytes, size);

    for (size_t i = length; i < size; i++) {
        if (bytes[i] != '\0')
            return CC_INVALID_DATA_FIELD;
    }
    if (length == 0)
        return CC_INVALID_DATA_FIELD;
    user_set_password(&user, bytes, length, (uint8_t)size);
    int code = change(request, out, id, 1u << USER_PART_PASSWORD, &user);
    OPENSSL_cleanse(&user, sizeof user);
    return code;
}

static int test_password(const struct user *user, const uint8_t *bytes, size_t size)
{
    switch (user_test_password(user, bytes, size)) {
    case 0:
        return CC_SUCCESS;
    case -EMSGSIZE:
        return CC_PASSWORD_SIZE;
    default:
        return CC_PASSWORD_WRONG;
    }
}

static int set_user_password(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    uint8_t id = wire_u8(in);
    uint8_t operation = wire_u8(in);
    size_t left = wire_left(in);
    size_t size = id & PASSWORD_IS_LONG ? USER_PASSWORD_MAX : USER_PASSWORD_SHORT;
    const uint8_t *bytes = wire_bytes(in, left);
    int code = check_id(id & (uint8_t)~PASSWORD_IS_LONG);

    if (operation > PASSWORD_TEST)
        return CC_INVALID_DATA_FIELD;
    if (left != size && !(operation <= PASSWORD_ENABLE && left == 0))
        return CC_REQUEST_LENGTH_INVALID;
    if (code != CC_SUCCESS)
        return code;
    id &= USER_MASK;
    const struct user enabled = {.enabled = operation == PASSWORD_ENABLE};
    if (operation <= PASSWORD_ENABLE)
        return change(request, out, id, 1u << USER_PART_ENABLED, &enabled);
    if (operation == PASSWORD_SET)
        return set_password(request, out, id, bytes, size);
    return test_password(&request->bmc->users.by_id[id], bytes, size);
}

static const struct command commands[] = {
    {NETFN_APP, 0x43, PRIVILEGE_ADMINISTRATOR, 3, 4, set_user_access, "Set User Access"},
    {NETFN_APP, 0x44, PRIVILEGE_OPERATOR, 2, 2, get_user_access, "Get User Access"},
    {NETFN_APP, 0x45, PRIVILEGE_ADMINISTRATOR, 17, 17, set_user_name, "Set User Name"},
    {NETFN_APP, 0x46, PRIVILEGE_OPERATOR, 1, 1, get_user_name, "Get User Name"},
    {NETFN_APP, SET_USER_PASSWORD, PRIVILEGE_ADMINISTRATOR, 2, 22, set_user_password,
     "Set User Password"},
};

static bool carries_secret(const struct ipmi_msg *msg)
{
    return msg->netfn == NETFN_APP && msg->command == SET_USER_PASSWORD;
}

const struct command_table cmd_user_table = {commands, ARRAY_SIZE(commands), carries_secret};
