#include "vbmc/bmc/boot.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/core.h"

/* Boot device selectors (section 28.13, parameter 5): what a guest has for them, and what
 * `vbmc bootdev` calls them. No guest has a "safe mode" or a diagnostic partition of its own: both
 * mean its disk. */
static const struct {
    enum host_boot_device device;
    const char *name; /* NULL: none */
} selectors[16] = {
    [0x0] = {HOST_BOOT_NONE, "none"},
    [0x1] = {HOST_BOOT_NETWORK, "pxe"},
    [0x2] = {HOST_BOOT_DISK, "disk"},
    [0x3] = {HOST_BOOT_DISK, "safe"},
    [0x4] = {HOST_BOOT_DISK, "diag"},
    [0x5] = {HOST_BOOT_CDROM, "cdrom"},
    [0x6] = {HOST_BOOT_FIRMWARE_MENU, "bios"},
    [0x7] = {HOST_BOOT_REMOVABLE, NULL}, /* remote floppy */
    [0x8] = {HOST_BOOT_CDROM, NULL},     /* remote CD */
    [0x9] = {HOST_BOOT_DISK, NULL},      /* primary remote medium */
    [0xb] = {HOST_BOOT_DISK, NULL},      /* remote disk */
    [0xf] = {HOST_BOOT_REMOVABLE, "floppy"},
};

const char *boot_selector_name(unsigned selector)
{
    return selector < ARRAY_SIZE(selectors) ? selectors[selector].name : NULL;
}

void boot_set_defaults(struct boot_options *boot)
{
    *boot = (struct boot_options){0};
}

bool boot_is_marked(const struct boot_options *boot, unsigned parameter)
{
    return (boot->locked >> parameter & 1) != 0;
}

void boot_mark(struct boot_options *boot, unsigned parameter, bool invalid)
{
    uint8_t bit = (uint8_t)(1u << parameter);

    boot->locked = invalid ? boot->locked | bit : boot->locked & (uint8_t)~bit;
}

void boot_begin_set(struct boot_options *boot, uint32_t session)
{
    boot->set_in_progress = BOOT_SET_IN_PROGRESS;
    boot->setting_session = session;
}

void boot_end_set(struct boot_options *boot)
{
    boot->set_in_progress = BOOT_SET_COMPLETE;
    boot->setting_session = 0;
}

void boot_session_ended(struct boot_options *boot, uint32_t session)
{
    if (session != 0 && session == boot->setting_session)
        boot_end_set(boot);
}

struct host_boot_override boot_override(const struct boot_options *boot)
{
    struct host_boot_override override = {.device = HOST_BOOT_NONE};

    if (boot->flags[0] & BOOT_FLAGS_VALID) {
        override.device = selectors[BOOT_FLAGS_DEVICE(boot->flags[1])].device;
        override.persistent = (boot->flags[0] & BOOT_FLAGS_PERSISTENT) != 0;
    }
    return override;
}

static bool has_device(const struct host_hardware *hardware, enum host_boot_device device)
{
    if (device == HOST_BOOT_NETWORK)
        return hardware->nic_count > 0;
    for (unsigned i = 0; i < hardware->disk_count; i++) {
        if (hardware->disks[i].boot_device == device)
            return true;
    }
    return false;
}

const char *boot_obstacle(const struct boot_options *boot)
{
    enum host_boot_device device = boot_override(boot).device;

    if (!boot->core->host || !host_boot_device_is_hardware(device))
        return NULL;
    if (boot->core->host->boot_obstacle[0])
        return boot->core->host->boot_obstacle;
    return boot->core->host->hardware && !has_device(boot->core->host->hardware, device)
               ? "the guest has no such device"
               : NULL;
}

static void restore_former_flags(struct boot_options *boot)
{
    memcpy(boot->flags, boot->former_flags, sizeof boot->flags);
    boot_mark(boot, BOOT_PARAMETER_FLAGS, boot->former_flags_locked);
}

struct boot_options boot_settled(const struct boot_options *boot)
{
    struct boot_options settled = *boot;

    if (boot->waiters.count > 0)
        restore_former_flags(&settled);
    return settled;
}

