/* What `vbmc` may ask of the daemon: the verbs of the control socket. */
#ifndef VBMC_VERBS_VERBS_H
#define VBMC_VERBS_VERBS_H

#include "vbmc/control/control.h"

struct verbs {
    struct fleet *fleet;
};

/* The handler for control_new; its context is a struct verbs. */
control_handler verbs_handle;

#endif
