/* libFuzzer target: documents that come back from the store: what a part of a BMC, or the room, was
 * like before a restart. A database may be damaged, or be of another version.
 *
 * Files: vbmc/state/records.c vbmc/state/record_dcmi.c vbmc/state/record_faults.c
 * vbmc/state/record_fru.c vbmc/state/record_hex.c vbmc/state/record_lan.c
 * vbmc/state/record_number.c vbmc/state/record_pef.c vbmc/state/record_pef_pending.c
 * vbmc/state/record_sensors.c vbmc/state/record_system_info.c vbmc/state/record_watchdog.c
 * vbmc/state/facility.c
 *
 * The input is a byte that says which document it is, and its text. What was taken from it is
 * stored again, must then be taken as a whole, and must come to the same. */
#include <json-c/json.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fake/fake_server.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/state/facility.h"
#include "vbmc/state/record.h"

static const struct record_kind *const kinds[] = {
    &record_sensors, &record_fru,         &record_dcmi,     &record_faults, &record_system_info,
    &record_pef,     &record_pef_pending, &record_watchdog, &record_lan,
};
#define KINDS (sizeof kinds / sizeof kinds[0])

static void check_same(struct json_object *a, struct json_object *b)
{
    const char *text = json_object_to_json_string_ext(a, JSON_C_TO_STRING_PLAIN);

    fuzz_require(strcmp(text, json_object_to_json_string_ext(b, JSON_C_TO_STRING_PLAIN)) == 0);
}

static int send_alert(void *context, const struct lan_destination *to, const struct alert *alert)
{
    (void)context, (void)to;
    fuzz_require(memchr(alert->text, '\0', sizeof alert->text) != NULL);
    return 0;
}

static const struct alerts_ops alerts_ops = {.send = send_alert};

static void start(void)
{
    struct bmc *bmc = &fake_bmc.bmc;

    fake_server_setup(NULL);
    alerts_set_ops(&bmc->alerts, &alerts_ops, NULL);
    bmc->fru = fru_new();
    fru_set_hardware(bmc->fru, "guest", &bmc->core.uuid, &fake_bmc.host.hardware, 2, 500);
}

static void stop(void)
{
    fru_free(fake_bmc.bmc.fru);
    fake_bmc.bmc.fru = NULL;
    fake_server_teardown(NULL);
}

/* Those hold times of the day, which go on between two looks. */
static bool has_times(const struct record_kind *kind)
{
    return kind == &record_pef_pending || kind == &record_watchdog;
}

/* Some are only decoded when the daemon starts. */
static void restore_record(const struct record_kind *kind, struct json_object *json)
{
    start();
    fuzz_require(kind->decode(&fake_bmc.bmc, json) <= 1);
    struct json_object *stored = kind->encode(&fake_bmc.bmc);
    stop();
    start();
    fuzz_require(kind->decode(&fake_bmc.bmc, stored) == 0);
    struct json_object *again = kind->encode(&fake_bmc.bmc);
    if (!has_times(kind))
        check_same(stored, again);
    json_object_put(stored);
    json_object_put(again);
    fake_server_step(1);
    kind->decode(&fake_bmc.bmc, NULL);
    stop();
}

static void restore_facility(struct json_object *json)
{
    struct facility_settings settings;
    struct facility facility;

    facility_settings_set_defaults(&settings);
    facility_init(&facility, &settings);
    facility_state_decode(&facility, json);
    struct json_object *stored = facility_state_encode(&facility);
    fuzz_require(facility_state_decode(&facility, stored) == 0);
    struct json_object *again = facility_state_encode(&facility);
    check_same(stored, again);
    json_object_put(stored);
    json_object_put(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    log_set_level(LOG_LEVEL_ERROR);
    CLEANUP_FREE char *text = fuzz_text(bytes + 1, size - 1);
    struct json_object *json = json_tokener_parse(text);
    size_t which = bytes[0] % (KINDS + 1);
    if (json && which < KINDS)
        restore_record(kinds[which], json);
    else if (json)
        restore_facility(json);
    json_object_put(json);
    return 0;
}