/* Whoever waits is told of success only when the flags are on disk. */
static void answer_waiters(struct boot_options *boot, int result)
{
    struct waiters waiting = waiters_take(&boot->waiters);

    if (result < 0 && waiting.count > 0) {
        restore_former_flags(boot);
        boot_restart_expiry(boot);
        boot->core->hooks->changed(boot->core, BMC_PART_BOOT, NULL);
        boot_apply(boot);
    }
    for (unsigned i = 0; i < waiting.count && result == 0; i++)
        boot->core->hooks->changed(boot->core, BMC_PART_BOOT, waiters_ticket(&waiting, i));
    if (result < 0)
        waiters_finish(&waiting, result);
    waiters_clear(&waiting);
}

static void override_taken(void *context, int result, const char *text)
{
    struct boot_options *boot = context;

    if (result != 0)
        log_warning("%s: boot device not set: %s", bmc_core_name(boot->core), text);
    /* The last one that was asked for decides. */
    if (--boot->applying == 0)
        answer_waiters(boot, result);
}

void boot_apply(struct boot_options *boot)
{
    struct host_boot_override override = boot_override(boot);

    boot->unapplied = bmc_core_power_state(boot->core) == HOST_POWER_UNKNOWN;
    if (!boot->core->host)
        return;
    boot->applying++;
    host_set_boot(boot->core->host, &override, override_taken, boot);
}

/* Persistent flags stay (section 28.12, parameter 3 is about flags for the next boot). */
void boot_restart_expiry(struct boot_options *boot)
{

    boot->expires = (boot->flags[0] & BOOT_FLAGS_VALID) != 0 &&
                    (boot->flags[0] & BOOT_FLAGS_PERSISTENT) == 0 &&
                    (boot->valid_bit_clearing & BOOT_KEEP_VALID_ON_TIMEOUT) == 0;
    boot->expires_at_ms = boot->core->hooks->now(boot->core) + BOOT_VALID_EXPIRY_MS;
    if (boot->expires)
        boot->core->hooks->wake_at(boot->core, boot->expires_at_ms);
}

void boot_set_flags(struct boot_options *boot, const uint8_t flags[BOOT_FLAGS_SIZE], bool invalid,
                    const struct bmc_ticket *ticket)
{
    uint64_t now = boot->core->hooks->now(boot->core);

    if (boot->waiters.count == 0) {
        memcpy(boot->former_flags, boot->flags, BOOT_FLAGS_SIZE);
        boot->former_flags_locked = boot_is_marked(boot, BOOT_PARAMETER_FLAGS);
    }
    memcpy(boot->flags, flags, BOOT_FLAGS_SIZE);
    boot_mark(boot, BOOT_PARAMETER_FLAGS, invalid);
    boot_restart_expiry(boot);
    if (bmc_core_power_state(boot->core) == HOST_POWER_UNKNOWN) {
        boot->unapplied = true;
        boot->core->hooks->changed(boot->core, BMC_PART_BOOT, ticket);
        return;
    }
    if (!waiters_add(&boot->waiters, ticket)) /* more than can wait: accepted at once */
        boot->core->hooks->changed(boot->core, BMC_PART_BOOT, ticket);
    boot->waiters.deadline_ms = now + BMC_ANSWER_WITHIN_MS;
    boot->core->hooks->wake_at(boot->core, boot->waiters.deadline_ms);
    boot_apply(boot);
}

void boot_take_back(struct boot_options *boot, const struct boot_options *stored)
{
    bool are_waiting = boot->waiters.count > 0,
         is_marked = boot_is_marked(boot, BOOT_PARAMETER_FLAGS);
    uint8_t flags[BOOT_FLAGS_SIZE];

    memcpy(flags, stored->flags, sizeof flags);
    if (boot->uses != stored->uses && (flags[0] & BOOT_FLAGS_PERSISTENT) == 0)
        flags[0] &= (uint8_t)~BOOT_FLAGS_VALID;
    bool other_flags = memcmp(boot->flags, flags, sizeof flags) != 0;
    boot->service_partition = stored->service_partition;
    boot->service_partition_scan = stored->service_partition_scan;
    boot->locked = stored->locked;
    boot->valid_bit_clearing = stored->valid_bit_clearing;
    boot->info_acknowledge = stored->info_acknowledge;
    memcpy(boot->initiator, stored->initiator, sizeof boot->initiator);
    memcpy(boot->mailbox, stored->mailbox, sizeof boot->mailbox);
    if (are_waiting) {
        memcpy(boot->former_flags, flags, sizeof boot->former_flags);
        boot->former_flags_locked = boot_is_marked(boot, BOOT_PARAMETER_FLAGS);
        boot_mark(boot, BOOT_PARAMETER_FLAGS, is_marked);
        return;
    }
    memcpy(boot->flags, flags, sizeof boot->flags);
    if (!other_flags)
        return;
    boot_restart_expiry(boot);
    boot_apply(boot);
}

