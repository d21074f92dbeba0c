/* Where a guest is: which of its copies counts when one UUID is, or may be, on several hypervisors.
 *
 * A plain migration leaves the definition on the source, a copy in a backup host's libvirt looks
 * like the guest itself, and a hypervisor that cannot be reached may run what another one lists as
 * off. If that copy were started, the guest would run twice on one disk; if it were reported off,
 * a fence agent would believe it. So the last known fact is stored of each guest, and of each
 * hypervisor whether it lists the guest:
 *
 *   RUNNING   it was seen running on `last`
 *   STOPPED   it was seen to stop there, or to be off everywhere
 *   MOVED     it left `last` by a migration and has not been seen running since
 *   DEFINED   it was seen being defined on `last`, and has not been seen running
 *   RELEASED  an administrator declared the hypervisor dead that it may have been on
 *
 * A copy that runs on a connected hypervisor always counts. A copy that is off counts only if no
 * other hypervisor may run the guest. A connected one may if it has no permission to read the
 * domain. One that is not connected may if the guest was seen running there last, if it lists the
 * guest as far as is known, or, as long as the guest was seen neither to stop nor to be defined, in
 * any case.
 *
 * A guest that left by a migration went to a host outside the configuration, or to a hypervisor
 * that was not connected then. It has stopped there if that hypervisor lists it as off, with the
 * reason of an end, and did not list it before; otherwise the wait ends only when it is seen
 * running, or when an administrator declares such a hypervisor dead.
 *
 * Pure: no libvirt, no files. Loop thread. */
#ifndef VBMC_HOST_PLACEMENT_H
#define VBMC_HOST_PLACEMENT_H

#include <stdbool.h>
#include <stddef.h>

#include "vbmc/host/host.h"

struct placement_hypervisor;
struct placement_map;

/* The numbers are stored. */
enum placement_fact {
    PLACEMENT_FACT_NONE = 0,
    PLACEMENT_FACT_RUNNING = 1,
    PLACEMENT_FACT_STOPPED = 2,
    PLACEMENT_FACT_MOVED = 3,
    PLACEMENT_FACT_DEFINED = 4,
    PLACEMENT_FACT_RELEASED = 5,
    PLACEMENT_FACT_AWAY = 6, /* only stored, of a hypervisor that the guest may have MOVED to */
};

enum placement_verdict {
    PLACEMENT_UNDECIDED, /* not decided yet */
    PLACEMENT_COUNTS,    /* the copy of `hypervisor` is the guest */
    PLACEMENT_ABSENT,    /* no connected hypervisor lists it */
    PLACEMENT_WAITS,     /* `hypervisor` may run it and is not connected */
    PLACEMENT_LEFT,      /* it left `hypervisor` by a migration and has not been seen since */
    PLACEMENT_IN_FLIGHT, /* it is being migrated to `hypervisor`, or started there */
    PLACEMENT_ELSEWHERE, /* it runs on `hypervisor`, and its BMC is for another one's copy */
};

enum placement_state {
    PLACEMENT_OFF,
    PLACEMENT_ON,
    PLACEMENT_MIGRATING, /* QEMU exists, paused as source or target of a migration, or it is just
                          * being set up by others: it may be that of a target */
    PLACEMENT_UNKNOWN,   /* the domain is there, and may not be read */
};

/* One hypervisor's copy: as it is, or as it was when the hypervisor was connected last. */
struct placement_copy {
    struct placement_hypervisor *hypervisor;
    enum placement_state state;
    bool unlisted; /* libvirt no longer knows it; it can be started from XML that was kept */
    void *domain;  /* the caller's; NULL: known from the store alone, or it may not be read */
};

struct placement_decision {
    enum placement_verdict verdict;
    void *domain; /* these two with PLACEMENT_COUNTS, else NULL and 0 */
    enum placement_state state;
    const struct placement_hypervisor *hypervisor; /* with PLACEMENT_ABSENT one that is missing */
    const struct placement_hypervisor *also;       /* it runs there as well; NULL: it does not */
};

