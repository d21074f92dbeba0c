#include "vbmc/console/port.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "sol/serial.h"
#include "vbmc/domxml/serial.h"
#include "vbmc/virt/console.h"
#include "vbmc/virt/hypervisor.h"

/* The user that vbmcd runs as has to be let in: libvirt opens consoles for others, but ptys alone
 * (virDomainOpenConsole), so there is no other way to one that it may not open.
 * vbmc/cli/doctor_host.c says how it is let in. */
static int new_unix(uv_loop_t *loop, struct virt_domain *domain, const struct domxml_serial *serial,
                    struct stream **stream)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    int result = serial->listens ? hypervisor_reach_socket(virt_domain_hypervisor(domain),
                                                           serial->path, path, sizeof path)
                                 : -EPROTOTYPE;

    return result < 0 ? result : serial_unix_new(loop, path, NULL, stream);
}

static int new_tcp(uv_loop_t *loop, struct virt_domain *domain, const struct domxml_serial *serial,
                   struct stream **stream)
{
    const char *host = serial->host;

    if (!serial->listens || !serial->plain)
        return -EPROTOTYPE;
    if (strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
        host = hypervisor_is_local(virt_domain_hypervisor(domain)) ? "localhost" : NULL;
    if (!host)
        return -ENOTSUP;
    return serial_tcp_new(loop, host, serial->port, NULL, stream);
}

int console_port_new(uv_loop_t *loop, struct virt_domain *domain,
                     const struct domxml_serial *serial, struct stream **stream)
{
    switch (serial->kind) {
    case DOMXML_SERIAL_PTY:
        if (!serial->alias)
            break;
        *stream = virt_console_new(domain, serial->alias);
        return *stream ? 0 : -ENOMEM;
    case DOMXML_SERIAL_UNIX:
        return new_unix(loop, domain, serial, stream);
    case DOMXML_SERIAL_TCP:
        return new_tcp(loop, domain, serial, stream);
    case DOMXML_SERIAL_OTHER:
        break;
    }
    return -EPROTOTYPE;
}

void console_port_explain(const struct domxml_serial *serial, int result, char *text, size_t size)
{
    if (result == -EPROTOTYPE)
        snprintf(text, size,
                 "a serial port of type '%.16s' as this one cannot be opened; use type 'pty', "
                 "'unix' or 'tcp' (mode 'bind', raw)",
                 serial->type);
    else if (result == -ENOTSUP)
        snprintf(text, size,
                 "a serial port of type '%.16s' on another machine is reached by qemu+ssh:// only",
                 serial->type);
    else
        snprintf(text, size, "the serial port cannot be opened: %s", strerror(-result));
}
