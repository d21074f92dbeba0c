/* Channels (IPMI 2.0, sections 22.15 and 22.22 to 22.25): 1 is the LAN, 0Fh the system interface;
 * there is no other. */
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/msg.h"

#define RESERVED_OF_CHANNEL 0xf0 /* in a byte that is a channel number */

/* Get Channel Cipher Suites (section 22.15). A record (section 22.15.1): C0h, id, then one tagged
 * byte per algorithm. */
#define STANDARD_SUITE      0xc0
#define TAG_INTEGRITY       0x40
#define TAG_CONFIDENTIALITY 0x80
#define RECORD_SIZE         5
#define CIPHER_CHUNK        16
#define CIPHER_LIST_MAX     (RECORD_SIZE * CHANNEL_SUITES_MAX)
#define LIST_BY_SUITE       0x80
#define LIST_INDEX          0x3f
#define LIST_RESERVED       0x40
#define PAYLOAD_SOL         0x01

static size_t put_if_new(uint8_t *list, size_t length, uint8_t tagged)
{
    if (!memchr(list, tagged, length))
        list[length++] = tagged;
    return length;
}

static size_t list_suite(const struct cipher_suite *suite, bool by_suite, uint8_t *list,
                         size_t length)
{
    const uint8_t tagged[] = {
        suite->authentication,
        suite->integrity | TAG_INTEGRITY,
        suite->confidentiality | TAG_CONFIDENTIALITY,
    };

    if (by_suite) {
        list[length++] = STANDARD_SUITE;
        list[length++] = suite->id;
        memcpy(list + length, tagged, sizeof tagged);
        return length + sizeof tagged;
    }
    for (size_t i = 0; i < sizeof tagged; i++)
        length = put_if_new(list, length, tagged[i]);
    return length;
}

/* Those that can be used, by number. */
static size_t list_suites(const struct channel *channel, bool by_suite, uint8_t *list)
{
    size_t length = 0;

    for (unsigned id = 0; id <= UINT8_MAX; id++) {
        const struct cipher_suite *suite = cipher_suite_find((uint8_t)id);
        if (suite && channel_has_suite(channel, suite->id) &&
            channel_suite_limit(channel, suite->id) != PRIVILEGE_NO_ACCESS)
            length = list_suite(suite, by_suite, list, length);
    }
    return length;
}

static int get_channel_cipher_suites(const struct ipmi_request *request, struct wire_in *in,
                                     struct wire_out *out)
{
    uint8_t list[CIPHER_LIST_MAX];
    uint8_t channel = wire_u8(in);
    uint8_t payload_type = wire_u8(in);
    uint8_t selector = wire_u8(in);
    size_t offset = (size_t)(selector & LIST_INDEX) * CIPHER_CHUNK;

    if (channel & RESERVED_OF_CHANNEL || command_channel(request, channel) != CHANNEL_LAN ||
        payload_type > PAYLOAD_SOL || selector & LIST_RESERVED)
        return CC_INVALID_DATA_FIELD;
    size_t length = list_suites(&request->bmc->channel, selector & LIST_BY_SUITE, list);
    wire_put_u8(out, CHANNEL_LAN);
    if (offset < length) {
        size_t left = length - offset;
        wire_put_bytes(out, list + offset, left < CIPHER_CHUNK ? left : CIPHER_CHUNK);
    }
    return CC_SUCCESS;
}

/* Get Channel Info (section 22.24). */
#define MEDIUM_LAN              0x04 /* 802.3 */
#define MEDIUM_SYSTEM_INTERFACE 0x0c
#define PROTOCOL_IPMB           0x01 /* what IPMI messages on a LAN are formatted as */
#define PROTOCOL_KCS            0x05
#define SESSION_LESS            0x00
#define MULTI_SESSION           0x80
#define ACTIVE_MAX              0x3f
#define NO_INTERRUPT            0xff
#define IPMI_FORUM              7154 /* enterprise number */

