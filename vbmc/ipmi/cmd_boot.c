/* Boot options are eight parameters, each with its own layout: one table row each. A parameter's
 * data is written by `set` and read by `get`; both see only the bytes behind the selectors. */
#include "vbmc/ipmi/cmd_boot.h"

#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/bmc.h"

#define PARAMETER_VERSION 0x01
#define PARAMETER_INVALID 0x80 /* bit 7 of the selector: the parameter is marked invalid */

/* Codes of the parameter commands (section 28.12). */
#define CC_PARAMETER_NOT_SUPPORTED 0x80
#define CC_SET_ALREADY_IN_PROGRESS 0x81

struct parameter {
    uint8_t data_min;
    uint8_t data_max;
    int (*set)(const struct ipmi_request *request, struct wire_in *in);
    int (*get)(const struct boot_options *boot, uint8_t set_selector, struct wire_out *out);
};

static int set_set_in_progress(const struct ipmi_request *request, struct wire_in *in)
{
    const struct boot_options *boot = &request->bmc->boot;
    uint8_t state = wire_u8(in) & 0x03;

    if (state == BOOT_SET_IN_PROGRESS && boot->set_in_progress == BOOT_SET_IN_PROGRESS)
        return CC_SET_ALREADY_IN_PROGRESS;
    /* Every write takes effect at once, so that there is nothing left to commit. */
    if (state == BOOT_SET_IN_PROGRESS)
        boot_begin_set(request->bmc, request->token.session);
    else
        boot_end_set(request->bmc);
    return CC_SUCCESS;
}

static int get_set_in_progress(const struct boot_options *boot, uint8_t selector,
                               struct wire_out *out)
{
    (void)selector;
    wire_put_u8(out, boot->set_in_progress);
    return CC_SUCCESS;
}

static int set_service_partition(const struct ipmi_request *request, struct wire_in *in)
{
    request->bmc->boot.service_partition = wire_u8(in);
    return command_changed(request, BMC_PART_BOOT, NULL);
}

static int get_service_partition(const struct boot_options *boot, uint8_t selector,
                                 struct wire_out *out)
{
    (void)selector;
    wire_put_u8(out, boot->service_partition);
    return CC_SUCCESS;
}

static int set_service_partition_scan(const struct ipmi_request *request, struct wire_in *in)
{
    request->bmc->boot.service_partition_scan = wire_u8(in) & 0x03;
    return command_changed(request, BMC_PART_BOOT, NULL);
}

static int get_service_partition_scan(const struct boot_options *boot, uint8_t selector,
                                      struct wire_out *out)
{
    (void)selector;
    wire_put_u8(out, boot->service_partition_scan);
    return CC_SUCCESS;
}

static int set_valid_bit_clearing(const struct ipmi_request *request, struct wire_in *in)
{
    struct boot_options *boot = &request->bmc->boot;

    boot->valid_bit_clearing = wire_u8(in) & 0x1f;
    if (boot->valid_bit_clearing & BOOT_KEEP_VALID_ON_TIMEOUT)
        boot->expires = false;
    return command_changed(request, BMC_PART_BOOT, NULL);
}

static int get_valid_bit_clearing(const struct boot_options *boot, uint8_t selector,
                                  struct wire_out *out)
{
    (void)selector;
    wire_put_u8(out, boot->valid_bit_clearing);
    return CC_SUCCESS;
}

static int set_info_acknowledge(const struct ipmi_request *request, struct wire_in *in)
{
    struct boot_options *boot = &request->bmc->boot;
    uint8_t mask = wire_u8(in) & 0x1f;

    boot->info_acknowledge = (uint8_t)((boot->info_acknowledge & ~mask) | (wire_u8(in) & mask));
    return command_changed(request, BMC_PART_BOOT, NULL);
}

static int get_info_acknowledge(const struct boot_options *boot, uint8_t selector,
                                struct wire_out *out)
{
    (void)selector;
    wire_put_u8(out, 0); /* the write mask reads as zeros */
    wire_put_u8(out, boot->info_acknowledge);
    return CC_SUCCESS;
}

static int set_boot_flags(const struct ipmi_request *request, struct wire_in *in)
{
    struct bmc_ticket ticket = command_ticket(request);
    uint8_t flags[BOOT_FLAGS_SIZE];

    wire_copy(in, flags, sizeof flags);
    boot_set_flags(request->bmc, flags, request->msg->data[0] & PARAMETER_INVALID, &ticket);
    return COMMAND_PENDING;
}

