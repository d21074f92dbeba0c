#include "vbmc/state/saves.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/kept_text.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/ticket.h"

struct waiting {
    struct waiting *next;
    struct bmc_ticket ticket;
    store_done_fn done;
    void *context;
};

struct saves_part {
    struct saves_part *next;
    struct saves *saves;
    const struct save_kind *kind;
    void *owner;
    void (*settled)(void *context, int result);
    void *context;
    void *stored;       /* what is on disk; NULL: nothing, or nothing is taken back */
    unsigned in_flight; /* more than one only after saves_flush */
    uint64_t newest;    /* number of the copy taken last */
    bool wanted;
    bool has_happened;       /* the same for what is wanted, or was refused and has stayed */
    bool refused;            /* and has stayed: the disk has something else */
    bool asked;              /* somebody waits, or waited for what is not on disk yet */
    struct waiting *waiting; /* for the next copy, in order */
};

struct saves {
    struct store *store;
    char *name; /* kept_text.h */
    struct saves_part *parts;
    unsigned in_flight;              /* of all parts */
    const struct saves_clock *clock; /* NULL: nothing is tried again */
    void *clock_context;
    uint64_t retry_at_ms; /* 0: nothing was refused */
    bool flushed;
    bool freed;
    void (*gone)(void *context);
    void *context;
};

/* A copy on its way to the disk, and who waits for it. */
struct saving {
    struct saves_part *part;
    uint64_t number;
    void *copy;
    struct waiting *waiting;
    bool asked;        /* somebody waits for something in it */
    bool has_happened; /* some of it was asked for by nobody */
};

static void finish(struct waiting *waiting, int result)
{
    while (waiting) {
        struct waiting *next = waiting->next;
        bmc_ticket_finish(&waiting->ticket, result);
        if (waiting->done)
            waiting->done(waiting->context, result);
        free(waiting);
        waiting = next;
    }
}

static void release(const struct saves_part *part, void *copy)
{
    if (part->kind->release)
        part->kind->release(copy);
}

/* ---- the end of a copy ---- */

/* Told once, however often it is tried; and each time that something is undone. */
static void keep_refused(struct saves_part *part, bool is_undone, int result)
{
    struct saves *saves = part->saves;

    if (is_undone)
        log_error("%s: %s not stored, what a client set is undone, the rest to be tried again: %s",
                  kept_text(saves->name), part->kind->name, strerror(-result));
    else if (!part->refused)
        log_error("%s: %s not stored, to be tried again: %s", kept_text(saves->name),
                  part->kind->name, strerror(-result));
    part->refused = true;
    if (!saves->clock)
        return;
    saves->retry_at_ms = saves->clock->now(saves->clock_context) + SAVES_RETRY_MS;
    saves->clock->wake_at(saves->clock_context, saves->retry_at_ms);
}

/* What has happened stays, be it that the function leaves it as it is or that it came with what a
 * client has asked for. */
static void take_back(struct saves_part *part, int result)
{
    const struct save_kind *kind = part->kind;
    bool is_undone = part->asked && kind->take_back;

    part->asked = false;
    if (!is_undone || !kind->take_back(part->owner, part->stored, true) || part->has_happened) {
        keep_refused(part, is_undone, result);
        return;
    }
    part->refused = false;
    log_error("%s: %s not stored, change undone: %s", kept_text(part->saves->name), kind->name,
              strerror(-result));
}

static void append(struct waiting **list, struct waiting *waiting)
{
    while (*list)
        list = &(*list)->next;
    *list = waiting;
}

/* Clients' changes since this copy are refused with it, unless nothing of it is to be taken back or
 * something has happened since: then all goes into the next copy. */
static void refuse(struct saves_part *part, struct saving *saving, int result)
{
    bool stays = !saving->asked || !part->kind->take_back || part->has_happened;

    part->has_happened |= saving->has_happened;
    if (part->wanted && stays)
        return;
    append(&saving->waiting, part->waiting);
    part->waiting = NULL;
    part->wanted = false;
    take_back(part, result);
}

static void free_unused(struct saves *saves)
{
    void (*gone)(void *context) = saves->gone;
    void *context = saves->context;

    if (!saves->freed || saves->in_flight > 0)
        return;
    while (saves->parts) {
        struct saves_part *part = saves->parts;
        saves->parts = part->next;
        release(part, part->stored);
        free(part);
    }
    free(saves->name);
    free(saves);
    if (gone)
        gone(context);
}

static void submit(struct saves_part *part);

static void end(struct saving *saving, int result)
{
    struct saves_part *part = saving->part;
    struct saves *saves = part->saves;
    bool is_newest = saving->number == part->newest;

    if (result == 0) {
        void *former = part->stored;
        part->stored = saving->copy;
        saving->copy = former;
        part->asked = part->waiting != NULL;
        part->refused = false;
    } else if (is_newest && !saves->flushed) {
        refuse(part, saving, result);
    }
    release(part, saving->copy);
    finish(saving->waiting, result);
    if (part->settled && !saves->flushed)
        part->settled(part->context, result);
    part->in_flight--;
    submit(part); /* what has changed meanwhile */
    saves->in_flight--;
    free_unused(saves);
}

static void on_stored(void *context, int result)
{
    struct saving saving = *(struct saving *)context;

    free(context);
    end(&saving, result);
}

/* ---- the beginning ---- */

/* What is to be written together with the copy. */
static void send_along(const struct waiting *waiting)
{
    for (; waiting; waiting = waiting->next) {
        if (waiting->ticket.along)
            waiting->ticket.along(&waiting->ticket);
    }
}

