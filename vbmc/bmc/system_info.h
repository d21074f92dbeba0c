/* System Info Parameters 0 to 7 (IPMI 2.0, section 22.14): texts that system software and clients
 * leave with the BMC. Every write takes effect at once, so that "set in progress" has nothing to
 * commit. */
#ifndef VBMC_BMC_SYSTEM_INFO_H
#define VBMC_BMC_SYSTEM_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/host/host.h"

struct bmc_core;
struct bmc_ticket;

enum system_info_parameter {
    SYSTEM_INFO_SET_IN_PROGRESS = 0,
    SYSTEM_INFO_FIRMWARE_VERSION = 1,
    SYSTEM_INFO_SYSTEM_NAME = 2, /* the domain's, unless another is set */
    SYSTEM_INFO_PRIMARY_OS_NAME = 3,
    SYSTEM_INFO_OS_NAME = 4,    /* of the OS that runs: gone with it, and never stored */
    SYSTEM_INFO_OS_VERSION = 5, /* the same */
    SYSTEM_INFO_BMC_URL = 6,
    SYSTEM_INFO_HYPERVISOR_URL = 7,
    SYSTEM_INFO_COUNT,
};

enum system_info_encoding {
    SYSTEM_INFO_LATIN1 = 0,
    SYSTEM_INFO_UTF8 = 1,
    SYSTEM_INFO_UCS2 = 2,
};

/* A text is read and written in blocks: the number of the block, then 16 bytes, of which those of
 * block 0 begin with encoding and length. */
#define SYSTEM_INFO_BLOCK_SIZE    16
#define SYSTEM_INFO_BLOCKS        17
#define SYSTEM_INFO_PARAMETER_MAX (1 + SYSTEM_INFO_BLOCK_SIZE)
#define SYSTEM_INFO_TEXT_MAX      255 /* bytes */

struct system_info_text {
    uint8_t encoding; /* enum system_info_encoding */
    uint8_t length;   /* bytes */
    uint8_t bytes[SYSTEM_INFO_BLOCKS * SYSTEM_INFO_BLOCK_SIZE - 2];
};

struct system_info {
    const struct bmc_core *core;
    uint8_t set_in_progress;  /* 0 or 1 */
    uint32_t setting_session; /* that began it; 0: none, or no LAN session */
    struct system_info_text *texts[SYSTEM_INFO_COUNT]; /* NULL: never set */
};

/* Sets one from the bytes behind its number; `session` (0: none) is who begins a "set in progress".
 * 0: done; -EINPROGRESS: the ticket is finished when it is stored; else nothing has changed, and
 * the ticket is not used: -ENOPROTOOPT, -EMSGSIZE, -ERANGE (no such block), -EALREADY (a set is in
 * progress already), -EDOM (reserved bits or values), -ENOMEM. */
int system_info_set(struct system_info *info, uint8_t number, const uint8_t *data, size_t size,
                    uint32_t session, const struct bmc_ticket *ticket);
/* Gets one, without the revision: at most SYSTEM_INFO_PARAMETER_MAX bytes. 0; -ENOPROTOOPT; -ERANGE
 * for a block behind the end of the text. */
int system_info_get(const struct system_info *info, uint8_t number, uint8_t block,
                    uint8_t data[SYSTEM_INFO_PARAMETER_MAX], size_t *size);

/* Whether the parameter is one that is stored. */
bool system_info_is_stored(unsigned number);
/* What is stored of a text takes the place of what is there; NULL: it was never set. 0, -ENOMEM, or
 * -EINVAL for what cannot have been stored. */
int system_info_restore(struct system_info *info, unsigned number,
                        const struct system_info_text *text);

/* For bmc.c. */
void system_info_init(struct system_info *info, const struct bmc_core *core);
void system_info_clear(struct system_info *info);
void system_info_restart(struct system_info *info);
void system_info_session_ended(struct system_info *info, uint32_t session);
void system_info_host_event(struct system_info *info, enum host_event event);

#endif
