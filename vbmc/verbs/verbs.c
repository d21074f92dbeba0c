#include "vbmc/verbs/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>

#include "vbmc/base/json.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/base/version.h"

/* ---- list and show ---- */

static const char *status_of(struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);

    if (!record->active)
        return "down";
    return instance_is_listening(instance) ? "running" : "error";
}

/* Where the BMC is, or is to be. Where there is no place for it, what it had or is to have. */
static void add_place(const struct verbs *verbs, struct json_object *object,
                      struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);
    const union endpoint_address *place = instance_address(instance);
    bool is_known = place->any.sa_family != AF_UNSPEC;
    char text[ENDPOINT_TEXT_SIZE];

    endpoint_address_format_host(place, text);
    if (is_known)
        verbs_add_text(object, "address", text);
    else
        verbs_add_text(object, "address",
                       record->address ? record->address : fleet_config(verbs->fleet)->bmc.address);
    json_object_object_add(
        object, "port",
        json_object_new_int(is_known ? endpoint_address_port(place) : record->port));
}

static void do_list(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    size_t count;
    CLEANUP_FREE struct instance **instances = verbs_visible_instances(verbs, request, &count);
    struct json_object *list = json_object_new_array();
    bool shows_power = fleet_config(verbs->fleet)->daemon.compat != CONFIG_COMPAT_OPENSTACK ||
                       verbs_flag_argument(arguments, "power");

    for (size_t i = 0; i < count; i++) {
        struct json_object *row = json_object_new_object();
        char note[VERBS_NOTE_SIZE];
        verbs_add_name(verbs, request, instances, count, i, row);
        verbs_add_text(row, "status", status_of(instances[i]));
        add_place(verbs, row, instances[i]);
        if (shows_power)
            verbs_add_text(row, "power",
                           verbs_state_name(bmc_power_state(instance_bmc(instances[i]))));
        if (verbs_note(request, instances[i], note))
            verbs_add_text(row, "note", note);
        json_object_array_add(list, row);
    }
    control_reply_ok(request, list);
}

static void do_show(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    const struct store_bmc *record = instance_record(instance);
    struct virt_domain *domain = instance_domain(instance);
    const char *user = instance_bmc(instance)->users.by_id[USER_ID_FIRST].name;
    const char *uri = record->uri, *sasl_username = record->sasl_username;
    char note[VERBS_NOTE_SIZE];
    CLEANUP_FREE char *name = fleet_name_of(verbs->fleet, instance, verbs_only_bmc_of(request));
    if (!uri && domain)
        uri = hypervisor_uri(virt_domain_hypervisor(domain));
    if (!verbs_may_see_hypervisors(request))
        uri = sasl_username = NULL;
    struct json_object *result = json_object_new_object();
    json_object_object_add(result, "active", json_object_new_boolean(record->active));
    add_place(verbs, result, instance);
    verbs_add_text(result, "domain_name", name ? name : record->name);
    if (verbs_may_see_hypervisors(request))
        verbs_add_placement(result, instance);
    verbs_add_text(result, "libvirt_sasl_password", record->sasl_password ? "***" : NULL);
    verbs_add_text(result, "libvirt_sasl_username", sasl_username);
    verbs_add_text(result, "libvirt_uri", uri);
    verbs_add_text(result, "password", "***");
    verbs_add_text(result, "status", status_of(instance));
    verbs_add_text(result, "username", user[0] ? user : NULL);
    verbs_add_health(result, instance);
    verbs_add_boot_device(result, instance_bmc(instance));
    if (verbs_note(request, instance, note))
        verbs_add_text(result, "note", note);
    control_reply_ok(request, result);
}

/* ---- add, delete, start, stop ---- */

static void do_add(const struct verbs *verbs, struct json_object *arguments,
                   struct control_request *request)
{
    int64_t port = 0;
    struct fleet_addition addition = {
        .name = verbs_text_argument(arguments, "name"),
        .username = verbs_text_argument(arguments, "username"),
        .password = verbs_text_argument(arguments, "password"),
        .address = verbs_text_argument(arguments, "address"),
        .uri = verbs_text_argument(arguments, "libvirt_uri"),
        .sasl_username = verbs_text_argument(arguments, "libvirt_sasl_username"),
        .sasl_password = verbs_text_argument(arguments, "libvirt_sasl_password"),
    };
    struct json_object *number = qmp_json_member(arguments, "port", json_type_int);

