/* What the files of the fleet share. */
#ifndef VBMC_FLEET_INTERNAL_H
#define VBMC_FLEET_INTERNAL_H

#include "vbmc/base/inbox.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/store/placement.h"

/* A hypervisor of the configuration, or one that an added BMC names by its URI. */
struct link {
    struct link *next;
    struct hypervisor *hypervisor;
    struct placement_hypervisor *place; /* the same for the placement of guests */
    bool configured;
    bool was_up;    /* at least once */
    bool restores;  /* power came back: its guests' restore policies are carried out */
    size_t waiting; /* BMCs that were reported as busy until it is connected */
    unsigned holds; /* additions that look there for their domain */
    bool unused;    /* goes at the next reaping */
};

/* An addition that waits for its hypervisor's first answer. */
struct waiting_addition {
    struct waiting_addition *next;
    struct fleet *fleet;
    struct hypervisor *hypervisor;  /* the one that is looked at */
    bool looked;                    /* it was asked itself, beside what it has told of */
    struct fleet_addition addition; /* strings owned */
    fleet_done_fn *done;
    void *context;
};

struct change; /* changes.c */

struct fleet {
    uv_loop_t *loop;
    struct config *config;
    char *state_dir;
    struct openstack *openstack; /* what has not been taken over yet; its BMCs wait for domains */
    struct inbox *inbox;
    struct instance_shared shared;
    struct ipmi_sink sink;
    struct link *links;
    struct placement_map map;
    struct virt_domain *arrived; /* by the state that is just being told of; see fleet_see_copy */
    struct bmcset set;
    uint32_t last_number;
    struct uuid *deleted; /* domains that discovery leaves alone */
    size_t deleted_count;
    struct udp_socket *socket;   /* of all BMCs, with one address per BMC; NULL: not yet */
    char socket_error[200];      /* why not */
    struct instance **by_offset; /* of those on `socket`: ADDRESSES_MAX pointers, or NULL */
    struct bmcset outside;       /* and those of them outside of the prefix */
    uv_timer_t listen_again;
    uv_timer_t farewell; /* then lost BMCs go, which had sessions */
    bool loading;        /* places are found when all are there */
    struct waiting_addition *waiting;
    struct change *changes; /* asked for and not answered yet, in their order */
    uv_timer_t reaper;
    uv_timer_t hours;
    uv_timer_t restore;
    void (*changed)(void *context); /* see fleet_watch */
    void *changed_context;
    struct facility facility;
    uv_timer_t room; /* steps it, and all servers in it */
    uint64_t stepped_ms;
    unsigned steps;
    unsigned newest_room_save; /* number of the one begun last */
    bool stopping;
    struct fleet **owner; /* who stops it and wants to know when it is gone, or NULL */
    unsigned ending;      /* hypervisors whose threads have not ended yet */
    uint64_t started_ms;
    bool power_returned; /* this machine has booted since the daemon last ran */
};

/* fleet.c: a store_done_fn for what nobody waits for: failures go to the log. */
void fleet_report_store(void *context, int result);

/* fleet.c: tells the watcher. */
void fleet_tell_changed(struct fleet *fleet);

/* listen.c: finds the BMC's place and listens there; what fails is logged, kept as the
 * BMC's error, and tried again every two seconds. Nothing while BMCs are loaded. */
void fleet_start_listening(struct fleet *fleet, struct instance *instance);
void fleet_stop_listening(struct fleet *fleet, struct instance *instance);
/* Only finds its place, which an inactive BMC has as well. */
void fleet_find_place(struct fleet *fleet, struct instance *instance);
/* Finds the places of all, moves those that are elsewhere now, and lets those listen that are to.
 */
void fleet_review_listening(struct fleet *fleet);
/* Closes the socket that BMCs share unless `next` needs the same one; NULL: in any case. */
void fleet_close_shared_socket(struct fleet *fleet, const struct config_bmc *next);

/* discovery.c: the callbacks of hypervisors. */
extern const struct hypervisor_callbacks fleet_hypervisor_callbacks;
/* Nothing of this domain is kept. */
void fleet_forget_domain(struct fleet *fleet, const struct uuid *uuid);
bool fleet_is_deleted(const struct fleet *fleet, const struct uuid *uuid);
void fleet_mark_deleted(struct fleet *fleet, const struct uuid *uuid);
void fleet_unmark_deleted(struct fleet *fleet, const struct uuid *uuid);
/* Makes a BMC from what is stored, and starts it if the record says so. NULL if there is no memory.
 */
struct instance *fleet_make_instance(struct fleet *fleet, const struct store_bmc *record,
                                     const struct store_chassis *chassis,
                                     const struct store_boot *boot);
/* The same for a BMC that may exist already: it then keeps its chassis and boot options. */
struct instance *fleet_adopt_record(struct fleet *fleet, struct instance *instance,
                                    const struct store_bmc *record);
void fleet_drop_instance(struct fleet *fleet, struct instance *instance);
/* The BMC is called as its domain is now. */
void fleet_follow_name(struct fleet *fleet, struct instance *instance);
/* Removes a discovered BMC that the rule "tagged" no longer gives to its domain; true if it did. */
bool fleet_drop_untagged(struct fleet *fleet, struct instance *instance,
                         const struct virt_domain *domain);
