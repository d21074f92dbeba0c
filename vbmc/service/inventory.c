/* FRU inventory (IPMI 2.0, chapter 34), and the asset tag that DCMI shares with it. */
#include <stdio.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/fru.h"
#include "vbmc/service/runs.h"

int service_run_fru_write(const struct service_call *call, const union service_arguments *arguments)
{
    if (!call->bmc->fru)
        return -ENOSYS;
    int result = fru_write(call->bmc->fru, arguments->fru_write.id, arguments->fru_write.offset,
                           arguments->fru_write.bytes, arguments->fru_write.size);
    return result < 0 ? result : service_changed(call, BMC_PART_FRU);
}

int service_run_asset_tag(const struct service_call *call, const union service_arguments *arguments)
{
    struct fru *fru = call->bmc->fru;
    const uint8_t *bytes = arguments->asset_tag.bytes;
    char text[96];

    if (!fru)
        return -ENOSYS;
    int result = arguments->asset_tag.is_text
                     ? fru_set_asset_tag_text(fru, (const char *)bytes)
                     : fru_set_asset_tag(fru, bytes, arguments->asset_tag.length);
    switch (result) {
    case 0:
        return service_changed(call, BMC_PART_FRU);
    case -EINVAL:
        snprintf(text, sizeof text,
                 "an asset tag is printable text of at most %d bytes (%d of UTF-8)",
                 FRU_ASSET_TAG_MAX, FRU_ASSET_TAG_MAX - 3);
        return service_refuse(call, -EDOM, text);
    default:
        return service_refuse(call, -ENOSPC,
                              "no room for the asset tag in the FRU that a client wrote");
    }
}
