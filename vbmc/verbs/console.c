#include "vbmc/verbs/console.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/json.h"
#include "vbmc/console/console.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/restart.h"
#include "vbmc/instance/view.h"
#include "vbmc/service/accounts.h"
#include "vbmc/verbs/call.h"
#include "vbmc/verbs/console_internal.h"

static LIST_HEAD(console_sessions, console_session) sessions = LIST_HEAD_INITIALIZER(sessions);

static bool flag(struct json_object *arguments, const char *name, bool otherwise)
{
    struct json_object *value = qmp_json_member(arguments, name, json_type_boolean);

    return value ? json_object_get_boolean(value) : otherwise;
}

static int open_reader(struct console_session *session, struct json_object *arguments)
{
    struct console *console = instance_console(session->instance);
    int64_t lines = console_replay_lines(console);
    struct json_object *given = qmp_json_member(arguments, "lines", json_type_int);

    if (given && (!qmp_json_integer(given, &lines) || lines < -1 || lines > UINT32_MAX))
        return -EINVAL;
    return console_output_restart(session,
                                  lines < 0    ? HUB_FROM_START
                                  : lines == 0 ? HUB_FROM_END
                                               : HUB_FROM_LINES,
                                  lines < 0 ? 0 : (size_t)lines);
}

static int open_session(struct console_session *session, struct json_object *arguments,
                        const struct control_identity *identity)
{
    struct console *console = instance_console(session->instance);
    const struct caller caller = verbs_caller(identity);
    char who[CALLER_TEXT_SIZE];

    session->log = flag(arguments, "log", false);
    session->script = !session->log && flag(arguments, "script", false);
    session->may_type = !session->log && service_permit(SERVICE_CONSOLE_WRITE, &caller) == 0;
    if (!session->log) {
        caller_format(&caller, who);
        session->person = console_join(console, who);
        if (!session->person)
            return -ENOMEM;
    }
    if (session->may_type) {
        int result =
            hub_writer_new(console_hub(console), &console_input_events, session, &session->writer);
        if (result < 0)
            return result;
    }
    int result = open_reader(session, arguments);
    if (result == 0 && session->log && !flag(arguments, "follow", true))
        console_output_add(session, CONSOLE_END, console_output_end(session), "");
    return result;
}

static struct json_object *describe(struct console_session *session)
{
    struct console *console = instance_console(session->instance);
    struct json_object *result = json_object_new_object();
    char people[512];

    console_people(console, session->person, people, sizeof people);
    json_object_object_add(result, "name",
                           json_object_new_string(instance_view(session->instance).name));
    json_object_object_add(result, "writable", json_object_new_boolean(session->may_type));
    json_object_object_add(result, "connected",
                           json_object_new_boolean(hub_is_connected(console_hub(console))));
    json_object_object_add(result, "opening", json_object_new_boolean(console_is_opening(console)));
    json_object_object_add(result, "source", json_object_new_string(console_source(console)));
    json_object_object_add(result, "people", json_object_new_string(people));
    return result;
}

/* Undoes what did not get a connection. */
static void abandon(struct console_session *session)
{
    hub_reader_free(session->reader);
    hub_writer_free(session->writer);
    console_leave(session->person);
    session->closed = true;
    console_session_release(session);
}

void console_session_start(struct instance *instance, struct json_object *arguments,
                           struct control_request *request)
{
    struct console *console = instance_console(instance);
    const char *problem = console_problem(console);

    if (problem && !flag(arguments, "log", false) && flag(arguments, "script", false)) {
        control_reply_error(request, CONTROL_FAILED, "%s", problem);
        console_look_again(console);
        return;
    }
    struct console_session *session = console_hub(console) ? console_session_new() : NULL;
    if (!session) {
        control_reply_error(request, CONTROL_FAILED, "too many consoles are open");
        return;
    }
    session->instance = instance;
    session->restarts = instance_restarts(instance);
    session->identity = *control_request_identity(request);
    session->began_ms = session->heard_ms = uv_hrtime() / 1000000;
    int result = open_session(session, arguments, control_request_identity(request));
    if (result < 0) {
        control_reply_error(request, result == -EINVAL ? CONTROL_USAGE : CONTROL_FAILED, "%s",
                            result == -EINVAL ? "\"lines\" must be -1 or a number of lines"
                                              : strerror(-result));
        abandon(session);
        return;
    }
    session->stream = control_request_take_over(request, describe(session));
    if (!session->stream) {
        abandon(session);
        return;
    }
    LIST_INSERT_HEAD(&sessions, session, link);
    session->stream->data = session;
    console_input_init(session);
    console_output_pump(session);
    console_input_take(session);
}

/* Why it has to end; NULL: it goes on. */
static const char *reason_to_end(const struct console_session *session)
{
    const struct caller caller = verbs_caller(&session->identity);
    enum service_operation right = session->may_type ? SERVICE_CONSOLE_WRITE : SERVICE_CONSOLE;

    if (caller.front_end != CALLER_SSH || caller.one_bmc)
        return NULL;
    if (instance_restarts(session->instance) != session->restarts)
        return "the BMC restarts";
    return service_level_on(&caller, instance_bmc(session->instance)) <
                   service_row(right)->privilege
               ? "the account was changed"
               : NULL;
}

void console_session_review(void)
{
    struct console_session *session = LIST_FIRST(&sessions), *next;

    for (; session; session = next) {
        next = LIST_NEXT(session, link);
        const char *reason = reason_to_end(session);
        if (reason)
            console_session_end_with(session, reason);
    }
}

void console_session_visit(console_session_visit_fn *visit, void *context)
{
    const struct console_session *session;

    for (session = LIST_FIRST(&sessions); session; session = LIST_NEXT(session, link)) {
        if (!session->log)
            visit(context, session->instance, &session->identity, session->began_ms,
                  session->heard_ms);
    }
}
