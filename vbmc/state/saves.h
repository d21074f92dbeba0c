/* The one rule by which state gets to the disk.
 *
 * A part is what is stored together: a row, a few rows, a JSON text. Who changes it reports that
 * and may wait; nobody else stores anything. A part is
 *   - stored, or
 *   - in flight: a copy of it is being written, one at a time, and may be
 *   - wanted too: it has changed since that copy was taken. The next copy, taken when the present
 *     one has ended, holds all of these changes.
 * Who waits is answered when a copy taken after the change is on disk, or was refused. A refused
 * part is brought back to what is on disk, as what a client was not told to be stored must not look
 * as if it were, nor get there later. What clients have changed since that copy was taken is
 * refused with it: the next copy would hold the refused change as well. But if something has
 * happened since, which must not be lost, the next copy goes to the disk, with all of it. What has
 * happened, which nobody waits for, is not brought back, nor what its owner sees to himself: of a
 * part that holds such things a copy is tried again until the disk takes one, as what is there
 * would do after a restart what has been done, or undo it.
 *
 * The event log alone is no such part: it shows nothing that is not on disk (vbmc/bmc/sel.c).
 * Loop thread. */
#ifndef VBMC_STATE_SAVES_H
#define VBMC_STATE_SAVES_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/store/store.h"

/* A sort of part; `owner` is whose state it is. */
struct save_kind {
    const char *name; /* for the log */
    /* A copy of the present state; NULL if there is no memory. The function is NULL where nothing
     * is taken back: then no copy is needed, and `copy` is NULL below. */
    void *(*copy)(void *owner);
    void (*release)(void *copy); /* NULL is allowed for `copy` */
    /* Hands the copy to the store, which makes its own. As store_submit. */
    int (*put)(struct store *store, void *owner, const void *copy, store_done_fn done,
               void *context);
    /* Brings the state back to what is on disk (NULL: nothing is, the defaults hold). `asked`: the
     * disk has refused a change that somebody waited for; else the BMC starts again. False: some of
     * it stays as it is, and is stored again. The function is NULL where whoever has reported the
     * change sees to it: all of it stays as it is, and is stored again. */
    bool (*take_back)(void *owner, const void *stored, bool asked);
};

/* Between two tries to store what was refused. */
#define SAVES_RETRY_MS 5000

struct saves_clock {
    /* Monotonic time in milliseconds. */
    uint64_t (*now)(void *context);
    /* saves_tick is due at this time. */
    void (*wake_at)(void *context, uint64_t at_ms);
};

struct bmc_ticket;
struct saves;
struct saves_part;
struct store;

/* The parts of one BMC, or of whatever `name` (copied, for the log) says. The store outlives what
 * is done with them. NULL if there is no memory. */
struct saves *saves_new(struct store *store, const char *name);
/* By which what was refused is tried again; without one it is stored with the next change. `clock`
 * is borrowed. */
void saves_set_clock(struct saves *saves, const struct saves_clock *clock, void *context);
/* Another name for the log. */
void saves_rename(struct saves *saves, const char *name);
/* Adds a part. The owner lives until saves_flush, and as long as it is reported as changed. NULL if
 * there is no memory, or if `saves` is NULL. */
struct saves_part *saves_add(struct saves *saves, const struct save_kind *kind, void *owner);
/* Called each time a copy has been written or refused and who waited for it was answered; not after
 * saves_flush. */
void saves_on_settled(struct saves_part *part, void (*settled)(void *context, int result),
                      void *context);
/* What is on disk, as kind->copy would have made it; taken over. */
void saves_set_stored(struct saves_part *part, void *copy);

/* The part has changed. The ticket (copied; NULL: nobody waits) is finished as the rule says, also
 * from within the call if there is no memory. */
void saves_changed(struct saves_part *part, const struct bmc_ticket *ticket);
/* The same, with a callback (NULL: nobody waits). */
void saves_changed_then(struct saves_part *part, store_done_fn done, void *context);

/* Whether what there is of the part is on disk: nothing is in flight, nor wanted, nor was refused
 * and has stayed. */
bool saves_is_stored(const struct saves_part *part);

/* The BMC starts again: brings the part back to what is on disk, if it can be. What is just being
 * stored, or is to be, stays: it is what will be there, or is taken back if the disk refuses. */
void saves_read_again(struct saves_part *part);

/* What was refused is tried again when it is time. */
void saves_tick(struct saves *saves);
/* UINT64_MAX: there is none. */
uint64_t saves_next_deadline(const struct saves *saves);

/* The owners are about to go: hands what is wanted, or was refused, to the store at once, ahead of
 * what is submitted there afterwards, and does the same with what still changes. Nothing is taken
 * back or tried again any more: a second call does nothing. NULL is allowed. */
void saves_flush(struct saves *saves);
/* Flushes and ends everything. `gone` (NULL: nobody asks) is called when nothing is in flight any
 * more and the owners may go, perhaps from within the call. NULL is allowed, and gone at once. */
void saves_free(struct saves *saves, void (*gone)(void *context), void *context);

#endif
