/* The domains of a hypervisor, and those that may not be read: adds, updates and removes them as
 * libvirt reports. Also hypervisor_next_domain, hypervisor_hides and hypervisor_is_busy
 * (hypervisor.h). Loop thread. */
#ifndef VBMC_VIRT_DOMAINS_H
#define VBMC_VIRT_DOMAINS_H

#include <stdbool.h>

#include "vbmc/host/host.h"

struct hypervisor;
struct virt_domain;
struct virt_facts;
struct virt_facts_list;

/* Adds or updates a domain. Facts without a name are of one that may not be read. `live`: see
 * virt_domain_apply_facts. */
void virt_domains_take(struct hypervisor *hypervisor, struct virt_facts *facts, bool live);
/* The same for a list of all domains: those that are not in it are gone. */
void virt_domains_take_list(struct hypervisor *hypervisor, struct virt_facts_list *list, bool live);
/* libvirt knows no domain of that UUID. */
void virt_domains_gone(struct hypervisor *hypervisor, const struct uuid *uuid);
/* libvirt has a domain of that UUID, which may not be read. */
void virt_domains_hide(struct hypervisor *hypervisor, const struct uuid *uuid);
/* The connection is lost: every state is unknown. */
void virt_domains_disconnect(struct hypervisor *hypervisor);
/* Ends what they still do and frees them all without reporting it. After the worker has ended. */
void virt_domains_end(struct hypervisor *hypervisor);

/* For operations: libvirt no longer knows the domain; why, unless an event has said it. */
void virt_domain_lost(struct virt_domain *domain, enum host_stop_reason reason);
/* For operations: the last one has ended. A domain that has vanished is freed. */
void virt_domain_release(struct virt_domain *domain);

#endif
