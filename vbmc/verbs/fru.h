/* The verb "fru": the inventory. */
#ifndef VBMC_VERBS_FRU_H
#define VBMC_VERBS_FRU_H

#include "vbmc/verbs/verb.h"

/* fru {"name"}: [{"id", "device", "area", "field", "value"}], every field of every FRU.
 * fru {"name", "asset_tag": "text"}: sets the asset tag; operators. */
verbs_run verbs_fru;

#endif
