#include "vbmc/state/documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/state/document.h"
#include "vbmc/store/document.h"

static const struct document_kind *const kinds[BMC_PART_COUNT] = {
    [BMC_PART_SENSORS] = &document_sensors,
    [BMC_PART_FRU] = &document_fru,
    [BMC_PART_DCMI] = &document_dcmi,
    [BMC_PART_FAULTS] = &document_faults,
};

struct documents {
    struct bmc *bmc; /* NULL: gone; freed with the last save */
    struct store *store;
    unsigned saves; /* under way */
    struct {
        struct json_object *stored; /* what is on disk; NULL: nothing */
        uint64_t newest;            /* number of the save begun last */
    } kinds[BMC_PART_COUNT];
};

struct document_save {
    struct documents *documents;
    enum bmc_part part;
    struct bmc_ticket ticket;
    uint64_t number;
    struct json_object *json;
};

struct documents *documents_new(struct bmc *bmc, struct store *store)
{
    struct documents *documents = calloc(1, sizeof *documents);

    if (documents) {
        documents->bmc = bmc;
        documents->store = store;
    }
    return documents;
}

static void free_unused(struct documents *documents)
{
    if (documents->bmc || documents->saves > 0)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(documents->kinds); i++)
        json_object_put(documents->kinds[i].stored);
    free(documents);
}

void documents_free(struct documents *documents)
{
    if (!documents)
        return;
    documents->bmc = NULL;
    free_unused(documents);
}

void documents_restore(struct documents *documents, const char *name, const char *text)
{
    char uuid[UUID_TEXT_SIZE];

    uuid_format(&documents->bmc->uuid, uuid);
    for (size_t i = BMC_PART_SENSORS; i < ARRAY_SIZE(kinds); i++) {
        if (strcmp(kinds[i]->name, name) != 0)
            continue;
        struct json_object *json = json_tokener_parse(text);
        if (!json || kinds[i]->decode(documents->bmc, json) < 0)
            log_warning("%s: stored %s is partly corrupt; ignoring the bad entries", uuid, name);
        json_object_put(documents->kinds[i].stored);
        documents->kinds[i].stored = json;
    }
}

/* What a client was not told to be stored must not look as if it were, unless a later save says so.
 */
static void on_saved(void *context, int result)
{
    struct document_save *save = context;
    struct documents *documents = save->documents;
    struct json_object **stored = &documents->kinds[save->part].stored;
    char uuid[UUID_TEXT_SIZE];

    if (result == 0) {
        json_object_put(*stored);
        *stored = save->json;
        save->json = NULL;
    } else if (documents->bmc && save->number == documents->kinds[save->part].newest) {
        uuid_format(&documents->bmc->uuid, uuid);
        log_error("%s: its %s could not be stored: %s", uuid, kinds[save->part]->name,
                  strerror(-result));
        kinds[save->part]->decode(documents->bmc, *stored);
    }
    json_object_put(save->json);
    bmc_ticket_finish(&save->ticket, result);
    free(save);
    documents->saves--;
    free_unused(documents);
}

void documents_save(struct documents *documents, enum bmc_part part,
                    const struct bmc_ticket *ticket)
{
    struct document_save *save = calloc(1, sizeof *save);
    struct json_object *json = kinds[part]->encode(documents->bmc);

    if (!save || !json) {
        free(save);
        json_object_put(json);
        bmc_ticket_finish(ticket, -ENOMEM);
        return;
    }
    *save = (struct document_save){
        .documents = documents,
        .part = part,
        .ticket = *ticket,
        .number = ++documents->kinds[part].newest,
        .json = json,
    };
    documents->saves++;
    int result = store_document_put(documents->store, &documents->bmc->uuid, kinds[part]->name,
                                    json_object_to_json_string_ext(json, JSON_C_TO_STRING_PLAIN),
                                    on_saved, save);
    if (result < 0)
        on_saved(save, result);
}
