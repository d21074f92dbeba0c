/* One BMC with its layers wired together: socket, sessions, commands, model, guest, storage. */
#ifndef VBMC_INSTANCE_INSTANCE_H
#define VBMC_INSTANCE_INSTANCE_H

#include <stdbool.h>

#include <uv.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/config/config.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/ipmi/dispatch.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/udp.h"
#include "vbmc/host/placement.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/boot.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/owed.h"
#include "vbmc/store/sol.h"
#include "vbmc/store/store.h"

struct instance;
struct console;

/* What all BMCs of a process share; outlives them. */
struct instance_shared {
    uv_loop_t *loop;
    struct store *store;
    struct limiter *limiter;
    struct login_log *login_log;
    const struct ipmi_sink *sink;
    const char *state_dir;
    const struct facility *facility;
};

/* A BMC without socket and guest, made from what is stored (`chassis` and `boot` may be NULL). The
 * record is copied. NULL if there is no memory or no random. */
struct instance *instance_new(const struct instance_shared *shared, uint32_t number,
                              const struct store_bmc *record, const struct store_chassis *chassis,
                              const struct store_boot *boot);
/* A power action that is owed; those of one BMC in order, before it has a guest. */
void instance_restore_owed(struct instance *instance, const struct store_owed *owed);
/* The SOL configuration as it is stored; without it the defaults hold. */
void instance_restore_sol(struct instance *instance, const struct store_sol *sol);
/* Takes over what the store has under `name` (vbmc/state/document.h). */
void instance_restore_document(struct instance *instance, const char *name, const char *text);
/* Closes everything; memory goes when the loop has turned. */
void instance_free(struct instance *instance);

/* Replaces users, channel and time-out; sessions that are no longer valid end. A record with a user
 * of its own (`vbmc add --username`) has that one alone. */
void instance_configure(struct instance *instance, const struct config *config);

/* Where the BMC is to listen from the next time on. */
void instance_set_address(struct instance *instance, const union endpoint_address *address);
/* Opens the BMC's own socket at its address. 0, or a negative error (udp_socket_open). */
int instance_listen(struct instance *instance);
/* Serves the BMC on a socket that others share; its owner passes datagrams on. */
void instance_listen_shared(struct instance *instance, struct udp_socket *socket);
/* Remembers for instance_error why it does not listen, and logs it unless that was known. */
#define INSTANCE_ERROR_SIZE 200
void instance_note_error(struct instance *instance, const char *text);
void instance_stop_listening(struct instance *instance);
bool instance_is_listening(const struct instance *instance);
/* Where it listens, or is to listen; of no family as long as there is no place for it. */
const union endpoint_address *instance_address(const struct instance *instance);
/* Why it does not listen although it is to; "" if it does. */
const char *instance_error(const struct instance *instance);
void instance_receive(struct instance *instance, const struct endpoint *from, const uint8_t *bytes,
                      size_t length);

/* Gives or takes (NULL) the domain. */
void instance_set_domain(struct instance *instance, struct virt_domain *domain);
/* Another hypervisor's copy of the domain has appeared or changed its state; it may be what the
 * guest is moving to. */
void instance_expect(struct instance *instance, struct virt_domain *copy);
/* That copy is about to be freed. */
void instance_lose_copy(struct instance *instance, const struct virt_domain *copy);
/* A hypervisor is about to go with all its domains. */
void instance_lose_hypervisor(struct instance *instance, const struct hypervisor *hypervisor);
struct virt_domain *instance_domain(const struct instance *instance);

/* The driver's events, in the order they happened. */
void instance_host_event(struct instance *instance, enum host_event event);
/* Lets the time since the last call pass in its server. About once a second. */
void instance_step(struct instance *instance);
/* The daemon has started, and this BMC is one that was stored. */
void instance_note_restart(struct instance *instance);

/* Where its guest is; who changes it calls instance_note_placement. */
struct placement *instance_placement(struct instance *instance);
/* Stores where its guest is if that has changed. What cannot be stored counts as changed again. */
void instance_note_placement(struct instance *instance);
struct bmc *instance_bmc(struct instance *instance);
struct console *instance_console(struct instance *instance);
/* The record as it is to be stored; the caller may change it and calls instance_record_changed. Its
 * strings belong to the record (malloc). */
struct store_bmc *instance_record(struct instance *instance);
/* 0 or -ENOMEM. */
int instance_replace_record(struct instance *instance, const struct store_bmc *record);
/* `done` (NULL: nobody waits) is called when the change is on disk, or with the error for which it
 * is not; then nothing is taken back. */
void instance_record_changed(struct instance *instance, store_done_fn done, void *context);

/* One IPMI session of the LAN. */
struct instance_session {
    const char *user; /* borrowed for the call's turn of the loop */
    enum privilege privilege;
    union endpoint_address remote;
    bool has_sol;
    uint64_t began_ms; /* as uv_hrtime has it: log-in, and the latest packet */
    uint64_t heard_ms;
};
/* The n-th, from 1; false: there are fewer. */
bool instance_session(struct instance *instance, unsigned n, struct instance_session *session);

/* Carries a late answer to the session that waits for it. */
void instance_reply(struct instance *instance, const struct ipmi_token *token,
                    const struct ipmi_response *response);

#endif
