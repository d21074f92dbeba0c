#include "vbmc/instance/declared.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/config/declared.h"
#include "vbmc/domxml/metadata.h"
#include "vbmc/host/metadata.h"
#include "vbmc/instance/internal.h"

const struct config_declared *instance_declared(const struct instance *instance)
{
    return &instance->declared;
}

const char *instance_declared_problem(const struct instance *instance)
{
    return instance->declared_problem ? instance->declared_problem : "";
}

static bool is_same_text(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

bool instance_has_other_metadata(const struct instance *instance, const char *text)
{
    return !is_same_text(instance->record.metadata, text);
}

/* The first thing that is wrong is told of. */
static void read_settings(struct instance *instance, const struct host_metadata *metadata)
{
    char problem[160];

    for (size_t i = 0; i < metadata->setting_count; i++) {
        const struct host_tag *setting = &metadata->settings[i];
        if (config_declared_set(&instance->declared, setting->key, setting->value, problem,
                                sizeof problem) == 0)
            continue;
        log_warning("%s: metadata of its domain: %s", instance->record.name, problem);
        if (!instance->declared_problem &&
            asprintf(&instance->declared_problem, "metadata of its domain: %s", problem) < 0)
            instance->declared_problem = NULL;
    }
}

void instance_read_metadata(struct instance *instance)
{
    struct host_metadata *metadata = NULL;

    config_declared_clear(&instance->declared);
    free(cleanup_steal_pointer(&instance->declared_problem));
    if (!instance->record.metadata ||
        domxml_parse_metadata(instance->record.metadata, &metadata) < 0)
        return;
    read_settings(instance, metadata);
    host_metadata_free(metadata);
}

bool instance_take_metadata(struct instance *instance, const char *text)
{
    uint16_t port = instance->declared.port;
    CLEANUP_FREE char *address = instance->declared.address;
    char *copy = text ? strdup(text) : NULL;

    instance->declared.address = NULL;
    free(instance->record.metadata);
    instance->record.metadata = copy;
    instance_read_metadata(instance);
    instance->interface_asked = false;
    return port != instance->declared.port || !is_same_text(address, instance->declared.address);
}
