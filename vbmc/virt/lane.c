#include "vbmc/virt/lane.h"

#include <stdio.h>

#include "vbmc/virt/connection.h"
#include "vbmc/virt/hypervisor.h"

void virt_lane_init(struct virt_lane *lane, struct hypervisor *hypervisor)
{
    *lane = (struct virt_lane){.hypervisor = hypervisor};
    pthread_mutex_init(&lane->lock, NULL);
}

static void close_if_any(virConnectPtr connection)
{
    if (connection)
        virConnectClose(connection);
}

static virConnectPtr open_connection(const struct virt_lane *lane, virConnectPtr main,
                                     char text[WORKER_TEXT_SIZE])
{
    if (!hypervisor_is_embedded(lane->hypervisor))
        return hypervisor_connect(lane->hypervisor, text);
    return virConnectRef(main) < 0 ? NULL : main;
}

virConnectPtr virt_lane_enter(struct virt_lane *lane, virConnectPtr main,
                              char text[WORKER_TEXT_SIZE])
{
    pthread_mutex_lock(&lane->lock);
    bool closed = lane->closed;
    virConnectPtr connection = closed ? NULL : lane->connection;
    lane->busy = !closed;
    pthread_mutex_unlock(&lane->lock);

    if (closed) {
        snprintf(text, WORKER_TEXT_SIZE, "stopping");
        return NULL;
    }
    if (connection && virConnectIsAlive(connection) > 0)
        return connection;
    close_if_any(connection);
    connection = open_connection(lane, main, text);
    pthread_mutex_lock(&lane->lock);
    lane->connection = connection;
    pthread_mutex_unlock(&lane->lock);
    if (!connection)
        virt_lane_leave(lane);
    return connection;
}

/* The connection if it is to be closed, or NULL. */
static virConnectPtr take_unwanted(struct virt_lane *lane)
{
    virConnectPtr connection = NULL;

    if (lane->closed && !lane->busy) {
        connection = lane->connection;
        lane->connection = NULL;
    }
    return connection;
}

void virt_lane_leave(struct virt_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->busy = false;
    virConnectPtr connection = take_unwanted(lane);
    pthread_mutex_unlock(&lane->lock);
    close_if_any(connection);
}

void virt_lane_close(struct virt_lane *lane)
{
    pthread_mutex_lock(&lane->lock);
    lane->closed = true;
    virConnectPtr connection = take_unwanted(lane);
    pthread_mutex_unlock(&lane->lock);
    close_if_any(connection);
}

void virt_lane_destroy(struct virt_lane *lane)
{
    pthread_mutex_destroy(&lane->lock);
}
