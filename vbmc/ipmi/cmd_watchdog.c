/* Watchdog timer commands (IPMI 2.0, chapter 27). */
#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/command.h"

/* Timer use (first byte of both tables in sections 27.6 and 27.7). */
#define USE_DONT_LOG  0x80
#define USE_DONT_STOP 0x40 /* in Get: the timer runs */
#define USE_RESERVED  0x38
#define USE_MASK      0x07

/* Timer actions (second byte). */
#define ACTIONS_RESERVED        0x88
#define ACTIONS_INTERRUPT_SHIFT 4
#define ACTIONS_MASK            0x07

/* Reset Watchdog Timer (section 27.5); 80h where it was never set. */
static int reset_watchdog_timer(const struct ipmi_request *request, struct wire_in *in,
                                struct wire_out *out)
{
    (void)in;
    return command_call(request, out, SERVICE_WATCHDOG_RESET, NULL);
}

/* Set Watchdog Timer (section 27.6). */
static int set_watchdog_timer(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    uint8_t use = wire_u8(in), actions = wire_u8(in), pretimeout_s = wire_u8(in);
    uint8_t flags = wire_u8(in);
    const union service_arguments arguments = {
        .watchdog =
            {
                .settings =
                    {
                        .use = (enum watchdog_use)(use & USE_MASK),
                        .interrupt = (enum watchdog_interrupt)(actions >> ACTIONS_INTERRUPT_SHIFT &
                                                               ACTIONS_MASK),
                        .action = (enum watchdog_action)(actions & ACTIONS_MASK),
                        .pretimeout_s = pretimeout_s,
                        .initial = wire_u16(in),
                        .dont_log = (use & USE_DONT_LOG) != 0,
                    },
                .clear_flags = flags,
                .keep_running = (use & USE_DONT_STOP) != 0,
            },
    };

    if (use & USE_RESERVED || actions & ACTIONS_RESERVED || flags & ~WATCHDOG_FLAGS)
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_WATCHDOG_SET, &arguments);
}

/* Get Watchdog Timer (section 27.7). */
static int get_watchdog_timer(const struct ipmi_request *request, struct wire_in *in,
                              struct wire_out *out)
{
    const struct watchdog *watchdog = &request->bmc->watchdog;
    const struct watchdog_settings *settings = &watchdog->settings;

    (void)in;
    wire_put_u8(out, (uint8_t)((settings->dont_log ? USE_DONT_LOG : 0) |
                               (watchdog->running ? USE_DONT_STOP : 0) | settings->use));
    wire_put_u8(out, (uint8_t)((unsigned)settings->interrupt << ACTIONS_INTERRUPT_SHIFT |
                               settings->action));
    wire_put_u8(out, settings->pretimeout_s);
    wire_put_u8(out, watchdog->expired);
    wire_put_u16(out, settings->initial);
    wire_put_u16(out, watchdog_present(watchdog));
    return CC_SUCCESS;
}

static const struct command commands[] = {
    {NETFN_APP, 0x22, PRIVILEGE_OPERATOR, 0, 0, reset_watchdog_timer, "Reset Watchdog Timer"},
    {NETFN_APP, 0x24, PRIVILEGE_OPERATOR, 6, 6, set_watchdog_timer, "Set Watchdog Timer"},
    {NETFN_APP, 0x25, PRIVILEGE_USER, 0, 0, get_watchdog_timer, "Get Watchdog Timer"},
};

const struct command_table cmd_watchdog_table = {commands, ARRAY_SIZE(commands), NULL};
