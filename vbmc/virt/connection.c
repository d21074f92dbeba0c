#include "vbmc/virt/connection.h"

#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/base/log.h"
#include "vbmc/ssh/connection.h"
#include "vbmc/ssh/uri.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/loop.h"

/* A hypervisor that hangs is detected after INTERVAL * (COUNT + 1) seconds; until then its BMCs are
 * busy. */
#define KEEPALIVE_INTERVAL_S 1
#define KEEPALIVE_COUNT      4

/* libvirtd stops to read a connection on which five requests wait (max_client_requests), here five
 * pieces of what was typed into a guest that takes none, and then answers no keep-alive either.
 * That guest is given two minutes. */
#define CONSOLES_KEEPALIVE_INTERVAL_S 5
#define CONSOLES_KEEPALIVE_COUNT      23

void hypervisor_start_ssh(struct hypervisor *hypervisor, const char *runtime_dir)
{
    hypervisor->is_ssh = ssh_uri_is(hypervisor->uri);
    if (!hypervisor->is_ssh)
        return;
    if (runtime_dir)
        sshconn_start(hypervisor->name, hypervisor->uri, runtime_dir, &hypervisor->ssh,
                      hypervisor->error_ssh, sizeof hypervisor->error_ssh);
    else
        snprintf(hypervisor->error_ssh, sizeof hypervisor->error_ssh, "no directory for sockets");
}

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

/* An embedded driver's descriptors are not noted: they are its guests' and its own. */
static virConnectPtr open_uri(struct hypervisor *hypervisor, struct virt_loop_socket *socket)
{
    static int types[] = {VIR_CRED_AUTHNAME, VIR_CRED_USERNAME, VIR_CRED_PASSPHRASE};
    virConnectAuth auth = {
        .credtype = types,
        .ncredtype = ARRAY_SIZE(types),
        .cb = on_credentials,
        .cbdata = hypervisor,
    };

    const char *uri = hypervisor->ssh ? sshconn_libvirt_uri(hypervisor->ssh) : hypervisor->uri;
    virt_loop_note_socket(hypervisor_uri_is_embedded(uri) ? NULL : socket);
    virConnectPtr connection = virConnectOpenAuth(uri, hypervisor->sasl_username ? &auth : NULL, 0);
    virt_loop_note_socket(NULL);
    return connection;
}

/* Waits for the SSH connection first, if the URI needs one. */
static virConnectPtr open_with_reason(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE],
                                      struct virt_loop_socket *socket)
{
    if (hypervisor->is_ssh && !hypervisor->ssh) {
        snprintf(text, WORKER_TEXT_SIZE, "%s", hypervisor->error_ssh);
        return NULL;
    }
    if (hypervisor->ssh && sshconn_wait(hypervisor->ssh, text, WORKER_TEXT_SIZE) < 0)
        return NULL;
    virConnectPtr connection = open_uri(hypervisor, socket);
    if (!connection) {
        virt_last_error(text, WORKER_TEXT_SIZE);
        if (hypervisor->ssh)
            sshconn_explain(hypervisor->ssh, text, WORKER_TEXT_SIZE);
    }
    return connection;
}

virConnectPtr hypervisor_connect(struct hypervisor *hypervisor, char text[WORKER_TEXT_SIZE],
                                 struct virt_loop_socket *socket)
{
    virConnectPtr connection = open_with_reason(hypervisor, text, socket);

    /* A driver that runs in this process has no keep-alive, and cannot lose a connection. */
    if (connection)
        hypervisor->in_process =
            virConnectSetKeepAlive(connection, KEEPALIVE_INTERVAL_S, KEEPALIVE_COUNT) < 0;
    return connection;
}

virConnectPtr hypervisor_connect_again(struct hypervisor *hypervisor, bool for_consoles,
                                       struct virt_loop_socket *socket)
{
    char text[WORKER_TEXT_SIZE];

    if (hypervisor->in_process)
        return NULL;
    virConnectPtr connection = open_with_reason(hypervisor, text, socket);
    if (connection)
        virConnectSetKeepAlive(connection,
                               for_consoles ? CONSOLES_KEEPALIVE_INTERVAL_S : KEEPALIVE_INTERVAL_S,
                               for_consoles ? CONSOLES_KEEPALIVE_COUNT : KEEPALIVE_COUNT);
    else
        log_debug("hypervisor %s: threads share a connection, as another is refused: %s",
                  hypervisor->name, text);
    return connection;
}
