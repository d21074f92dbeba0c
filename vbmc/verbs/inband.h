/* The verb inband: a guest's own interface to its BMC. */
#ifndef VBMC_VERBS_INBAND_H
#define VBMC_VERBS_INBAND_H

#include "vbmc/verbs/verb.h"

verbs_run verbs_inband;

#endif
