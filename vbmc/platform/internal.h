/* What the files of the platform share. */
#ifndef VBMC_PLATFORM_INTERNAL_H
#define VBMC_PLATFORM_INTERNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/base/rate.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/host/host.h"
#include "vbmc/physics/faults.h"
#include "vbmc/physics/model.h"
#include "vbmc/physics/server.h"
#include "vbmc/physics/supply.h"

struct platform {
    struct bmc *bmc;
    const struct facility *facility;
    const struct server_settings *settings; /* shared */
    struct model model;
    struct supply_state supply;
    const struct faults *faults; /* of faults.c */
    /* From the guest's samples. */
    struct host_sample last; /* taken_ns 0: none */
    struct platform_load {
        bool known;
        double cpu[MODEL_SOCKETS_MAX]; /* 0..1 */
        double cpu_all;
        double memory; /* 0..1; negative: not known */
        double io;
        double requests_per_s, disk_bytes_per_s, nic_bytes_per_s;
    } load;
    uint64_t load_at_ms;
    uint64_t load_valid_ms; /* from then on */
    bool load_stands;       /* the guest's sample does: it does not age before that has ended */
    /* The run of things. */
    uint64_t stepped_ms; /* 0: not yet */
    bool is_at_rest;
    /* Found running, its temperatures are those of a server that has been on for long: with the
     * figures that are known first. */
    bool has_begun;
    bool has_begun_load;  /* with figures, or it has been started since */
    bool states_are_old;  /* something may have happened to what discrete sensors show */
    uint64_t states_seen; /* the rest of that, as it was when they were shown last */
    void (*awake)(void *context);
    void *awake_context;
    bool looked; /* at the guest's state, at least once */
    bool was_on; /* when its state was last known */
    /* Why it has been without enough supply since the guest was last on (enum power_event); 0: it
     * has not. */
    unsigned dark_cause;
    unsigned restarts; /* tried since it is dark and has supply again */
    struct {
        bool any;
        enum host_power_action action;
        uint64_t at_ms;
    } acted;             /* the platform itself, since the guest was last started or stopped */
    bool panicked;       /* the guest's kernel, in this run */
    bool internal_error; /* QEMU has stopped it */
    bool tripped;        /* shut itself down for its temperature, until it is started again */
    bool boot_told;      /* this start's end of booting is in the log */
    /* Targets on which requests failed in this run: HOST_DISKS_MAX; NULL: none did yet. */
    char (*failed_disks)[16];
    struct rate logins; /* that failed, of their records */
    uint32_t
        lost_links; /* bit N: the NIC of sensor SENSOR_NIC + N has lost its link, not regained */
    struct platform_quota {
        unsigned permille; /* of the guest's CPU time, as it was set; 0: not limited */
        bool unsure;       /* whether that is so: an earlier run of the daemon may have set one */
        bool busy;         /* a request is under way ... */
        unsigned asked;    /* ... for this */
        bool is_void;      /* ... and was for a run of the guest that is over */
        bool told;         /* that it failed */
        uint64_t retry_ms;
        uint64_t decided_ms;
        uint64_t load_at_ms; /* what was looked at then */
    } quota;
    /* NICs whose links are down, or are to be, by injection in this run of the guest. */
    struct platform_links {
        struct platform_link {
            uint8_t mac[6];
            bool is_down;
            bool told; /* that it failed */
            uint64_t retry_ms;
        } * items; /* HOST_NICS_MAX; NULL: there was none yet */
        unsigned count;
        bool busy; /* a request is under way ... */
        uint8_t asked[6];
        bool asked_up;
        bool is_void; /* ... and was for a run of the guest that is over */
    } links;
};

/* rest.c: as platform_wake, where nothing but the load is another. */
void platform_wake_for_load(struct platform *platform);
/* Goes to rest if nothing is left to do and the last step has changed next to nothing. */
void platform_rest(struct platform *platform, const struct model_readings *before, double seconds);

/* faults.c: none at first. */
void platform_begin_faults(struct platform *platform);
void platform_end_faults(struct platform *platform);
/* To be changed; NULL if there is no memory. */
struct faults *platform_own_faults(struct platform *platform);

static inline bool platform_is_on(const struct platform *platform)
{
    return host_power_state_is_on(bmc_power_state(platform->bmc));
}

static inline bool platform_load_is_old(const struct platform *platform, uint64_t now_ms)
{
    return platform->load.known && !platform->load_stands &&
           now_ms - platform->load_at_ms > platform->load_valid_ms;
}

/* hardware.c: what is built in, as far as it is known. */
void platform_follow_hardware(struct platform *platform);

/* supply.c: what the PSUs deliver now; the chassis is told. */
void platform_evaluate_supply(struct platform *platform);
/* `cause` as dark_cause; the chassis is told. */
void platform_set_dark(struct platform *platform, unsigned cause);

/* load.c: takes the guest's newest sample. */
void platform_take_sample(struct platform *platform);
/* Nothing is known of the guest's doings any more. */
void platform_forget_samples(struct platform *platform);
/* The guest's last sample was the same up to its time of now, and stands no more. */
void platform_sample_stood(struct platform *platform);
/* Drops figures that are too old to be called present. */
void platform_age_load(struct platform *platform, uint64_t now_ms);

/* states.c: all states of discrete sensors, which follow from what is known now. */
void platform_show_states(struct platform *platform);
/* The same, if there may be others. */
void platform_renew_states(struct platform *platform);

/* links.c: sets the guest's links as the faults have it. */
void platform_follow_links(struct platform *platform);
bool platform_nic_is_injected_down(const struct platform *platform, unsigned index);
/* The guest has stopped, and its links with it. */
void platform_forget_links(struct platform *platform);
/* It is another guest now, or none; what was asked for is cancelled. */
void platform_doubt_links(struct platform *platform);

/* events.c: what the driver tells, and what becomes of power actions: struct bmc_listener. */
void platform_host_event(struct platform *platform, enum host_event event);
void platform_note_action(struct platform *platform, enum host_power_action action);
void platform_note_failure(struct platform *platform);
void platform_note_event(struct platform *platform, uint8_t number, uint8_t offset, uint8_t data2);

/* disks.c: requests of the guest have failed on the disk. True if that is new. */
bool platform_fail_disk(struct platform *platform, const char *target);
/* A disk that was taken out has taken its failure along. */
void platform_forget_missing_disks(struct platform *platform);
/* The guest is started or reset. */
void platform_forget_disk_failures(struct platform *platform);
bool platform_disk_has_failed(const struct platform *platform, const char *target);

/* power.c: what follows from too little supply, too much heat and a power limit. */
/* Before anything changes in the facility: what the guest's state says of the time before. */
void platform_look_first(struct platform *platform);
void platform_guard_power(struct platform *platform);
void platform_limit_power(struct platform *platform);
/* Whether the three would do nothing, however often. */
bool platform_has_quiet_power(const struct platform *platform);
/* The guest has stopped, and its CPU quota is gone with it. */
void platform_forget_quota(struct platform *platform);
/* It is another guest now, or none; what was asked for is cancelled. */
void platform_doubt_quota(struct platform *platform);

#endif
