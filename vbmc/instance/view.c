#include "vbmc/instance/view.h"

#include <stddef.h>

#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"

struct instance_view instance_view(struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);

    return (struct instance_view){
        .uuid = &record->uuid,
        .name = record->name,
        .is_active = record->active,
        .address = record->address,
        .port = record->port,
        .uri = record->uri,
        .sasl_username = record->sasl_username,
        .has_sasl_password = record->sasl_password != NULL,
    };
}
