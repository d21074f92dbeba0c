#include "vbmc/host/placement.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/host/placement_internal.h"
#include "vbmc/host/placement_map.h"

void placement_clear(struct placement *placement)
{
    free(placement->copies);
    free(placement->away);
    *placement = (struct placement){0};
}

struct placement_copy *placement_find_copy(const struct placement *placement,
                                           const struct placement_hypervisor *hypervisor)
{
    for (size_t i = 0; i < placement->count; i++) {
        if (placement->copies[i].hypervisor == hypervisor)
            return &placement->copies[i];
    }
    return NULL;
}

static struct placement_copy *add_copy(struct placement *placement,
                                       struct placement_hypervisor *hypervisor)
{
    struct placement_copy *grown =
        realloc(placement->copies, (placement->count + 1) * sizeof *grown);

    if (!grown)
        return NULL;
    placement->copies = grown;
    placement->changed = true;
    grown[placement->count] = (struct placement_copy){.hypervisor = hypervisor};
    return &grown[placement->count++];
}

static void drop_copy(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    struct placement_copy *copy = placement_find_copy(placement, hypervisor);

    if (!copy)
        return;
    *copy = placement->copies[--placement->count];
    placement->changed = true;
}

static struct placement_away *find_away(const struct placement *placement,
                                        const struct placement_hypervisor *hypervisor)
{
    for (size_t i = 0; i < placement->away_count; i++) {
        if (placement->away[i].hypervisor == hypervisor)
            return &placement->away[i];
    }
    return NULL;
}

static int add_away(struct placement *placement, struct placement_hypervisor *hypervisor,
                    bool before)
{
    struct placement_away *grown =
        realloc(placement->away, (placement->away_count + 1) * sizeof *grown);

    if (!grown)
        return -ENOMEM;
    placement->away = grown;
    grown[placement->away_count++] = (struct placement_away){hypervisor, before};
    return 0;
}

bool placement_hides(const struct placement *placement,
                     const struct placement_hypervisor *hypervisor)
{
    const struct placement_copy *copy = placement_find_copy(placement, hypervisor);

    return copy && copy->state == PLACEMENT_UNKNOWN;
}

static bool may_have_gone_to(const struct placement *placement,
                             const struct placement_hypervisor *hypervisor)
{
    return placement->fact == PLACEMENT_FACT_MOVED && placement->last != hypervisor &&
           (find_away(placement, hypervisor) || placement_hides(placement, hypervisor));
}

/* A hypervisor that was connected meanwhile and does not list the guest does not have it. */
void placement_note_away(const struct placement_map *map, struct placement *placement)
{
    bool moved = placement->fact == PLACEMENT_FACT_MOVED;
    struct placement_hypervisor *hypervisor = map->first;

    for (size_t i = placement->away_count; i-- > 0;) {
        const struct placement_hypervisor *away = placement->away[i].hypervisor;
        if (!away->connected || placement_hides(placement, away))
            continue;
        placement->away[i] = placement->away[--placement->away_count];
        placement->changed |= moved;
    }
    if (placement->away_is_noted || (!moved && placement->fact != PLACEMENT_FACT_RUNNING))
        return;
    for (; hypervisor; hypervisor = hypervisor->next) {
        if (hypervisor->connected || hypervisor->removed || hypervisor->dead ||
            hypervisor == placement->last || find_away(placement, hypervisor))
            continue;
        bool before = !moved || !placement->left_in_sight || !hypervisor->known;
        if (add_away(placement, hypervisor, before) == 0)
            placement->changed |= moved;
    }
    placement->away_is_noted = true;
}

void placement_set_fact(struct placement *placement, enum placement_fact fact,
                        struct placement_hypervisor *last)
{
    if (placement->fact == fact && placement->last == last)
        return;
    placement->left_in_sight = fact == PLACEMENT_FACT_MOVED &&
                               placement->fact == PLACEMENT_FACT_RUNNING && placement->last == last;
    if (!placement->left_in_sight)
        placement->away_count = 0;
    placement->away_is_noted = false;
    placement->fact = fact;
    placement->last = last;
    placement->changed = true;
}

