/* One job of the worker per command. A job that outlives its client keeps the transport's memory
 * until it is done. */
#include "vbmc/virt/passthrough.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <libvirt/libvirt-qemu.h>

#include "qmp/client.h"
#include "qmp/transport.h"
#include "vbmc/base/json.h"
#include "vbmc/base/array.h"
#include "vbmc/base/uuid.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/worker.h"

struct passthrough {
    struct qmp_transport transport;
    struct qmp_client *client; /* NULL: closed */
    struct worker *worker;
    struct uuid uuid;
    unsigned jobs;
};

struct command {
    struct worker_job job;
    struct passthrough *passthrough;
    struct uuid uuid;
    unsigned id;
    bool handed_over; /* to libvirt */
    int result;
    char *reply; /* NULL on failure */
    char text[WORKER_TEXT_SIZE];
    char request[]; /* JSON text */
};

static void release(struct passthrough *passthrough)
{
    if (!passthrough->client && passthrough->jobs == 0)
        free(passthrough);
}

/* An action thread. */
static void run_command(struct worker_job *job, virConnectPtr connection)
{
    struct command *command = CONTAINER_OF(job, struct command, job);

    virDomainPtr domain;

    command->result =
        virt_look_up(connection, &command->uuid, &domain, command->text, sizeof command->text);
    if (!domain)
        return;
    command->handed_over = true;
    command->result = virDomainQemuMonitorCommand(domain, command->request, &command->reply, 0);
    if (command->result < 0)
        command->result = virt_last_error(command->text, sizeof command->text);
    virDomainFree(domain);
}

static void report(struct command *command)
{
    struct qmp_client *client = command->passthrough->client;
    CLEANUP_JSON struct json_object *message = NULL;

    if (command->result == 0 && command->reply &&
        qmp_json_parse(command->reply, strlen(command->reply), &message) == 0) {
        qmp_client_reply(client, command->id, message);
        return;
    }
    struct qmp_error error = {
        .failure = QMP_FAILURE_DISCONNECTED,
        /* libvirt refuses a domain that is off or a driver that has no monitor before sending. */
        .may_have_run = command->handed_over && command->result == -EHOSTUNREACH,
    };
    snprintf(error.text, sizeof error.text, "%.*s", (int)sizeof error.text - 1,
             command->result == 0 ? "libvirt's answer is not JSON" : command->text);
    qmp_client_command_failed(client, command->id, &error);
}

static void command_done(struct worker_job *job)
{
    struct command *command = CONTAINER_OF(job, struct command, job);
    struct passthrough *passthrough = command->passthrough;

    if (passthrough->client)
        report(command);
    passthrough->jobs--;
    release(passthrough);
    free(command->reply);
    free(command);
}

static void start(struct qmp_transport *transport, struct qmp_client *client)
{
    struct passthrough *passthrough = CONTAINER_OF(transport, struct passthrough, transport);

    passthrough->client = client;
    qmp_client_transport_ready(client);
}

/* libvirt sets the "id" member itself and refuses a command that has one. */
static int send_command(struct qmp_transport *transport, unsigned id, struct json_object *request)
{
    struct passthrough *passthrough = CONTAINER_OF(transport, struct passthrough, transport);
    const char *text = json_object_to_json_string_ext(request, JSON_C_TO_STRING_PLAIN);
    size_t size = strlen(text) + 1;
    struct command *command = calloc(1, sizeof *command + size);

    if (!command)
        return -ENOMEM;
    memcpy(command->request, text, size);
    command->id = id;
    command->uuid = passthrough->uuid;
    command->passthrough = passthrough;
    command->job.run = run_command;
    command->job.done = command_done;
    passthrough->jobs++;
    worker_submit_action(passthrough->worker, &command->job);
    return 0;
}

/* Called by the client, also from inside report: the memory then goes when its job is done. */
static void close_transport(struct qmp_transport *transport)
{
    struct passthrough *passthrough = CONTAINER_OF(transport, struct passthrough, transport);

    passthrough->client = NULL;
    release(passthrough);
}

struct qmp_transport *passthrough_create(struct worker *worker, const struct uuid *uuid)
{
    static const struct qmp_transport_ops ops = {
        .start = start,
        .send = send_command,
        .close = close_transport,
    };
    struct passthrough *passthrough = calloc(1, sizeof *passthrough);

    if (!passthrough)
        return NULL;
    passthrough->transport.ops = &ops;
    passthrough->worker = worker;
    passthrough->uuid = *uuid;
    return &passthrough->transport;
}
