/* Rounds of callbacks: what a hub's lists hold is released when the outermost is over. */
#include <stdlib.h>

#include "sol/history.h"
#include "sol/hub_internal.h"
#include "vbmc/base/ring.h"

void hub_release(struct hub *hub)
{
    if (hub->history)
        history_free(hub->history);
    else
        ring_free(hub->scrollback);
    ring_free(hub->queue);
    free(hub->history_file);
    free(hub->end_reason);
    free(hub->source_text);
    free(hub);
}

void hub_begin_round(struct hub *hub)
{
    hub->rounds++;
}

void hub_end_round(struct hub *hub)
{
    struct hub_reader *reader, *next;

    if (--hub->rounds > 0)
        return;
    for (reader = TAILQ_FIRST(&hub->readers); reader; reader = next) {
        next = TAILQ_NEXT(reader, link);
        if (reader->dead) {
            TAILQ_REMOVE(&hub->readers, reader, link);
            free(reader);
        }
    }
    if (hub->closing)
        hub_release(hub);
}
