/* A boot override on a libvirt domain; its states are in the head comment of override.c. */
#ifndef VBMC_VIRT_OVERRIDE_H
#define VBMC_VIRT_OVERRIDE_H

#include <stdbool.h>

#include "vbmc/host/host.h"
#include "vbmc/virt/operation.h"

struct virt_domain;

/* struct host_ops.set_boot. */
void override_set(struct host_domain *host, const struct host_boot_override *override,
                  host_done_fn *done, void *context);

/* Step: applies the override to the running guest, or does nothing if it is applied already. A
 * device that the guest does not have is logged and is no error. */
operation_step override_step_apply;

/* The override to be applied by QMP to a guest that is about to start: none if its definition has
 * it. */
struct host_boot_override override_at_start(const struct virt_domain *domain);
/* The guest begins to boot, or is resumed for its first boot: an override that could not be applied
 * is used up by that (a persistent one stays), and HOST_EVENT_BOOT_MISSED is reported. */
void override_note_boot(struct virt_domain *domain);
/* The device that is requested; HOST_BOOT_NONE: none, or the firmware's menu. */
enum host_boot_device override_device(const struct virt_domain *domain);
/* The guest was started with the firmware's boot menu: that override is used up. */
void override_note_menu_used(struct virt_domain *domain);

/* Events of the domain. */
/* `live`: it has just booted, and may be reset for the override. */
void override_guest_started(struct virt_domain *domain, bool live);
void override_guest_stopped(struct virt_domain *domain);
void override_guest_reset(struct virt_domain *domain);
/* The connection was lost while the guest kept running. */
void override_reconcile(struct virt_domain *domain);
/* Frees what the domain holds for this. */
void override_clear(struct virt_domain *domain);

#endif