void boot_withdraw(struct boot_options *boot)
{
    memset(boot->flags, 0, sizeof boot->flags);
    boot_apply(boot);
}

void boot_note_chassis_control(struct boot_options *boot)
{
    boot->expires = false;
}

static void clear_valid_bit(struct boot_options *boot)
{
    boot->flags[0] &= (uint8_t)~BOOT_FLAGS_VALID;
    boot->uses++;
    boot->expires = false;
    boot->core->hooks->changed(boot->core, BMC_PART_BOOT, NULL);
}

/* The bit of parameter 3 that keeps the flags then; 0: they stay in any case. */
static uint8_t keeper_of(enum restart_cause cause)
{
    switch (cause) {
    case RESTART_CAUSE_WATCHDOG:
        return BOOT_KEEP_VALID_ON_WATCHDOG;
    case RESTART_CAUSE_PEF_RESET:
    case RESTART_CAUSE_PEF_CYCLE:
        return BOOT_KEEP_VALID_ON_PEF;
    default:
        return 0;
    }
}

void boot_note_restart(struct boot_options *boot, enum restart_cause cause)
{
    uint8_t keeper = keeper_of(cause);
    bool is_once = (boot->flags[0] & BOOT_FLAGS_VALID) && !(boot->flags[0] & BOOT_FLAGS_PERSISTENT);

    if (!is_once || keeper == 0 || (boot->valid_bit_clearing & keeper))
        return;
    log_info("%s: boot device override cleared: the BMC restarts the guest by itself",
             bmc_core_name(boot->core));
    clear_valid_bit(boot);
    boot_apply(boot);
}

void boot_tick(struct boot_options *boot)
{
    uint64_t now = boot->core->hooks->now(boot->core);

    if (boot->waiters.count > 0 && now >= boot->waiters.deadline_ms)
        answer_waiters(boot, 0);
    if (boot->expires && now >= boot->expires_at_ms) {
        log_info("%s: boot device override expired: no chassis control within 60 s",
                 bmc_core_name(boot->core));
        clear_valid_bit(boot);
        boot_apply(boot);
    }
}

uint64_t boot_next_deadline(const struct boot_options *boot)
{
    uint64_t next = boot->waiters.count > 0 ? boot->waiters.deadline_ms : UINT64_MAX;

    return boot->expires && boot->expires_at_ms < next ? boot->expires_at_ms : next;
}

void boot_host_event(struct boot_options *boot, enum host_event event)
{
    switch (event) {
    case HOST_EVENT_BOOT_CONSUMED:
        boot->uses++;
        if (boot->waiters.count > 0 && (boot->former_flags[0] & BOOT_FLAGS_PERSISTENT) == 0)
            boot->former_flags[0] &= (uint8_t)~BOOT_FLAGS_VALID; /* it may have been these */
        if ((boot->flags[0] & BOOT_FLAGS_PERSISTENT) == 0)
            clear_valid_bit(boot);
        break;
    case HOST_EVENT_RESET:
    case HOST_EVENT_STOPPED:
        boot_end_set(boot);
        break;
    case HOST_EVENT_STATE:
        if (bmc_core_power_state(boot->core) == HOST_POWER_OFF)
            boot_end_set(boot);
        if (boot->unapplied && bmc_core_power_state(boot->core) != HOST_POWER_UNKNOWN)
            boot_apply(boot);
        break;
    case HOST_EVENT_BOOT_CHANGED:
        boot->core->hooks->changed(boot->core, BMC_PART_BOOT, NULL);
        break;
    default:
        break;
    }
}

void boot_cancel(struct boot_options *boot)
{
    host_cancel(boot->core->host, boot);
    boot->applying = 0;
    answer_waiters(boot, 0);
}
