#include "vbmc/bmc/pef.h"

#include <stdlib.h>

void pef_set_defaults(struct pef *pef)
{
    *pef = (struct pef){.own = NULL};
}

void pef_clear(struct pef *pef)
{
    free(pef->own);
    pef->own = NULL;
}

void pef_restart(struct pef *pef)
{
    pef->set_in_progress = PEF_SET_COMPLETE;
    pef->setting_session = 0;
}

void pef_session_ended(struct pef *pef, uint32_t session)
{
    if (pef->setting_session != session)
        return;
    pef->set_in_progress = PEF_SET_COMPLETE;
    pef->setting_session = 0;
}
