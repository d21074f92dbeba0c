#include "vbmc/console/breaks.h"

#include <errno.h>
#include <stdlib.h>

#include "sol/hub.h"

#define BREAKS_MAX 16 /* that a hypervisor has yet to answer */

struct console_break {
    LIST_ENTRY(console_break) link;
    struct console_breaks *breaks;
    struct hub *hub;
    host_done_fn *done;
    void *context;
};

static void end_break(void *context, int result, const char *text)
{
    struct console_break *sent = context;

    LIST_REMOVE(sent, link);
    sent->breaks->count--;
    hub_release_input(sent->hub);
    sent->done(sent->context, result, text);
    free(sent);
}

void console_breaks_end(struct console_breaks *breaks, struct host_domain *host)
{
    struct console_break *sent;

    while ((sent = LIST_FIRST(&breaks->list))) {
        host_cancel(host, sent);
        end_break(sent, -ENODEV, "its domain is gone");
    }
}

int console_breaks_send(struct console_breaks *breaks, struct hub *hub, struct host_domain *host,
                        const char *alias, host_done_fn *done, void *context)
{
    if (!host_can_send_break(host))
        return -ENOTSUP;
    if (breaks->count == BREAKS_MAX)
        return -EBUSY;
    struct console_break *sent = calloc(1, sizeof *sent);
    if (!sent)
        return -ENOMEM;
    *sent = (struct console_break){.breaks = breaks, .hub = hub, .done = done, .context = context};
    hub_hold_input(hub);
    LIST_INSERT_HEAD(&breaks->list, sent, link);
    breaks->count++;
    host_send_break(host, alias, end_break, sent);
    return 0;
}