enum placement_fact placement_fact_of(const struct placement *placement,
                                      const struct placement_hypervisor *hypervisor)
{
    if (placement->last == hypervisor)
        return placement->fact;
    return may_have_gone_to(placement, hypervisor) ? PLACEMENT_FACT_AWAY : PLACEMENT_FACT_NONE;
}

int placement_restore(struct placement *placement, struct placement_hypervisor *hypervisor,
                      bool listed, enum placement_fact fact)
{
    if (fact == PLACEMENT_FACT_AWAY) {
        if (!find_away(placement, hypervisor) && add_away(placement, hypervisor, true) < 0)
            return -ENOMEM;
    } else if (fact != PLACEMENT_FACT_NONE) {
        placement->fact = fact;
        placement->last = hypervisor;
        placement->away_is_noted = fact == PLACEMENT_FACT_MOVED;
    }
    if (listed && !placement_find_copy(placement, hypervisor) && !add_copy(placement, hypervisor))
        return -ENOMEM;
    placement->changed = false;
    return 0;
}

bool placement_runs_at(const struct placement *placement,
                       const struct placement_hypervisor *hypervisor)
{
    const struct placement_copy *copy = placement_find_copy(placement, hypervisor);

    return copy && hypervisor->connected && copy->state == PLACEMENT_ON;
}

bool placement_was_running_at(const struct placement *placement,
                              const struct placement_hypervisor *hypervisor)
{
    return placement->fact == PLACEMENT_FACT_RUNNING && placement->last == hypervisor;
}

/* The hypervisor that it is known to run on changes only for a reason. */
static void note_running(struct placement *placement, struct placement_hypervisor *hypervisor,
                         bool *arrived)
{
    bool elsewhere = placement->last != hypervisor;

    if (elsewhere && placement->fact == PLACEMENT_FACT_RUNNING &&
        placement_runs_at(placement, placement->last))
        return;
    *arrived = (elsewhere && placement->fact == PLACEMENT_FACT_RUNNING) ||
               placement->fact == PLACEMENT_FACT_MOVED;
    placement_set_fact(placement, PLACEMENT_FACT_RUNNING, hypervisor);
}

/* It no longer runs there. */
static void note_end(struct placement *placement, struct placement_hypervisor *hypervisor,
                     enum host_stop_reason reason, bool live)
{
    for (size_t i = 0; i < placement->count; i++) {
        struct placement_copy *copy = &placement->copies[i];
        if (copy->hypervisor != hypervisor && placement_runs_at(placement, copy->hypervisor)) {
            placement_set_fact(placement, PLACEMENT_FACT_RUNNING, copy->hypervisor);
            return;
        }
    }
    if (reason == HOST_STOP_MOVED)
        placement_set_fact(placement, PLACEMENT_FACT_MOVED, hypervisor);
    else if (live || (reason != HOST_STOP_UNKNOWN && reason != HOST_STOP_FAILED))
        placement_set_fact(placement, PLACEMENT_FACT_STOPPED, hypervisor);
    /* else it may have left unseen: the failure may be that of a migration back */
}

/* Until libvirtd is restarted it keeps the reason of a domain's last stop, so that a copy that was
 * left behind is recognised also by a daemon that did not see it. The reason is outdated for a
 * guest that was seen elsewhere since then, or was released. */
static bool is_left_behind(const struct placement *placement, const struct placement_sight *sight)
{
    return sight->stop_reason == HOST_STOP_MOVED &&
           (!placement->last ||
            (placement->last == sight->hypervisor && placement->fact != PLACEMENT_FACT_RELEASED));
}

/* The guest moved there and has ended. An old copy may have ended before the guest left the other
 * one. */
