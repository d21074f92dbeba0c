#include "vbmc/verbs/users.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/json.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/service/result.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/reply.h"
#include "vbmc/verbs/scope.h"

#define SOURCE_SIZE   128
#define DEFAULT_LEVEL PRIVILEGE_USER

/* ---- the list ---- */

static bool may_use_ssh(const struct bmc *bmc, const struct user *user)
{
    return user_may_log_in(user) &&
           user_level_within(user, bmc->channel.limit) >= service_row(SERVICE_VIEW)->privilege;
}

static void add_source(struct json_object *row, const struct users *users, uint8_t id)
{
    struct json_object *from = json_object_new_object();
    unsigned changed = users_changed_parts(users, id);
    bool is_configured = users_is_configured(users, id);
    char source[SOURCE_SIZE];
    int used = snprintf(source, sizeof source, "%s%s", is_configured ? "configuration" : "added",
                        is_configured && changed ? ", changed:" : "");

    for (unsigned part = 0; part < USER_PART_COUNT; part++) {
        const char *name = user_part_name((enum user_part)part);
        bool is_changed = changed & 1u << part;
        verbs_add_text(from, name, is_changed ? "client" : "configuration");
        if (is_configured && is_changed && used >= 0 && (size_t)used < sizeof source)
            used += snprintf(source + used, sizeof source - (size_t)used, " %s", name);
    }
    verbs_add_text(row, "source", source);
    json_object_object_add(row, "from", from);
}

static struct json_object *account_row(const struct bmc *bmc, uint8_t id)
{
    const struct user *user = &bmc->users.by_id[id];
    struct json_object *row = json_object_new_object();

    json_object_object_add(row, "id", json_object_new_int(id));
    verbs_add_text(row, "name", user->name);
    verbs_add_text(row, "privilege", service_privilege_name(user->limit));
    json_object_object_add(row, "enabled", json_object_new_boolean(user->enabled));
    json_object_object_add(row, "ipmi", json_object_new_boolean(user_may_use_ipmi(user)));
    json_object_object_add(row, "ssh", json_object_new_boolean(may_use_ssh(bmc, user)));
    json_object_object_add(row, "sessions", json_object_new_int(user->sessions));
    add_source(row, &bmc->users, id);
    return row;
}

static void list_accounts(const struct bmc *bmc, struct control_request *request)
{
    struct json_object *rows = json_object_new_array();

    for (uint8_t id = USER_ID_NULL; id <= USER_ID_MAX; id++) {
        if (bmc->users.by_id[id].name[0] || users_is_configured(&bmc->users, id) ||
            users_changed_parts(&bmc->users, id))
            json_object_array_add(rows, account_row(bmc, id));
    }
    control_reply_ok(request, rows);
}

/* ---- what is asked for ---- */

struct asked {
    uint8_t id;
    unsigned parts;
    struct user user;
};

static bool refuse(struct control_request *request, const char *text)
{
    control_reply_error(request, CONTROL_USAGE, "%s", text);
    return false;
}

static bool read_password(struct json_object *arguments, struct control_request *request,
                          struct asked *asked)
{
    const char *text = verbs_text_argument(arguments, "password");
    size_t length = text ? strlen(text) : 0;
    uint8_t size = length <= USER_PASSWORD_SHORT ? USER_PASSWORD_SHORT : USER_PASSWORD_MAX;

    if (!text)
        return true;
    if (length == 0 || length > USER_LONG_PASSWORD_MAX)
        return refuse(request, "a password has 1 to 20 bytes, or up to 64 for SSH alone");
    user_set_password(&asked->user, (const uint8_t *)text, length,
                      length > USER_PASSWORD_MAX ? 0 : size);
    asked->parts |= 1u << USER_PART_PASSWORD;
    return true;
}

static bool read_name(const char *name, struct control_request *request, struct asked *asked)
{
    if (!name)
        return true;
    if (!user_name_is_valid(name))
        return refuse(request, "a user name has 1 to 16 printable bytes");
    snprintf(asked->user.name, sizeof asked->user.name, "%s", name);
    asked->parts |= 1u << USER_PART_NAME;
    return true;
}

static bool read_level(struct json_object *arguments, struct control_request *request,
                       struct asked *asked)
{
    const char *text = verbs_text_argument(arguments, "privilege");

