/* A guest, and the calls to the driver of its hypervisor. The model (vbmc/bmc) knows guests only by
 * this header; the libvirt driver (vbmc/virt) and the fake of the tests implement struct host_ops.
 * Everything runs on the loop thread; nothing blocks. */
#ifndef VBMC_HOST_HOST_H
#define VBMC_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/uuid.h"

enum host_power_state {
    HOST_POWER_UNKNOWN, /* the hypervisor cannot be reached */
    HOST_POWER_OFF,
    HOST_POWER_RUNNING,
    HOST_POWER_PAUSED,
    HOST_POWER_SUSPENDED, /* suspended to RAM by the guest ("pmsuspended") */
    HOST_POWER_CRASHED,   /* QEMU exists, the guest in it has panicked */
};

/* The numbers are those of Chassis Control (IPMI 2.0, section 28.3). */
enum host_power_action {
    HOST_POWER_ACTION_DOWN = 0,
    HOST_POWER_ACTION_UP = 1,
    HOST_POWER_ACTION_CYCLE = 2,
    HOST_POWER_ACTION_HARD_RESET = 3,
    HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT = 4,
    HOST_POWER_ACTION_SOFT_SHUTDOWN = 5,
};

enum host_boot_device {
    HOST_BOOT_NONE,
    HOST_BOOT_NETWORK,
    HOST_BOOT_DISK,
    HOST_BOOT_CDROM,
    HOST_BOOT_REMOVABLE,
    HOST_BOOT_FIRMWARE_MENU,
};

/* True for a device of the guest: not for none and the firmware menu. */
static inline bool host_boot_device_is_hardware(enum host_boot_device device)
{
    return device != HOST_BOOT_NONE && device != HOST_BOOT_FIRMWARE_MENU;
}

struct host_boot_override {
    enum host_boot_device device;
    bool persistent; /* edits the stored definition too */
};

/* Result of an operation: 0, or -EHOSTUNREACH (no connection to the hypervisor), -ENODEV (the
 * domain is gone), -EINVAL (not possible in the guest's present state), -EBUSY (it is being
 * migrated), -ENOTSUP, -ENOMEM, -EIO (refused; `text` says why). */
typedef void host_done_fn(void *context, int result, const char *text);

/* Why QEMU is gone, as far as the hypervisor knows. */
enum host_stop_reason {
    HOST_STOP_UNKNOWN,
    HOST_STOP_SHUTDOWN,  /* the guest shut itself down, asked or not */
    HOST_STOP_DESTROYED, /* destroyed from outside */
    HOST_STOP_CRASHED,   /* the guest panicked, and <on_crash> destroyed it */
    HOST_STOP_FAILED,    /* QEMU died, or did not come up */
    HOST_STOP_SAVED,     /* saved to disk by the hypervisor */
    HOST_STOP_MOVED,     /* migrated away: it runs elsewhere now */
};

/* True if the guest is known to have ended: it neither runs elsewhere nor can go on. */
static inline bool host_stop_is_end(enum host_stop_reason reason)
{
    return reason == HOST_STOP_SHUTDOWN || reason == HOST_STOP_DESTROYED ||
           reason == HOST_STOP_CRASHED || reason == HOST_STOP_FAILED;
}

/* ---- hardware and load ---- */

#define HOST_SOCKETS_MAX 8
#define HOST_DISKS_MAX   64
#define HOST_NICS_MAX    32
#define HOST_DIMMS_MAX   16
#define HOST_TEXT_SIZE   64 /* longer texts are cut */

struct host_disk {
    char target[16]; /* "vda" */
    char alias[32];  /* libvirt's, "virtio-disk0"; "" in a guest that is off */
    char serial[HOST_TEXT_SIZE];
    bool is_removable;                 /* cdrom or floppy */
    enum host_boot_device boot_device; /* as which of these it is booted from */
};

struct host_nic {
    uint8_t mac[6];
    char alias[32]; /* "net0"; "" in a guest that is off */
    bool link_down; /* <link state='down'/> */
};

