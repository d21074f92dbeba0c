/* What commands may ask and change about sessions: struct ipmi_session_ops over a server, which is
 * the context of each call. Internal to rmcp. */
#ifndef VBMC_RMCP_OPS_H
#define VBMC_RMCP_OPS_H

#include "vbmc/ipmi/dispatch.h"

extern const struct ipmi_session_ops rmcp_session_ops;

#endif
