/* The System Event Log of one BMC (IPMI 2.0, chapter 31). A record is shown only when it is on
 * disk: whoever was told an id finds it after any crash. Ids are never used twice, until all 65534
 * are through. */
#ifndef VBMC_BMC_SEL_H
#define VBMC_BMC_SEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/sensors.h"
#include "vbmc/bmc/ticket.h"

#define SEL_RECORD_SIZE 16
#define SEL_RECORDS_MAX 4096

struct sel;

enum sel_full_policy {
    SEL_FULL_DROP_OLDEST,
    SEL_FULL_STOP, /* refuses, sets the overflow flag */
};

/* Logs an event of the BMC's own sensors, stamped with the BMC's clock. */
void sel_log(struct sel *sel, const struct sensor_event *event);

/* Records that are on disk, oldest first. */
unsigned sel_count(const struct sel *sel);
/* The n-th; -ENOENT. */
int sel_record(const struct sel *sel, unsigned n, uint8_t record[SEL_RECORD_SIZE]);

#endif
