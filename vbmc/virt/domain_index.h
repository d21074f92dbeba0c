/* The domains of a hypervisor by UUID and by name. Also hypervisor_find_domain and
 * hypervisor_next_named (hypervisor.h). Loop thread. */
#ifndef VBMC_VIRT_DOMAIN_INDEX_H
#define VBMC_VIRT_DOMAIN_INDEX_H

struct hypervisor;
struct virt_domain;

/* 0, or -ENOMEM with nothing done. */
int virt_domain_index_add(struct virt_domain *domain);
void virt_domain_index_remove(struct virt_domain *domain);
/* Its name was `before`. One that has vanished is not there. */
void virt_domain_index_rename(struct virt_domain *domain, const char *before);
/* Frees the index, not the domains. */
void virt_domain_index_clear(struct hypervisor *hypervisor);

#endif
