/* A domain's serial port through libvirt (virDomainOpenConsole), as a byte stream. It is opened
 * with VIR_DOMAIN_CONSOLE_SAFE and never forced, so that `virsh console` and vbmcd exclude each
 * other: the second one is refused. While another client has it open the stream is
 * STREAM_TAKEN_OVER and tries again. libvirt does this for serial ports of type pty only. */
#ifndef VBMC_VIRT_CONSOLE_H
#define VBMC_VIRT_CONSOLE_H

struct virt_domain;

/* A stream for the serial port of that alias (NULL: the first). One at a time for a domain; it may
 * outlive the domain, and is then disconnected for good. NULL if there is no memory. */
struct stream *virt_console_new(struct virt_domain *domain, const char *alias);

/* The connection of libvirt's consoles is dead: the domain's tries again. */
void virt_console_connection_lost(struct virt_domain *domain);
/* For the driver: the domain's state has changed, or it is about to be freed. */
void virt_console_follow_state(struct virt_domain *domain);
void virt_console_forget_domain(struct virt_domain *domain);

#endif