static bool is_accompanied(const struct waiting *waiting)
{
    while (waiting && !waiting->ticket.along)
        waiting = waiting->next;
    return waiting != NULL;
}

static int put(struct saves_part *part, struct saving *saving, struct saving *kept)
{
    const struct save_kind *kind = part->kind;
    struct store *store = part->saves->store;

    if (!is_accompanied(saving->waiting))
        return kind->put(store, part->owner, saving->copy, on_stored, kept);
    store_hold(store);
    int result = kind->put(store, part->owner, saving->copy, on_stored, kept);
    if (result == 0)
        send_along(saving->waiting);
    store_release(store);
    return result;
}

static int hand_to_store(struct saves_part *part, struct saving *saving)
{
    const struct save_kind *kind = part->kind;
    struct saving *kept = malloc(sizeof *kept);
    int result = kept ? 0 : -ENOMEM;

    if (kept && kind->copy) {
        saving->copy = kind->copy(part->owner);
        result = saving->copy ? 0 : -ENOMEM;
    }
    if (result == 0) {
        *kept = *saving;
        result = put(part, saving, kept);
    }
    if (result < 0)
        free(kept);
    return result;
}

static void submit(struct saves_part *part)
{
    if (!part->wanted || (part->in_flight > 0 && !part->saves->flushed))
        return;
    struct saving saving = {
        .part = part,
        .number = ++part->newest,
        .waiting = part->waiting,
        .asked = part->asked,
        .has_happened = part->has_happened,
    };
    part->wanted = part->has_happened = false;
    part->waiting = NULL;
    part->in_flight++;
    part->saves->in_flight++;
    int result = hand_to_store(part, &saving);
    if (result < 0)
        end(&saving, result);
}

static void change(struct saves_part *part, const struct waiting *template)
{
    struct waiting *waiting = NULL;

    if (template) {
        waiting = malloc(sizeof *waiting);
        part->asked = true;
    }
    if (waiting) {
        *waiting = *template;
        append(&part->waiting, waiting);
    }
    part->wanted = true;
    part->has_happened |= !template;
    submit(part);
    if (template && !waiting) { /* stored it may be, but nobody can be told when */
        struct waiting copy = *template;
        bmc_ticket_finish(&copy.ticket, -ENOMEM);
        if (copy.done)
            copy.done(copy.context, -ENOMEM);
    }
}

void saves_changed(struct saves_part *part, const struct bmc_ticket *ticket)
{
    if (ticket && ticket->done)
        change(part, &(struct waiting){.ticket = *ticket});
    else
        change(part, NULL);
}

void saves_changed_then(struct saves_part *part, store_done_fn done, void *context)
{
    if (done)
        change(part, &(struct waiting){.done = done, .context = context});
    else
        change(part, NULL);
}

bool saves_is_stored(const struct saves_part *part)
{
    return !part->wanted && !part->refused && part->in_flight == 0;
}

void saves_read_again(struct saves_part *part)
{
    if (part->kind->take_back && saves_is_stored(part))
        part->kind->take_back(part->owner, part->stored, false);
}

static void submit_refused(const struct saves *saves)
{
    for (struct saves_part *part = saves->parts; part; part = part->next) {
        part->wanted |= part->refused && part->in_flight == 0; /* else a copy is on its way */
        submit(part);
    }
}

void saves_tick(struct saves *saves)
{
    if (saves->retry_at_ms == 0 || saves->clock->now(saves->clock_context) < saves->retry_at_ms)
        return;
    saves->retry_at_ms = 0;
    submit_refused(saves);
}

uint64_t saves_next_deadline(const struct saves *saves)
{
    return saves->retry_at_ms != 0 ? saves->retry_at_ms : UINT64_MAX;
}

void saves_flush(struct saves *saves)
{
    if (!saves || saves->flushed) /* what is refused behind it is lost: the store may have gone */
        return;
    saves->flushed = true;
    submit_refused(saves);
}

/* ---- life ---- */

struct saves *saves_new(struct store *store, const char *name)
{
    struct saves *saves = calloc(1, sizeof *saves);

    if (!saves)
        return NULL;
    saves->store = store;
    saves_rename(saves, name);
    return saves;
}

void saves_set_clock(struct saves *saves, const struct saves_clock *clock, void *context)
{
    saves->clock = clock;
    saves->clock_context = context;
}

void saves_rename(struct saves *saves, const char *name)
{
    kept_text_set(&saves->name, name);
}

struct saves_part *saves_add(struct saves *saves, const struct save_kind *kind, void *owner)
{
    struct saves_part *part = saves ? calloc(1, sizeof *part) : NULL;

    if (!part)
        return NULL;
    part->saves = saves;
    part->kind = kind;
    part->owner = owner;
    part->next = saves->parts;
    saves->parts = part;
    return part;
}

void saves_on_settled(struct saves_part *part, void (*settled)(void *context, int result),
                      void *context)
{
    part->settled = settled;
    part->context = context;
}

void saves_set_stored(struct saves_part *part, void *copy)
{
    release(part, part->stored);
    part->stored = copy;
}

void saves_free(struct saves *saves, void (*gone)(void *context), void *context)
{
    if (!saves) {
        if (gone)
            gone(context);
        return;
    }
    saves_flush(saves);
    saves->freed = true;
    saves->gone = gone;
    saves->context = context;
    free_unused(saves);
}
