#include "vbmc/fleet/watch.h"

#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/internal.h"

void fleet_watch(struct fleet *fleet, void (*changed)(void *context, const char *ssh),
                 void *context)
{
    fleet->changed = changed;
    fleet->changed_context = context;
}

void fleet_notify_changed(struct fleet *fleet)
{
    if (fleet->changed)
        fleet->changed(fleet->changed_context, NULL);
}

void fleet_note_users(void *context, const char *ssh)
{
    const struct fleet *fleet = context;

    if (fleet->changed)
        fleet->changed(fleet->changed_context, ssh);
}

void fleet_report_store(void *context, int result)
{
    (void)context;
    if (result < 0)
        log_error("state not stored: %s", strerror(-result));
}
