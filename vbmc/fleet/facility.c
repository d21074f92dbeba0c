/* The facility of all servers: it and they are stepped once a second. */
#include "vbmc/fleet/facility.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/net/login_log.h"
#include "vbmc/state/facility.h"
#include "vbmc/store/document.h"

#define STEP_MS    1000
#define SAVE_STEPS 30 /* what drifts, such as the battery's charge, is stored so often */
#define DOCUMENT   "facility"

static const struct uuid no_domain;

struct facility *fleet_facility(struct fleet *fleet)
{
    return &fleet->facility;
}

static void step_all(struct fleet *fleet)
{
    uint64_t now_ms = uv_hrtime() / 1000000;
    uint64_t elapsed_ms = fleet->stepped_ms ? now_ms - fleet->stepped_ms : 0;

    fleet->stepped_ms = now_ms;
    facility_step(&fleet->facility, (double)elapsed_ms / 1000);
    for (size_t i = 0; i < fleet->set.count; i++)
        instance_step(fleet->set.instances[i]);
}

/* Without a text all is as it should be. */
static void restore(struct fleet *fleet, const char *text)
{
    struct json_object *json = text ? json_tokener_parse(text) : NULL;

    if (facility_state_decode(&fleet->facility, json) < 0 || (text && !json))
        log_warning("the stored facility is partly corrupt; ignoring the bad entries");
    json_object_put(json);
}

int fleet_load_facility(struct fleet *fleet, char *error, size_t size)
{
    CLEANUP_FREE char *text = NULL;
    int result = store_document_load(fleet->shared.store, &no_domain, DOCUMENT, &text);

    if (result < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", fleet->config->daemon.state_dir,
                 strerror(-result));
    else
        restore(fleet, text);
    return result;
}

struct facility_save {
    struct fleet *fleet;
    unsigned number;
    store_done_fn done;
    void *context;
};

/* What was not stored does not hold either, unless a later save says so. */
static void on_saved(void *context, int result)
{
    struct facility_save *save = context;
    struct fleet *fleet = save->fleet;
    char error[512];

    if (result < 0 && !fleet->stopping && save->number == fleet->newest_facility_save) {
        if (fleet_load_facility(fleet, error, sizeof error) < 0)
            log_error("%s", error);
        step_all(fleet);
    }
    save->done(save->context, result);
    free(save);
}

static int store_facility(struct fleet *fleet, store_done_fn done, void *context)
{
    struct json_object *json = facility_state_encode(&fleet->facility);

    if (!json)
        return -ENOMEM;
    int result = store_document_put(fleet->shared.store, &no_domain, DOCUMENT,
                                    json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
                                    done, context);
    json_object_put(json);
    return result;
}

void fleet_save_facility(struct fleet *fleet, store_done_fn done, void *context)
{
    struct facility_save *save = calloc(1, sizeof *save);

    if (!save) {
        done(context, -ENOMEM);
        return;
    }
    *save = (struct facility_save){fleet, ++fleet->newest_facility_save, done, context};
    step_all(fleet);
    int result = store_facility(fleet, on_saved, save);
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
    struct fleet *fleet = timer->data;

    step_all(fleet);
    login_log_tell_rest(fleet->shared.login_log, uv_hrtime() / 1000000);
    if (++fleet->steps % SAVE_STEPS != 0 || !drifts(&fleet->facility))
        return;
    /* A disk that is full does not fill the battery: what was not stored goes on here. */
    int result = store_facility(fleet, fleet_report_store, NULL);
    if (result < 0)
        fleet_report_store(NULL, result);
}

void fleet_init_facility(struct fleet *fleet)
{
    facility_init(&fleet->facility, &fleet->config->facility);
    uv_timer_init(fleet->loop, &fleet->facility_timer);
    fleet->facility_timer.data = fleet;
    fleet->shared.facility = &fleet->facility;
}

void fleet_run_facility(struct fleet *fleet)
{
    uv_timer_start(&fleet->facility_timer, on_step, STEP_MS, STEP_MS);
}

void fleet_stop_facility(struct fleet *fleet)
{
    uv_timer_stop(&fleet->facility_timer);
}

void fleet_configure_facility(struct fleet *fleet)
{
    fleet->facility.settings = fleet->config->facility;
}
