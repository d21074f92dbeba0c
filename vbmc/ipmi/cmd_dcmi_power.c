#include "vbmc/ipmi/cmd_dcmi_power.h"

#include <math.h>

#include "vbmc/base/array.h"
#include "vbmc/base/wire.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/power_history.h"
#include "vbmc/ipmi/codes.h"
#include "vbmc/ipmi/dcmi_group.h"

#define CC_NO_ACTIVE_LIMIT         0x80
#define CC_LIMIT_OUT_OF_RANGE      0x84
#define CC_CORRECTION_OUT_OF_RANGE 0x85
#define CC_SAMPLING_OUT_OF_RANGE   0x89

/* Averaging periods: [7:6] s, min, h, day, [5:0] how many. */
static const struct {
    uint8_t period;
    uint16_t seconds;
} periods[] = {
    {0x05, 5},   {0x0f, 15},  {0x1e, 30},   {0x41, 60},   {0x43, 180},
    {0x47, 420}, {0x4f, 900}, {0x5e, 1800}, {0x81, 3600},
};

void cmd_dcmi_put_power_periods(const struct bmc *bmc, struct wire_out *out)
{
    (void)bmc;
    wire_put_u8(out, ARRAY_SIZE(periods));
    for (size_t i = 0; i < ARRAY_SIZE(periods); i++)
        wire_put_u8(out, periods[i].period);
}

/* Get Power Reading (section 6.6.1). */
#define MODE_STATISTICS   1
#define MODE_ENHANCED     2
#define POWER_IS_MEASURED 0x40

static void put_watts(struct wire_out *out, double watts)
{
    wire_put_u16(out, (uint16_t)lround(fmax(0, fmin(watts, UINT16_MAX))));
}

/* The window that a request means, in seconds; 0 if there is none. */
static unsigned requested_window(uint8_t mode, uint8_t period)
{
    if (mode == MODE_STATISTICS)
        return DCMI_WINDOW_S;
    for (size_t i = 0; mode == MODE_ENHANCED && i < ARRAY_SIZE(periods); i++) {
        if (periods[i].period == period)
            return periods[i].seconds;
    }
    return 0;
}

int cmd_dcmi_get_power_reading(const struct ipmi_request *request, struct wire_in *in,
                               struct wire_out *out)
{
    struct dcmi *dcmi = dcmi_group_begin(request, in, out);
    uint8_t mode = wire_u8(in), period = wire_u8(in);
    unsigned window = requested_window(mode, period);
    struct power_statistics statistics = {.known_ms = 0};

    wire_skip(in, 1);
    if (!dcmi)
        return CC_INVALID_COMMAND;
    if (window == 0)
        return CC_INVALID_DATA_FIELD;
    if (dcmi_power_statistics(dcmi, window, &statistics) < 0) /* nothing yet but the reading */
        statistics.least = statistics.most = statistics.average = dcmi_current_watts(dcmi);
    wire_put_u16(out, (uint16_t)dcmi_current_watts(dcmi));
    put_watts(out, statistics.least);
    put_watts(out, statistics.most);
    put_watts(out, statistics.average);
    wire_put_u32(out, (uint32_t)request->bmc->core.hooks->wall_time(&request->bmc->core));
    /* The enhanced mode repeats the averaging period, as ipmitool understands it. */
    wire_put_u32(out, mode == MODE_ENHANCED ? period : statistics.known_ms);
    wire_put_u8(out, dcmi_power_is_measured(dcmi) ? POWER_IS_MEASURED : 0);
    return CC_SUCCESS;
}

/* Get Power Limit (section 6.6.2). Without an active limit the code says so, and what was set
 * follows all the same: ipmitool changes it one by one. */
int cmd_dcmi_get_power_limit(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    struct dcmi *dcmi = dcmi_group_begin(request, in, out);

    wire_skip(in, 2);
    if (!dcmi)
        return CC_INVALID_COMMAND;
    const struct dcmi_power_limit *limit = dcmi_power_limit(dcmi);
    wire_put_u16(out, 0);
    wire_put_u8(out, (uint8_t)limit->action);
    wire_put_u16(out, limit->watts);
    wire_put_u32(out, limit->correction_ms);
    wire_put_u16(out, 0);
    wire_put_u16(out, limit->sampling_s);
    return limit->active ? CC_SUCCESS : CC_NO_ACTIVE_LIMIT;
}

/* Set Power Limit (section 6.6.3). */
int cmd_dcmi_set_power_limit(const struct ipmi_request *request, struct wire_in *in,
                             struct wire_out *out)
{
    struct dcmi *dcmi = dcmi_group_begin(request, in, out);
    struct dcmi_power_limit limit;

    if (!dcmi)
        return CC_INVALID_COMMAND;
    limit.active = dcmi_power_limit(dcmi)->active;
    wire_skip(in, 3);
    limit.action = wire_u8(in);
    limit.watts = wire_u16(in);
    limit.correction_ms = wire_u32(in);
    wire_skip(in, 2);
    limit.sampling_s = wire_u16(in);
    if (limit.active && limit.watts == 0)
        return CC_LIMIT_OUT_OF_RANGE;
    if (limit.correction_ms < DCMI_CORRECTION_MS_MIN ||
        limit.correction_ms > DCMI_CORRECTION_MS_MAX)
        return CC_CORRECTION_OUT_OF_RANGE;
    if (limit.sampling_s == 0)
        return CC_SAMPLING_OUT_OF_RANGE;
    return command_call(request, out, SERVICE_POWER_LIMIT,
                        &(union service_arguments){.power_limit = limit});
}

/* Activate/Deactivate Power Limit (section 6.6.4). */
int cmd_dcmi_activate_power_limit(const struct ipmi_request *request, struct wire_in *in,
                                  struct wire_out *out)
{
    const struct dcmi *dcmi = dcmi_group_begin(request, in, out);
    uint8_t activation = wire_u8(in);

    wire_skip(in, 2);
    if (!dcmi)
        return CC_INVALID_COMMAND;
    if (activation > 1)
        return CC_INVALID_DATA_FIELD;
    return command_call(request, out, SERVICE_POWER_LIMIT_ACTIVE,
                        &(union service_arguments){.power_limit_active = activation == 1});
}
