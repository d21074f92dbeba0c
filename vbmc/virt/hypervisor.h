/* One libvirt connection and the domains it shows. Other programs may define, start, rename and
 * remove domains at any time; libvirt's events keep the picture right, nothing is polled but what
 * the running guests do (sampler.h). When the connection is lost every domain's state is
 * unknown until it is back. Loop thread. */
#ifndef VBMC_VIRT_HYPERVISOR_H
#define VBMC_VIRT_HYPERVISOR_H

#include <stdbool.h>

#include <uv.h>

#include "vbmc/base/inbox.h"
#include "vbmc/host/host.h"

struct hypervisor;
struct virt_domain;

struct hypervisor_settings {
    const char *name; /* of the configuration section */
    const char *uri;
    const char *sasl_username; /* both NULL or both given */
    const char *sasl_password;
    const char *runtime_dir;  /* for the sockets of qemu+ssh:// (vbmc/ssh/connection.h) */
    unsigned sample_period_s; /* 0: the default, VIRT_SAMPLER_PERIOD_S */
};

/* None of these may stop the hypervisor. */
struct hypervisor_callbacks {
    /* A domain is there. It stays valid until `vanished` returns. */
    void (*appeared)(void *context, struct virt_domain *domain);
    void (*vanished)(void *context, struct virt_domain *domain);
    void (*event)(void *context, struct virt_domain *domain, enum host_event event);
    /* What hypervisor_hides says of a UUID has changed; NULL: nobody wants to know. */
    void (*hidden)(void *context, struct hypervisor *hypervisor, const struct uuid *uuid);
    /* The connection came up (all its domains have been told of), went down, or could not be made.
     */
    void (*connection)(void *context, struct hypervisor *hypervisor);
};

/* Starts connecting; NULL if there is no memory or thread. Copies the settings. */
struct hypervisor *hypervisor_start(uv_loop_t *loop, struct inbox *inbox,
                                    const struct hypervisor_settings *settings,
                                    const struct hypervisor_callbacks *callbacks, void *context);
/* Ends the connection and frees the domains without telling of it; nothing of them may be used from
 * here on. Running operations end with -EHOSTUNREACH. `done` (may be NULL) runs when all is over,
 * which takes as long as libvirt takes to return from what it is doing. */
void hypervisor_stop(struct hypervisor *hypervisor, void (*done)(void *context), void *context);

const char *hypervisor_name(const struct hypervisor *hypervisor);
/* As it was given. */
const char *hypervisor_uri(const struct hypervisor *hypervisor);
bool hypervisor_is_up(const struct hypervisor *hypervisor);
/* True while an operation on one of its guests is under way or waits. */
bool hypervisor_is_busy(const struct hypervisor *hypervisor);
/* How many calls to libvirt have been made so far to sample its guests; nothing else, and nobody
 * who reads a sample, makes one. */
uint64_t hypervisor_sample_count(const struct hypervisor *hypervisor);
/* Why there is no connection; "" if there is one or the first try has not ended. */
const char *hypervisor_error(const struct hypervisor *hypervisor);
/* True for qemu:///embed, whose domains nobody else can define. */
bool hypervisor_is_embedded(const struct hypervisor *hypervisor);

/* True if its guests run on this machine. */
bool hypervisor_is_local(const struct hypervisor *hypervisor);
/* Where a Unix socket is to be opened whose path a domain's XML gives, which anybody may have
 * written: on a hypervisor of this machine that path itself, on one that is reached by SSH that of
 * a local socket which leads there. 0; -ENOTSUP if the hypervisor is elsewhere and reached in
 * another way, so that the path means nothing here; -EINVAL unless it is absolute, -ENAMETOOLONG
 * from 108 bytes on or if `size` is too small; -EHOSTUNREACH if a qemu+ssh:// URI could not be used
 * at all; -ENOSPC for the 1025th socket of one hypervisor. */
int hypervisor_reach_socket(struct hypervisor *hypervisor, const char *path, char *local,
                            size_t size);

/* The domains, in no order: NULL gives the first, the last gives NULL. */
struct virt_domain *hypervisor_next_domain(struct hypervisor *hypervisor,
                                           struct virt_domain *domain);

/* The one of that UUID; NULL if there is none. */
struct virt_domain *hypervisor_find_domain(struct hypervisor *hypervisor, const struct uuid *uuid);

/* True if libvirt lists a domain of that UUID, or did so when it was connected last, and does not
 * let us read it: its access control may not. Whether its guest runs is not known. */
bool hypervisor_hides(const struct hypervisor *hypervisor, const struct uuid *uuid);

struct host_domain *virt_domain_host(struct virt_domain *domain);
const char *virt_domain_name(const struct virt_domain *domain);
const struct uuid *virt_domain_uuid(const struct virt_domain *domain);
struct virt_domain *virt_domain_of_host(struct host_domain *host);
struct hypervisor *virt_domain_hypervisor(struct virt_domain *domain);
/* True if the domain's <metadata> has an element of urn:vbmc:1.0. */
bool virt_domain_is_tagged(const struct virt_domain *domain);
/* True for either end of a migration while QEMU holds the guest paused for it. */
bool virt_domain_is_migrating(const struct virt_domain *domain);
/* False for a transient domain that has ended: libvirt knows it no longer, and it can be started
 * from the XML that was kept. */
bool virt_domain_is_listed(const struct virt_domain *domain);
/* True if it runs since it was started there: it was not migrated to it or restored. */
bool virt_domain_has_booted(const struct virt_domain *domain);
/* True if its appearance, or the last change of its state, was seen as it happened; false if it was
 * found out when the hypervisor was connected (again). */
bool virt_domain_seen_live(const struct virt_domain *domain);
/* The driver's own record about a boot override, to be stored and given back after a restart; NULL
 * if there is none. `live`: what was done to the running guest; `stored`: what a persistent
 * override replaced in the definition. */
const char *virt_domain_boot_live(const struct virt_domain *domain);
const char *virt_domain_boot_stored(const struct virt_domain *domain);
int virt_domain_restore_boot_record(struct virt_domain *domain, const char *live,
                                    const char *stored);

/* For `vbmc define|undefine|dumpxml`. `done` runs once; `text` is an error's, or the XML. */
typedef void hypervisor_done_fn(void *context, int result, const char *text);
/* Looks at one domain now and tells of it as an event would; `done` runs after that. For callers
 * that cannot wait for the event of what they, or somebody else, have just done. */
void hypervisor_look_at(struct hypervisor *hypervisor, const struct uuid *uuid,
                        hypervisor_done_fn *done, void *context);
void hypervisor_look_for(struct hypervisor *hypervisor, const char *name, hypervisor_done_fn *done,
                         void *context);
void hypervisor_define(struct hypervisor *hypervisor, const char *xml, hypervisor_done_fn *done,
                       void *context);
/* Takes along what goes with the definition: saved state, libvirt's record of snapshots and
 * checkpoints, and, unless `keep_nvram`, the UEFI variables. `text` says on success what that was,
 * a line each; NULL if there was nothing. */
void hypervisor_undefine(struct virt_domain *domain, bool keep_nvram, hypervisor_done_fn *done,
                         void *context);
void hypervisor_dump_xml(struct virt_domain *domain, bool inactive, hypervisor_done_fn *done,
                         void *context);
/* Adds a serial port to the stored definition; `text` says on success from when on the guest has
 * it. -EEXIST: there is one; -ENOTSUP: the domain is transient. */
void hypervisor_add_serial(struct virt_domain *domain, hypervisor_done_fn *done, void *context);

#endif
