/* Where a hypervisor is, and the keeper's side of it: opening and closing the connection. */
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hash.h"
#include "vbmc/virt/embedded.h"
#include "vbmc/ssh/uri.h"

/* A hypervisor that hangs is found out after INTERVAL * (COUNT + 1) seconds; its BMCs are busy
 * then. */
#define KEEPALIVE_INTERVAL_S 1
#define KEEPALIVE_COUNT      4

/* ---- where it is ---- */

void hypervisor_start_ssh(struct hypervisor *hypervisor, const char *runtime_dir)
{
    hypervisor->is_ssh = ssh_uri_is(hypervisor->uri);
    if (!hypervisor->is_ssh)
        return;
    if (runtime_dir)
        sshconn_start(hypervisor->name, hypervisor->uri, runtime_dir, &hypervisor->ssh,
                      hypervisor->error_ssh, sizeof hypervisor->error_ssh);
    else
        snprintf(hypervisor->error_ssh, sizeof hypervisor->error_ssh, "no place for sockets");
}

/* libvirt's own idea of it: no host, and no transport but the local one. */
bool hypervisor_is_local(const struct hypervisor *hypervisor)
{
    const char *uri = hypervisor->uri, *authority = strstr(uri, "://");
    const char *transport = authority ? memchr(uri, '+', (size_t)(authority - uri)) : NULL;

    if (!authority || authority[3] != '/')
        return false;
    return !transport || strncmp(transport, "+unix:", 6) == 0;
}

int64_t hypervisor_find_place(const struct hypervisor *hypervisor)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, hypervisor->uri, strlen(hypervisor->uri));
    char boot_id[64] = "";
    FILE *file =
        hypervisor_is_local(hypervisor) ? fopen("/proc/sys/kernel/random/boot_id", "re") : NULL;

    if (file && fgets(boot_id, sizeof boot_id, file))
        hash = hash_bytes(hash, boot_id, strlen(boot_id));
    if (file)
        fclose(file);
    return (int64_t)(hash >> 1) + 1;
}

int hypervisor_reach_socket(struct hypervisor *hypervisor, const char *path, char *local,
                            size_t size)
{
    if (hypervisor->is_ssh) {
        if (!hypervisor->ssh || hypervisor->stopping)
            return -EHOSTUNREACH;
        return sshconn_forward(hypervisor->ssh, path, local, size);
    }
    if (!hypervisor_is_local(hypervisor))
        return -ENOTSUP;
    if (path[0] != '/')
        return -EINVAL;
    int length = snprintf(local, size, "%s", path);
    return length < 108 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}

/* ---- opening and closing ---- */

static int on_credentials(virConnectCredentialPtr credentials, unsigned count, void *context)
{
    const struct hypervisor *hypervisor = context;

    for (unsigned i = 0; i < count; i++) {
        bool is_name =
            credentials[i].type == VIR_CRED_AUTHNAME || credentials[i].type == VIR_CRED_USERNAME;
        const char *answer = is_name ? hypervisor->sasl_username : hypervisor->sasl_password;
        credentials[i].result = strdup(answer);
        credentials[i].resultlen = (unsigned)strlen(answer);
    }
    return 0;
}

static virConnectPtr open_uri(struct hypervisor *hypervisor)
{
    static int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE};
    virConnectAuth auth = {
        .credtype = types,
        .ncredtype = ARRAY_SIZE(types),
        .cb = on_credentials,
        .cbdata = hypervisor,
    };

    const char *uri = hypervisor->ssh ? sshconn_libvirt_uri(hypervisor->ssh) : hypervisor->uri;
    return virConnectOpenAuth(uri, hypervisor->sasl_username ? &auth : NULL, 0);
}

/* The SSH connection first, where there is to be one. */
static virConnectPtr open_with_reason(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE])
{
    if (hypervisor->is_ssh && !hypervisor->ssh) {
        snprintf(text, WORKER_TEXT_SIZE, "%s", hypervisor->error_ssh);
        return NULL;
    }
    if (hypervisor->ssh && sshconn_wait(hypervisor->ssh, text, WORKER_TEXT_SIZE) < 0)
        return NULL;
    virConnectPtr connection = open_uri(hypervisor);
    if (!connection) {
        virt_last_error(text, WORKER_TEXT_SIZE);
        if (hypervisor->ssh)
            sshconn_explain(hypervisor->ssh, text, WORKER_TEXT_SIZE);
    }
    return connection;
}

