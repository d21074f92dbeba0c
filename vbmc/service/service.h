/* What may be asked of a BMC: by whom, at which privilege, and what of it the audit trail has. The
 * only way by which anything outside the model changes a BMC. A front end decodes a request, makes
 * one call and encodes its result; it reads the model itself.
 *
 * Results are 0 or a negative error, here and in the tickets:
 *
 *   -EINPROGRESS   accepted; the ticket is finished, or was already
 *   -EPERM         the caller's privilege level is too low
 *   -EACCES        it is about more than the one BMC that exists for the caller
 *   -EKEYREJECTED  the BMC has locked the caller's account out (accounts.h)
 *   -ENOSYS        the BMC has no such part
 *   -EDOM          a value that there is not
 *   -ERANGE        a value or an offset outside of its range
 *   -EMSGSIZE      too many or too few bytes
 *   -ENOPROTOOPT   there is no such parameter
 *   -EALREADY      somebody else is changing the parameters ("set in progress")
 *   -EBADF         the parameter is read-only
 *   -ENOENT        what is named is not there
 *   -ENOTCONN      the guest has no serial port that is open
 *   -EEXIST, -ENOTUNIQ  it is there already; it is there more than once
 *
 * and those of vbmc/host/host.h and of the store. service_explain says them to people, and
 * command_code_of_result (vbmc/ipmi/command.h) to IPMI. */
#ifndef VBMC_SERVICE_SERVICE_H
#define VBMC_SERVICE_SERVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/bmc/alerts.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/boot_parameters.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/dcmi.h"
#include "vbmc/bmc/lan.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/watchdog.h"
#include "vbmc/host/host.h"
#include "vbmc/host/metadata.h"
#include "vbmc/physics/faults.h"

struct caller;

enum service_operation {
    /* Rights alone: who asks does it after the call. */
    SERVICE_VIEW,       /* BMCs that the caller may know of */
    SERVICE_VIEW_FLEET, /* hypervisors, domains, the daemon */
    SERVICE_AUDIT,      /* to read the trail */
    SERVICE_CONSOLE,    /* to look at it */
    SERVICE_CONSOLE_WRITE,
    SERVICE_BREAK, /* to the serial port; the console has the way there */
    /* The guest. */
    SERVICE_SCREENSHOT,
    SERVICE_DUMP, /* of its memory; what was written is the ticket's text */
    /* Chassis and boot options. */
    SERVICE_POWER,
    SERVICE_IDENTIFY,
    SERVICE_FRONT_PANEL,
    SERVICE_RESTORE_POLICY,
    SERVICE_CYCLE_INTERVAL,
    SERVICE_BOOT_FLAGS,     /* parameter 5: which device */
    SERVICE_BOOT_PARAMETER, /* the others */
    /* The BMC itself. */
    SERVICE_RESTART,
    SERVICE_GLOBAL_ENABLES,
    SERVICE_MESSAGE_FLAGS, /* clear */
    SERVICE_MESSAGE_PUT,   /* these two: the Receive Message Queue */
    SERVICE_MESSAGE_TAKE,
    SERVICE_CHANNEL_RECEIVE, /* into the Receive Message Queue */
    SERVICE_EVENT_RECEIVER,  /* of the events of its own sensors: itself, or nobody */
    SERVICE_EVENT_BUFFER,    /* take the event; it goes to `event_taken` */
    SERVICE_ACPI_STATE,
    SERVICE_SYSTEM_INFO,
    /* Watchdog timer. */
    SERVICE_WATCHDOG_SET,
    SERVICE_WATCHDOG_RESET,
    /* Sensors. */
    SERVICE_SENSOR_SETTINGS,
    SERVICE_SENSOR_RESET, /* the settings of all */
    SERVICE_SENSOR_REARM,
    SERVICE_SENSOR_OVERRIDE,
    /* Event log. */
    SERVICE_SEL_ADD,        /* the id comes in the first two bytes of the ticket's data */
    SERVICE_PLATFORM_EVENT, /* the same, of an event message */
    SERVICE_SEL_DELETE,
    SERVICE_SEL_CLEAR,
    SERVICE_SEL_TIME,
    SERVICE_SEL_UTC_OFFSET,
    SERVICE_SEL_PROCESSED,
    /* Platform Event Filtering. */
    SERVICE_PEF_PARAMETER,
    SERVICE_PEF_POSTPONE,
    SERVICE_ALERT,             /* sends one */
    SERVICE_ALERT_FORGET,      /* its status */
    SERVICE_ALERT_ACKNOWLEDGE, /* by whoever has got one */
    /* Inventory and DCMI. */
    SERVICE_FRU_WRITE,
    SERVICE_ASSET_TAG,
    SERVICE_POWER_LIMIT,
    SERVICE_POWER_LIMIT_ACTIVE,
    SERVICE_THERMAL_LIMIT,
    SERVICE_IDENTIFIER,
    SERVICE_DHCP,
    /* Sessions of the LAN, and SOL. */
    SERVICE_SESSION_CLOSE,
    SERVICE_SOL_ACTIVATE,
    SERVICE_SOL_DEACTIVATE,
    SERVICE_SOL_ACCESS,
    SERVICE_SOL_PARAMETER,
    /* Channels and LAN. */
    SERVICE_CHANNEL_ACCESS,
    SERVICE_CHANNEL_KEY,
    SERVICE_LAN_PARAMETER,
    SERVICE_LAN_RESET,      /* to what it was before any client set it */
    SERVICE_LAN_STATISTICS, /* cleared */
    /* Accounts. */
    SERVICE_USERS_VIEW, /* a right alone */
    SERVICE_USER_CHANGE,
    SERVICE_USER_RESET,
    /* Faults. */
    SERVICE_INJECT,
    SERVICE_CLEAR_FAULTS, /* how many comes in the ticket's data, 4 bytes, least first */
    /* The fleet, its domains, and the daemon; they register their functions. */
    SERVICE_TAG,        /* in the domain's metadata */
    SERVICE_INBAND,     /* what is to be done then is the ticket's text, as of the next ones */
    SERVICE_ADD_SERIAL, /* what is to be done then is the ticket's text, as of the next two */
    SERVICE_DEFINE,
    SERVICE_UNDEFINE,
    SERVICE_RELOAD, /* the configuration; finished before the call returns */
    SERVICE_ADD,
    SERVICE_DELETE,
    SERVICE_START,
    SERVICE_STOP,
    SERVICE_FACILITY,
    SERVICE_DECLARE_DEAD,
    SERVICE_COUNT,
};

