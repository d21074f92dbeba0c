/* Who may do what: one row for each operation. The specification's privilege of an IPMI command is
 * in its own row (vbmc/ipmi/cmd_*.c), never below that of the operation it is. */
#include "vbmc/service/runs.h"

#define WHOLE   true
#define AUDITED true
#define GUEST   true /* of_guest */

static const struct service_row rows[SERVICE_COUNT] = {
    [SERVICE_VIEW] = {"view", PRIVILEGE_USER, !WHOLE, !AUDITED, !GUEST, NULL, NULL},
    [SERVICE_VIEW_FLEET] = {"view fleet", PRIVILEGE_ADMINISTRATOR, WHOLE, !AUDITED, !GUEST, NULL,
                            NULL},
    [SERVICE_POWER] = {"power", PRIVILEGE_OPERATOR, !WHOLE, AUDITED, GUEST, service_run_power,
                       service_describe_power},
    [SERVICE_IDENTIFY] = {"identify", PRIVILEGE_OPERATOR, !WHOLE, !AUDITED, !GUEST,
                          service_run_identify, NULL},
    [SERVICE_BOOT_FLAGS] = {"boot device", PRIVILEGE_OPERATOR, !WHOLE, AUDITED, GUEST,
                            service_run_boot_flags, service_describe_boot_flags},
    [SERVICE_BOOT_PARAMETER] = {"boot parameter", PRIVILEGE_OPERATOR, !WHOLE, !AUDITED, !GUEST,
                                service_run_boot_parameter, NULL},
};

const struct service_row *service_row(enum service_operation operation)
{
    return &rows[operation];
}
