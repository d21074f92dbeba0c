/* What a hypervisor's libvirt URI says of it: DRIVER[+TRANSPORT]://[HOST]/PATH[?PARAMETERS]. Of
 * qemu+ssh:// more is in vbmc/ssh/uri.h. */
#ifndef VBMC_BASE_HYPERVISOR_URI_H
#define VBMC_BASE_HYPERVISOR_URI_H

#include <stdbool.h>

/* True if its guests run on this machine. As libvirt has it: no host, and no transport but the
 * local one ("unix"); qemu+ssh:///system without a host is not local. */
bool hypervisor_uri_is_local(const char *uri);
/* True for QEMU's driver, by whatever transport. */
bool hypervisor_uri_is_qemu(const char *uri);
/* True for qemu:///embed, libvirt's driver without a libvirtd. */
bool hypervisor_uri_is_embedded(const char *uri);
/* The directory of qemu:///embed?root=DIRECTORY, percent-decoded, to be freed. NULL if the URI is
 * another or has none, or it is not absolute, or there is no memory. */
char *hypervisor_uri_embedded_root(const char *uri);

#endif