/* Drivers without a remote end know no keep-alive, and cannot lose a connection. */
virConnectPtr hypervisor_open_another(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE])
{
    virConnectPtr connection = open_with_reason(hypervisor, text);

    if (connection)
        virConnectSetKeepAlive(connection, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT);
    return connection;
}

struct lost {
    struct inbox_item item;
    struct hypervisor *hypervisor;
};

static void deliver_lost(struct inbox_item *item)
{
    struct lost *lost = (struct lost *)item; /* its first member */

    hypervisor_deliver_lost(lost->hypervisor);
    free(lost);
}

/* Any thread. */
static void on_closed(virConnectPtr connection, int reason, void *opaque)
{
    struct hypervisor *hypervisor = opaque;

    (void)connection;
    (void)reason;
    worker_connection_lost(hypervisor->worker);
}

/* The loss is posted by the keeper, so that it comes after the list of the same connection. */
static void close_connection(void *context, virConnectPtr connection)
{
    struct hypervisor *hypervisor = context;
    struct lost *lost = calloc(1, sizeof *lost);

    if (lost) {
        lost->item.deliver = deliver_lost;
        lost->hypervisor = hypervisor;
        inbox_post(hypervisor->inbox, &lost->item);
    }
    virConnectUnregisterCloseCallback(connection, on_closed);
    virt_events_deregister(&hypervisor->events, connection);
    virConnectClose(connection);
}

static bool read_is_qemu(virConnectPtr connection)
{
    const char *type = virConnectGetType(connection);

    return type && strcmp(type, "QEMU") == 0;
}

/* libvirt's number is 1000000 * major + 1000 * minor + release. */
static void read_emulator_version(virConnectPtr connection, struct listing *listing)
{
    unsigned long version = 0;

    if (!listing->is_qemu || virConnectGetVersion(connection, &version) < 0 || version == 0)
        return;
    snprintf(listing->emulator_version, sizeof listing->emulator_version, "QEMU %lu.%lu.%lu",
             version / 1000000, version / 1000 % 1000, version % 1000);
}

static virConnectPtr open_connection(void *context, char text[WORKER_TEXT_SIZE])
{
    struct hypervisor *hypervisor = context;
    struct listing *listing;

    if (embedded_is_uri(hypervisor->uri) &&
        embedded_prepare(hypervisor->uri, text, WORKER_TEXT_SIZE) < 0)
        return NULL;
    virConnectPtr connection = hypervisor_open_another(hypervisor, text);
    if (!connection)
        return NULL;
    virConnectRegisterCloseCallback(connection, on_closed, hypervisor, NULL);
    listing = calloc(1, sizeof *listing);
    if (!listing || virt_events_register(&hypervisor->events, connection) < 0 ||
        virt_facts_list_read(connection, &listing->list) < 0) {
        virt_last_error(text, WORKER_TEXT_SIZE);
        free(listing);
        close_connection(hypervisor, connection);
        return NULL;
    }
    listing->is_qemu = read_is_qemu(connection);
    read_emulator_version(connection, listing);
    listing->hypervisor = hypervisor;
    listing->item.deliver = hypervisor_deliver_listing;
    inbox_post(hypervisor->inbox, &listing->item);
    return connection;
}

struct failure {
    struct inbox_item item;
    struct hypervisor *hypervisor;
    char text[WORKER_TEXT_SIZE];
};

static void deliver_failure(struct inbox_item *item)
{
    struct failure *failure = (struct failure *)item; /* its first member */

    hypervisor_deliver_failure(failure->hypervisor, failure->text);
    free(failure);
}

static void connection_failed(void *context, const char *text)
{
    struct hypervisor *hypervisor = context;
    struct failure *failure = calloc(1, sizeof *failure);

    if (!failure)
        return;
    failure->item.deliver = deliver_failure;
    failure->hypervisor = hypervisor;
    snprintf(failure->text, sizeof failure->text, "%s", text);
    inbox_post(hypervisor->inbox, &failure->item);
}

const struct worker_ops hypervisor_worker_ops = {
    .open = open_connection,
    .close = close_connection,
    .failed = connection_failed,
};
