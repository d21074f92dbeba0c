/* [domain] sections that are for no domain, or for several. */
#ifndef VBMC_FLEET_SECTIONS_H
#define VBMC_FLEET_SECTIONS_H

struct fleet;

/* Logs all that fleet_check_sections finds. */
void fleet_log_sections(const struct fleet *fleet);

#endif
