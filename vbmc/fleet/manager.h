/* The daemon's heart: hypervisors, the set of BMCs, and the rules that say which domain has one. */
#ifndef VBMC_FLEET_MANAGER_H
#define VBMC_FLEET_MANAGER_H

#include <stddef.h>

#include <uv.h>

#include "vbmc/fleet/bmcset.h"
#include "vbmc/config/config.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/config/openstack.h"

struct manager;

/* Opens the store, brings up the BMCs that are known, and starts connecting to the hypervisors. The
 * configuration and `openstack` (may be NULL) become the manager's, also on failure. 0, or a
 * negative error with one line in `error`. */
int manager_start(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                  struct manager **manager, char *error, size_t size);
/* Ends everything, which takes the loop as long as libvirt takes to return from what it is doing;
 * then `*owner` becomes NULL (`owner` itself may be NULL). */
void manager_stop(struct manager *manager, struct manager **owner);
/* For a process that does not wait for that: after manager_stop, brings to disk what is not there.
 */
void manager_flush(struct manager *manager);
/* Takes a new configuration (which becomes the manager's) without dropping a session that is still
 * valid. What needs a restart is logged. */
void manager_reload(struct manager *manager, struct config *config);

/* `changed` is called when BMCs came or went, or may have changed address or users. One watcher;
 * NULL: none. */
void manager_watch(struct manager *manager, void (*changed)(void *context), void *context);

const struct config *manager_config(const struct manager *manager);
const struct bmcset *manager_bmcs(const struct manager *manager);
/* In the order of the configuration: NULL gives the first, the last gives NULL. */
struct hypervisor *manager_next_hypervisor(const struct manager *manager,
                                           const struct hypervisor *hypervisor);
/* manager_names.c: the BMC that `typed` means: a UUID, else a domain's name, or NAME@HYPERVISOR
 * with the hypervisor's name or URI. A name means the BMC whose domain has it now before one whose
 * domain is gone. `only` (may be NULL) is the one BMC that exists for who asks. 0; -ENOENT;
 * -ENOTUNIQ with the choices as one line in `error`, of MANAGER_NAME_ERROR_SIZE. */
#define MANAGER_NAME_ERROR_SIZE 900
int manager_named_bmc(const struct manager *manager, const char *typed, const struct uuid *only,
                      struct instance **found, char *error, size_t size);
/* What to call a BMC so that manager_named_bmc finds it: its domain's name if that means no other,
 * else NAME@HYPERVISOR, else its UUID. The caller's to free; NULL: no memory. */
char *manager_name_of(const struct manager *manager, struct instance *instance,
                      const struct uuid *only);
/* The same as manager_named_bmc for a domain, which need not have a BMC, of the hypervisor with
 * that URI (NULL: of any). */
int manager_named_domain(const struct manager *manager, const char *typed, const char *uri,
                         struct virt_domain **found, char *error, size_t size);
/* Why a domain has no BMC, in a few words; NULL if it has one. */
const char *manager_why_none(const struct manager *manager, const struct virt_domain *domain);

/* The hypervisors that a guest is or may be on. */
const struct placement_map *manager_placement_map(const struct manager *manager);

/* manager_sections.c: whether the i-th [domain] section is for no domain that is known, or for more
 * than one; if so, one line says it. */
#define MANAGER_DOUBT_SIZE 320
bool manager_doubt_section(const struct manager *manager, size_t i, char *text, size_t size);

/* The room that all servers stand in. */
struct facility *manager_facility(struct manager *manager);
/* Stores the room as it is; what a change of it brings about for its servers happens at once. */
void manager_save_facility(struct manager *manager, store_done_fn done, void *context);

/* How many BMCs answer busy until that hypervisor is connected. */
size_t manager_count_waiting(const struct manager *manager,
                             const struct placement_hypervisor *place);

/* The end of something that was asked for; `text` says what went wrong. */
typedef void manager_done_fn(void *context, int result, const char *text);

/* Releases the guests that a hypervisor may have which is not connected and will not come back; by
 * its name or URI. Stored before it is done, and ends when the hypervisor is connected. 0 with a
 * text that names the guests; -ENOENT, -EBUSY (it is connected), or that of the store. */
void manager_declare_dead(struct manager *manager, const char *name, manager_done_fn *done,
                          void *context);

/* Makes a BMC for a domain by somebody's word, or a discovered one his own; it is down. Only what
 * is not NULL or 0 is given. -EEXIST, -ENOENT (no such domain), -EINVAL, -EHOSTUNREACH, -EACCES
 * (nobody could log in). */
struct manager_addition {
    const char *name;
    const char *username;
    const char *password;
    const char *address;
    uint16_t port;
    const char *uri;
    const char *sasl_username;
    const char *sasl_password;
};
void manager_add(struct manager *manager, const struct manager_addition *addition,
                 manager_done_fn *done, void *context);
/* Removes it and keeps discovery away until the next add. */
void manager_delete(struct manager *manager, struct instance *instance, manager_done_fn *done,
                    void *context);
/* Starts or stops answering; done at once if it is so already. */
void manager_set_active(struct manager *manager, struct instance *instance, bool active,
                        manager_done_fn *done, void *context);

#endif
