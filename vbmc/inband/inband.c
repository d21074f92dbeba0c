#include "vbmc/inband/inband.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/inband/interface.h"
#include "vbmc/inband/socket.h"

#define ERROR_SIZE 256

struct inband {
    struct inband_settings settings;
    struct inband_interface *interface;
    struct inband_socket *socket; /* NULL: it does not listen */
    char error[ERROR_SIZE];
};

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

static void send_bytes(void *context, const uint8_t *bytes, size_t length)
{
    const struct inband *inband = context;

    inband_socket_send(inband->socket, bytes, length);
}

static bool is_starting(void *context)
{
    const struct inband *inband = context;

    return inband->settings.is_starting(inband->settings.context);
}

static void on_connected(void *context)
{
    const struct inband *inband = context;

    inband_interface_connected(inband->interface);
}

static int on_received(void *context, const uint8_t *bytes, size_t length)
{
    const struct inband *inband = context;
    uint64_t now = now_ms();
    int result = inband_interface_receive(inband->interface, bytes, length, now);

    return result < 0 ? result : (int)inband_interface_pause_ms(inband->interface, now);
}

static void on_settled(void *context)
{
    const struct inband *inband = context;

    inband_interface_settled(inband->interface);
}

static void on_disconnected(void *context)
{
    const struct inband *inband = context;

    inband_interface_disconnected(inband->interface);
}

static const struct inband_socket_events socket_events = {
    .connected = on_connected,
    .received = on_received,
    .settled = on_settled,
    .disconnected = on_disconnected,
};

struct inband *inband_new(const struct inband_settings *settings)
{
    struct inband *inband = calloc(1, sizeof *inband);

    if (!inband)
        return NULL;
    inband->settings = *settings;
    const struct inband_config config = {
        .bmc_number = settings->bmc_number,
        .bmc = settings->bmc,
        .messaging = settings->messaging,
        .sink = settings->sink,
        .sessions = settings->sessions,
        .sessions_context = settings->sessions_context,
        .send = send_bytes,
        .is_starting = is_starting,
        .context = inband,
    };
    inband->interface = inband_interface_new(&config);
    if (inband->interface)
        return inband;
    free(inband);
    return NULL;
}

void inband_free(struct inband *inband)
{
    if (!inband)
        return;
    inband_stop_listening(inband);
    inband_interface_free(inband->interface);
    free(inband);
}

int inband_listen(struct inband *inband, const char *path, uid_t owner)
{
    int result =
        inband->socket
            ? inband_socket_set_owner(inband->socket, owner, inband->error, sizeof inband->error)
            : inband_socket_open(inband->settings.loop, path, owner, &socket_events, inband,
                                 &inband->socket, inband->error, sizeof inband->error);

    if (result == 0)
        inband->error[0] = '\0';
    return result;
}

void inband_stop_listening(struct inband *inband)
{
    inband_socket_close(inband->socket);
    inband->socket = NULL;
    inband_interface_disconnected(inband->interface);
    inband->error[0] = '\0';
}

bool inband_is_listening(const struct inband *inband)
{
    return inband->socket != NULL;
}

const char *inband_error(const struct inband *inband)
{
    return inband->error;
}

struct inband_interface *inband_interface(struct inband *inband)
{
    return inband->interface;
}
