/* `vbmc add`: begins the search for the domain. */
#include "vbmc/fleet/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/connect.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/search.h"
#include "vbmc/service/addition.h"
#include "vbmc/virt/embedded.h"
#include "vbmc/virt/hypervisor.h"

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void search_hypervisors(struct fleet *fleet, const struct service_addition *addition,
                               struct hypervisor *hypervisor, fleet_done_fn *done, void *context)
{
    struct waiting_addition *waiting = calloc(1, sizeof *waiting);

    if (!waiting) {
        done(context, -ENOMEM, "out of memory");
        return;
    }
    waiting->fleet = fleet;
    waiting->hypervisor = hypervisor;
    waiting->addition = (struct service_addition){
        .name = copy_text(addition->name),
        .username = copy_text(addition->username),
        .password = copy_text(addition->password),
        .address = copy_text(addition->address),
        .port = addition->port,
        .uri = copy_text(addition->uri),
        .sasl_username = copy_text(addition->sasl_username),
        .sasl_password = copy_text(addition->sasl_password),
    };
    waiting->done = done;
    waiting->context = context;
    fleet_hold_connection(fleet, hypervisor, 1);
    fleet_search_domain(waiting);
}

void fleet_add(struct fleet *fleet, const struct service_addition *addition, fleet_done_fn *done,
               void *context)
{
    char text[256];

    if (!addition->uri) {
        search_hypervisors(fleet, addition, fleet->connections->hypervisor, done, context);
        return;
    }
    if (hypervisor_uri_is_embedded(addition->uri) && embedded_check(text, sizeof text) < 0) {
        done(context, -EPERM, text);
        return;
    }
    const struct hypervisor_settings settings = {
        .name = addition->uri,
        .uri = addition->uri,
        .sasl_username = addition->sasl_username,
        .sasl_password = addition->sasl_password,
        .runtime_dir = fleet->config->daemon.runtime_dir,
    };
    struct fleet_connection *connection = fleet_connect(fleet, &settings, false);
    if (!connection)
        done(context, -ENOMEM, "out of memory");
    else
        search_hypervisors(fleet, addition, connection->hypervisor, done, context);
}
