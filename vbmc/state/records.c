#include "vbmc/state/records.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/state/record.h"
#include "vbmc/state/saves.h"
#include "vbmc/store/document.h"

static const struct record_kind *const kinds[BMC_PART_COUNT] = {
    [BMC_PART_SENSORS] = &record_sensors,
    [BMC_PART_FRU] = &record_fru,
    [BMC_PART_DCMI] = &record_dcmi,
    [BMC_PART_FAULTS] = &record_faults,
    [BMC_PART_SYSTEM_INFO] = &record_system_info,
    [BMC_PART_PEF] = &record_pef,
    [BMC_PART_PEF_PENDING] = &record_pef_pending,
    [BMC_PART_WATCHDOG] = &record_watchdog,
    [BMC_PART_LAN] = &record_lan,
};

const struct record_kind *record_kind_of(enum bmc_part part)
{
    return kinds[part];
}

bool record_restore(const struct record_owner *owner, const char *text)
{
    char uuid[UUID_TEXT_SIZE];
    struct json_object *json = json_tokener_parse(text);
    int result = json ? owner->kind->decode(owner->bmc, json) : -EINVAL;

    json_object_put(json);
    if (result >= 0)
        return result > 0;
    uuid_format(&owner->bmc->core.uuid, uuid);
    log_warning("%s: stored %s is partly corrupt; ignoring the bad entries", uuid,
                owner->kind->name);
    return false;
}

/* As text, which takes a tenth of the room: what is on disk is kept of every BMC. */
static void *copy(void *owner)
{
    const struct record_owner *record = owner;
    struct json_object *json = record->kind->encode(record->bmc);
    const char *text = json ? json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN) : NULL;
    char *kept = text ? strdup(text) : NULL;

    json_object_put(json);
    return kept;
}

static int put(struct store *store, void *owner, const void *text, store_done_fn done,
               void *context)
{
    const struct record_owner *record = owner;

    return store_document_put(store, &record->bmc->core.uuid, record->kind->name, text, done,
                              context);
}

static bool take_back(void *owner, const void *text, bool asked)
{
    const struct record_owner *record = owner;
    struct json_object *json = text ? json_tokener_parse(text) : NULL;
    bool is_back = true;

    if (record->kind->take_back)
        is_back = asked && record->kind->take_back(record->bmc, json);
    else
        record->kind->decode(record->bmc, json);
    json_object_put(json);
    return is_back;
}

static const struct save_kind save_kinds[BMC_PART_COUNT] = {
    [BMC_PART_SENSORS] = {"sensor settings", copy, free, put, take_back},
    [BMC_PART_FRU] = {"FRU inventory", copy, free, put, take_back},
    [BMC_PART_DCMI] = {"DCMI settings", copy, free, put, take_back},
    [BMC_PART_FAULTS] = {"injected faults", copy, free, put, take_back},
    [BMC_PART_SYSTEM_INFO] = {"system information", copy, free, put, take_back},
    [BMC_PART_PEF] = {"PEF settings", copy, free, put, take_back},
    [BMC_PART_PEF_PENDING] = {"pending events and alerts", copy, free, put, take_back},
    [BMC_PART_WATCHDOG] = {"watchdog timer", copy, free, put, take_back},
    [BMC_PART_LAN] = {"LAN configuration", copy, free, put, take_back},
};

const struct save_kind *record_save_kind(enum bmc_part part)
{
    return &save_kinds[part];
}
