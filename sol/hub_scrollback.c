/* What the guest said last, made on its first use. */
#include <string.h>

#include "sol/history.h"
#include "sol/hub_internal.h"
#include "vbmc/base/log.h"
#include "vbmc/base/ring.h"

/* The history's trouble is no reason to have no scrollback. */
static struct ring *make_scrollback(struct hub *hub)
{
    struct ring *made = ring_new(hub->history_size);
    int result;

    if (!made || !hub->history_file)
        return made;
    result = history_open(hub->history_file, made, &hub->history);
    if (result < 0)
        log_warning("console history %s: not kept: %s", hub->history_file, strerror(-result));
    return made;
}

struct ring *hub_scrollback(struct hub *hub)
{
    if (!hub->scrollback)
        hub->scrollback = make_scrollback(hub);
    return hub->scrollback;
}
