/* What the files of the platform share. */
#ifndef VBMC_BMC_PLATFORM_INTERNAL_H
#define VBMC_BMC_PLATFORM_INTERNAL_H

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/platform.h"
#include "vbmc/bmc/sensors.h"

struct platform {
    struct bmc *bmc;
    const struct facility *facility;
    struct platform_settings settings;
    struct model model;
    struct supply_state supply;
    struct faults faults;
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
    /* The run of things. */
    uint64_t stepped_ms; /* 0: not yet */
    bool looked;         /* at the guest's state, at least once */
    bool dark;           /* without enough supply since the guest was last on */
    bool panicked;       /* the guest's kernel, in this run */
    bool internal_error; /* QEMU has stopped it */
    bool tripped;        /* shut itself down for its temperature, until it is started again */
    bool boot_told;      /* this start's end of booting is in the log */
    char failed_disks[HOST_DISKS_MAX][16]; /* targets on which requests failed in this run */
    uint64_t reset_ms;                     /* last reset or start that was logged */
    uint64_t logins_since_ms;              /* failed log-ins are counted since */
    unsigned logins;
    unsigned quota_permille; /* of the guest's CPU; 0: not limited */
    uint64_t quota_ms;
};

/* platform.c */
void platform_follow_hardware(struct platform *platform);

/* platform_load.c: takes the guest's newest sample. */
void platform_take_sample(struct platform *platform);
/* Nothing is known of the guest's doings any more. */
void platform_forget_samples(struct platform *platform);
/* Drops figures that are too old to be called present. */
void platform_age_load(struct platform *platform, uint64_t now_ms);

/* platform_states.c: all states of discrete sensors, which follow from what is known now. */
void platform_show_states(struct platform *platform);
/* Sets the guest's links as the faults have it. */
void platform_apply_links(struct platform *platform);

/* platform_events.c: requests have failed on the disk since the guest was started or reset. */
bool platform_disk_has_failed(const struct platform *platform, const char *target);

/* platform_power.c: what follows from too little supply, too much heat and a power limit. */
void platform_guard_power(struct platform *platform);
void platform_limit_power(struct platform *platform);

#endif