    if (number && (!qmp_json_integer(number, &port) || port < 1 || port > UINT16_MAX)) {
        control_reply_error(request, CONTROL_USAGE, "a port is 1 to 65535");
        return;
    }
    addition.port = (uint16_t)port;
    if (!addition.name) {
        control_reply_error(request, CONTROL_USAGE, "the request names no domain");
        return;
    }
    if (!addition.sasl_username != !addition.sasl_password) {
        control_reply_error(request, CONTROL_USAGE, "a SASL user name and password come together");
        return;
    }
    fleet_add(verbs->fleet, &addition, verbs_answer_done, request);
}

/* One request names several BMCs: answered when the last is done, with the first error. */
struct several {
    struct control_request *request;
    size_t left;
    int result;
    char text[MANAGER_NAME_ERROR_SIZE];
};

static void one_done(void *context, int result, const char *text)
{
    struct several *several = context;

    if (result < 0 && several->result == 0) {
        several->result = result;
        snprintf(several->text, sizeof several->text, "%s", text ? text : strerror(-result));
    }
    if (--several->left > 0)
        return;
    verbs_answer_done(several->request, several->result, several->text);
    free(several);
}

typedef void one_action(const struct verbs *verbs, struct instance *instance,
                        struct several *several);

static void for_each_named(const struct verbs *verbs, struct json_object *arguments,
                           struct control_request *request, one_action *action)
{
    struct json_object *names = qmp_json_member(arguments, "names", json_type_array);
    size_t count = names ? json_object_array_length(names) : 0;
    struct several *several = calloc(1, sizeof *several);

    if (count == 0 || !several) {
        free(several);
        control_reply_error(request, CONTROL_USAGE, "the request names no domain");
        return;
    }
    several->request = request;
    several->left = count + 1; /* ours: an action may be done at once */
    for (size_t i = 0; i < count; i++) {
        struct json_object *item = json_object_array_get_idx(names, i);
        const char *name =
            json_object_is_type(item, json_type_string) ? json_object_get_string(item) : "";
        char text[MANAGER_NAME_ERROR_SIZE];
        struct instance *instance = verbs_find_named(verbs, name, request, text);
        if (instance) {
            action(verbs, instance, several);
            continue;
        }
        one_done(several, -ENOENT, text);
    }
    one_done(several, 0, NULL);
}

static void delete_one(const struct verbs *verbs, struct instance *instance,
                       struct several *several)
{
    fleet_delete(verbs->fleet, instance, one_done, several);
}

static void start_one(const struct verbs *verbs, struct instance *instance, struct several *several)
{
    fleet_set_active(verbs->fleet, instance, true, one_done, several);
}

static void stop_one(const struct verbs *verbs, struct instance *instance, struct several *several)
{
    fleet_set_active(verbs->fleet, instance, false, one_done, several);
}

static void do_delete(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    for_each_named(verbs, arguments, request, delete_one);
}

static void do_start(const struct verbs *verbs, struct json_object *arguments,
                     struct control_request *request)
{
    for_each_named(verbs, arguments, request, start_one);
}

static void do_stop(const struct verbs *verbs, struct json_object *arguments,
                    struct control_request *request)
{
    for_each_named(verbs, arguments, request, stop_one);
}

/* ---- discover, define, undefine, dumpxml ---- */

static void do_discover(const struct verbs *verbs, struct json_object *arguments,
                        struct control_request *request)
{
    struct json_object *list = json_object_new_array();
    struct hypervisor *hypervisor = NULL;

    (void)arguments;
    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(hypervisor, domain))) {
            const struct host_domain *host = virt_domain_host(domain);
            const char *why = fleet_why_none(verbs->fleet, domain);
            struct json_object *row = json_object_new_object();
            verbs_add_text(row, "domain_name", host->name);
            verbs_add_text(row, "hypervisor", hypervisor_name(hypervisor));
            verbs_add_text(row, "state", verbs_state_name(host->state));
            json_object_object_add(row, "bmc", json_object_new_boolean(!why));
            verbs_add_text(row, "reason", why ? why : "");
            json_object_array_add(list, row);
        }
    }
    control_reply_ok(request, list);
}

