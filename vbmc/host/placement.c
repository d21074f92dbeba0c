#include "vbmc/host/placement.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- hypervisors ---- */

struct placement_hypervisor *placement_map_find(const struct placement_map *map, const char *uri)
{
    struct placement_hypervisor *hypervisor = map->first;

    while (hypervisor && strcmp(hypervisor->uri, uri) != 0)
        hypervisor = hypervisor->next;
    return hypervisor;
}

static void free_hypervisor(struct placement_hypervisor *hypervisor)
{
    free(hypervisor->uri);
    free(hypervisor->name);
    free(hypervisor);
}

struct placement_hypervisor *placement_map_get(struct placement_map *map, const char *uri)
{
    struct placement_hypervisor *hypervisor = placement_map_find(map, uri);
    struct placement_hypervisor **end = &map->first;

    if (hypervisor)
        return hypervisor;
    hypervisor = calloc(1, sizeof *hypervisor);
    if (!hypervisor)
        return NULL;
    hypervisor->uri = strdup(uri);
    hypervisor->name = strdup(uri);
    hypervisor->removed = true;
    if (!hypervisor->uri || !hypervisor->name) {
        free_hypervisor(hypervisor);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = hypervisor;
    return hypervisor;
}

int placement_hypervisor_rename(struct placement_hypervisor *hypervisor, const char *name)
{
    char *copy = strdup(name);

    if (!copy)
        return -ENOMEM;
    free(hypervisor->name);
    hypervisor->name = copy;
    return 0;
}

int placement_map_name(struct placement_map *map, struct placement_hypervisor *hypervisor,
                       const char *name)
{
    for (struct placement_hypervisor *other = map->first; other; other = other->next) {
        if (other != hypervisor && strcmp(other->name, name) == 0 &&
            placement_hypervisor_rename(other, other->uri) < 0)
            return -ENOMEM;
    }
    return placement_hypervisor_rename(hypervisor, name);
}

static struct placement_hypervisor *find_name(const struct placement_map *map, const char *name,
                                              bool removed)
{
    struct placement_hypervisor *hypervisor = map->first;

    while (hypervisor && (hypervisor->removed != removed || strcmp(hypervisor->name, name) != 0))
        hypervisor = hypervisor->next;
    return hypervisor;
}

struct placement_hypervisor *placement_map_find_named(const struct placement_map *map,
                                                      const char *name)
{
    struct placement_hypervisor *hypervisor = find_name(map, name, false);

    if (!hypervisor)
        hypervisor = placement_map_find(map, name);
    return hypervisor ? hypervisor : find_name(map, name, true);
}

void placement_map_clear(struct placement_map *map)
{
    while (map->first) {
        struct placement_hypervisor *hypervisor = map->first;
        map->first = hypervisor->next;
        free_hypervisor(hypervisor);
    }
}

/* ---- what is known of one guest ---- */

void placement_clear(struct placement *placement)
{
    free(placement->copies);
    free(placement->away);
    *placement = (struct placement){0};
}

static struct placement_copy *find_copy(const struct placement *placement,
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
    struct placement_copy *copy = find_copy(placement, hypervisor);

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

static bool hides(const struct placement *placement, const struct placement_hypervisor *hypervisor)
{
    const struct placement_copy *copy = find_copy(placement, hypervisor);

    return copy && copy->state == PLACEMENT_UNKNOWN;
}

static bool may_have_gone_to(const struct placement *placement,
                             const struct placement_hypervisor *hypervisor)
{
    return placement->fact == PLACEMENT_FACT_MOVED && placement->last != hypervisor &&
           (find_away(placement, hypervisor) || hides(placement, hypervisor));
}

/* One that was connected meanwhile, and does not show the guest, does not have it. */
static void note_away(const struct placement_map *map, struct placement *placement)
{
    bool moved = placement->fact == PLACEMENT_FACT_MOVED;
    struct placement_hypervisor *hypervisor = map->first;

    for (size_t i = placement->away_count; i-- > 0;) {
        const struct placement_hypervisor *away = placement->away[i].hypervisor;
        if (!away->connected || hides(placement, away))
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

static void set_fact(struct placement *placement, enum placement_fact fact,
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
    if (listed && !find_copy(placement, hypervisor) && !add_copy(placement, hypervisor))
        return -ENOMEM;
    placement->changed = false;
    return 0;
}

static bool runs_at(const struct placement *placement,
                    const struct placement_hypervisor *hypervisor)
{
    const struct placement_copy *copy = find_copy(placement, hypervisor);

    return copy && hypervisor->connected && copy->state == PLACEMENT_ON;
}

static bool was_running_at(const struct placement *placement,
                           const struct placement_hypervisor *hypervisor)
{
    return placement->fact == PLACEMENT_FACT_RUNNING && placement->last == hypervisor;
}

/* The one that it is known to run on is left only for a reason. */
static void note_running(struct placement *placement, struct placement_hypervisor *hypervisor,
                         bool *arrived)
{
    bool elsewhere = placement->last != hypervisor;

    if (elsewhere && placement->fact == PLACEMENT_FACT_RUNNING &&
        runs_at(placement, placement->last))
        return;
    *arrived = (elsewhere && placement->fact == PLACEMENT_FACT_RUNNING) ||
               placement->fact == PLACEMENT_FACT_MOVED;
    set_fact(placement, PLACEMENT_FACT_RUNNING, hypervisor);
}

/* It no longer runs there. */
static void note_end(struct placement *placement, struct placement_hypervisor *hypervisor,
                     enum host_stop_reason reason, bool live)
{
    for (size_t i = 0; i < placement->count; i++) {
        struct placement_copy *copy = &placement->copies[i];
        if (copy->hypervisor != hypervisor && runs_at(placement, copy->hypervisor)) {
            set_fact(placement, PLACEMENT_FACT_RUNNING, copy->hypervisor);
            return;
        }
    }
    if (reason == HOST_STOP_MOVED)
        set_fact(placement, PLACEMENT_FACT_MOVED, hypervisor);
    else if (live || (reason != HOST_STOP_UNKNOWN && reason != HOST_STOP_FAILED))
        set_fact(placement, PLACEMENT_FACT_STOPPED, hypervisor);
    /* else it may have left from there while nobody looked: what failed may have been a migration
     * back to it */
}

/* libvirt tells of a domain that is off why it stopped last, until libvirtd is restarted: a copy
 * that was left behind is known as such also by a daemon that was not there. But of a guest that
 * was seen elsewhere since then, or was released, that is old news. */
static bool is_left_behind(const struct placement *placement, const struct placement_sight *sight)
{
    return sight->stop_reason == HOST_STOP_MOVED &&
           (!placement->last ||
            (placement->last == sight->hypervisor && placement->fact != PLACEMENT_FACT_RELEASED));
}

/* It went there, and has ended. An old copy may have ended before the guest left the other one. */
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
    struct placement_copy *copy = find_copy(placement, hypervisor);
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
    else if (sight->state == PLACEMENT_OFF && was_running_at(placement, hypervisor))
        note_end(placement, hypervisor, sight->stop_reason, sight->live && seen_on);
    else if (sight->state == PLACEMENT_OFF && is_new && sight->live && !placement->last &&
             placement->count == 1) /* a guest that others have is none that is new */
        set_fact(placement, PLACEMENT_FACT_DEFINED, hypervisor);
    return 0;
}

void placement_gone(struct placement *placement, struct placement_hypervisor *hypervisor,
                    enum host_stop_reason stop_reason)
{
    drop_copy(placement, hypervisor);
    if (was_running_at(placement, hypervisor))
        note_end(placement, hypervisor, stop_reason, false);
}

int placement_hide(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    struct placement_copy *copy = find_copy(placement, hypervisor);

    if (hides(placement, hypervisor))
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
    if (hides(placement, hypervisor))
        placement_gone(placement, hypervisor, HOST_STOP_UNKNOWN);
}

void placement_listed_all(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    const struct placement_copy *copy = find_copy(placement, hypervisor);

    if (copy && !copy->domain && copy->state != PLACEMENT_UNKNOWN)
        placement_gone(placement, hypervisor, HOST_STOP_UNKNOWN);
}

void placement_remove(struct placement *placement, struct placement_hypervisor *hypervisor)
{
    bool runs = runs_at(placement, hypervisor) && was_running_at(placement, hypervisor);

    drop_copy(placement, hypervisor);
    if (runs)
        return;
    if (was_running_at(placement, hypervisor))
        set_fact(placement, PLACEMENT_FACT_RELEASED, placement->last);
    else
        placement_release(placement, hypervisor);
}

void placement_release(struct placement *placement, const struct placement_hypervisor *hypervisor)
{
    if (may_have_gone_to(placement, hypervisor))
        set_fact(placement, PLACEMENT_FACT_RELEASED, placement->last);
}

/* ---- deciding ---- */

/* Of two copies in the same state. */
struct preference {
    const struct placement *placement;
    const void *present;
    const char *only_uri;
    bool starts;
};

static unsigned rank(const struct preference *preference, const struct placement_copy *copy)
{
    const char *uri = preference->only_uri;
    bool is_present = preference->present && copy->domain == preference->present;

    return (uri && strcmp(copy->hypervisor->uri, uri) == 0 ? 8u : 0u) +
           (!copy->unlisted ? 4u : 0u) +
           (copy->hypervisor == preference->placement->last ? 2u : 0u) + is_present;
}

static const struct placement_copy *best_in_state(const struct preference *preference,
                                                  enum placement_state state,
                                                  const struct placement_copy *but)
{
    const struct placement *placement = preference->placement;
    const struct placement_copy *best = NULL;

    for (size_t i = 0; i < placement->count; i++) {
        const struct placement_copy *copy = &placement->copies[i];
        if (copy == but || !copy->hypervisor->connected || !copy->domain || copy->state != state)
            continue;
        if (!best || rank(preference, copy) > rank(preference, best))
            best = copy;
    }
    return best;
}

/* Without a word of the guest's end it may be anywhere; a BMC that was made for one hypervisor's
 * copy does not wait for others that nothing speaks for. */
static bool may_have(const struct preference *preference,
                     const struct placement_hypervisor *hypervisor)
{
    const struct placement *placement = preference->placement;
    bool end_is_known =
        placement->fact == PLACEMENT_FACT_STOPPED || placement->fact == PLACEMENT_FACT_DEFINED;

    if (hypervisor->connected)
        return hides(placement, hypervisor);
    if (hypervisor->dead)
        return false;
    if (was_running_at(placement, hypervisor))
        return true;
    if (hypervisor->removed)
        return false;
    return find_copy(placement, hypervisor) || (!end_is_known && !preference->only_uri);
}

static const struct placement_hypervisor *first_that_may_have(const struct placement_map *map,
                                                              const struct preference *preference)
{
    const struct placement_hypervisor *hypervisor = preference->placement->last;

    if (hypervisor && may_have(preference, hypervisor))
        return hypervisor; /* the best reason first */
    hypervisor = map->first;
    while (hypervisor && !may_have(preference, hypervisor))
        hypervisor = hypervisor->next;
    return hypervisor;
}

/* Of those that are there at all; NULL: none is missing. */
static const struct placement_hypervisor *first_unconnected(const struct placement_map *map)
{
    const struct placement_hypervisor *hypervisor = map->first;

    while (hypervisor && (hypervisor->removed || hypervisor->connected))
        hypervisor = hypervisor->next;
    return hypervisor;
}

static struct placement_decision counts(const struct placement_copy *copy)
{
    return (struct placement_decision){
        .verdict = PLACEMENT_COUNTS,
        .domain = copy->domain,
        .state = copy->state,
        .hypervisor = copy->hypervisor,
    };
}

static struct placement_decision without(enum placement_verdict verdict,
                                         const struct placement_hypervisor *hypervisor)
{
    return (struct placement_decision){.verdict = verdict, .hypervisor = hypervisor};
}

static bool is_for_another(const struct preference *preference, const struct placement_copy *copy)
{
    return preference->only_uri && strcmp(copy->hypervisor->uri, preference->only_uri) != 0;
}

static struct placement_decision decide_running(struct placement *placement,
                                                const struct preference *preference,
                                                const struct placement_copy *runs)
{
    const struct placement_copy *other = best_in_state(preference, PLACEMENT_ON, runs);
    struct placement_decision decision = is_for_another(preference, runs)
                                             ? without(PLACEMENT_ELSEWHERE, runs->hypervisor)
                                             : counts(runs);

    decision.also = other ? other->hypervisor : NULL;
    /* Where it was known to run before may have gone out of sight. */
    if (placement->fact != PLACEMENT_FACT_RUNNING || !runs_at(placement, placement->last))
        set_fact(placement, PLACEMENT_FACT_RUNNING, runs->hypervisor);
    return decision;
}

/* A guest that ended unseen has ended where it ran: where it was left behind before that stays old
 * news. */
static void note_off_everywhere(struct placement *placement,
                                struct placement_hypervisor *hypervisor)
{
    if (placement->fact == PLACEMENT_FACT_RUNNING)
        set_fact(placement, PLACEMENT_FACT_STOPPED, placement->last);
    else if (placement->fact == PLACEMENT_FACT_NONE)
        set_fact(placement, PLACEMENT_FACT_STOPPED, hypervisor);
}

/* The copy that is just being started; NULL: none is. What has begun there goes on whatever is
 * decided, so that nothing else may count until it has ended. */
static const struct placement_copy *find_starting(const struct preference *preference)
{
    for (size_t i = 0; preference->starts && i < preference->placement->count; i++) {
        const struct placement_copy *copy = &preference->placement->copies[i];
        if (copy->domain && copy->domain == preference->present && copy->hypervisor->connected)
            return copy;
    }
    return NULL;
}

/* No copy runs as far as is seen. */
static struct placement_decision decide_off(const struct placement_map *map,
                                            struct placement *placement,
                                            const struct preference *preference)
{
    if (placement->fact == PLACEMENT_FACT_MOVED)
        return without(PLACEMENT_LEFT, placement->last);
    const struct placement_copy *starting = find_starting(preference);
    if (starting)
        return counts(starting);
    const struct placement_hypervisor *missing = first_that_may_have(map, preference);
    if (missing)
        return without(PLACEMENT_WAITS, missing);
    const struct placement_copy *best = best_in_state(preference, PLACEMENT_OFF, NULL);
    if (!best || is_for_another(preference, best))
        return without(PLACEMENT_ABSENT, first_unconnected(map));
    if (!first_unconnected(map))
        note_off_everywhere(placement, best->hypervisor);
    return counts(best);
}

static struct placement_decision decide(const struct placement_map *map,
                                        struct placement *placement,
                                        const struct preference *preference)
{
    const struct placement_copy *copy = best_in_state(preference, PLACEMENT_ON, NULL);

    if (copy)
        return decide_running(placement, preference, copy);
    /* Either end of a migration is no place to act at; the one that is ours stays until the other
     * runs. */
    copy = best_in_state(preference, PLACEMENT_MIGRATING, NULL);
    if (!copy)
        return decide_off(map, placement, preference);
    return preference->present && copy->domain == preference->present
               ? counts(copy)
               : without(PLACEMENT_IN_FLIGHT, copy->hypervisor);
}

struct placement_decision placement_decide(const struct placement_map *map,
                                           struct placement *placement, const void *present,
                                           bool starts, const char *only_uri)
{
    const struct preference preference = {placement, present, only_uri, starts};

    note_away(map, placement);
    placement->decided = decide(map, placement, &preference);
    return placement->decided;
}

/* ---- words ---- */

const char *placement_state_name(enum placement_state state)
{
    static const char *const names[] = {
        [PLACEMENT_OFF] = "off",
        [PLACEMENT_ON] = "on",
        [PLACEMENT_MIGRATING] = "migrating",
        [PLACEMENT_UNKNOWN] = "unknown",
    };

    return names[state];
}

static void explain_waiting(const struct placement *placement,
                            const struct placement_hypervisor *hypervisor, char *text, size_t size)
{
    const char *why = was_running_at(placement, hypervisor)
                          ? "the guest was last seen running there"
                      : find_copy(placement, hypervisor) ? "it has the guest's domain"
                                                         : "the guest may be there";

    if (hypervisor->connected) {
        snprintf(text, size,
                 "no permission to read its domain on hypervisor %s, where it may be running",
                 hypervisor->name);
        return;
    }
    snprintf(text, size, "hypervisor %s is %s, and %s", hypervisor->name,
             hypervisor->removed ? "no longer configured" : "not connected", why);
}

static void explain_copy(const struct placement_decision *decision, char *text, size_t size)
{
    const char *name = decision->hypervisor->name;

    if (decision->also)
        snprintf(text, size, "running on %s and on %s at the same time", name,
                 decision->also->name);
    else
        snprintf(text, size, "%s on %s", decision->state == PLACEMENT_OFF ? "off" : "running",
                 name);
}

void placement_explain(const struct placement *placement, char *text, size_t size)
{
    const struct placement_decision *decision = &placement->decided;
    const char *name = decision->hypervisor ? decision->hypervisor->name : "";

    switch (decision->verdict) {
    case PLACEMENT_COUNTS:
        explain_copy(decision, text, size);
        break;
    case PLACEMENT_UNDECIDED:
    case PLACEMENT_ABSENT:
        snprintf(text, size, "its domain is %s",
                 decision->hypervisor ? "on no hypervisor that is connected" : "not there");
        break;
    case PLACEMENT_WAITS:
        explain_waiting(placement, decision->hypervisor, text, size);
        break;
    case PLACEMENT_LEFT:
        snprintf(text, size, "migrated away from %s, to a hypervisor that does not show it", name);
        break;
    case PLACEMENT_IN_FLIGHT:
        snprintf(text, size, "being migrated to %s", name);
        break;
    case PLACEMENT_ELSEWHERE:
        snprintf(text, size, "running on %s, and its BMC is for another hypervisor", name);
        break;
    }
}
