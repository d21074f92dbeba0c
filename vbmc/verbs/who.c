#include "vbmc/verbs/who.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/instance/view.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/console.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"
#include "vbmc/verbs/verbs.h"

#define TEXT_SIZE 128

struct listing {
    const struct control_request *request;
    struct instance *only; /* NULL: all */
    struct json_object *rows;
    uint64_t now_ms;
};

/* One row, with what every kind has. */
struct login {
    const char *domain; /* NULL: all BMCs */
    const char *type;
    const char *user;
    const char *address; /* "": this machine */
    enum privilege privilege;
    uint64_t began_ms, heard_ms;
};

static void add_login(struct listing *listing, const struct login *login)
{
    struct json_object *row = json_object_new_object();
    time_t since = time(NULL) - (time_t)((listing->now_ms - login->began_ms) / 1000);
    struct tm utc;
    char text[TEXT_SIZE];

    gmtime_r(&since, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    verbs_add_text(row, "domain_name", login->domain);
    verbs_add_text(row, "type", login->type);
    verbs_add_text(row, "user", login->user);
    verbs_add_text(row, "address", login->address);
    verbs_add_text(row, "privilege", service_privilege_name(login->privilege));
    verbs_add_text(row, "since", text);
    json_object_object_add(
        row, "idle", json_object_new_int64((int64_t)(listing->now_ms - login->heard_ms) / 1000));
    json_object_array_add(listing->rows, row);
}

static const char *type_of(const struct instance_session *session)
{
    if (session->is_ipmi_1_5)
        return "IPMI 1.5";
    return session->has_sol ? "SOL" : "IPMI";
}

static void add_sessions(struct listing *listing, struct instance *instance)
{
    struct instance_session session;
    char address[ENDPOINT_TEXT_SIZE];

    for (unsigned n = 1; instance_session(instance, n, &session); n++) {
        endpoint_address_format_host(&session.remote, address);
        add_login(listing, &(struct login){.domain = instance_view(instance).name,
                                           .type = type_of(&session),
                                           .user = session.user,
                                           .address = address,
                                           .privilege = session.privilege,
                                           .began_ms = session.began_ms,
                                           .heard_ms = session.heard_ms});
    }
}

static bool may_see(const struct listing *listing, struct instance *instance)
{
    return listing->only ? listing->only == instance : verbs_may_see(listing->request, instance);
}

static void add_console(void *context, struct instance *instance,
                        const struct control_identity *identity, uint64_t began_ms,
                        uint64_t heard_ms)
{
    struct listing *listing = context;

    if (!may_see(listing, instance))
        return;
    add_login(listing, &(struct login){.domain = instance_view(instance).name,
                                       .type = "console",
                                       .user = identity->account,
                                       .address = identity->address,
                                       .privilege = identity->privilege,
                                       .began_ms = began_ms,
                                       .heard_ms = heard_ms});
}

struct ssh_visit {
    struct listing *listing;
    const struct bmcset *set;
};

static void add_ssh(void *context, const struct control_identity *identity, uint64_t began_ms,
                    uint64_t heard_ms)
{
    const struct ssh_visit *visit = context;
    struct listing *listing = visit->listing;
    struct instance *instance =
        identity->one_bmc ? bmcset_find_uuid(visit->set, &identity->uuid) : NULL;

    if (instance ? !may_see(listing, instance)
                 : listing->only || verbs_only_bmc_of(listing->request))
        return;
    add_login(listing, &(struct login){.domain = instance ? instance_view(instance).name : NULL,
                                       .type = "SSH",
                                       .user = identity->account,
                                       .address = identity->address,
                                       .privilege = identity->privilege,
                                       .began_ms = began_ms,
                                       .heard_ms = heard_ms});
}

void verbs_who(const struct verbs *verbs, struct json_object *arguments,
               struct control_request *request)
{
    struct listing listing = {.request = request, .now_ms = uv_hrtime() / 1000000};
    struct ssh_visit visit = {&listing, fleet_bmcs(verbs->fleet)};

    if (json_object_object_get_ex(arguments, "name", NULL)) {
        listing.only = verbs_named_instance(verbs, arguments, request);
        if (!listing.only)
            return;
    }
    listing.rows = json_object_new_array();
    for (size_t i = 0; i < visit.set->count; i++) {
        if (may_see(&listing, visit.set->instances[i]))
            add_sessions(&listing, visit.set->instances[i]);
    }
    console_session_visit(add_console, &listing);
    control_visit_adopted(request, add_ssh, &visit);
    control_reply_ok(request, listing.rows);
}
