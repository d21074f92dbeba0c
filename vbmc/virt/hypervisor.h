/* One hypervisor, its connections to libvirt (worker.h) and its domains: what the other rooms may
 * use of the libvirt driver, whichever file of it has the function. Other programs may define,
 * start, rename and undefine domains at any time; libvirt's events report it, and only the load of
 * running guests is polled (sampler.h). While there is no main connection every domain's state is
 * unknown. Loop thread. */
#ifndef VBMC_VIRT_HYPERVISOR_H
#define VBMC_VIRT_HYPERVISOR_H

#include <stdbool.h>

#include <uv.h>

#include "vbmc/host/host.h"

struct hash_index_node;
struct host_metadata;
struct host_tag;
struct hypervisor;
struct inbox;
struct virt_domain;

struct hypervisor_settings {
    const char *name; /* of the configuration section */
    const char *uri;
    const char *sasl_username; /* both NULL or both given */
    const char *sasl_password;
    const char *runtime_dir;  /* for the sockets of qemu+ssh:// (vbmc/ssh/connection.h) */
    unsigned sample_period_s; /* 0: the default, VIRT_SAMPLER_PERIOD_S */
    bool stands_by;           /* until hypervisor_begin */
};

/* None of these may stop the hypervisor. */
struct hypervisor_callbacks {
    /* A new domain. It is valid until `vanished` returns. */
    void (*appeared)(void *context, struct virt_domain *domain);
    void (*vanished)(void *context, struct virt_domain *domain);
    void (*event)(void *context, struct virt_domain *domain, enum host_event event);
    /* The result of hypervisor_hides has changed for that UUID. May be NULL. */
    void (*hidden)(void *context, struct hypervisor *hypervisor, const struct uuid *uuid);
    /* The connection was opened (all its domains have been reported), lost, or could not be opened.
     */
    void (*connection)(void *context, struct hypervisor *hypervisor);
};

/* Starts connecting; NULL if there is no memory or thread. Copies the settings. */
struct hypervisor *hypervisor_start(uv_loop_t *loop, struct inbox *inbox,
                                    const struct hypervisor_settings *settings,
                                    const struct hypervisor_callbacks *callbacks, void *context);
/* Closes the connections and frees the domains without reporting it; none of them may be used from
 * here on. Running operations end with -EHOSTUNREACH. `done` (may be NULL) runs at the end, when
 * libvirt has returned from all calls under way. */
void hypervisor_stop(struct hypervisor *hypervisor, void (*done)(void *context), void *context);

/* For one that was started standing by: it holds its connection, and until this it reads no domain,
 * calls back for none and does nothing to a guest: these are another daemon's. What then is
 * reported is as of now. Does nothing with any other one. */
void hypervisor_begin(struct hypervisor *hypervisor);
/* True if it stands by and has its connection; hypervisor_is_up is false meanwhile. */
bool hypervisor_is_held(const struct hypervisor *hypervisor);

const char *hypervisor_name(const struct hypervisor *hypervisor);
/* As it was given. */
const char *hypervisor_uri(const struct hypervisor *hypervisor);
bool hypervisor_is_up(const struct hypervisor *hypervisor);
/* True while an operation on one of its guests is under way or waits. */
bool hypervisor_is_busy(const struct hypervisor *hypervisor);
/* How many calls to libvirt have been made to sample its guests; reading a sample makes none. */
uint64_t hypervisor_sample_count(const struct hypervisor *hypervisor);
/* Why there is no connection; "" if there is one or the first try has not ended. */
const char *hypervisor_error(const struct hypervisor *hypervisor);
/* True for qemu:///embed, whose domains no other program can define. */
bool hypervisor_is_embedded(const struct hypervisor *hypervisor);

/* True if its guests run on this machine. */
bool hypervisor_is_local(const struct hypervisor *hypervisor);
/* The local path of a Unix socket named in a domain's XML, which is not trusted: the same path for
 * a local hypervisor, that of a forwarded local socket for one reached by SSH. 0; -ENOTSUP if the
 * hypervisor is remote and not reached by SSH; -EINVAL unless the path is absolute, -ENAMETOOLONG
 * from 108 bytes on or if `size` is too small; -EHOSTUNREACH if the qemu+ssh:// URI is invalid;
 * -ENOSPC for the 1025th socket of one hypervisor. */
int hypervisor_reach_socket(struct hypervisor *hypervisor, const char *path, char *local,
                            size_t size);

/* The domains, in no order: NULL gives the first, the last gives NULL. */
struct virt_domain *hypervisor_next_domain(struct hypervisor *hypervisor,
                                           struct virt_domain *domain);

/* Those of that name, NULL after the last: one, or two while a name goes to another domain.
 * `*cursor` is NULL for the first; the domains must not change meanwhile. */
struct virt_domain *hypervisor_next_named(struct hypervisor *hypervisor, const char *name,
                                          const struct hash_index_node **cursor);

