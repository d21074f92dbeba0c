/* A stream for the serial port that a running domain's XML names. Loop thread. */
#ifndef VBMC_CONSOLE_PORT_H
#define VBMC_CONSOLE_PORT_H

#include <stddef.h>
#include <uv.h>

struct domxml_serial;
struct stream;
struct virt_domain;

/* The stream is not opened yet and becomes the caller's. 0; -EPROTOTYPE for a port of a type that
 * cannot be opened; -ENOTSUP for one on a machine that cannot be reached in this way; -ENOMEM or
 * another negative error. */
int console_port_new(uv_loop_t *loop, struct virt_domain *domain,
                     const struct domxml_serial *serial, struct stream **stream);
/* One line for people about a failure of console_port_new. */
void console_port_explain(const struct domxml_serial *serial, int result, char *text, size_t size);

#endif
