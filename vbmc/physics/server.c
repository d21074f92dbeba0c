#include "vbmc/physics/server.h"

#include <stdlib.h>
#include <string.h>

void server_settings_set_defaults(struct server_settings *settings)
{
    *settings = (struct server_settings){0};
    model_constants_set_defaults(&settings->model);
    supply_layout_set_defaults(&settings->supply);
}

/* Thousands of servers have a handful of different settings between them. */
struct shared_settings {
    struct shared_settings *next;
    unsigned users;
    struct server_settings settings;
};

static struct shared_settings *all_shared;

static bool is_same_layout(const struct supply_layout *a, const struct supply_layout *b)
{
    return a->redundancy == b->redundancy && a->needed == b->needed &&
           a->feed_count == b->feed_count && memcmp(a->feeds, b->feeds, sizeof a->feeds) == 0;
}

static bool is_same(const struct server_settings *a, const struct server_settings *b)
{
    /* The constants are doubles without a gap (model.c). */
    return memcmp((const void *)&a->model, (const void *)&b->model, sizeof a->model) == 0 &&
           is_same_layout(&a->supply, &b->supply) &&
           a->enforce_power_limit == b->enforce_power_limit;
}

const struct server_settings *server_settings_share(const struct server_settings *settings)
{
    struct shared_settings *shared = all_shared;

    while (shared && !is_same(&shared->settings, settings))
        shared = shared->next;
    if (!shared) {
        shared = malloc(sizeof *shared);
        if (!shared)
            return NULL;
        *shared = (struct shared_settings){.next = all_shared, .settings = *settings};
        all_shared = shared;
    }
    shared->users++;
    return &shared->settings;
}

void server_settings_release(const struct server_settings *settings)
{
    struct shared_settings **link = &all_shared;

    while (settings && *link && &(*link)->settings != settings)
        link = &(*link)->next;
    struct shared_settings *shared = settings ? *link : NULL;
    if (!shared || --shared->users > 0)
        return;
    *link = shared->next;
    free(shared);
}
