#include "vbmc/verbs/verbs.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/verbs/audit.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/daemon.h"
#include "vbmc/verbs/domains.h"
#include "vbmc/verbs/facility.h"
#include "vbmc/verbs/faults.h"
#include "vbmc/verbs/fleet.h"
#include "vbmc/verbs/fru.h"
#include "vbmc/verbs/guest.h"
#include "vbmc/verbs/health.h"
#include "vbmc/verbs/hypervisor.h"
#include "vbmc/verbs/inband.h"
#include "vbmc/verbs/lan.h"
#include "vbmc/verbs/list.h"
#include "vbmc/verbs/power.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/sel.h"
#include "vbmc/verbs/tags.h"
#include "vbmc/verbs/users.h"
#include "vbmc/verbs/verb.h"
#include "vbmc/verbs/who.h"

static const struct {
    const char *name;
    verbs_run *run;
    enum service_operation operation; /* whose right it needs; what else it does may need more */
} table[] = {
    {"add", verbs_add, SERVICE_ADD},
    {"add-serial", verbs_add_serial, SERVICE_ADD_SERIAL},
    {"audit", verbs_audit, SERVICE_AUDIT},
    {"bootdev", verbs_bootdev, SERVICE_BOOT_FLAGS},
    {"connect", verbs_connect, SERVICE_VIEW},
    {"console", verbs_console, SERVICE_CONSOLE},
    {"define", verbs_define, SERVICE_DEFINE},
    {"delete", verbs_delete, SERVICE_DELETE},
    {"discover", verbs_discover, SERVICE_VIEW_FLEET},
    {"dump", verbs_dump, SERVICE_DUMP},
    {"dumpxml", verbs_dumpxml, SERVICE_VIEW_FLEET},
    {"facility", verbs_facility, SERVICE_VIEW},
    {"fru", verbs_fru, SERVICE_VIEW},
    {"hypervisor", verbs_hypervisor, SERVICE_VIEW_FLEET},
    {"inband", verbs_inband, SERVICE_VIEW},
    {"inject", verbs_inject, SERVICE_VIEW},
    {"lan", verbs_lan, SERVICE_VIEW},
    {"list", verbs_list, SERVICE_VIEW},
    {"power", verbs_power, SERVICE_VIEW},
    {"reload", verbs_reload, SERVICE_RELOAD},
    {"screenshot", verbs_screenshot, SERVICE_SCREENSHOT},
    {"sel", verbs_sel, SERVICE_VIEW},
    {"sensors", verbs_sensors, SERVICE_VIEW},
    {"show", verbs_show, SERVICE_VIEW},
    {"start", verbs_start, SERVICE_START},
    {"status", verbs_status, SERVICE_VIEW_FLEET},
    {"stop", verbs_stop, SERVICE_STOP},
    {"tag", verbs_tag, SERVICE_VIEW},
    {"top", verbs_top, SERVICE_VIEW},
    {"undefine", verbs_undefine, SERVICE_UNDEFINE},
    {"user", verbs_user, SERVICE_VIEW},
    {"who", verbs_who, SERVICE_VIEW},
};

/* What a daemon can answer that serves no BMC yet. */
static bool is_of_standby(const char *verb)
{
    return strcmp(verb, "status") == 0 || strcmp(verb, "reload") == 0;
}

void verbs_handle(void *context, const char *verb, struct json_object *arguments,
                  struct control_request *request)
{
    const struct verbs *verbs = context;
    const char *reason = fleet_waits_for(verbs->fleet);

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(verb, table[i].name) != 0)
            continue;
        if (reason && !is_of_standby(verb))
            control_reply_error(request, CONTROL_FAILED,
                                "this vbmcd is a standby, and has no BMCs while it waits: %s",
                                reason);
        else if (verbs_admit_there(context, arguments, request, table[i].operation) &&
                 verbs_permit(request, table[i].operation))
            table[i].run(context, arguments, request);
        return;
    }
    control_reply_error(request, CONTROL_USAGE, "vbmcd does not know the verb %s", verb);
}
