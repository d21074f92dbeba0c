#include "vbmc/bmc/system_info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/core.h"

#define SET_COMPLETE     0
#define SET_IN_PROGRESS  1
#define SET_COMMIT_WRITE 2

#define HEAD_SIZE 2 /* encoding and length, in block 0 */

/* ---- texts ---- */

bool system_info_is_stored(unsigned number)
{
    return number != SYSTEM_INFO_SET_IN_PROGRESS && number != SYSTEM_INFO_OS_NAME &&
           number != SYSTEM_INFO_OS_VERSION && number < SYSTEM_INFO_COUNT;
}

static void forget_text(struct system_info *info, unsigned number)
{
    free(info->texts[number]);
    info->texts[number] = NULL;
}

static void forget_running_os(struct system_info *info)
{
    forget_text(info, SYSTEM_INFO_OS_NAME);
    forget_text(info, SYSTEM_INFO_OS_VERSION);
}

/* What the parameter is while nobody has set it. */
static void default_text(const struct system_info *info, uint8_t number,
                         struct system_info_text *text)
{
    const char *name = info->core->host ? info->core->host->name : NULL;

    memset(text, 0, sizeof *text);
    if (number != SYSTEM_INFO_SYSTEM_NAME || !name)
        return;
    text->length = (uint8_t)strnlen(name, SYSTEM_INFO_TEXT_MAX);
    memcpy(text->bytes, name, text->length);
    for (size_t i = 0; i < text->length; i++) {
        if (text->bytes[i] & 0x80)
            text->encoding = SYSTEM_INFO_UTF8;
    }
}

static size_t count_blocks(const struct system_info_text *text)
{
    return (HEAD_SIZE + text->length + SYSTEM_INFO_BLOCK_SIZE - 1) / SYSTEM_INFO_BLOCK_SIZE;
}

static int get_block(const struct system_info_text *text, uint8_t block,
                     uint8_t data[SYSTEM_INFO_PARAMETER_MAX])
{
    size_t offset = (size_t)block * SYSTEM_INFO_BLOCK_SIZE;

    if (block > 0 && block >= count_blocks(text))
        return -ERANGE;
    data[0] = block;
    if (block > 0) {
        memcpy(data + 1, text->bytes + offset - HEAD_SIZE, SYSTEM_INFO_BLOCK_SIZE);
        return 0;
    }
    data[1] = text->encoding;
    data[2] = text->length;
    memcpy(data + 1 + HEAD_SIZE, text->bytes, SYSTEM_INFO_BLOCK_SIZE - HEAD_SIZE);
    return 0;
}

int system_info_get(const struct system_info *info, uint8_t number, uint8_t block,
                    uint8_t data[SYSTEM_INFO_PARAMETER_MAX], size_t *size)
{
    struct system_info_text text;

    if (number >= SYSTEM_INFO_COUNT)
        return -ENOPROTOOPT;
    if (number == SYSTEM_INFO_SET_IN_PROGRESS) {
        data[0] = info->set_in_progress;
        *size = 1;
        return 0;
    }
    if (info->texts[number])
        text = *info->texts[number];
    else
        default_text(info, number, &text);
    *size = SYSTEM_INFO_PARAMETER_MAX;
    return get_block(&text, block, data);
}

/* Puts the bytes in their place; what is missing of the block becomes 0, as does what the text had
 * behind a new length. */
static void put_block(struct system_info_text *text, uint8_t block, const uint8_t *bytes,
                      size_t size)
{
    uint8_t *to = text->bytes;

    if (block == 0) {
        text->encoding = bytes[0];
        text->length = bytes[1];
        memset(text->bytes + text->length, 0, sizeof text->bytes - text->length);
        memset(text->bytes, 0, SYSTEM_INFO_BLOCK_SIZE - HEAD_SIZE);
        bytes += HEAD_SIZE;
        size -= HEAD_SIZE;
    } else {
        to += (size_t)block * SYSTEM_INFO_BLOCK_SIZE - HEAD_SIZE;
        memset(to, 0, SYSTEM_INFO_BLOCK_SIZE);
    }
    memcpy(to, bytes, size);
}

static int set_text(struct system_info *info, uint8_t number, const uint8_t *data, size_t size)
{
    uint8_t block = size > 0 ? data[0] : 0;
    size_t least = block == 0 ? 1 + HEAD_SIZE : 2;

    if (size < least || size > SYSTEM_INFO_PARAMETER_MAX)
        return -EMSGSIZE;
    if (block >= SYSTEM_INFO_BLOCKS)
        return -ERANGE;
    if (block == 0 && data[1] > SYSTEM_INFO_UCS2)
        return -EDOM;
    if (!info->texts[number]) {
        info->texts[number] = calloc(1, sizeof *info->texts[number]);
        if (!info->texts[number])
            return -ENOMEM;
    }
    put_block(info->texts[number], block, data + 1, size - 1);
    return 0;
}

/* ---- set in progress ---- */

static void end_set(struct system_info *info)
{
    info->set_in_progress = SET_COMPLETE;
    info->setting_session = 0;
}

static int set_progress(struct system_info *info, const uint8_t *data, size_t size,
                        uint32_t session)
{
    if (size != 1)
        return -EMSGSIZE;
    if (data[0] > SET_COMMIT_WRITE)
        return -EDOM;
    if (data[0] != SET_IN_PROGRESS) {
        end_set(info);
        return 0;
    }
    if (info->set_in_progress == SET_IN_PROGRESS)
        return -EALREADY;
    info->set_in_progress = SET_IN_PROGRESS;
    info->setting_session = session;
    return 0;
}

int system_info_set(struct system_info *info, uint8_t number, const uint8_t *data, size_t size,
                    uint32_t session, const struct bmc_ticket *ticket)
{
    if (number >= SYSTEM_INFO_COUNT)
        return -ENOPROTOOPT;
    if (number == SYSTEM_INFO_SET_IN_PROGRESS)
        return set_progress(info, data, size, session);
    int result = set_text(info, number, data, size);
    if (result < 0 || !system_info_is_stored(number))
        return result;
    info->core->hooks->changed(info->core, BMC_PART_SYSTEM_INFO, ticket);
    return -EINPROGRESS;
}

int system_info_restore(struct system_info *info, unsigned number,
                        const struct system_info_text *text)
{
    if (!system_info_is_stored(number) || (text && text->encoding > SYSTEM_INFO_UCS2))
        return -EINVAL;
    forget_text(info, number);
    if (!text)
        return 0;
    info->texts[number] = malloc(sizeof *text);
    if (!info->texts[number])
        return -ENOMEM;
    *info->texts[number] = *text;
    return 0;
}

/* ---- life ---- */

void system_info_init(struct system_info *info, const struct bmc_core *core)
{
    *info = (struct system_info){.core = core};
}

void system_info_clear(struct system_info *info)
{
    for (unsigned number = 0; number < SYSTEM_INFO_COUNT; number++)
        forget_text(info, number);
}

void system_info_restart(struct system_info *info)
{
    end_set(info);
    forget_running_os(info);
}

void system_info_session_ended(struct system_info *info, uint32_t session)
{
    if (info->setting_session == session)
        end_set(info);
}

/* Section 22.14, parameter 0: nor does a set outlive a reset, or a guest that goes off. */
void system_info_host_event(struct system_info *info, enum host_event event)
{
    if (event != HOST_EVENT_STARTED && event != HOST_EVENT_STOPPED && event != HOST_EVENT_RESET)
        return;
    end_set(info);
    forget_running_os(info);
}
