/* The verb "sel": the event log. */
#ifndef VBMC_VERBS_SEL_H
#define VBMC_VERBS_SEL_H

#include "vbmc/verbs/verb.h"

/* sel {"name", "last": how many}: rows as in vbmc/verbs/sel_text.h, oldest first.
 * sel {"name", "clear": true}: for operators. */
verbs_run verbs_sel;

#endif
