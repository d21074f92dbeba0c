/* The verbs that do to one guest what people do at a server: its buttons, its boot device, its
 * console. */
#ifndef VBMC_VERBS_POWER_H
#define VBMC_VERBS_POWER_H

#include "vbmc/verbs/verb.h"

struct bmc;
struct json_object;

verbs_run verbs_power, verbs_bootdev, verbs_console;

/* What `show` says of the next boot: "boot_device" ("none", "pxe (next boot)", "disk
 * (persistent)") and "boot_obstacle" (why the guest does not follow it; null: nothing known). */
void verbs_add_boot_device(struct json_object *result, const struct bmc *bmc);

#endif