/* A hypervisor that is not connected, and was not when the guest left the hypervisor it ran on. */
struct placement_away {
    struct placement_hypervisor *hypervisor;
    bool before; /* nor, as far as is known, when the guest was first seen there */
};

/* Of one guest. */
struct placement {
    enum placement_fact fact;
    struct placement_hypervisor *last; /* NULL with PLACEMENT_FACT_NONE */
    struct placement_copy *copies;
    size_t count;
    struct placement_away *away; /* while the guest is RUNNING or MOVED */
    size_t away_count;
    bool away_is_noted;                /* with the fact as it is */
    bool left_in_sight;                /* MOVED, and was RUNNING there before */
    bool changed;                      /* since the caller last stored it */
    struct placement_decision decided; /* the last one; its domain may be gone meanwhile */
};

/* The beginning is all zeros. */
void placement_clear(struct placement *placement);
/* What is stored of the guest with that hypervisor. */
enum placement_fact placement_fact_of(const struct placement *placement,
                                      const struct placement_hypervisor *hypervisor);
/* Takes over one stored row. 0, or -ENOMEM. */
int placement_restore(struct placement *placement, struct placement_hypervisor *hypervisor,
                      bool listed, enum placement_fact fact);

/* What a connected hypervisor shows of the guest. */
struct placement_sight {
    struct placement_hypervisor *hypervisor;
    void *domain;
    enum placement_state state;
    enum host_stop_reason stop_reason; /* of a copy that is off, as far as it is known */
    bool unlisted;                     /* see struct placement_copy */
    bool booted;                       /* it was started there, not migrated to it */
    bool live; /* as it happened, not discovered when the hypervisor was connected (again) */
};
/* 0, or -ENOMEM. `*arrived` becomes true if the guest runs here now and ran elsewhere before, so
 * that it was not started. */
int placement_see(struct placement *placement, const struct placement_sight *sight, bool *arrived);
/* A connected hypervisor has the guest's domain without permission to read it. 0, or -ENOMEM. */
int placement_hide(struct placement *placement, struct placement_hypervisor *hypervisor);
/* The permission is no longer missing: if the domain has not been seen meanwhile, it is gone. */
void placement_unhide(struct placement *placement, struct placement_hypervisor *hypervisor);
/* A connected hypervisor no longer lists the guest; `stop_reason` is of a copy that ran. */
void placement_gone(struct placement *placement, struct placement_hypervisor *hypervisor,
                    enum host_stop_reason stop_reason);
/* The hypervisor was connected and has listed its domains: copies known only from the store are
 * gone. */
void placement_listed_all(struct placement *placement, struct placement_hypervisor *hypervisor);
/* The hypervisor was removed from the configuration. Unless it is connected and runs the guest, it
 * does not count for the guest any more. */
void placement_remove(struct placement *placement, struct placement_hypervisor *hypervisor);
/* An administrator declared a hypervisor dead: a guest that may have gone there when it left counts
 * as released. */
void placement_release(struct placement *placement, const struct placement_hypervisor *hypervisor);

/* ---- deciding: placement_decide.c ---- */

/* `present` is the domain that counts now (NULL: none): kept where two are alike, and, as long as
 * an action that may start it is under way (`starts`), against all that does not run: what has
 * begun there goes on, and a second copy must not be started beside it. `only_uri`, if not NULL:
 * the BMC was made for the copy of that hypervisor. A guest found to be off everywhere is noted as
 * STOPPED. */
struct placement_decision placement_decide(const struct placement_map *map,
                                           struct placement *placement, const void *present,
                                           bool starts, const char *only_uri);

/* Borrowed. */
const char *placement_hypervisor_uri(const struct placement_hypervisor *hypervisor);
/* "off", "on", "starting or migrating" or "unknown". */
const char *placement_state_name(enum placement_state state);
/* The last decision as text: which copy counts, or why none does. */
void placement_explain(const struct placement *placement, char *text, size_t size);

#endif