/* Makes a BMC for a domain that has none, if the rules give it one. */
void fleet_discover(struct fleet *fleet, struct virt_domain *domain);

/* placement.c: takes over which hypervisors are declared dead. 0, or a negative error. */
int fleet_load_dead_hypervisors(struct fleet *fleet);
/* Takes over a stored row of a BMC that was just made. */
void fleet_restore_placement(struct fleet *fleet, struct instance *instance,
                             const struct store_placement *row);
/* Stores where the guest is, if that has changed. */
void fleet_save_placement(struct fleet *fleet, struct instance *instance);
/* Gives the BMC the domain that counts, or takes it where none does. */
void fleet_follow_placement(struct fleet *fleet, struct instance *instance);
/* All of them. */
void fleet_follow_placements(struct fleet *fleet);
/* One of the guest's domains has appeared, or changed its state. */
void fleet_see_copy(struct fleet *fleet, struct instance *instance, struct virt_domain *domain);
/* That hypervisor has begun or ceased to hide one of its domains. */
void fleet_see_hidden(struct fleet *fleet, struct instance *instance,
                      struct hypervisor *hypervisor);
/* Looks for the domains of a BMC that has just been made, or may have another hypervisor now. */
void fleet_see_copies(struct fleet *fleet, struct instance *instance);
/* One of its domains is gone. */
void fleet_lose_copy(struct fleet *fleet, struct instance *instance, struct virt_domain *domain);
/* The link's connection has come up (all its domains have been seen) or is not there. */
void fleet_place_connection(struct fleet *fleet, struct link *link);
/* The link is about to go, for good as far as anybody knows. */
void fleet_place_removal(struct fleet *fleet, struct link *link);

/* links.c: the link of that hypervisor; NULL if it has none any more. */
struct link *fleet_link_of(const struct fleet *fleet, const struct hypervisor *hypervisor);
/* The link to the hypervisor of that URI, connecting if it is new. NULL if there
 * is no memory. */
struct link *fleet_add_link(struct fleet *fleet, const struct hypervisor_settings *settings,
                            bool configured);
/* The domain of that UUID on the hypervisor with that URI (NULL: on any); NULL if there is none. */
struct virt_domain *fleet_find_uuid(const struct fleet *fleet, const struct uuid *uuid,
                                    const char *uri);
/* True if a domain of that UUID is there or may be: a hypervisor does not let it be read. */
bool fleet_has_uuid(const struct fleet *fleet, const struct uuid *uuid, const char *uri);
/* An addition begins (1) or ends (-1) to look for its domain there. */
void fleet_hold_link(struct fleet *fleet, const struct hypervisor *hypervisor, int change);
/* Stops, on a later turn of the loop, what neither the configuration nor a BMC nor an addition
 * needs, when the operations of its guests have ended. */
void fleet_release_links(struct fleet *fleet);

/* Stops a link's hypervisor, without waiting, and frees the link. */
void fleet_stop_link(struct fleet *fleet, struct link *link);
/* fleet.c: goes on with stopping when no hypervisor is left. */
void fleet_finish_stopping(struct fleet *fleet);

/* restore.c: finds out, at the start, whether this machine has booted since the last run.
 */
void fleet_note_boot(struct fleet *fleet);
/* Whether BMCs that are loaded now wait for their restore policy. */
bool fleet_power_is_back(const struct fleet *fleet);
/* A link's hypervisor is connected for the first time. */
void fleet_note_connected(const struct fleet *fleet, struct link *link);
/* Carries out the BMC's restore policy, if it waits and the guest's state is known by now. */
void fleet_restore_power(struct fleet *fleet, struct instance *instance);

/* load.c: brings up the BMCs of earlier runs that are not there yet; they answer before
 * their hypervisors are connected. 0, or a negative error with its text. */
int fleet_load_bmcs(struct fleet *fleet, char *error, size_t size);
/* Whether the configuration lets the BMC of that record be. */
bool fleet_wants_record(const struct fleet *fleet, const struct store_bmc *record);

/* room.c: makes the room as it is configured, with its timer not yet running. */
void fleet_begin_room(struct fleet *fleet);
/* Takes over what is stored of it. 0, or a negative error with its text. */
int fleet_load_room(struct fleet *fleet, char *error, size_t size);
void fleet_run_room(struct fleet *fleet);
void fleet_stop_room(struct fleet *fleet);
/* Follows the configuration. */
void fleet_configure_room(struct fleet *fleet);

/* sections.c: logs all that fleet_doubt_section finds. */
void fleet_log_sections(const struct fleet *fleet);

/* additions.c: ends the additions that waited for this hypervisor. */
void fleet_finish_waiting(struct fleet *fleet, struct hypervisor *hypervisor);
/* The daemon stops: ends them all. */
void fleet_end_waiting(struct fleet *fleet);

/* changes.c: stores the record (which is copied) of a BMC that somebody asked for, then
 * makes it, or makes it of a discovered one. -EEXIST where there is one by somebody's word. */
void fleet_add_record(struct fleet *fleet, const struct store_bmc *record, fleet_done_fn *done,
                      void *context);

#endif