static struct hypervisor *embedded_hypervisor(const struct verbs *verbs, const char *name)
{
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        if (name ? strcmp(hypervisor_name(hypervisor), name) == 0
                 : hypervisor_is_embedded(hypervisor))
            return hypervisor;
    }
    return NULL;
}

static void do_define(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    const char *xml = verbs_text_argument(arguments, "xml");
    const char *name = verbs_text_argument(arguments, "hypervisor");
    struct hypervisor *hypervisor = embedded_hypervisor(verbs, name);

    if (!xml)
        control_reply_error(request, CONTROL_USAGE, "the request has no XML");
    else if (!hypervisor && name)
        control_reply_error(request, CONTROL_NOT_FOUND, "no hypervisor is called %s", name);
    else if (!hypervisor || !hypervisor_is_embedded(hypervisor))
        control_reply_error(request, CONTROL_FAILED,
                            "only domains of qemu:///embed are defined here; use virsh define");
    else
        hypervisor_define(hypervisor, xml, verbs_answer_done, request);
}

static void undefine_done(void *context, int result, const char *text)
{
    struct json_object *object = result == 0 ? json_object_new_object() : NULL;

    if (result < 0) {
        verbs_answer_done(context, result, text);
        return;
    }
    verbs_add_text(object, "text", text);
    control_reply_ok(context, object);
}

static void do_undefine(const struct verbs *verbs, struct json_object *arguments,
                        struct control_request *request)
{
    struct json_object *keep = qmp_json_member(arguments, "keep_nvram", json_type_boolean);
    struct virt_domain *domain = verbs_named_domain(verbs, arguments, request);

    if (!domain)
        return;
    if (hypervisor_is_embedded(virt_domain_hypervisor(domain)))
        hypervisor_undefine(domain, keep && json_object_get_boolean(keep), undefine_done, request);
    else
        control_reply_error(request, CONTROL_FAILED,
                            "only domains of qemu:///embed are undefined here; use virsh");
}

static void answer_xml(void *context, int result, const char *text)
{
    struct control_request *request = context;

    if (result < 0) {
        verbs_answer_done(context, result, text);
        return;
    }
    struct json_object *object = json_object_new_object();
    verbs_add_text(object, "xml", text);
    control_reply_ok(request, object);
}

static void do_dumpxml(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request)
{
    struct virt_domain *domain = verbs_named_domain(verbs, arguments, request);

    if (domain)
        hypervisor_dump_xml(domain, verbs_flag_argument(arguments, "inactive"), answer_xml,
                            request);
}

/* ---- the daemon itself ---- */

/* What the configuration says in vain, if anything, as "notes": for who has just written it, and
 * for doctor. */
static void add_doubts(const struct verbs *verbs, struct json_object *result)
{
    struct json_object *notes = json_object_new_array();
    char text[MANAGER_DOUBT_SIZE];

    for (size_t i = 0; i < fleet_config(verbs->fleet)->domain_count; i++) {
        if (fleet_doubt_section(verbs->fleet, i, text, sizeof text))
            json_object_array_add(notes, json_object_new_string(text));
    }
    if (json_object_array_length(notes) > 0)
        json_object_object_add(result, "notes", notes);
    else
        json_object_put(notes);
}

static void do_reload(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    char error[CONFIG_ERROR_SIZE];

    (void)arguments;
    if (verbs->reload(verbs->context, error, sizeof error) < 0) {
        control_reply_error(request, CONTROL_FAILED, "%s", error);
        return;
    }
    struct json_object *result = json_object_new_object();
    add_doubts(verbs, result);
    control_reply_ok(request, result);
}

static void do_status(const struct verbs *verbs, struct json_object *arguments,
                      struct control_request *request)
{
    const struct bmcset *set = fleet_bmcs(verbs->fleet);
    struct json_object *result = json_object_new_object();
    struct json_object *hypervisors = json_object_new_array();
    struct hypervisor *hypervisor = NULL;
    int running = 0;

