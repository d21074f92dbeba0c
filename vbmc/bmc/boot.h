/* System boot options (IPMI 2.0, section 28.12 to 28.14) and what they mean for the guest. The
 * parameters are kept as the client wrote them, so that every selector reads back. */
#ifndef VBMC_BMC_BOOT_H
#define VBMC_BMC_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/waiters.h"
#include "vbmc/host/host.h"

struct bmc_ticket;

#define BOOT_FLAGS_SIZE      5
#define BOOT_INITIATOR_SIZE  9
#define BOOT_MAILBOX_BLOCK   16
#define BOOT_MAILBOX_BLOCKS  5
#define BOOT_MAILBOX_SIZE    (BOOT_MAILBOX_BLOCK * BOOT_MAILBOX_BLOCKS)
#define BOOT_VALID_EXPIRY_MS 60000

#define BOOT_PARAMETER_FLAGS 5

/* Boot flags, byte 0 and byte 1. */
#define BOOT_FLAGS_VALID         0x80
#define BOOT_FLAGS_PERSISTENT    0x40
#define BOOT_FLAGS_DEVICE(byte1) ((byte1) >> 2 & 0x0f)

/* Parameter 3, boot flag valid bit clearing (table 28-14): what does not clear the valid bit. Flags
 * that are not persistent lose it when one of the others happens, before the guest starts again.
 * Bit 1 (reset by the guest itself) and bit 0 (power button) are kept and mean nothing: such a
 * start is known only when it has happened, with the override, and has used it up then. */
enum {
    BOOT_KEEP_VALID_ON_WATCHDOG = 0x04, /* a reset or power cycle by the watchdog timer */
    BOOT_KEEP_VALID_ON_TIMEOUT = 0x08,  /* 60 s without a chassis control */
    BOOT_KEEP_VALID_ON_PEF = 0x10,      /* a reset or power cycle by PEF */
};

enum boot_set_in_progress {
    BOOT_SET_COMPLETE = 0,
    BOOT_SET_IN_PROGRESS = 1,
    BOOT_SET_COMMIT_WRITE = 2,
};

struct boot_options {
    const struct bmc_core *core; /* NULL in a mere copy of the options */
    uint8_t set_in_progress;     /* not stored */
    uint32_t setting_session;    /* that set it to "in progress"; 0: none, or no LAN session */
    uint8_t service_partition;
    uint8_t service_partition_scan;
    uint8_t valid_bit_clearing; /* parameter 3 */
    uint8_t info_acknowledge;   /* parameter 4 */
    uint8_t flags[BOOT_FLAGS_SIZE];
    uint8_t former_flags[BOOT_FLAGS_SIZE]; /* come back if the guest refuses the present ones */
    uint8_t initiator[BOOT_INITIATOR_SIZE];
    uint8_t mailbox[BOOT_MAILBOX_SIZE];
    uint8_t locked;           /* bit n: parameter n is marked invalid */
    bool former_flags_locked; /* of parameter 5, goes with former_flags */
    uint32_t uses;            /* another number once flags may be used up; not stored */
    bool expires;             /* the valid bit falls at expires_at_ms */
    uint64_t expires_at_ms;
    unsigned applying;      /* overrides on their way to the guest */
    bool unapplied;         /* the guest could not be told when the flags were set */
    struct waiters waiters; /* for the host to take the override */
};

/* What `vbmc bootdev` calls a boot device selector (0 to 15; 0: none); NULL if it has no name. */
const char *boot_selector_name(unsigned selector);

void boot_set_defaults(struct boot_options *boot);

/* Replaces the boot flags and hands the override they ask for to the guest. The ticket is finished
 * when the flags are stored and the guest has taken it or BMC_ANSWER_WITHIN_MS have passed.
 * `invalid`: the client marks them so, which changes nothing else. */
void boot_set_flags(struct boot_options *boot, const uint8_t flags[BOOT_FLAGS_SIZE], bool invalid,
                    const struct bmc_ticket *ticket);

/* The flags come from the store: their clock starts again, since nobody knows how long they waited.
 */
void boot_restart_expiry(struct boot_options *boot);

/* The override that the flags ask for at present; HOST_BOOT_NONE if the valid bit is clear. */
struct host_boot_override boot_override(const struct boot_options *boot);

/* Why the guest does not follow the override that the flags ask for; NULL if there is none, or no
 * reason is known. For people; valid until the guest's next event. */
const char *boot_obstacle(const struct boot_options *boot);

/* The parameters that may be stored: without flags that wait for the guest, which the client has
 * not been answered for, and may be refused. */
struct boot_options boot_settled(const struct boot_options *boot);

/* What could not be stored gives way to what is: the parameters of `stored`. Flags that wait for
 * the guest stay, and are stored after that. Flags for one boot that have been used up since, going
 * by `uses`, do not become valid again. */
void boot_take_back(struct boot_options *boot, const struct boot_options *stored);

/* The BMC goes for good: the guest gets its own order back. */
void boot_withdraw(struct boot_options *boot);

/* A chassis control arrived: the 60 s clock stops. */
void boot_note_chassis_control(struct boot_options *boot);

/* The BMC is about to reset or cycle the guest for that cause: if it does so by itself, the valid
 * bit falls unless parameter 3 says otherwise, and the guest gets its own order back. */
void boot_note_restart(struct boot_options *boot, enum restart_cause cause);

/* "Set in progress" of parameter 0 lasts until the session that set it says otherwise or ends, the
 * guest is reset or it is off. */
void boot_begin_set(struct boot_options *boot, uint32_t session);
void boot_end_set(struct boot_options *boot);

/* Whether a parameter (below 8) is marked invalid, and the change of that; nothing is stored by it.
 */
bool boot_is_marked(const struct boot_options *boot, unsigned parameter);
void boot_mark(struct boot_options *boot, unsigned parameter, bool invalid);

/* For bmc.c. */
void boot_session_ended(struct boot_options *boot, uint32_t session);
void boot_tick(struct boot_options *boot);
uint64_t boot_next_deadline(const struct boot_options *boot);
void boot_host_event(struct boot_options *boot, enum host_event event);
void boot_apply(struct boot_options *boot);
void boot_cancel(struct boot_options *boot);

#endif