/* As host_picture_fn has the picture; the ticket is finished after that. */
typedef void service_picture_fn(void *context, struct host_picture *picture);

/* One member for each operation that needs any; strings and pointers are borrowed for the call,
 * except for contexts, which outlive the ticket. */
union service_arguments {
    struct {
        service_picture_fn *take;
        void *context;
    } screenshot;
    struct {
        const char *path; /* as host_dump has it */
        host_progress_fn *progress;
        void *context;
    } dump;
    struct {
        struct hypervisor *hypervisor; /* an embedded one */
        const char *xml;
    } define;
    struct {
        struct virt_domain *domain; /* of an embedded one */
        const char *name;
        bool keep_nvram;
    } undefine;
    enum host_power_action power;
    struct {
        uint8_t seconds; /* 0: off */
        bool indefinite;
    } identify;
    uint8_t front_panel_disabled; /* bits as in Set Front Panel Enables */
    enum power_restore_policy restore_policy;
    uint8_t cycle_interval_s;
    struct {
        uint8_t flags[BOOT_FLAGS_SIZE];
        bool invalid; /* the client marks them so */
        bool stays;   /* does not expire without a chassis control */
    } boot_flags;
    struct boot_parameter boot_parameter;
    bool restart_is_cold;
    uint8_t global_enables;
    uint8_t message_flags;
    bool channel_receive;
    bool no_event_receiver;
    struct {
        const uint8_t *bytes;
        size_t length;
    } message;
    struct messaging_message *message_taken; /* filled in */
    uint8_t *event_taken;                    /* MESSAGING_EVENT_SIZE bytes */
    struct {
        const uint8_t *system, *device; /* NULL: as before */
    } acpi_state;
    struct {
        uint8_t number;
        const uint8_t *data;
        size_t size;
    } system_info;
    struct {
        struct watchdog_settings settings;
        uint8_t clear_flags;
        bool keep_running;
    } watchdog;
    struct sensor_settings sensor_settings;
    struct {
        uint8_t number;
        uint16_t assertions, deassertions; /* masks */
    } sensor_rearm;
    struct {
        uint8_t number;
        uint16_t reading_or_states; /* as sensors_override has them */
        uint8_t data2, data3;
    } sensor_override;
    const uint8_t *sel_record; /* SEL_RECORD_SIZE bytes; also of an event message */
    uint16_t sel_id;           /* the record's own */
    uint32_t sel_time;
    int16_t sel_utc_offset_min;
    struct {
        bool by_bmc; /* else by software */
        uint16_t id;
    } sel_processed;
    struct pef_parameter pef_parameter;
    uint8_t pef_postpone_s; /* as pef_postpone has it */
    struct alert_order alert;
    struct alert_acknowledgement alert_acknowledgement;
    struct {
        uint8_t id;
        size_t offset;
        const uint8_t *bytes;
        size_t size;
    } fru_write;
    struct {
        const uint8_t *bytes;
        size_t length; /* as FRU and DCMI have it ... */
        bool is_text;  /* ... or UTF-8 with a zero at its end, and no length */
    } asset_tag;
    struct dcmi_power_limit power_limit;
    bool power_limit_active;
    struct dcmi_thermal_limit thermal_limit;
    struct {
        const char *bytes;
        size_t length;
    } identifier;
    struct dcmi_dhcp dhcp;
    struct {
        uint32_t session;
        int (*close)(void *context, uint32_t session); /* 0, or -ENOENT */
        void *context;
    } session_close;
    struct bmc_sol_activation *sol_activation; /* filled in */
    struct {
        uint8_t user_id;
        bool may;
    } sol_access;
    struct {
        uint8_t number;
        const uint8_t *data;
        size_t size;
    } sol_parameter;
    struct lan_access_change lan_access;
    const uint8_t *channel_key; /* CHANNEL_KG_SIZE bytes */
    struct {
        uint8_t number;
        const uint8_t *data;
        size_t size;
    } lan_parameter;
    struct {
        uint8_t id;
        unsigned parts; /* of `user`: 1 << enum user_part */
        const struct user *user;
    } user_change;
    struct {
        uint8_t id;
        unsigned parts;
    } user_reset;
    const struct fault *fault; /* its time is set to now */
    struct {
        const struct fault *like;    /* NULL: all */
        const enum fault_kind *kind; /* NULL: any */
    } clear_faults;
    struct {
        const struct host_tag *changes; /* a value of NULL removes the tag */
        size_t count;
    } tags;
    const struct service_addition *addition;
    struct {
        const char *item, *which, *state; /* item NULL: all is as it should be again */
    } facility;
    const char *hypervisor;       /* its name or URI */
    const char *inband_front_end; /* "kcs", "bt", "pci-kcs" or "pci-bt"; NULL: none */
};

