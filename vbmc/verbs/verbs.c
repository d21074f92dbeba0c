#include "vbmc/verbs/verbs.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/verbs/daemon.h"
#include "vbmc/verbs/domains.h"
#include "vbmc/verbs/fleet.h"
#include "vbmc/verbs/fru.h"
#include "vbmc/verbs/guest.h"
#include "vbmc/verbs/health.h"
#include "vbmc/verbs/hypervisor.h"
#include "vbmc/verbs/list.h"
#include "vbmc/verbs/power.h"
#include "vbmc/verbs/room.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/sel.h"
#include "vbmc/verbs/verb.h"
#include "vbmc/verbs/who.h"

static const struct {
    const char *name;
    verbs_run *run;
    enum privilege privilege; /* the least; an action may need more */
    bool whole;               /* about more than one BMC: not for those who know one only */
} table[] = {
    {"add", verbs_add, PRIVILEGE_ADMINISTRATOR, true},
    {"add-serial", verbs_add_serial, PRIVILEGE_ADMINISTRATOR, false},
    {"bootdev", verbs_bootdev, PRIVILEGE_OPERATOR, false},
    {"connect", verbs_connect, PRIVILEGE_USER, false},
    {"console", verbs_console, PRIVILEGE_USER, false},
    {"define", verbs_define, PRIVILEGE_ADMINISTRATOR, true},
    {"delete", verbs_delete, PRIVILEGE_ADMINISTRATOR, true},
    {"discover", verbs_discover, PRIVILEGE_ADMINISTRATOR, true},
    {"dump", verbs_dump, PRIVILEGE_ADMINISTRATOR, true}, /* to any path of the machine */
    {"dumpxml", verbs_dumpxml, PRIVILEGE_ADMINISTRATOR, true},
    {"facility", verbs_facility, PRIVILEGE_USER, false}, /* to change it: administrator, whole */
    {"fru", verbs_fru, PRIVILEGE_USER, false},           /* to set the asset tag: operator */
    {"hypervisor", verbs_hypervisor, PRIVILEGE_ADMINISTRATOR, true},
    {"inject", verbs_inject, PRIVILEGE_USER, false}, /* to change it: administrator */
    {"list", verbs_list, PRIVILEGE_USER, false},
    {"power", verbs_power, PRIVILEGE_USER, false},
    {"reload", verbs_reload, PRIVILEGE_ADMINISTRATOR, true},
    {"screenshot", verbs_screenshot, PRIVILEGE_USER, false},
    {"sel", verbs_sel, PRIVILEGE_USER, false}, /* to clear it: operator */
    {"sensors", verbs_sensors, PRIVILEGE_USER, false},
    {"show", verbs_show, PRIVILEGE_USER, false},
    {"start", verbs_start, PRIVILEGE_ADMINISTRATOR, true},
    {"status", verbs_status, PRIVILEGE_ADMINISTRATOR, true}, /* the URIs of hypervisors */
    {"stop", verbs_stop, PRIVILEGE_ADMINISTRATOR, true},
    {"top", verbs_top, PRIVILEGE_USER, false},
    {"undefine", verbs_undefine, PRIVILEGE_ADMINISTRATOR, true},
    {"who", verbs_who, PRIVILEGE_USER, false},
};

void verbs_handle(void *context, const char *verb, struct json_object *arguments,
                  struct control_request *request)
{
    const struct control_identity *identity = control_request_identity(request);

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(verb, table[i].name) != 0)
            continue;
        if (identity->privilege < table[i].privilege)
            verbs_refuse_privilege(request, table[i].privilege);
        else if (identity->one_bmc && table[i].whole)
            control_reply_error(request, CONTROL_FAILED, "this login is for one BMC only");
        else
            table[i].run(context, arguments, request);
        return;
    }
    control_reply_error(request, CONTROL_USAGE, "vbmcd does not know the verb %s", verb);
}
