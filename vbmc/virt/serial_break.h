/* A break on a guest's serial port, by QMP. */
#ifndef VBMC_VIRT_SERIAL_BREAK_H
#define VBMC_VIRT_SERIAL_BREAK_H

#include "vbmc/host/host.h"

struct virt_domain;

/* struct host_ops.send_break. */
void serial_break_send(struct host_domain *host, const char *alias, host_done_fn *done,
                       void *context);
/* No callback with this context runs any more, of breaks that are not operations. */
void serial_break_cancel(struct virt_domain *domain, const void *context);

#endif
