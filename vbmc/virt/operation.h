/* An operation on a domain is a list of steps; each step starts something (a job of the worker, a
 * QMP command, a pause) and the next one runs when that has succeeded. The operations of a domain
 * run one after the other. */
#ifndef VBMC_VIRT_OPERATION_H
#define VBMC_VIRT_OPERATION_H

#include <stdbool.h>
#include <stdint.h>

#include <libvirt/libvirt.h>
#include <uv.h>

#include "vbmc/host/host.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/worker.h"

struct operation;
struct virt_domain;

/* Ends with exactly one of operation_next, operation_finish, operation_work, operation_pause, or
 * something asynchronous that comes to one of these. */
typedef void operation_step(struct operation *operation);
/* An action thread: 0, or a negative error with its text in operation->text. */
typedef int operation_work_fn(struct operation *operation, virConnectPtr connection,
                              virDomainPtr libvirt_domain);

struct operation {
    struct operation *next;
    struct virt_domain *domain;
    operation_step *const *steps;    /* the one that runs; a list ends with NULL */
    operation_step *const *on_error; /* runs once instead of ending with an error; NULL: none */
    host_done_fn *done;              /* NULL: no caller */
    void *context;
    int result;
    char text[WORKER_TEXT_SIZE];
    struct worker_job job;
    operation_work_fn *work;
    struct virt_facts facts; /* as looked at after each action */
    int looked;              /* 0, or why there are no facts */
    uv_timer_t timer;
    /* Parameters and results of steps. */
    unsigned cycle_interval_s;
    enum host_power_action action;
    bool abandoned;      /* its caller is gone: it starts no guest any more */
    bool seen_off;       /* when its turn came, before the guest was started */
    bool in_interval;    /* of a power cycle: operation_pause between its two steps */
    bool destroyed;      /* this has ended the guest, which may have ended its domain */
    bool acting;         /* an action thread runs it, and a look follows */
    bool started_paused; /* a start that waits for its boot override */
    bool has_run;        /* ... and has run before, as one from a managed save: never to be reset */
    bool used_boot_menu;
    enum host_boot_device kernel_gives_way_to; /* at a start: it would come before the device */
    struct host_boot_override override;
    char *xml;                     /* scratch, freed with the operation, as `undo` */
    char *undo;                    /* what an edit of the definition replaced */
    char *chardev;                 /* QEMU's name of the serial port for a break, the same */
    operation_step *const *resume; /* where a step that consists of steps goes on */
};

/* How operations report to their domain. A table of the hypervisor, since these functions queue
 * operations themselves. */
struct operation_outcomes {
    /* The domain as read after an action: virt_domain_apply_facts. */
    void (*taken)(struct virt_domain *domain, struct virt_facts *facts, bool live);
    /* libvirt no longer knows it: virt_domain_lost. */
    void (*lost)(struct virt_domain *domain, enum host_stop_reason reason);
    /* Its last operation has ended: virt_domain_release. */
    void (*released)(struct virt_domain *domain);
};

/* Queues an operation; it starts when those before it have ended, never from within this call, so
 * that its parameters can still be set. NULL if there is no memory: `done` has then run. */
struct operation *operation_queue(struct virt_domain *domain, operation_step *const *steps,
                                  host_done_fn *done, void *context);
void operation_next(struct operation *operation);
void operation_finish(struct operation *operation, int result, const char *text);
/* Runs `work` on an action thread with the domain looked up, then takes over the domain's facts and
 * goes on with the next step or ends with the error. */
void operation_work(struct operation *operation, operation_work_fn *work);
void operation_pause(struct operation *operation, uint64_t ms);
/* The connection is lost, or nobody waits for the power cycle any more: ends its interval. It then
 * starts nothing, also when the connection is back, and a caller gets an answer. */
void operation_end_interval(struct virt_domain *domain);
/* No callback with this context runs any more, and no guest is started that libvirt was not asked
 * to start yet. */
void operation_cancel(struct virt_domain *domain, const void *context);
/* No callback with this context runs any more; the operations go on. */
void operation_detach(struct virt_domain *domain, const void *context);

#endif