struct service_call {
    const struct caller *caller;
    struct bmc *bmc;                 /* NULL: not about a single BMC */
    const struct bmc_ticket *ticket; /* for results that come later */
};

/* Does what was asked for; the caller may. As service_call. */
typedef int service_run(const struct service_call *call, const union service_arguments *arguments);

enum service_flag {
    SERVICE_WHOLE = 1 << 0,      /* about more than one BMC: not for those who know one only */
    SERVICE_AUDITED = 1 << 1,    /* is in the audit trail (audit.h) */
    SERVICE_OF_GUEST = 1 << 2,   /* fails by the guest or its hypervisor, else by the store */
    SERVICE_REGISTERED = 1 << 3, /* its function is, by service_register */
    SERVICE_WITHIN = 1 << 4, /* with SERVICE_WHOLE: what is inside of one guest, as its BMC lets */
    /* With SERVICE_AUDITED: */
    SERVICE_LOOKS = 1 << 5,  /* changes nothing that stays: the answer does not wait for the record,
                                and equal ones of one caller are summed up */
    SERVICE_SUMMED = 1 << 6, /* equal ones of one caller are summed up */
    SERVICE_JOINED = 1 << 7, /* an equal one of the same session while it runs is its repeat */
};

/* Whether the accounts of the BMC that it is about have a say (accounts.h). */
static inline bool service_is_judged_there(unsigned flags)
{
    return !(flags & SERVICE_WHOLE) || flags & SERVICE_WITHIN;
}

struct service_row {
    const char *name;         /* as the trail has it */
    enum privilege privilege; /* the least */
    unsigned flags;           /* enum service_flag */
    service_run *run;         /* NULL: a right alone, or registered */
    /* What the trail says behind the name, never a secret; NULL: nothing. */
    void (*describe)(const union service_arguments *arguments, char *text, size_t size);
    /* Whether that is no change, and is not in the trail; NULL: never. */
    bool (*is_idle)(const struct service_call *call, const union service_arguments *arguments);
};

/* table.c */
const struct service_row *service_row(enum service_operation operation);

/* Has `run` serve an operation that is SERVICE_REGISTERED, with its context, until something else
 * is registered.
 */
typedef int service_registered_run(void *context, const struct service_call *call,
                                   const union service_arguments *arguments);
void service_register(enum service_operation operation, service_registered_run *run, void *context);

/* Whether the caller may: 0, -EPERM or -EACCES. Refusals of audited operations are in the trail. */
int service_permit(enum service_operation operation, const struct caller *caller);

/* Does it, if the caller may. 0: it is done, and the ticket is not used; -EINPROGRESS: the ticket
 * is finished once, perhaps before this returns; else a refusal, and the ticket is not used (it may
 * be NULL for an operation that is a right alone). Of what the audit trail has, what is done at
 * once ends by the ticket too, unless it is SERVICE_LOOKS: it is answered when its record is on
 * disk. */
int service_call(enum service_operation operation, const struct service_call *call,
                 const union service_arguments *arguments);

#endif
