/* The room that all servers stand in, and the second by which everything in it moves on. */
#include "vbmc/fleet/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/state/facility.h"
#include "vbmc/net/login_log.h"
#include "vbmc/store/document.h"

#define STEP_MS    1000
#define SAVE_STEPS 30 /* what drifts, such as the battery's charge, is stored so often */
#define DOCUMENT   "facility"

static const struct uuid no_domain;

struct facility *manager_facility(struct manager *manager)
{
    return &manager->facility;
}

static void step_all(struct manager *manager)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t elapsed_ms = manager->stepped_ms ? now_ms - manager->stepped_ms : 0;

    manager->stepped_ms = now_ms;
    facility_step(&manager->facility, (double)elapsed_ms / 1000);
    for (size_t i = 0; i < manager->set.count; i++)
        platform_step(instance_bmc(manager->set.instances[i])->platform);
}

/* Without a text all is as it should be. */
static void restore(struct manager *manager, const char *text)
{
    struct json_object *json = text ? json_tokener_parse(text) : NULL;

    if (facility_state_decode(&manager->facility, json) < 0 || (text && !json))
        log_warning("what is stored of the facility is damaged in part; the rest holds");
    json_object_put(json);
}

int manager_load_room(struct manager *manager, char *error, size_t size)
{
    CLEANUP_FREE char *text = NULL;
    int result = store_document_load(manager->shared.store, &no_domain, DOCUMENT, &text);

    if (result < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", manager->config->daemon.state_dir,
                 strerror(-result));
    else
        restore(manager, text);
    return result;
}

struct facility_save {
    struct manager *manager;
    unsigned number;
    store_done_fn done;
    void *context;
};

/* What was not stored does not hold either, unless a later save says so. */
static void on_saved(void *context, int result)
{
    struct facility_save *save = context;
    struct manager *manager = save->manager;
    char error[512];

    if (result < 0 && !manager->stopping && save->number == manager->newest_room_save) {
        if (manager_load_room(manager, error, sizeof error) < 0)
            log_error("%s", error);
        step_all(manager);
    }
    save->done(save->context, result);
    free(save);
}

static int store_room(struct manager *manager, store_done_fn done, void *context)
{
    struct json_object *json = facility_state_encode(&manager->facility);

    if (!json)
        return -ENOMEM;
    int result = store_document_put(manager->shared.store, &no_domain, DOCUMENT,
                                    json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
                                    done, context);
    json_object_put(json);
    return result;
}

void manager_save_facility(struct manager *manager, store_done_fn done, void *context)
{
    struct facility_save *save = calloc(1, sizeof *save);

    if (!save) {
        done(context, -ENOMEM);
        return;
    }
    *save = (struct facility_save){manager, ++manager->newest_room_save, done, context};
    step_all(manager);
    int result = store_room(manager, on_saved, save);
    if (result < 0)
        on_saved(save, result);
}

static bool drifts(const struct facility *facility)
{
    return facility->utility_lost || facility->crac_failed || facility->battery < 1 ||
           facility->inlet_c != facility->settings.inlet_c;
}

static void on_step(uv_timer_t *timer)
{
    struct manager *manager = CONTAINER_OF(timer, struct manager, room);

    step_all(manager);
    login_log_tell_rest(manager->shared.login_log, uv_hrtime() / 1000000);
    if (++manager->steps % SAVE_STEPS != 0 || !drifts(&manager->facility))
        return;
    /* A disk that is full does not fill the battery: what was not stored goes on here. */
    int result = store_room(manager, manager_report_store, NULL);
    if (result < 0)
        manager_report_store(NULL, result);
}

void manager_begin_room(struct manager *manager)
{
    facility_init(&manager->facility, &manager->config->facility);
    uv_timer_init(manager->loop, &manager->room);
    manager->shared.facility = &manager->facility;
}

void manager_run_room(struct manager *manager)
{
    uv_timer_start(&manager->room, on_step, STEP_MS, STEP_MS);
}

void manager_stop_room(struct manager *manager)
{
    uv_timer_stop(&manager->room);
}

void manager_configure_room(struct manager *manager)
{
    manager->facility.settings = manager->config->facility;
}