/* Texts of <sysinfo type='smbios'>; "" where none is given. */
struct host_smbios {
    char system_manufacturer[HOST_TEXT_SIZE];
    char system_product[HOST_TEXT_SIZE];
    char system_version[HOST_TEXT_SIZE];
    char system_serial[HOST_TEXT_SIZE];
    char system_sku[HOST_TEXT_SIZE];
    char board_manufacturer[HOST_TEXT_SIZE];
    char board_product[HOST_TEXT_SIZE];
    char board_version[HOST_TEXT_SIZE];
    char board_serial[HOST_TEXT_SIZE];
    char chassis_manufacturer[HOST_TEXT_SIZE];
    char chassis_version[HOST_TEXT_SIZE];
    char chassis_serial[HOST_TEXT_SIZE];
    char chassis_asset[HOST_TEXT_SIZE];
    char bios_vendor[HOST_TEXT_SIZE];
    char bios_version[HOST_TEXT_SIZE];
};

/* The guest's own interface to its BMC: QEMU's ipmi-bmc-extern. */
struct host_inband {
    bool is_there;
    bool has_owner;     /* `owner` is known: as long as the guest is on */
    uint32_t owner;     /* the user that QEMU runs as */
    char socket[108];   /* of the BMC, to which QEMU connects; "" if it is none of that kind */
    char front_end[16]; /* "kcs", "bt", "pci-kcs", "pci-bt", "smbus"; "": none */
};

/* From the domain's XML. All bytes that hold nothing are zero, so that two that are packed can be
 * compared by memcmp. What a driver keeps is packed (host_hardware_pack): NICs, and texts of
 * SMBIOS, are found by the functions below. */
struct host_hardware {
    unsigned sockets; /* 1..HOST_SOCKETS_MAX; 1 by default */
    unsigned vcpus;
    unsigned dimms; /* 1..HOST_DIMMS_MAX: one for each 16 GiB, as in QEMU's SMBIOS tables */
    uint64_t memory_kib;
    unsigned disk_count;
    unsigned nic_count;
    bool ends_at_reset;                    /* <on_reboot> is not "restart" */
    char machine[HOST_TEXT_SIZE];          /* "pc-q35-7.2" */
    char cpu_model[HOST_TEXT_SIZE];        /* "host-passthrough", "EPYC", ... */
    char emulator_version[HOST_TEXT_SIZE]; /* "QEMU 7.2.22"; "" if unknown */
    struct host_inband inband;
    bool is_packed;                         /* it ends with what there is ... */
    bool has_smbios;                        /* ... with these texts or without */
    struct host_disk disks[HOST_DISKS_MAX]; /* in document order */
    struct host_nic nics[HOST_NICS_MAX];
    struct host_smbios smbios;
};

/* A copy that holds what there is and no more; to be freed. NULL if there is no memory. */
struct host_hardware *host_hardware_pack(const struct host_hardware *hardware);
/* Bytes of one that is packed. */
size_t host_hardware_size(const struct host_hardware *packed);
/* Packed or not. */
const struct host_nic *host_hardware_nic(const struct host_hardware *hardware, unsigned index);
const struct host_smbios *host_hardware_smbios(const struct host_hardware *hardware);

/* Counters since the guest's start, taken together. Differences of two samples of the same start
 * (`run`) are what a guest did between them. */
struct host_sample {
    uint64_t taken_ns; /* monotonic clock */
    uint64_t run;      /* another number after each start of the guest */
    unsigned vcpus;
    uint64_t socket_ns[HOST_SOCKETS_MAX]; /* time of the vCPU threads, by socket */
    unsigned socket_vcpus[HOST_SOCKETS_MAX];
    uint64_t memory_kib; /* from the guest's balloon driver; 0: unknown */
    uint64_t memory_used_kib;
    uint64_t disk_requests; /* all disks: reads, writes, flushes */
    uint64_t disk_bytes;
    uint64_t disk_busy_ns; /* sum of the time requests took */
    uint64_t disk_count;
    uint64_t nic_bytes; /* both directions, all NICs */
};

/* ---- screenshots and memory dumps ---- */

#define HOST_PICTURE_MAX       (64 * 1024 * 1024)
#define HOST_PICTURE_MIME_SIZE 64

/* Of a guest's screen. */
struct host_picture {
    char mime[HOST_PICTURE_MIME_SIZE]; /* "image/png", "image/x-portable-pixmap" */
    uint8_t *bytes;
    size_t size; /* at most HOST_PICTURE_MAX */
};

