#include "vbmc/bmc/core.h"

#include <errno.h>

const char *bmc_core_name(const struct bmc_core *core)
{
    return core->host ? core->host->name : "a guest that is not there";
}

int bmc_core_unchanged(const struct bmc_core *core, enum bmc_part part,
                       const struct bmc_ticket *ticket)
{
    if (core->hooks->is_stored(core, part))
        return 0;
    core->hooks->changed(core, part, ticket);
    return -EINPROGRESS;
}
