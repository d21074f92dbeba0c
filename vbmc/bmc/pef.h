/* Platform Event Filtering (IPMI 2.0, chapter 17): what the BMC does about events by itself. */
#ifndef VBMC_BMC_PEF_H
#define VBMC_BMC_PEF_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/pef_settings.h"

struct bmc_core;

/* Set in progress (parameter 0). */
enum {
    PEF_SET_COMPLETE = 0,
    PEF_SET_IN_PROGRESS = 1,
};

/* Part of struct bmc. */
struct pef {
    const struct bmc_core *core;
    struct pef_settings *own; /* NULL: the defaults hold */
    uint8_t set_in_progress;
    uint32_t setting_session; /* which has begun it; 0: none */
};

/* Wipes what it knows of its BMC too; frees nothing. */
void pef_set_defaults(struct pef *pef);
void pef_clear(struct pef *pef);

/* Valid until they are changed. */
static inline const struct pef_settings *pef_settings(const struct pef *pef)
{
    return pef->own ? pef->own : &pef_default_settings;
}

/* The BMC restarts (Cold Reset), and what is stored of its settings is read again. */
void pef_restart(struct pef *pef);
/* The session is over, and with it a "set in progress" that it has begun. */
void pef_session_ended(struct pef *pef, uint32_t session);

#endif
