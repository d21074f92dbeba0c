/* What DCMI 1.5 adds to IPMI: power readings over a window, a power limit, names and limits. */
#ifndef VBMC_BMC_DCMI_H
#define VBMC_BMC_DCMI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dcmi;
struct bmc;

/* NULL if there is no memory. */
struct dcmi *dcmi_new(struct bmc *bmc);
void dcmi_free(struct dcmi *dcmi);

/* What the server draws from the mains now; called about once a second. */
void dcmi_note_power(struct dcmi *dcmi, uint64_t now_ms, double watts);
/* The reading, of which Sys Power is the same. */
unsigned dcmi_current_watts(const struct dcmi *dcmi);

#endif