    for (int level = PRIVILEGE_CALLBACK; text && text[0] && level <= PRIVILEGE_NO_ACCESS; level++) {
        if (strcmp(service_privilege_name((enum privilege)level), text) == 0) {
            asked->user.limit = (enum privilege)level;
            asked->parts |= 1u << USER_PART_LIMIT;
            return true;
        }
    }
    return !text || refuse(request, "a privilege level is one of callback, user, operator, "
                                    "administrator, oem, none");
}

static bool read_flag(struct json_object *arguments, const char *key, bool *flag)
{
    struct json_object *value = qmp_json_member(arguments, key, json_type_boolean);

    if (value)
        *flag = json_object_get_boolean(value);
    return value != NULL;
}

/* The other values, of which none has to be there. */
static bool read_values(struct json_object *arguments, struct control_request *request,
                        struct asked *asked)
{
    bool ipmi = false;
    struct json_object *sessions;
    int64_t number;

    if (read_flag(arguments, "enabled", &asked->user.enabled))
        asked->parts |= 1u << USER_PART_ENABLED;
    if (read_flag(arguments, "ipmi", &ipmi)) {
        asked->user.access =
            (uint8_t)((asked->user.access & ~USER_ACCESS_IPMI) | (ipmi ? USER_ACCESS_IPMI : 0));
        asked->parts |= 1u << USER_PART_ACCESS;
    }
    if (json_object_object_get_ex(arguments, "sessions", &sessions)) {
        if (!qmp_json_integer(sessions, &number) || number < 0 || number > USER_SESSIONS_MAX)
            return refuse(request, "a limit of sessions is 0 (none) to 15");
        asked->user.sessions = (uint8_t)number;
        asked->parts |= 1u << USER_PART_SESSIONS;
    }
    return read_level(arguments, request, asked) && read_password(arguments, request, asked);
}

/* ---- add and set ---- */

static void answer_changed(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;

    if (result < 0)
        verbs_refuse(request, SERVICE_USER_CHANGE, result, ticket->text);
    else
        control_reply_ok(request, NULL);
}

static void answer_ssh_only(const struct bmc_ticket *ticket, int result)
{
    struct control_request *request = (struct control_request *)ticket->sink;
    struct json_object *note;

    if (result < 0) {
        verbs_refuse(request, SERVICE_USER_CHANGE, result, ticket->text);
        return;
    }
    note = json_object_new_object();
    verbs_add_text(note, "note",
                   "a password of more than 20 bytes: this account can log in by SSH, not by IPMI");
    control_reply_ok(request, note);
}

static void change(struct bmc *bmc, struct control_request *request, struct asked *asked)
{
    const union service_arguments arguments = {
        .user_change = {asked->id, asked->parts, &asked->user},
    };
    bool is_long =
        asked->parts & 1u << USER_PART_PASSWORD && asked->user.password_length > USER_PASSWORD_MAX;

    verbs_call_then(request, SERVICE_USER_CHANGE, bmc, &arguments,
                    is_long ? answer_ssh_only : answer_changed);
}

static uint8_t free_id(const struct users *users)
{
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (!users->by_id[id].name[0] && !users_is_configured(users, id))
            return id;
    }
    return 0;
}

/* 0 after an error was answered. */
static uint8_t new_id(const struct users *users, struct json_object *arguments,
                      struct control_request *request)
{
    struct json_object *member;
    int64_t id = free_id(users);

    if (json_object_object_get_ex(arguments, "id", &member)) {
        if (!qmp_json_integer(member, &id) || id < USER_ID_FIRST || id > USER_ID_MAX) {
            refuse(request, "an id is 2 to 15");
            return 0;
        }
        if (users->by_id[id].name[0]) {
            control_reply_error(request, CONTROL_EXISTS, "id %d is taken", (int)id);
            return 0;
        }
    } else if (id == 0) {
        control_reply_error(request, CONTROL_FAILED, "all 14 ids of this BMC are taken");
    }
    return (uint8_t)id;
}

static void add_account(struct bmc *bmc, struct json_object *arguments,
                        struct control_request *request)
{
    const char *name = verbs_text_argument(arguments, "user");
    struct asked asked = {.parts = USER_PARTS_ALL, .user = user_unused()};