/* The one of that UUID; NULL if there is none. */
struct virt_domain *hypervisor_find_domain(struct hypervisor *hypervisor, const struct uuid *uuid);
/* Removes it if libvirt no longer lists it and it is only kept to be started again. Where that is
 * just being done it goes if the start fails. */
void hypervisor_drop_kept(struct hypervisor *hypervisor, const struct uuid *uuid);

/* True if libvirt lists a domain of that UUID, or did so when it was connected last, and its access
 * control does not permit reading it. Whether its guest runs is unknown. */
bool hypervisor_hides(const struct hypervisor *hypervisor, const struct uuid *uuid);

struct host_domain *virt_domain_host(struct virt_domain *domain);
const char *virt_domain_name(const struct virt_domain *domain);
const struct uuid *virt_domain_uuid(const struct virt_domain *domain);
struct virt_domain *virt_domain_of_host(struct host_domain *host);
struct hypervisor *virt_domain_hypervisor(struct virt_domain *domain);
/* True if the domain's <metadata> has an element of urn:vbmc:1.0. */
bool virt_domain_is_tagged(const struct virt_domain *domain);
/* What stands there, as it was seen last; NULL: nothing. Borrowed until HOST_EVENT_TAGGED. */
const struct host_metadata *virt_domain_metadata(const struct virt_domain *domain);
/* True for the source or target of a migration while QEMU keeps the guest paused for it. */
bool virt_domain_is_migrating(const struct virt_domain *domain);
/* True while QEMU is being set up: for a boot, for what was saved, or as the target of a migration;
 * libvirt does not tell which before that is over. */
bool virt_domain_is_starting(const struct virt_domain *domain);
/* False for a transient domain that has ended: libvirt no longer knows it, and it can be started
 * from the XML that was kept. */
bool virt_domain_is_listed(const struct virt_domain *domain);
/* True if it was started there, not restored or migrated to it; false as long as that is not known.
 */
bool virt_domain_has_booted(const struct virt_domain *domain);
/* True if its appearance, or the last change of its state, was seen as it happened; false if it was
 * discovered when the hypervisor was connected (again). */
bool virt_domain_seen_live(const struct virt_domain *domain);
/* The driver's own record of a boot override, to be stored and restored after a restart; NULL if
 * there is none. `live`: what was changed in the running guest; `stored`: what a persistent
 * override replaced in the definition. */
const char *virt_domain_boot_live(const struct virt_domain *domain);
const char *virt_domain_boot_stored(const struct virt_domain *domain);
int virt_domain_restore_boot_record(struct virt_domain *domain, const char *live,
                                    const char *stored);

/* For `vbmc define|undefine|dumpxml`. `done` runs once; `text` is an error's, or the XML. */
typedef void hypervisor_done_fn(void *context, int result, const char *text);
/* Reads one domain now and reports changes as after an event; `done` (may be NULL) runs after that.
 * For callers that cannot wait for libvirt's event. */
void hypervisor_look_at(struct hypervisor *hypervisor, const struct uuid *uuid,
                        hypervisor_done_fn *done, void *context);
void hypervisor_look_for(struct hypervisor *hypervisor, const char *name, hypervisor_done_fn *done,
                         void *context);
void hypervisor_define(struct hypervisor *hypervisor, const char *xml, hypervisor_done_fn *done,
                       void *context);
/* Also removes what belongs to the definition: saved state, libvirt's record of snapshots and
 * checkpoints, and, unless `keep_nvram`, the UEFI variables. On success `text` lists that, a line
 * each; NULL if there was nothing. */
void hypervisor_undefine(struct virt_domain *domain, bool keep_nvram, hypervisor_done_fn *done,
                         void *context);
void hypervisor_dump_xml(struct virt_domain *domain, bool inactive, hypervisor_done_fn *done,
                         void *context);
/* Adds a serial port to the stored definition; on success `text` says when the guest will have it.
 * -EEXIST: there is one; -ENOTSUP: the domain is transient. */
void hypervisor_add_serial(struct virt_domain *domain, hypervisor_done_fn *done, void *context);
/* Changes tags in the domain's metadata: in its stored definition and, while it runs, there too.
 * The changes are copied; of one domain they are carried out one after the other. -ERANGE: there
 * would be too many. */
void hypervisor_change_tags(struct virt_domain *domain, const struct host_tag *changes,
                            size_t count, hypervisor_done_fn *done, void *context);
/* Gives the stored definition QEMU's ipmi-bmc-extern with that front end (domxml/inband_edit.h) and
 * socket, or (NULL) takes it away. The same; -ENOENT: there is none to take away; -EALREADY: it has
 * just that, and `if_other` says that it is to be left alone then. */
void hypervisor_set_inband(struct virt_domain *domain, const char *front_end, const char *socket,
                           bool if_other, hypervisor_done_fn *done, void *context);

#endif
