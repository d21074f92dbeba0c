/* The verbs "sensors" and "top": how servers are. */
#ifndef VBMC_VERBS_HEALTH_H
#define VBMC_VERBS_HEALTH_H

#include "vbmc/verbs/verb.h"

struct bmc;
struct instance;
struct json_object;

/* sensors {"name"}: a list of {"number", "name", "type", "reading" (number, or null), "unit",
 *     "status" ("ok", "warning", "critical", "non-recoverable", "unavailable"), "states" (texts, of
 *     a discrete sensor), "thresholds" (those there are: "upper critical", ...)}.
 * top {}: a list of {"domain_name", "power", "cpu", "memory", "io" (percent), "inlet", "cpu_temp"
 *     (of the hottest, C), "watts", "health", "uptime", "note"}; null where it is not known. */
verbs_run verbs_sensors, verbs_top;
/* Adds what `show` says of the server: "power", "uptime" (seconds; null: off), "boot_count",
 * "health" ("ok", "warning", "critical") and "health_sensor" (null: all is well). */
void verbs_add_health(struct json_object *result, struct instance *instance);
/* Adds "watchdog": a text that says what the timer is about to do and which uses have expired; null
 * where it was never set. */
void verbs_add_watchdog(struct json_object *result, const struct bmc *bmc);

#endif