static int get_boot_flags(const struct boot_options *boot, uint8_t selector, struct wire_out *out)
{
    (void)selector;
    wire_put_bytes(out, boot->flags, sizeof boot->flags);
    return CC_SUCCESS;
}

static int set_initiator_info(const struct ipmi_request *request, struct wire_in *in)
{
    wire_copy(in, request->bmc->boot.initiator, BOOT_INITIATOR_SIZE);
    return command_changed(request, BMC_PART_BOOT, NULL);
}

static int get_initiator_info(const struct boot_options *boot, uint8_t selector,
                              struct wire_out *out)
{
    (void)selector;
    wire_put_bytes(out, boot->initiator, sizeof boot->initiator);
    return CC_SUCCESS;
}

static int set_mailbox(const struct ipmi_request *request, struct wire_in *in)
{
    uint8_t block = wire_u8(in);

    if (block >= BOOT_MAILBOX_BLOCKS)
        return CC_PARAMETER_OUT_OF_RANGE;
    wire_copy(in, request->bmc->boot.mailbox + block * BOOT_MAILBOX_BLOCK, wire_left(in));
    return command_changed(request, BMC_PART_BOOT, NULL);
}

static int get_mailbox(const struct boot_options *boot, uint8_t selector, struct wire_out *out)
{
    if (selector >= BOOT_MAILBOX_BLOCKS)
        return CC_PARAMETER_OUT_OF_RANGE;
    wire_put_u8(out, selector);
    wire_put_bytes(out, boot->mailbox + selector * BOOT_MAILBOX_BLOCK, BOOT_MAILBOX_BLOCK);
    return CC_SUCCESS;
}

static const struct parameter parameters[] = {
    {1, 1, set_set_in_progress, get_set_in_progress},
    {1, 1, set_service_partition, get_service_partition},
    {1, 1, set_service_partition_scan, get_service_partition_scan},
    {1, 1, set_valid_bit_clearing, get_valid_bit_clearing},
    {2, 2, set_info_acknowledge, get_info_acknowledge},
    {BOOT_FLAGS_SIZE, BOOT_FLAGS_SIZE, set_boot_flags, get_boot_flags},
    {BOOT_INITIATOR_SIZE, BOOT_INITIATOR_SIZE, set_initiator_info, get_initiator_info},
    {1, 1 + BOOT_MAILBOX_BLOCK, set_mailbox, get_mailbox},
};

int cmd_boot_set(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    struct boot_options *boot = &request->bmc->boot;
    uint8_t selector = wire_u8(in);
    uint8_t number = selector & 0x7f;

    (void)out;
    if (number >= ARRAY_SIZE(parameters))
        return CC_PARAMETER_NOT_SUPPORTED;
    const struct parameter *parameter = &parameters[number];
    size_t length = wire_left(in); /* 0: only the valid bit is changed */
    if (length > 0 && (length < parameter->data_min || length > parameter->data_max))
        return CC_REQUEST_LENGTH_INVALID;
    if (length > 0 && number == BOOT_PARAMETER_FLAGS)
        return parameter->set(request, in); /* marks them itself: the guest may yet refuse them */
    bool was_invalid = boot_is_marked(boot, number);
    boot_mark(boot, number, selector & PARAMETER_INVALID);
    int code =
        length > 0 ? parameter->set(request, in) : command_changed(request, BMC_PART_BOOT, NULL);
    if (code == CC_SUCCESS && was_invalid != boot_is_marked(boot, number))
        return command_changed(request, BMC_PART_BOOT,
                               NULL); /* all that is stored of this parameter */
    if (code > CC_SUCCESS)
        boot_mark(boot, number, was_invalid);
    return code;
}

int cmd_boot_get(const struct ipmi_request *request, struct wire_in *in, struct wire_out *out)
{
    const struct boot_options *boot = &request->bmc->boot;
    uint8_t number = wire_u8(in) & 0x7f;
    uint8_t set_selector = wire_u8(in);

    wire_skip(in, 1); /* block selector: no parameter has blocks */
    if (number >= ARRAY_SIZE(parameters))
        return CC_PARAMETER_NOT_SUPPORTED;
    wire_put_u8(out, PARAMETER_VERSION);
    wire_put_u8(out, (uint8_t)(number | (boot_is_marked(boot, number) ? PARAMETER_INVALID : 0)));
    return parameters[number].get(boot, set_selector, out);
}
