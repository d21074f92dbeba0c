/* The alerts of a BMC as alerts.c and alerts_acknowledge.c see them. */
#ifndef VBMC_BMC_ALERTS_INTERNAL_H
#define VBMC_BMC_ALERTS_INTERNAL_H

struct alerts;

/* Does what is due. What has changed by that is noted and not reported yet. */
void alerts_advance(struct alerts *alerts);

#endif
