/* Looking up the serial port of a running guest. Loop thread. */
#ifndef VBMC_VIRT_SERIAL_H
#define VBMC_VIRT_SERIAL_H

#include "vbmc/domxml/serial.h"

struct virt_domain;

/* `serial` is borrowed for the call, NULL on failure; `text` then is a line for people, which names
 * the guest's missing serial port and how to add one. -EINVAL (the guest is off), -ENOENT (no
 * serial port, or none of that alias), -ENODEV (the domain is gone), -EHOSTUNREACH, -EIO or
 * -ENOMEM. */
typedef void virt_serial_fn(void *context, int result, const struct domxml_serial *serial,
                            const char *text);

/* Reads the running domain's XML, ordered after earlier looks and not with its power actions.
 * `alias` is copied; NULL: see domxml_parse_serial. `done` runs exactly once, later, unless
 * cancelled; also when the domain vanishes or the hypervisor stops meanwhile. 0, or -ENOMEM with
 * `done` never called. */
int virt_serial_look_up(struct virt_domain *domain, const char *alias, virt_serial_fn *done,
                        void *context);
/* No `done` with this context runs any more. The domain must still be there (the callback
 * `vanished` is the last occasion). */
void virt_serial_cancel(struct virt_domain *domain, const void *context);

#endif