static unsigned count_sessions(const struct ipmi_request *request)
{
    unsigned slots = 0, active = 0;

    if (request->sessions)
        request->sessions->count(request->sessions_context, &slots, &active);
    return active < ACTIVE_MAX ? active : ACTIVE_MAX;
}

static int get_channel_info(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out)
{
    uint8_t asked = wire_u8(in);
    uint8_t channel = command_channel(request, asked);
    bool is_lan = channel == CHANNEL_LAN;

    if (asked & RESERVED_OF_CHANNEL || (!is_lan && channel != CHANNEL_SYSTEM_INTERFACE))
        return CC_INVALID_DATA_FIELD;
    wire_put_u8(out, channel);
    wire_put_u8(out, is_lan ? MEDIUM_LAN : MEDIUM_SYSTEM_INTERFACE);
    wire_put_u8(out, is_lan ? PROTOCOL_IPMB : PROTOCOL_KCS);
    wire_put_u8(out, is_lan ? (uint8_t)(MULTI_SESSION | count_sessions(request)) : SESSION_LESS);
    wire_put_u16(out, IPMI_FORUM);
    wire_put_u8(out, 0);
    wire_put_u8(out, is_lan ? 0 : NO_INTERRUPT); /* of messages to the system's software */
    wire_put_u8(out, is_lan ? 0 : NO_INTERRUPT); /* of the event message buffer */
    return CC_SUCCESS;
}

/* Set and Get Channel Access (sections 22.22 and 22.23). */
#define CC_NOT_ON_THIS_CHANNEL 0x82 /* it has no sessions */
#define WHICH_SHIFT            6    /* of enum lan_which */
#define WHICH_RESERVED         3
#define ALERTING_OFF           0x20
#define PER_MESSAGE_OFF        0x10
#define USER_LEVEL_OFF         0x08
#define MODE_MASK              0x07
#define LIMIT_MASK             0x0f
#define RESERVED_OF_LIMIT      0x30
#define RESERVED_OF_WHICH      0x3f

/* CC_SUCCESS for a channel that has channel access. */
static int check_channel(const struct ipmi_request *request, uint8_t asked)
{
    uint8_t channel = command_channel(request, asked);

    if (!(asked & RESERVED_OF_CHANNEL) && channel == CHANNEL_SYSTEM_INTERFACE)
        return CC_NOT_ON_THIS_CHANNEL;
    return asked & RESERVED_OF_CHANNEL || channel != CHANNEL_LAN ? CC_INVALID_DATA_FIELD
                                                                 : CC_SUCCESS;
}

static int set_channel_access(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    int code = check_channel(request, wire_u8(in));
    uint8_t access = wire_u8(in), limit = wire_u8(in);
    const struct lan_access_change change = {
        .access_of = (enum lan_which)(access >> WHICH_SHIFT),
        .limit_of = (enum lan_which)(limit >> WHICH_SHIFT),
        .access =
            {
                .mode = (enum lan_access_mode)(access & MODE_MASK),
                .alerting_off = (access & ALERTING_OFF) != 0,
                .per_message_off = (access & PER_MESSAGE_OFF) != 0,
                .user_level_off = (access & USER_LEVEL_OFF) != 0,
                .limit = (enum privilege)(limit & LIMIT_MASK),
            },
    };

    if (code != CC_SUCCESS)
        return code;
    if (access >> WHICH_SHIFT == WHICH_RESERVED || limit >> WHICH_SHIFT == WHICH_RESERVED ||
        limit & RESERVED_OF_LIMIT)
        return CC_INVALID_DATA_FIELD;
    if (change.access_of != LAN_KEEP && change.access.mode > LAN_ACCESS_SHARED)
        return CC_INVALID_DATA_FIELD;
    if (change.limit_of != LAN_KEEP &&
        (change.access.limit < PRIVILEGE_CALLBACK || change.access.limit > PRIVILEGE_OEM))
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_CHANNEL_ACCESS,
                        &(union service_arguments){.lan_access = change});
}

