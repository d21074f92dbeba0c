/* A boot override on a libvirt domain (see "Boot device" in the head comment of override.c). */
#ifndef VBMC_VIRT_OVERRIDE_H
#define VBMC_VIRT_OVERRIDE_H

#include <stdbool.h>

#include "vbmc/virt/operation.h"
#include "vbmc/virt/domain.h"

/* struct host_ops.set_boot. */
void override_set(struct host_domain *host, const struct host_boot_override *override,
                  host_done_fn *done, void *context);

/* Step: applies what is asked for to the running guest, or does nothing if that is done already. A
 * device the guest does not have is logged and is no error. */
operation_step override_step_apply;

/* What a guest that is about to start has to be given by QMP: nothing if its definition says it. */
struct host_boot_override override_at_start(const struct virt_domain *domain);
/* The guest begins to boot, or to be resumed for its first boot: an override that it could not be
 * given is used up by that (a persistent one stays), and HOST_EVENT_BOOT_MISSED tells. */
void override_note_boot(struct virt_domain *domain);
/* The device that is asked for; HOST_BOOT_NONE: none, or the firmware's menu. */
enum host_boot_device override_device(const struct virt_domain *domain);
/* The guest was started with the firmware's boot menu: that override is used up. */
void override_note_menu_used(struct virt_domain *domain);

/* Events of the domain. */
/* `live`: it has just booted, and may be reset for the override. */
void override_guest_started(struct virt_domain *domain, bool live);
void override_guest_stopped(struct virt_domain *domain);
void override_guest_reset(struct virt_domain *domain);
/* The connection was away while the guest ran on. */
void override_reconcile(struct virt_domain *domain);
/* Frees what the domain holds for this. */
void override_clear(struct virt_domain *domain);

#endif
