#include "vbmc/physics/server.h"

void server_settings_set_defaults(struct server_settings *settings)
{
    *settings = (struct server_settings){0};
    model_constants_set_defaults(&settings->model);
    supply_layout_set_defaults(&settings->supply);
}