static int get_channel_access(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    int code = check_channel(request, wire_u8(in));
    uint8_t which = wire_u8(in);

    if (code != CC_SUCCESS)
        return code;
    if (which & RESERVED_OF_WHICH || which >> WHICH_SHIFT == LAN_KEEP ||
        which >> WHICH_SHIFT == WHICH_RESERVED)
        return CC_INVALID_DATA_FIELD;
    const struct lan_access access =
        lan_access(&request->bmc->lan, (enum lan_which)(which >> WHICH_SHIFT));
    wire_put_u8(out, (uint8_t)((access.alerting_off ? ALERTING_OFF : 0) |
                               (access.per_message_off ? PER_MESSAGE_OFF : 0) |
                               (access.user_level_off ? USER_LEVEL_OFF : 0) | access.mode));
    wire_put_u8(out, (uint8_t)access.limit);
    return CC_SUCCESS;
}

/* Set Channel Security Keys (section 22.25): K_G, which cannot be locked; there is no K_R. A key
 * that is set is shown to nobody. */
#define CC_KEY_TOO_SHORT   0x81
#define CC_KEY_TOO_LONG    0x82
#define CC_KEY_NOT_USED    0x84
#define KEY_OPERATION_READ 0x00
#define KEY_OPERATION_SET  0x01
#define KEY_R              0x00
#define KEY_G              0x01
#define KEY_NOT_LOCKABLE   0x00
#define KEY_DATA_MAX       43

#define SET_CHANNEL_SECURITY_KEYS 0x56

static int set_channel_security_keys(const struct ipmi_request *request, struct wire_in *in,
                                     struct wire_out *out)
{
    uint8_t channel = wire_u8(in), operation = wire_u8(in), which = wire_u8(in);
    size_t size = wire_left(in);
    const uint8_t *key = wire_bytes(in, size);

    if (channel & RESERVED_OF_CHANNEL || command_channel(request, channel) != CHANNEL_LAN ||
        operation > KEY_OPERATION_SET || which > KEY_G)
        return CC_INVALID_DATA_FIELD;
    if (operation == KEY_OPERATION_READ && size > 0)
        return CC_REQUEST_LENGTH_INVALID;
    if (which == KEY_R)
        return CC_KEY_NOT_USED;
    if (operation == KEY_OPERATION_READ && request->bmc->channel.has_kg)
        return CC_INSUFFICIENT_PRIVILEGE;
    if (operation == KEY_OPERATION_SET && size != CHANNEL_KG_SIZE)
        return size < CHANNEL_KG_SIZE ? CC_KEY_TOO_SHORT : CC_KEY_TOO_LONG;
    wire_put_u8(out, KEY_NOT_LOCKABLE);
    if (operation == KEY_OPERATION_READ) {
        wire_put_zeros(out, CHANNEL_KG_SIZE);
        return CC_SUCCESS;
    }
    return command_call(request, out, SERVICE_CHANNEL_KEY,
                        &(union service_arguments){.channel_key = key});
}

static const struct command commands[] = {
    {NETFN_APP, 0x40, PRIVILEGE_ADMINISTRATOR, 3, 3, set_channel_access, "Set Channel Access"},
    {NETFN_APP, 0x41, PRIVILEGE_USER, 2, 2, get_channel_access, "Get Channel Access"},
    {NETFN_APP, 0x42, PRIVILEGE_USER, 1, 1, get_channel_info, "Get Channel Info"},
    {NETFN_APP, 0x54, COMMAND_FOR_ANYONE, 3, 3, get_channel_cipher_suites,
     "Get Channel Cipher Suites"},
    {NETFN_APP, SET_CHANNEL_SECURITY_KEYS, PRIVILEGE_ADMINISTRATOR, 3, KEY_DATA_MAX,
     set_channel_security_keys, "Set Channel Security Keys"},
};

static bool carries_secret(const struct ipmi_msg *msg)
{
    return msg->netfn == NETFN_APP && msg->command == SET_CHANNEL_SECURITY_KEYS;
}

const struct command_table cmd_channel_table = {commands, ARRAY_SIZE(commands), carries_secret};
