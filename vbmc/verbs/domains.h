/* The verbs about domains, with a BMC or without. */
#ifndef VBMC_VERBS_DOMAINS_H
#define VBMC_VERBS_DOMAINS_H

#include "vbmc/verbs/verb.h"

/* discover {}: a list of {"domain_name", "hypervisor", "state", "bmc", "reason" (why it has none)}.
 * define {"xml" [, "hypervisor"]} and undefine {"name" [, "keep_nvram"]}: of qemu:///embed only;
 * undefine answers {"text"}. dumpxml {"name" [, "inactive"]}: {"xml"}. */
verbs_run verbs_discover, verbs_define, verbs_undefine, verbs_dumpxml;

#endif
