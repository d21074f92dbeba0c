/* The verbs that add and delete BMCs, and start and stop them. */
#ifndef VBMC_VERBS_FLEET_H
#define VBMC_VERBS_FLEET_H

#include "vbmc/verbs/verb.h"

/* add {"name", ["port", "address", "username", "password", "libvirt_uri", "libvirt_sasl_username",
 * "libvirt_sasl_password"]}. delete, start, stop {"names": [...]}: answered when the last is done,
 * with the first error. */
verbs_run verbs_add, verbs_delete, verbs_start, verbs_stop;

#endif