    asked.user.limit = DEFAULT_LEVEL;
    asked.user.enabled = true;
    asked.user.access = USER_ACCESS_IPMI;
    if (!name || !verbs_text_argument(arguments, "password"))
        refuse(request, "a new account needs a name and a password");
    else if (users_id_of(&bmc->users, name))
        control_reply_error(request, CONTROL_EXISTS, "there is a user '%.16s' already", name);
    else if (read_name(name, request, &asked) && read_values(arguments, request, &asked) &&
             (asked.id = new_id(&bmc->users, arguments, request)) != 0)
        change(bmc, request, &asked);
    explicit_bzero(&asked, sizeof asked);
}

/* The id of a name, or that id itself; 0 after an error was answered. */
static uint8_t named_id(const struct bmc *bmc, struct json_object *arguments,
                        struct control_request *request)
{
    const char *name = verbs_text_argument(arguments, "user");
    uint8_t id = name ? users_id_of(&bmc->users, name) : 0;
    char *end = NULL;

    if (!name) {
        refuse(request, "the request names no user");
        return 0;
    }
    unsigned long number = strtoul(name, &end, 10);
    if (id == 0 && *name >= '0' && *name <= '9' && !*end && number >= USER_ID_NULL &&
        number <= USER_ID_MAX)
        id = (uint8_t)number;
    if (id == 0)
        control_reply_error(request, CONTROL_NOT_FOUND, "this BMC has no user '%.32s'", name);
    return id;
}

static void set_account(struct bmc *bmc, struct json_object *arguments,
                        struct control_request *request)
{
    struct asked asked = {.id = named_id(bmc, arguments, request)};

    if (asked.id == 0)
        return;
    asked.user = bmc->users.by_id[asked.id];
    if (read_name(verbs_text_argument(arguments, "new_name"), request, &asked) &&
        read_values(arguments, request, &asked)) {
        if (asked.parts)
            change(bmc, request, &asked);
        else
            refuse(request, "nothing to set: give a password, a privilege level, ...");
    }
    explicit_bzero(&asked, sizeof asked);
}

/* ---- reset ---- */

/* 0 after an error was answered. */
static unsigned read_parts(struct json_object *arguments, struct control_request *request)
{
    struct json_object *names = qmp_json_member(arguments, "parts", json_type_array);
    unsigned parts = 0;

    for (size_t i = 0; names && i < json_object_array_length(names); i++) {
        const char *name = json_object_get_string(json_object_array_get_idx(names, i));
        unsigned part = 0;
        while (part < USER_PART_COUNT &&
               strcmp(user_part_name((enum user_part)part), name ? name : "") != 0)
            part++;
        if (part == USER_PART_COUNT) {
            refuse(request, "parts are name, password, privilege, enabled, access, sessions");
            return 0;
        }
        parts |= 1u << part;
    }
    return parts ? parts : USER_PARTS_ALL;
}

static void reset_account(struct bmc *bmc, struct json_object *arguments,
                          struct control_request *request)
{
    bool is_all = !verbs_text_argument(arguments, "user");
    uint8_t id = is_all ? 0 : named_id(bmc, arguments, request);
    unsigned parts = is_all || id ? read_parts(arguments, request) : 0;

    if (parts)
        verbs_call(request, SERVICE_USER_RESET, bmc,
                   &(union service_arguments){.user_reset = {id, parts}});
}

void verbs_user(const struct verbs *verbs, struct json_object *arguments,
                struct control_request *request)
{
    static const struct {
        const char *name;
        void (*run)(struct bmc *bmc, struct json_object *arguments,
                    struct control_request *request);
    } actions[] = {
        {"add", add_account},
        {"set", set_account},
        {"reset", reset_account},
    };
    const char *action = verbs_text_argument(arguments, "action");
    struct instance *instance = verbs_named_instance(verbs, arguments, request);

    if (!instance)
        return;
    if (!action || strcmp(action, "list") == 0) {
        if (verbs_permit(request, SERVICE_USERS_VIEW))
            list_accounts(instance_bmc(instance), request);
        return;
    }
    if (!verbs_permit(request, SERVICE_USER_CHANGE))
        return;
    for (size_t i = 0; i < ARRAY_SIZE(actions); i++) {
        if (strcmp(actions[i].name, action) == 0) {
            actions[i].run(instance_bmc(instance), arguments, request);
            return;
        }
    }
    refuse(request, "the action is one of list, add, set, reset");
}
