/* Each parameter has its own layout: one table row each. Every write takes effect at once, so that
 * "set in progress" has nothing to commit. */
#include "vbmc/bmc/boot_parameters.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/core.h"

/* Of a setter: the change is to be stored. */
#define TO_BE_STORED 1

struct layout {
    size_t size_min;
    size_t size_max;
    /* 0, TO_BE_STORED, or a negative error with nothing changed. */
    int (*set)(struct boot_options *boot, const uint8_t *data, size_t size, uint32_t session);
    /* The number of bytes, or a negative error. */
    int (*get)(const struct boot_options *boot, uint8_t set_selector, uint8_t *data);
};

static int set_set_in_progress(struct boot_options *boot, const uint8_t *data, size_t size,
                               uint32_t session)
{
    bool begins = (data[0] & 0x03) == BOOT_SET_IN_PROGRESS;

    (void)size;
    if (begins && boot->set_in_progress == BOOT_SET_IN_PROGRESS)
        return -EALREADY;
    if (begins)
        boot_begin_set(boot, session);
    else
        boot_end_set(boot);
    return 0;
}

static int get_set_in_progress(const struct boot_options *boot, uint8_t set_selector, uint8_t *data)
{
    (void)set_selector;
    data[0] = boot->set_in_progress;
    return 1;
}

static int set_service_partition(struct boot_options *boot, const uint8_t *data, size_t size,
                                 uint32_t session)
{
    (void)size, (void)session;
    boot->service_partition = data[0];
    return TO_BE_STORED;
}

static int get_service_partition(const struct boot_options *boot, uint8_t set_selector,
                                 uint8_t *data)
{
    (void)set_selector;
    data[0] = boot->service_partition;
    return 1;
}

static int set_service_partition_scan(struct boot_options *boot, const uint8_t *data, size_t size,
                                      uint32_t session)
{
    (void)size, (void)session;
    boot->service_partition_scan = data[0] & 0x03;
    return TO_BE_STORED;
}

static int get_service_partition_scan(const struct boot_options *boot, uint8_t set_selector,
                                      uint8_t *data)
{
    (void)set_selector;
    data[0] = boot->service_partition_scan;
    return 1;
}

static int set_valid_bit_clearing(struct boot_options *boot, const uint8_t *data, size_t size,
                                  uint32_t session)
{
    (void)size, (void)session;
    boot->valid_bit_clearing = data[0] & 0x1f;
    if (boot->valid_bit_clearing & BOOT_KEEP_VALID_ON_TIMEOUT)
        boot->expires = false;
    return TO_BE_STORED;
}

static int get_valid_bit_clearing(const struct boot_options *boot, uint8_t set_selector,
                                  uint8_t *data)
{
    (void)set_selector;
    data[0] = boot->valid_bit_clearing;
    return 1;
}

static int set_info_acknowledge(struct boot_options *boot, const uint8_t *data, size_t size,
                                uint32_t session)
{
    uint8_t mask = data[0] & 0x1f;

    (void)size, (void)session;
    boot->info_acknowledge = (uint8_t)((boot->info_acknowledge & ~mask) | (data[1] & mask));
    return TO_BE_STORED;
}

static int get_info_acknowledge(const struct boot_options *boot, uint8_t set_selector,
                                uint8_t *data)
{
    (void)set_selector;
    data[0] = 0; /* the write mask reads as zeros */
    data[1] = boot->info_acknowledge;
    return 2;
}

static int get_flags(const struct boot_options *boot, uint8_t set_selector, uint8_t *data)
{
    (void)set_selector;
    memcpy(data, boot->flags, sizeof boot->flags);
    return sizeof boot->flags;
}

static int set_initiator(struct boot_options *boot, const uint8_t *data, size_t size,
                         uint32_t session)
{
    (void)session;
    memcpy(boot->initiator, data, size);
    return TO_BE_STORED;
}

static int get_initiator(const struct boot_options *boot, uint8_t set_selector, uint8_t *data)
{
    (void)set_selector;
    memcpy(data, boot->initiator, sizeof boot->initiator);
    return sizeof boot->initiator;
}

static int set_mailbox(struct boot_options *boot, const uint8_t *data, size_t size,
                       uint32_t session)
{
    (void)session;
    if (data[0] >= BOOT_MAILBOX_BLOCKS)
        return -ERANGE;
    memcpy(boot->mailbox + data[0] * BOOT_MAILBOX_BLOCK, data + 1, size - 1);
    return TO_BE_STORED;
}

static int get_mailbox(const struct boot_options *boot, uint8_t set_selector, uint8_t *data)
{
    if (set_selector >= BOOT_MAILBOX_BLOCKS)
        return -ERANGE;
    data[0] = set_selector;
    memcpy(data + 1, boot->mailbox + set_selector * BOOT_MAILBOX_BLOCK, BOOT_MAILBOX_BLOCK);
    return 1 + BOOT_MAILBOX_BLOCK;
}

static const struct layout layouts[] = {
    {1, 1, set_set_in_progress, get_set_in_progress},
    {1, 1, set_service_partition, get_service_partition},
    {1, 1, set_service_partition_scan, get_service_partition_scan},
    {1, 1, set_valid_bit_clearing, get_valid_bit_clearing},
    {2, 2, set_info_acknowledge, get_info_acknowledge},
    [BOOT_PARAMETER_FLAGS] = {BOOT_FLAGS_SIZE, BOOT_FLAGS_SIZE, NULL /* boot_set_flags */,
                              get_flags},
    {BOOT_INITIATOR_SIZE, BOOT_INITIATOR_SIZE, set_initiator, get_initiator},
    {1, 1 + BOOT_MAILBOX_BLOCK, set_mailbox, get_mailbox},
};

int boot_set_parameter(struct boot_options *boot, const struct boot_parameter *parameter,
                       uint32_t session, const struct bmc_ticket *ticket)
{
    uint8_t number = parameter->number;
    size_t size = parameter->size;

    if (number >= ARRAY_SIZE(layouts))
        return -ENOPROTOOPT;
    const struct layout *layout = &layouts[number];
    if (size > 0 && (size < layout->size_min || size > layout->size_max))
        return -EMSGSIZE;
    if (size > 0 && !layout->set) { /* marks them itself: the guest may yet refuse them */
        boot_set_flags(boot, parameter->data, parameter->invalid, ticket);
        return -EINPROGRESS;
    }
    int result = size > 0 ? layout->set(boot, parameter->data, size, session) : TO_BE_STORED;
    if (result < 0)
        return result;
    bool was_invalid = boot_is_marked(boot, number);
    boot_mark(boot, number, parameter->invalid);
    if (result != TO_BE_STORED && was_invalid == parameter->invalid)
        return 0;
    boot->core->hooks->changed(boot->core, BMC_PART_BOOT, ticket);
    return -EINPROGRESS;
}

int boot_get_parameter(const struct boot_options *boot, uint8_t number, uint8_t set_selector,
                       uint8_t data[BOOT_PARAMETER_MAX], size_t *size)
{
    if (number >= ARRAY_SIZE(layouts))
        return -ENOPROTOOPT;
    int result = layouts[number].get(boot, set_selector, data);
    if (result < 0)
        return result;
    *size = (size_t)result;
    return 0;
}
