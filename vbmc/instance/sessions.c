#include "vbmc/instance/sessions.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/base/audit.h"
#include "vbmc/bmc/payload.h"
#include "vbmc/console/sol.h"
#include "vbmc/inband/inband.h"
#include "vbmc/inband/interface.h"
#include "vbmc/instance/hooks.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/restart.h"
#include "vbmc/net/limiter.h"
#include "vbmc/net/udp.h"
#include "vbmc/platform/platform.h"
#include "vbmc/rmcp/ops.h"
#include "vbmc/rmcp/server.h"

static void send_datagram(void *context, const struct endpoint *to, const uint8_t *bytes,
                          size_t length)
{
    struct instance *instance = context;

    if (instance->socket)
        udp_socket_send(instance->socket, to, bytes, length);
}

static void on_login_failed(void *context, uint8_t user_id)
{
    struct instance *instance = context;

    platform_note_login_failure(instance->bmc.platform);
    bmc_note_login(&instance->bmc, user_id, false);
}

static void on_logged_in(void *context, uint8_t user_id, const union endpoint_address *remote)
{
    struct instance *instance = context;
    const struct audit_login login = {
        .uuid = &instance->bmc.core.uuid,
        .bmc = instance->record.name,
        .way = "IPMI",
        .user = user_id <= USER_ID_MAX ? instance->bmc.users.by_id[user_id].name : "",
        .how = "",
        .remote = remote,
    };

    bmc_note_login(&instance->bmc, user_id, true);
    limiter_note_login(instance->shared->limiter, remote, instance_now_ms());
    audit_put_login(&login);
}

static bool is_locked_out(void *context, uint8_t user_id)
{
    const struct instance *instance = context;

    return lockout_is_locked(&instance->bmc.lockout, user_id);
}

static bool is_known(void *context, const union endpoint_address *remote)
{
    const struct instance *instance = context;

    return limiter_knows(instance->shared->limiter, remote, instance_now_ms());
}

void instance_note_password(struct instance *instance, const char *name, bool right)
{
    uint8_t id = 0;

    if (!users_find(&instance->bmc.users, name, strlen(name), &id) && right)
        return;
    if (right)
        bmc_note_login(&instance->bmc, id, true);
    else
        on_login_failed(instance, id);
}

struct rmcp_server *instance_new_server(struct instance *instance)
{
    struct rmcp_config config = {
        .bmc_number = instance->bmc.core.number,
        .bmc = &instance->bmc,
        .users = &instance->bmc.users,
        .channel = &instance->bmc.channel,
        .sink = instance->shared->sink,
        .send = send_datagram,
        .send_context = instance,
        .events = &console_sol_events,
        .events_context = instance->sol,
        .login_failed = on_login_failed,
        .logged_in = on_logged_in,
        .is_locked_out = is_locked_out,
        .is_known = is_known,
        .login_context = instance,
        .login_log = instance->shared->login_log,
    };

    memcpy(config.guid, instance->bmc.guid, sizeof config.guid);
    return rmcp_server_new(&config);
}

static bool may_pass(struct instance *instance, const struct endpoint *from, const uint8_t *bytes,
                     size_t length, uint64_t now_ms)
{
    struct rmcp_weight weight = rmcp_server_weigh(instance->rmcp, from, bytes, length);
    struct limiter_load load = {.work = weight.work, .is_proven = weight.sender == RMCP_PROVEN};

    return weight.sender == RMCP_IN_SESSION ||
           limiter_admit(instance->shared->limiter, instance->bmc.core.number, &from->remote, load,
                         now_ms);
}

void instance_receive(struct instance *instance, const struct endpoint *from, const uint8_t *bytes,
                      size_t length)
{
    uint64_t now = instance_now_ms();

    if (instance_is_restarting(instance, now))
        return;
    if (!may_pass(instance, from, bytes, length, now))
        return;
    rmcp_server_receive(instance->rmcp, from, bytes, length, now);
    instance_wake_at(instance, rmcp_server_earliest_deadline(instance->rmcp));
}

bool instance_session(struct instance *instance, unsigned n, struct instance_session *session)
{
    const struct bmc *bmc = &instance->bmc;
    uint32_t id = rmcp_session_ops.find_nth(instance->rmcp, n);
    struct ipmi_session_info info;

    if (id == 0 || rmcp_session_ops.info(instance->rmcp, id, &info) < 0)
        return false;
    *session = (struct instance_session){
        .user = info.user_id <= USER_ID_MAX ? bmc->users.by_id[info.user_id].name : "",
        .privilege = info.privilege,
        .remote = info.remote,
        .is_ipmi_1_5 = !info.rmcp_plus,
        .has_sol = bmc->payload && bmc->payload->owner(bmc->payload_context).session == id,
        .began_ms = info.began_ms,
        .heard_ms = info.heard_ms,
    };
    return true;
}

void instance_reply(struct instance *instance, const struct ipmi_token *token,
                    const struct ipmi_response *response)
{
    rmcp_server_complete(instance->rmcp, token, response, instance_now_ms());
}

struct sink {
    struct ipmi_sink sink; /* is its first member, for who frees it */
    instance_by_number *find;
    void *context;
};

static void reply_to_session(void *context, const struct ipmi_token *token,
                             const struct ipmi_response *response)
{
    const struct sink *sink = context;
    struct instance *instance = sink->find(sink->context, token->bmc);

    if (instance)
        instance_reply(instance, token, response);
}

static void reply_to_guest(void *context, const struct ipmi_token *token,
                           const struct ipmi_response *response)
{
    const struct sink *sink = context;
    struct instance *instance = sink->find(sink->context, token->bmc);

    if (instance && instance->inband)
        inband_interface_complete(inband_interface(instance->inband), token, response,
                                  instance_now_ms());
}

static struct ipmi_sink *new_sink(void (*reply)(void *context, const struct ipmi_token *token,
                                                const struct ipmi_response *response),
                                  instance_by_number *find, void *context)
{
    struct sink *sink = malloc(sizeof *sink);

    if (!sink)
        return NULL;
    *sink =
        (struct sink){.sink = {.reply = reply, .context = sink}, .find = find, .context = context};
    return &sink->sink;
}

struct ipmi_sink *instance_sink_new(instance_by_number *find, void *context)
{
    return new_sink(reply_to_session, find, context);
}

struct ipmi_sink *instance_inband_sink_new(instance_by_number *find, void *context)
{
    return new_sink(reply_to_guest, find, context);
}
