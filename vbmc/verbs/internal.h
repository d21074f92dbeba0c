/* What the files of verbs share. */
#ifndef VBMC_VERBS_INTERNAL_H
#define VBMC_VERBS_INTERNAL_H

#include "vbmc/instance/instance.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/verbs.h"

typedef void verbs_run(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request);

/* verbs_placement.c: what deserves a remark beside a BMC's name; false: nothing does. */
#define VERBS_NOTE_SIZE 256
bool verbs_note(const struct control_request *request, struct instance *instance,
                char note[VERBS_NOTE_SIZE]);
/* Adds what `show` says of the guest's copies: "placement" (which one counts, or why none does) and
 * "copies" ("a: off, b: on, c: not connected"). */
void verbs_add_placement(struct json_object *result, struct instance *instance);
/* hypervisor {}: [{"name", "uri", "state" ("connected", "disconnected", "declared dead",
 * "removed"), "error", "waiting" (BMCs that answer busy until it is connected)}]. hypervisor
 * {"name", "action": "declare-dead"}: releases its guests; {"text": which}. */
verbs_run verbs_hypervisor;

verbs_run verbs_power, verbs_bootdev, verbs_console;

/* verbs_guest.c, for a guest that hangs or has no console.
 *
 * add-serial {"name"}: {"text": from when on the guest has it}.
 * screenshot {"name"}: {"mime", "size"}, then frames of vbmc/control/console_frame.h: the picture
 * as CONSOLE_OUTPUT, at the end CONSOLE_END. dump {"name", "file"}: with progress, {"text": what
 * was written}. It goes on when the client leaves. */
verbs_run verbs_add_serial, verbs_screenshot, verbs_dump;

/* verbs_fru.c
 *
 * fru {"name"}: [{"id", "device", "area", "field", "value"}].
 * fru {"name", "asset_tag"}: sets it. */
verbs_run verbs_fru;

/* verbs_room.c: what breaks in a server and in the room. A change is answered when it is on disk.
 *
 * inject {"name"}: array of {"target", "kind", "since" (ISO 8601, UTC)}, in the order of injection.
 * inject {"name", "target", "kind"}: breaks it; {}. Administrators.
 * inject {"name", "clear": true [, "target" [, "kind"]]}: {"cleared": count}. Administrators.
 * facility {}: {"feeds": [{"feed": "A", "state": "up|down"}], "utility": "ok|lost",
 *     "ups": "line|battery|none", "battery_percent" (0..100; null without UPS),
 *     "generator": "standby|starting|running|failed|none", "crac": "ok|failed", "inlet" (C),
 *     "servers": [{"domain_name", "redundancy": "2N", "feeds": "A B",
 *         "supply": "full|degraded|redundancy lost|non-redundant|insufficient", "power"}]}, with
 *     those servers that the account may know of. A feed is down, too, when it has no power.
 * facility {"item", "which" (of a feed), "state"}: changes it, see facility_set; {}. Administrators
 *     of all BMCs.
 * facility {"clear": true}: all as it should be; {}. The same. */
verbs_run verbs_inject, verbs_facility;

/* verbs_health.c
 *
 * sensors {"name"}: a list of {"number", "name", "type", "reading" (number, or null), "unit",
 *     "status" ("ok", "warning", "critical", "non-recoverable", "unavailable"), "states" (texts, of
 *     a discrete sensor), "thresholds" (those there are: "upper critical", ...)}.
 * top {}: a list of {"domain_name", "power", "cpu", "memory", "io" (percent), "inlet", "cpu_temp"
 *     (of the hottest, C), "watts", "health", "uptime", "note"}; null where it is not known. */
verbs_run verbs_sensors, verbs_top;
/* Adds what `show` says of the server: "power", "uptime" (seconds; null: off), "boot_count",
 * "health" ("ok", "warning", "critical") and "health_sensor" (null: all is well). */
void verbs_add_health(struct json_object *result, struct instance *instance);
/* verbs_power.c: what `show` says of the next boot: "boot_device" ("none", "pxe (next boot)", "disk
 * (persistent)") and "boot_obstacle" (why the guest does not follow it; null: nothing known). */
void verbs_add_boot_device(struct json_object *result, const struct bmc *bmc);

/* verbs_who.c
 *
 * who {} or {"name"}: a list of {"domain_name" (null: of all BMCs), "type" ("IPMI", "SOL", "SSH",
 *     "console"), "user", "address" ("": this machine), "privilege", "since" (ISO 8601, UTC),
 *     "idle" (seconds without a packet, a command or a key)}, of the BMCs that the account may
 *     know of. */
verbs_run verbs_who;

/* verbs_sel.c
 *
 * sel {"name", "last": how many}: rows as in vbmc/verbs/sel_text.h, oldest first.
 * sel {"name", "clear": true}: for operators. */
verbs_run verbs_sel;

#endif
