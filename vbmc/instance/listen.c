#include "vbmc/instance/listen.h"

#include <string.h>

#include "vbmc/base/kept_text.h"
#include "vbmc/base/log.h"
#include "vbmc/console/sol.h"
#include "vbmc/instance/inband.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/network.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/net/udp.h"
#include "vbmc/rmcp/server.h"

void instance_set_address(struct instance *instance, const union endpoint_address *address)
{
    instance->address = *address;
    instance_forget_network(instance);
}

static void close_socket(struct instance *instance)
{
    if (instance->socket && instance->sol)
        console_sol_end(instance->sol); /* as long as it can be said */
    if (instance->owns_socket)
        udp_socket_close(instance->socket);
    if (instance->socket && instance->rmcp)
        rmcp_server_end_all_sessions(instance->rmcp);
    instance->socket = NULL;
    instance->owns_socket = false;
}

static void use_socket(struct instance *instance, struct udp_socket *socket, bool owns)
{
    char text[ENDPOINT_TEXT_SIZE];

    instance->socket = socket;
    instance->owns_socket = owns;
    instance_forget_network(instance);
    console_sol_set_port(instance->sol, udp_socket_port(socket));
    if (instance->error) {
        endpoint_address_format(&instance->address, text);
        log_info("%s: now listening on UDP %s", instance->record.name, text);
    }
    kept_text_set(&instance->error, "");
    instance_follow_inband(instance);
}

static void on_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                        size_t length)
{
    instance_receive(context, from, bytes, length);
}

int instance_listen(struct instance *instance)
{
    struct udp_socket *socket;

    close_socket(instance);
    int result =
        udp_socket_open(instance->shared->loop, &instance->address, on_datagram, instance, &socket);
    if (result == 0)
        use_socket(instance, socket, true);
    return result;
}

void instance_listen_shared(struct instance *instance, struct udp_socket *socket)
{
    close_socket(instance);
    use_socket(instance, socket, false);
}

void instance_note_error(struct instance *instance, const char *text)
{
    if (strcmp(kept_text(instance->error), text) == 0)
        return;
    kept_text_set(&instance->error, text);
    log_error("%s: %s", instance->record.name, text);
}

void instance_stop_listening(struct instance *instance)
{
    close_socket(instance);
    kept_text_set(&instance->error, "");
    instance_follow_inband(instance);
}

bool instance_is_listening(const struct instance *instance)
{
    return instance->socket != NULL;
}

const union endpoint_address *instance_address(const struct instance *instance)
{
    return &instance->address;
}

const char *instance_error(const struct instance *instance)
{
    return kept_text(instance->error);
}
