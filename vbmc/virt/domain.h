/* A domain as libvirt shows it; shared by the files that make up the libvirt driver. */
#ifndef VBMC_VIRT_DOMAIN_H
#define VBMC_VIRT_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "vbmc/host/host.h"
#include "vbmc/virt/stats.h"

struct host_metadata;

/* What a boot override did to a running guest. */
struct boot_live {
    enum host_boot_device device; /* HOST_BOOT_NONE: nothing was done */
    char *path;                   /* QOM path of the object whose property was set to 0 */
    char property[16];            /* "bootindex", or the floppy controller's "bootindexA" */
    int64_t original;             /* its value before; -1: none */
    bool used;                    /* a reset has been seen since */
    bool restored;                /* read from the store, by a daemon that was not there then */
    char *record;                 /* the above as JSON text, for the store */
};

/* A disk whose errors were reported; one that is not in the domain XML has no target. */
struct virt_io_error {
    char target[16];
    uint64_t reported_ms; /* loop time; 0: none */
};

#define VIRT_IO_ERRORS_MAX (HOST_DISKS_MAX + 1)

/* See incident.h. */
struct virt_incidents {
    enum host_stop_reason stop_reported; /* by an event, of a stop that has not been seen yet */
    bool panicked;                       /* since its start or reset */
    bool asked_why_paused;               /* in this pause */
    struct virt_io_error *io_errors;     /* VIRT_IO_ERRORS_MAX; NULL: none yet */
};

struct virt_domain {
    struct host_domain host;
    struct hypervisor *hypervisor;
    struct virt_domain *next, **link; /* what points to it: of its hypervisor, or of `next` */
    int id;
    bool persistent;
    bool booted;    /* see struct virt_facts */
    bool starting;  /* the same; its start is reported when that is over */
    bool seen_live; /* the last change was seen live, not discovered after a reconnect */
    bool listed;    /* in the list that is being taken over */
    struct host_metadata *metadata;  /* the same */
    bool undefined;                  /* undefined: it disappears when it stops */
    char *transient_xml;             /* see struct virt_facts */
    struct host_hardware *hardware;  /* what host.hardware points to */
    uint32_t starts;                 /* how many were seen; 1 if it was running when it appeared */
    struct virt_stats stats;         /* behind host.sample: libvirt's own counters */
    bool had_qemu;                   /* in its last state that was known */
    bool was_on;                     /* and its start was reported, its end not yet */
    bool has_run;                    /* it did more than wait for a guest to be moved to it */
    bool resume_owed;                /* started paused by us, and not yet seen running */
    enum host_stop_reason stop_seen; /* by the look that is being taken over */
    struct virt_incidents incidents;
    bool vanished;                /* freed when its last operation ends */
    struct operation *operations; /* the first one runs */
    struct serial_break *breaks;  /* sent beside the operations, not yet answered */
    struct monitor *monitor;
    struct virt_console *console;       /* NULL: not in use */
    struct host_boot_override override; /* what is asked for; device NONE: nothing */
    struct boot_live boot_live;
    char *boot_stored;       /* see virt_domain_boot_stored */
    uv_timer_t *reset_burst; /* see reset.c; as in rare_timer.h */
    uv_timer_t *settle;      /* runs while a burst of resets may go on; as in rare_timer.h */
};

/* Reports an event of the domain, unless it is gone or its hypervisor stops. */
void virt_domain_emit(struct virt_domain *domain, enum host_event event);
/* 0 if the guest is on; else -EINVAL (off) or -EHOSTUNREACH, with the reason in `text`. */
int virt_domain_check_on(const struct host_domain *host, const char **text);

#endif