/* `picture` is NULL on failure, else borrowed; a callback that takes its `bytes` over (to be freed)
 * sets them to NULL. `text` is NULL on success. Errors: the guest is off (-EINVAL), has no screen
 * (-ENOENT, with the XML that adds one), another picture of it is being taken (-EBUSY), -ENODEV,
 * -ENOTSUP, -EHOSTUNREACH, -EFBIG, -EIO or -ENOMEM. */
typedef void host_picture_fn(void *context, int result, struct host_picture *picture,
                             const char *text);

/* Progress of a memory dump, about once a second. */
typedef void host_progress_fn(void *context, uint64_t done_bytes, uint64_t total_bytes);

struct host_domain;

/* A driver's operations, called only by the functions below, which describe them. Those that a
 * driver does not support are NULL; power, set_boot and cancel are mandatory. */
struct host_ops {
    void (*power)(struct host_domain *domain, enum host_power_action action,
                  unsigned cycle_interval_s, host_done_fn *done, void *context);
    void (*set_boot)(struct host_domain *domain, const struct host_boot_override *override,
                     host_done_fn *done, void *context);
    void (*send_break)(struct host_domain *domain, const char *alias, host_done_fn *done,
                       void *context);
    void (*set_link)(struct host_domain *domain, const uint8_t mac[6], bool up, host_done_fn *done,
                     void *context);
    void (*set_cpu_quota)(struct host_domain *domain, unsigned permille, host_done_fn *done,
                          void *context);
    void (*screenshot)(struct host_domain *domain, host_picture_fn *done, void *context);
    void (*dump)(struct host_domain *domain, const char *path, host_progress_fn *progress,
                 host_done_fn *done, void *context);
    void (*cancel)(struct host_domain *domain, void *context);
    void (*detach)(struct host_domain *domain, void *context);
};

/* The part of a guest that every driver shares; a driver embeds it. */
struct host_domain {
    const struct host_ops *ops;
    struct uuid uuid;
    char *name;
    enum host_power_state state; /* cached and fed by events; reading it never waits */
    int64_t run;                 /* another number after each start; -1 while it is off */
    int64_t place;  /* whose number that is: the hypervisor, and the boot of this machine; not 0 */
    bool migrating; /* paused as the source or the target of a migration */
    bool booted;    /* its run is known to have begun with a boot: not restored, not migrated */
    enum host_stop_reason stop_reason;    /* why it is off; valid from HOST_EVENT_STOPPED on */
    const struct host_hardware *hardware; /* NULL until it is known */
    struct host_sample sample;            /* taken_ns 0: none yet */
    /* It is what the guest's counters say still, and no event says so again and again: taken_ns is
     * that of the second sample with the same counters. Over at HOST_EVENT_STOOD, or when the guest
     * is off or nothing is known of it. */
    bool sample_stands;
    char io_error_disk[16]; /* target; valid during HOST_EVENT_IO_ERROR */
    char boot_obstacle[96]; /* why the override cannot be applied; "": no reason known */
    void *owner; /* for whom the driver's events are, to find what it keeps of the guest; NULL */
};

/* True if QEMU exists: running, paused, suspended or crashed. */
static inline bool host_power_state_is_on(enum host_power_state state)
{
    return state != HOST_POWER_UNKNOWN && state != HOST_POWER_OFF;
}

/* What a driver reports of a guest. */
enum host_event {
    HOST_EVENT_STATE,         /* domain->state has changed */
    HOST_EVENT_STARTED,       /* QEMU was started, by any client */
    HOST_EVENT_STOPPED,       /* QEMU is gone, for whatever reason */
    HOST_EVENT_RESET,         /* the guest was reset, by any client or by itself */
    HOST_EVENT_BOOT_CONSUMED, /* a one-time override was used by a boot and removed */
    HOST_EVENT_BOOT_MISSED,   /* the guest booted without the requested override */
    HOST_EVENT_BOOT_CHANGED,  /* the driver's own boot record has to be stored */
    HOST_EVENT_RENAMED,
    HOST_EVENT_TAGGED,          /* the domain's metadata of ours is another */
    HOST_EVENT_HARDWARE,        /* domain->hardware is another */
    HOST_EVENT_SAMPLED,         /* domain->sample is new */
    HOST_EVENT_STOOD,           /* it was the same up to its taken_ns of now, and stands no more */
    HOST_EVENT_PANICKED,        /* the guest's kernel has panicked (pvpanic) */
    HOST_EVENT_INTERNAL_ERROR,  /* QEMU has stopped the guest: run state internal-error */
    HOST_EVENT_IO_ERROR,        /* a request failed on domain->io_error_disk */
    HOST_EVENT_AGENT_CONNECTED, /* the guest agent answers: its system has booted */
};