static bool has_ended_there(const struct placement *placement, const struct placement_sight *sight)
{
    const struct placement_away *away = find_away(placement, sight->hypervisor);

    if (placement->fact != PLACEMENT_FACT_MOVED || placement->last == sight->hypervisor ||
        sight->state != PLACEMENT_OFF || sight->unlisted)
        return false;
    return sight->stop_reason != HOST_STOP_UNKNOWN && sight->stop_reason != HOST_STOP_FAILED &&
           sight->stop_reason != HOST_STOP_MOVED && (away ? !away->before : sight->live);
}

int placement_see(struct placement *placement, const struct placement_sight *sight, bool *arrived)
{
    struct placement_hypervisor *hypervisor = sight->hypervisor;
    struct placement_copy *copy = placement_find_copy(placement, hypervisor);
    bool is_new = !copy || (copy->unlisted && !sight->unlisted);
    bool seen_on = copy && copy->domain && copy->state == PLACEMENT_ON;
    bool has_ended = !copy && has_ended_there(placement, sight);

    *arrived = false;
    if (!copy)
        copy = add_copy(placement, hypervisor);
    if (!copy)
        return -ENOMEM;
    if (copy->unlisted != sight->unlisted || copy->state == PLACEMENT_UNKNOWN)
        placement->changed = true;
    copy->domain = sight->domain;
    copy->state = sight->state;
    copy->unlisted = sight->unlisted;
    if (sight->state == PLACEMENT_ON) {
        note_running(placement, hypervisor, arrived);
        *arrived = *arrived && !sight->booted;
    }
    if (has_ended)
        note_end(placement, hypervisor, sight->stop_reason, false);
    else if (sight->state == PLACEMENT_OFF && is_left_behind(placement, sight))
        note_end(placement, hypervisor, HOST_STOP_MOVED, sight->live);
    else if (sight->state == PLACEMENT_OFF && placement_was_running_at(placement, hypervisor))
        note_end(placement, hypervisor, sight->stop_reason, sight->live && seen_on);
    else if (sight->state == PLACEMENT_OFF && is_new && sight->live && !placement->last &&
             placement->count == 1) /* a guest that other hypervisors have is not new */
        placement_set_fact(placement, PLACEMENT_FACT_DEFINED, hypervisor);
    return 0;
}

void placement_gone(struct placement *placement, struct placement_hypervisor *hypervisor,
                    enum host_stop_reason stop_reason)
{
    drop_copy(placement, hypervisor);
    if (placement_was_running_at(placement, hypervisor))
        note_end(placement, hypervisor, stop_reason, false);
}

int placement_hide(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    struct placement_copy *copy = placement_find_copy(placement, hypervisor);

    if (placement_hides(placement, hypervisor))
        return 0;
    if (!copy)
        copy = add_copy(placement, hypervisor);
    if (!copy)
        return -ENOMEM;
    placement->changed = true;
    *copy = (struct placement_copy){.hypervisor = hypervisor, .state = PLACEMENT_UNKNOWN};
    return 0;
}

void placement_unhide(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    if (placement_hides(placement, hypervisor))
        placement_gone(placement, hypervisor, HOST_STOP_UNKNOWN);
}

void placement_listed_all(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    const struct placement_copy *copy = placement_find_copy(placement, hypervisor);

    if (copy && !copy->domain && copy->state != PLACEMENT_UNKNOWN)
        placement_gone(placement, hypervisor, HOST_STOP_UNKNOWN);
}

void placement_remove(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    bool runs =
        placement_runs_at(placement, hypervisor) && placement_was_running_at(placement, hypervisor);

    drop_copy(placement, hypervisor);
    if (runs)
        return;
    if (placement_was_running_at(placement, hypervisor))
        placement_set_fact(placement, PLACEMENT_FACT_RELEASED, placement->last);
    else
        placement_release(placement, hypervisor);
}

void placement_release(struct placement *placement, const struct placement_hypervisor *hypervisor)
{
    if (may_have_gone_to(placement, hypervisor))
        placement_set_fact(placement, PLACEMENT_FACT_RELEASED, placement->last);
}

const char *placement_hypervisor_uri(const struct placement_hypervisor *hypervisor)
{
    return hypervisor->uri;
}
