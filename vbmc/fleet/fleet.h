/* All BMCs and hypervisors of the daemon, and the rules that say which domain has a BMC. */
#ifndef VBMC_FLEET_FLEET_H
#define VBMC_FLEET_FLEET_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "vbmc/base/audit.h"
#include "vbmc/store/store.h"

struct config;
struct fleet;
struct hypervisor;
struct instance;
struct openstack;
struct placement_hypervisor;
struct service_addition;
struct uuid;
struct virt_domain;

/* Opens the store, brings up the BMCs that are known, and starts connecting to the hypervisors. The
 * configuration and `openstack` (may be NULL) become the fleet's, also on failure. 0, or a
 * negative error with one line in `error`. */
int fleet_start(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                struct fleet **fleet, char *error, size_t size);
/* The same in two steps, for `vbmcd --standby`. The first connects to the hypervisors of the
 * configuration and waits for the lock on the state folder; until that is had it opens no port,
 * does nothing to a guest and writes nothing. Where nobody has the lock and the folder is there it
 * serves at once, as fleet_start; else `locked` is called once, on the loop, when fleet_take_over
 * is due. A configuration that is given to fleet_reload before that is the one that will count. */
int fleet_stand_by(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                   void (*locked)(void *context), void *context, struct fleet **fleet, char *error,
                   size_t size);
/* 0; or a negative error with one line in `error`, after which there is but fleet_stop. */
int fleet_take_over(struct fleet *fleet, char *error, size_t size);
/* Why it does not serve yet, in a line; NULL if it serves. Until then there are no BMCs, and of the
 * functions here only those for hypervisors and the configuration, and fleet_stop, may be called.
 */
const char *fleet_waits_for(const struct fleet *fleet);
/* Ends everything, which takes the loop as long as libvirt takes to return from what it is doing;
 * then `*owner` becomes NULL (`owner` itself may be NULL). */
void fleet_stop(struct fleet *fleet, struct fleet **owner);
/* For a process that does not wait for that: after fleet_stop, brings to disk what is not there.
 */
void fleet_flush(struct fleet *fleet);
/* Takes a new configuration (which becomes the fleet's) without dropping a session that is still
 * valid. What needs a restart is logged. */
void fleet_reload(struct fleet *fleet, struct config *config);

/* `changed` is called when BMCs came, went or started again, or may have changed address or users;
 * `ssh` is the address of a client of SSH that changed users, or NULL. One watcher; NULL: none. */
void fleet_watch(struct fleet *fleet, void (*changed)(void *context, const char *ssh),
                 void *context);

/* Where a BMC is that was told no address (`[bmc] address`). */
const char *fleet_default_address(const struct fleet *fleet);
/* What is shown is to be as with OpenStack's tool (`[daemon] compat`). */
bool fleet_is_openstack(const struct fleet *fleet);
const struct config *fleet_config(const struct fleet *fleet);
const struct bmcset *fleet_bmcs(const struct fleet *fleet);
/* In the order of the configuration: NULL gives the first, the last gives NULL. */
struct hypervisor *fleet_next_hypervisor(const struct fleet *fleet,
                                         const struct hypervisor *hypervisor);
/* names.c: the BMC that `typed` means: a UUID, else a domain's name, or NAME@HYPERVISOR
 * with the hypervisor's name or URI. A name means the BMC whose domain has it now before one whose
 * domain is gone. `only` (may be NULL) is the one BMC that the caller may see. 0; -ENOENT;
 * -ENOTUNIQ with the choices as one line in `error`, of FLEET_NAME_ERROR_SIZE. */
#define FLEET_NAME_ERROR_SIZE 900
int fleet_named_bmc(const struct fleet *fleet, const char *typed, const struct uuid *only,
                    struct instance **found, char *error, size_t size);
/* What to call a BMC so that fleet_named_bmc finds it: its domain's name if that means no other,
 * else NAME@HYPERVISOR, else its UUID. The caller's to free; NULL: no memory. */
char *fleet_name_of(const struct fleet *fleet, struct instance *instance, const struct uuid *only);
/* The same as fleet_named_bmc for a domain, which need not have a BMC, of the hypervisor with
 * that URI (NULL: of any). */
int fleet_named_domain(const struct fleet *fleet, const char *typed, const char *uri,
                       struct virt_domain **found, char *error, size_t size);
/* Why a domain has no BMC, in a few words; NULL if it has one. */
const char *fleet_why_none(const struct fleet *fleet, const struct virt_domain *domain);

/* The hypervisors that a guest is or may be on. */
const struct placement_map *fleet_placement_map(const struct fleet *fleet);

/* sections.c: calls `report` with a line for each [domain] section that is for no domain that is
 * known, or for more than one. */
void fleet_check_sections(const struct fleet *fleet,
                          void (*report)(void *context, const char *text), void *context);

/* The facility of all servers. */
struct facility *fleet_facility(struct fleet *fleet);
/* The facility was changed; what that brings about for its servers happens at once. `done` is
 * called when it is on disk, or with the error for which it was taken back. */
void fleet_facility_changed(struct fleet *fleet, store_done_fn done, void *context);

/* Lists records of the audit trail, as audit_list (vbmc/state/audit.h). */
void fleet_list_audit(struct fleet *fleet, const struct audit_query *query, audit_listed *listed,
                      void *context);

/* How many BMCs answer busy until that hypervisor is connected. */
size_t fleet_count_waiting(const struct fleet *fleet, const struct placement_hypervisor *place);

/* The end of something that was asked for; `text` says what went wrong. */
typedef void fleet_done_fn(void *context, int result, const char *text);

/* Releases the guests that a hypervisor may have which is not connected and will not come back; by
 * its name or URI. Stored before it is done, and ends when the hypervisor is connected. 0 with a
 * text that names the guests; -ENOENT, -EBUSY (it is connected), or that of the store. */
void fleet_declare_dead(struct fleet *fleet, const char *name, fleet_done_fn *done, void *context);

/* Adds a BMC for a domain, or makes a discovered one an added one; it is down. -EEXIST, -ENOENT (no
 * such domain), -EINVAL, -EHOSTUNREACH, -EACCES (nobody could log in). */
void fleet_add(struct fleet *fleet, const struct service_addition *addition, fleet_done_fn *done,
               void *context);
/* Removes it and keeps discovery away until the next add. */
void fleet_delete(struct fleet *fleet, struct instance *instance, fleet_done_fn *done,
                  void *context);
/* Starts or stops answering; done at once if it is so already. */
void fleet_set_active(struct fleet *fleet, struct instance *instance, bool active,
                      fleet_done_fn *done, void *context);

#endif