/* ---- calls: the only way to a driver ----
 *
 * `done` runs exactly once, possibly before the call returns, unless the call is cancelled; a
 * driver that answers twice ends the process. -ENOTSUP if the driver has no way to do it, -ENOMEM.
 * On failure its text is never NULL. */

/* "on", "off", "cycle", "reset", "diag" or "soft", as ipmitool and `vbmc power` name them. */
const char *host_power_action_name(enum host_power_action action);
/* "none", "network", "disk", "CD-ROM", ..., for people. */
const char *host_boot_device_name(enum host_boot_device device);

/* Starts a power action; cycle_interval_s is the time between down and up of a cycle. Actions of
 * one guest run one after the other in the order of the calls. */
void host_power(struct host_domain *domain, enum host_power_action action,
                unsigned cycle_interval_s, host_done_fn *done, void *context);
/* Replaces the boot override; HOST_BOOT_NONE removes it. Never starts, stops or resets a guest.
 * Ordered with the power actions. */
void host_set_boot(struct host_domain *domain, const struct host_boot_override *override,
                   host_done_fn *done, void *context);
/* Sends a break to the serial port of that alias ("serial0"); waits for power actions only if it
 * cannot be sent at once. -ENOTSUP also if the hypervisor cannot do it. */
void host_send_break(struct host_domain *domain, const char *alias, host_done_fn *done,
                     void *context);
/* Sets the link of the NIC of that MAC address, in the running guest only. Not ordered with the
 * power actions. */
void host_set_link(struct host_domain *domain, const uint8_t mac[6], bool up, host_done_fn *done,
                   void *context);
/* Limits the guest's CPU time to so many thousandths of that of all its vCPUs, or (0) removes the
 * limit; in the running guest only. Not ordered with the power actions. */
void host_set_cpu_quota(struct host_domain *domain, unsigned permille, host_done_fn *done,
                        void *context);
/* Whether the driver supports it. */
bool host_can_send_break(const struct host_domain *domain);
bool host_can_set_link(const struct host_domain *domain);
bool host_can_set_cpu_quota(const struct host_domain *domain);

/* No callback of the calls above with this context runs any more. What has begun goes on, with one
 * exception: a power action that has not yet asked the hypervisor to start the guest does not start
 * it any more, since the guest may be elsewhere by now. */
void host_cancel(struct host_domain *domain, void *context);
/* The same, but power actions go on to their end. 0, or -ENOTSUP with nothing done if the driver
 * cannot. */
int host_detach(struct host_domain *domain, void *context);

/* Takes a picture of the guest's first screen. `done` runs also when the domain vanishes or the
 * hypervisor stops meanwhile; it is not subject to cancel. */
void host_screenshot(struct host_domain *domain, host_picture_fn *done, void *context);

/* Writes the memory of a running guest, which stands still meanwhile, to `path` on the hypervisor's
 * machine: in makedumpfile's compressed format (flattened, for crash and makedumpfile -R), or as
 * ELF where QEMU cannot do that. The path has to pass host_dump_path_problem. On our own machine no
 * file may exist there, nor may the directory allow anyone to replace it; on another machine that
 * cannot be checked, and libvirt overwrites the file.
 *
 * Other operations of the guest do not wait for it; a power-off ends it. `done` runs also when the
 * domain vanishes; it is not subject to cancel; with success its text says what was written. -EBUSY
 * (one of the guest or too many of its hypervisor at once), -EINVAL (path, or the guest is off),
 * -EEXIST, and as for other operations. */
void host_dump(struct host_domain *domain, const char *path, host_progress_fn *progress,
               host_done_fn *done, void *context);

/* Why no dump can be written to that path on any machine; NULL if it is valid: absolute, of
 * printable characters, and not that of a directory. */
const char *host_dump_path_problem(const char *path);

#endif
