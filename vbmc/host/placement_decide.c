#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/host/placement.h"
#include "vbmc/host/placement_internal.h"
#include "vbmc/host/placement_map.h"

/* How to choose between copies in the same state. */
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
                                                  const struct placement_copy *except)
{
    const struct placement *placement = preference->placement;
    const struct placement_copy *best = NULL;

    for (size_t i = 0; i < placement->count; i++) {
        const struct placement_copy *copy = &placement->copies[i];
        if (copy == except || !copy->hypervisor->connected || !copy->domain || copy->state != state)
            continue;
        if (!best || rank(preference, copy) > rank(preference, best))
            best = copy;
    }
    return best;
}

/* As long as the guest's end is unknown it may be anywhere. A BMC that was made for one
 * hypervisor's copy does not wait for hypervisors without any sign of the guest. */
static bool may_have(const struct preference *preference,
                     const struct placement_hypervisor *hypervisor)
{
    const struct placement *placement = preference->placement;
    bool end_is_known =
        placement->fact == PLACEMENT_FACT_STOPPED || placement->fact == PLACEMENT_FACT_DEFINED;

    if (hypervisor->connected)
        return placement_hides(placement, hypervisor);
    if (hypervisor->dead)
        return false;
    if (placement_was_running_at(placement, hypervisor))
        return true;
    if (hypervisor->removed)
        return false;
    return placement_find_copy(placement, hypervisor) || (!end_is_known && !preference->only_uri);
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

/* Of the configured ones; NULL: all are connected. */
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
    /* The hypervisor it ran on before may not be connected any more. */
    if (placement->fact != PLACEMENT_FACT_RUNNING || !placement_runs_at(placement, placement->last))
        placement_set_fact(placement, PLACEMENT_FACT_RUNNING, runs->hypervisor);
    return decision;
}

/* A guest that ended unseen has ended where it ran last, not where it was left behind before. */
static void note_off_everywhere(struct placement *placement,
                                struct placement_hypervisor *hypervisor)
{
    if (placement->fact == PLACEMENT_FACT_RUNNING)
        placement_set_fact(placement, PLACEMENT_FACT_STOPPED, placement->last);
    else if (placement->fact == PLACEMENT_FACT_NONE)
        placement_set_fact(placement, PLACEMENT_FACT_STOPPED, hypervisor);
}

/* The copy that is being started; NULL: none. The start goes on whatever is decided, so that no
 * other copy may count until it has ended. */
static const struct placement_copy *find_starting(const struct preference *preference)
{
    for (size_t i = 0; preference->starts && i < preference->placement->count; i++) {
        const struct placement_copy *copy = &preference->placement->copies[i];
        if (copy->domain && copy->domain == preference->present && copy->hypervisor->connected)
            return copy;
    }
    return NULL;
}

/* No copy is seen running. */
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
    /* Neither end of a migration may be acted on, nor what may become one; the present one stays
     * until the other one runs. */
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

    placement_note_away(map, placement);
    placement->decided = decide(map, placement, &preference);
    return placement->decided;
}

/* ---- words ---- */

const char *placement_state_name(enum placement_state state)
{
    static const char *const names[] = {
        [PLACEMENT_OFF] = "off",
        [PLACEMENT_ON] = "on",
        [PLACEMENT_MIGRATING] = "starting or migrating",
        [PLACEMENT_UNKNOWN] = "unknown",
    };

    return names[state];
}

static void explain_waiting(const struct placement *placement,
                            const struct placement_hypervisor *hypervisor, char *text, size_t size)
{
    assert(hypervisor);
    const char *why = placement_was_running_at(placement, hypervisor)
                          ? "the guest was last seen running there"
                      : placement_find_copy(placement, hypervisor) ? "it has the guest's domain"
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
    assert(decision->hypervisor);
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
        snprintf(text, size, "being migrated to %s, or started there", name);
        break;
    case PLACEMENT_ELSEWHERE:
        snprintf(text, size, "running on %s, and its BMC is for another hypervisor", name);
        break;
    }
}