    (void)arguments;
    for (size_t i = 0; i < set->count; i++)
        running += strcmp(status_of(set->instances[i]), "running") == 0;
    while ((hypervisor = fleet_next_hypervisor(verbs->fleet, hypervisor))) {
        struct json_object *row = json_object_new_object();
        verbs_add_text(row, "name", hypervisor_name(hypervisor));
        verbs_add_text(row, "uri", hypervisor_uri(hypervisor));
        verbs_add_text(row, "state", hypervisor_is_up(hypervisor) ? "connected" : "disconnected");
        if (hypervisor_error(hypervisor)[0])
            verbs_add_text(row, "error", hypervisor_error(hypervisor));
        json_object_array_add(hypervisors, row);
    }
    verbs_add_text(result, "version", VBMC_VERSION);
    verbs_add_text(result, "log", log_place());
    json_object_object_add(result, "bmcs", json_object_new_int((int)set->count));
    json_object_object_add(result, "running", json_object_new_int(running));
    json_object_object_add(result, "hypervisors", hypervisors);
    add_doubts(verbs, result);
    control_reply_ok(request, result);
}

/* For who was handed a connection and cannot open another. */
static void do_connect(const struct verbs *verbs, struct json_object *arguments,
                       struct control_request *request)
{
    (void)verbs;
    (void)arguments;
    control_reply_connection(request);
}

static const struct {
    const char *name;
    verbs_run *run;
    enum privilege privilege; /* the least; an action may need more */
    bool whole;               /* about more than one BMC: not for those who know one only */
} table[] = {
    {"add", do_add, PRIVILEGE_ADMINISTRATOR, true},
    {"add-serial", verbs_add_serial, PRIVILEGE_ADMINISTRATOR, false},
    {"bootdev", verbs_bootdev, PRIVILEGE_OPERATOR, false},
    {"connect", do_connect, PRIVILEGE_USER, false},
    {"console", verbs_console, PRIVILEGE_USER, false},
    {"define", do_define, PRIVILEGE_ADMINISTRATOR, true},
    {"delete", do_delete, PRIVILEGE_ADMINISTRATOR, true},
    {"discover", do_discover, PRIVILEGE_ADMINISTRATOR, true},
    {"dump", verbs_dump, PRIVILEGE_ADMINISTRATOR, true}, /* to any path of the machine */
    {"dumpxml", do_dumpxml, PRIVILEGE_ADMINISTRATOR, true},
    {"facility", verbs_facility, PRIVILEGE_USER, false}, /* to change it: administrator, whole */
    {"fru", verbs_fru, PRIVILEGE_USER, false},           /* to set the asset tag: operator */
    {"hypervisor", verbs_hypervisor, PRIVILEGE_ADMINISTRATOR, true},
    {"inject", verbs_inject, PRIVILEGE_USER, false}, /* to change it: administrator */
    {"list", do_list, PRIVILEGE_USER, false},
    {"power", verbs_power, PRIVILEGE_USER, false},
    {"reload", do_reload, PRIVILEGE_ADMINISTRATOR, true},
    {"screenshot", verbs_screenshot, PRIVILEGE_USER, false},
    {"sel", verbs_sel, PRIVILEGE_USER, false}, /* to clear it: operator */
    {"sensors", verbs_sensors, PRIVILEGE_USER, false},
    {"show", do_show, PRIVILEGE_USER, false},
    {"start", do_start, PRIVILEGE_ADMINISTRATOR, true},
    {"status", do_status, PRIVILEGE_ADMINISTRATOR, true}, /* the URIs of hypervisors */
    {"stop", do_stop, PRIVILEGE_ADMINISTRATOR, true},
    {"top", verbs_top, PRIVILEGE_USER, false},
    {"undefine", do_undefine, PRIVILEGE_ADMINISTRATOR, true},
    {"who", verbs_who, PRIVILEGE_USER, false},
};

void verbs_handle(void *context, const char *verb, struct json_object *arguments,
                  struct control_request *request)
{
    const struct control_identity *identity = control_request_identity(request);

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        if (strcmp(verb, table[i].name) != 0)
            continue;
        if (identity->privilege < table[i].privilege)
            verbs_refuse_privilege(request, table[i].privilege);
        else if (identity->one_bmc && table[i].whole)
            control_reply_error(request, CONTROL_FAILED, "this login is for one BMC only");
        else
            table[i].run(context, arguments, request);
        return;
    }
    control_reply_error(request, CONTROL_USAGE, "vbmcd does not know the verb %s", verb);
}
