/* One row of the command table, and the tables of the command groups (one cmd_*.c each). */
#ifndef VBMC_IPMI_COMMAND_H
#define VBMC_IPMI_COMMAND_H

#include <stddef.h>
#include <stdint.h>

#include "vbmc/ipmi/dispatch.h"
#include "vbmc/service/service.h"

struct caller;
struct ipmi_response;
struct wire_in;
struct wire_out;

/* Returned by a handler instead of a completion code: the answer comes through the sink. */
#define COMMAND_PENDING (-1)

/* Serves a request whose privilege and length were checked. Reads its data from `in`, writes the
 * response data (behind the completion code) to `out`. Returns a completion code or
 * COMMAND_PENDING. */
typedef int command_handler(const struct ipmi_request *request, struct wire_in *in,
                            struct wire_out *out);

struct command {
    uint8_t netfn;
    uint8_t number;
    uint8_t privilege; /* enum privilege at least, or one of COMMAND_FOR_* */
    uint8_t data_min;  /* bytes of request data, both bounds included */
    uint8_t data_max;
    command_handler *handler;
    const char *name; /* the specification's */
};

enum {
    COMMAND_FOR_ANYONE = 0,    /* needs no session */
    COMMAND_FOR_SYSTEM = 0x80, /* by the system interface only */
};

struct command_table {
    const struct command *rows;
    size_t count;
    /* Whether the request has a password, key or the like in it; NULL: none of the table has. */
    bool (*carries_secret)(const struct ipmi_msg *msg);
};

/* All tables, in the order in which a command is looked for, and the way to a command. */
struct command_directory {
    const struct command_table *const *tables;
    size_t count;
    enum ipmi_outcome (*dispatch)(const struct ipmi_request *request,
                                  struct ipmi_response *response);
};

/* dispatch.c; the handlers have it in their request. */
extern const struct command_directory ipmi_commands;

extern const struct command_table cmd_app_table;
extern const struct command_table cmd_discovery_table;
extern const struct command_table cmd_messaging_table;
extern const struct command_table cmd_system_info_table;
extern const struct command_table cmd_session_table;
extern const struct command_table cmd_chassis_table;
extern const struct command_table cmd_payload_table;
extern const struct command_table cmd_user_table;
extern const struct command_table cmd_sensor_table;
extern const struct command_table cmd_sdr_table;
extern const struct command_table cmd_fru_table;
extern const struct command_table cmd_sel_table;
extern const struct command_table cmd_pef_table;
extern const struct command_table cmd_dcmi_table;
extern const struct command_table cmd_watchdog_table;
extern const struct command_table cmd_channel_table;
extern const struct command_table cmd_lan_table;

/* The channel that [3:0] of `channel` means, which may be "this one" (section 6.3). */
uint8_t command_channel(const struct ipmi_request *request, uint8_t channel);

/* Whether `channel`, with no other bits, is the LAN channel, by its number or as "this one". */
bool command_is_lan(const struct ipmi_request *request, uint8_t channel);
/* The same where a channel is one that accounts are for: the guest's own has none, and ipmitool in
 * it asks for "this channel". */
bool command_has_accounts(const struct ipmi_request *request, uint8_t channel);

/* On whose behalf the request is. */
struct caller command_caller(const struct ipmi_request *request);

/* Ends a handler that changes the BMC: asks the service for it on behalf of who sent the request.
 * The completion code of the result, or COMMAND_PENDING; what was written to `out` (up to 4 bytes)
 * goes with success. `arguments` may be NULL where the operation has none. */
int command_call(const struct ipmi_request *request, const struct wire_out *out,
                 enum service_operation operation, const union service_arguments *arguments);
/* Completion code for a result of the service (vbmc/service/service.h). */
uint8_t command_code_of_result(int result);

#endif
