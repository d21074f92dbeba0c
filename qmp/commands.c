#include "qmp/commands.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qmp/client.h"
#include "vbmc/base/array.h"
#include "vbmc/base/json.h"

static const char *const command_names[] = {
    [QMP_COMMAND_CONT] = "cont",
    [QMP_COMMAND_INJECT_NMI] = "inject-nmi",
    [QMP_COMMAND_QUIT] = "quit",
    [QMP_COMMAND_STOP] = "stop",
    [QMP_COMMAND_SYSTEM_POWERDOWN] = "system_powerdown",
    [QMP_COMMAND_SYSTEM_RESET] = "system_reset",
    [QMP_COMMAND_SYSTEM_WAKEUP] = "system_wakeup",
};

/* Sorted by name behind the first entry, as the enumeration is. */
static const char *const run_state_names[] = {
    [QMP_RUN_STATE_OTHER] = "",
    [QMP_RUN_STATE_COLO] = "colo",
    [QMP_RUN_STATE_DEBUG] = "debug",
    [QMP_RUN_STATE_FINISH_MIGRATE] = "finish-migrate",
    [QMP_RUN_STATE_GUEST_PANICKED] = "guest-panicked",
    [QMP_RUN_STATE_INMIGRATE] = "inmigrate",
    [QMP_RUN_STATE_INTERNAL_ERROR] = "internal-error",
    [QMP_RUN_STATE_IO_ERROR] = "io-error",
    [QMP_RUN_STATE_PAUSED] = "paused",
    [QMP_RUN_STATE_POSTMIGRATE] = "postmigrate",
    [QMP_RUN_STATE_PRELAUNCH] = "prelaunch",
    [QMP_RUN_STATE_RESTORE_VM] = "restore-vm",
    [QMP_RUN_STATE_RUNNING] = "running",
    [QMP_RUN_STATE_SAVE_VM] = "save-vm",
    [QMP_RUN_STATE_SHUTDOWN] = "shutdown",
    [QMP_RUN_STATE_SUSPENDED] = "suspended",
    [QMP_RUN_STATE_WATCHDOG] = "watchdog",
};

/* The caller's typed callback, kept while the command runs and released by its reply. */
struct call {
    union {
        qmp_done_fn *done;
        qmp_status_fn *status;
        qmp_version_fn *version;
        qmp_integer_fn *integer;
    } callback;
    void *context;
};

static const struct qmp_error bad_result = {
    .failure = QMP_FAILURE_PROTOCOL,
    .may_have_run = true,
    .text = "the result is not of the documented form",
};

/* Copies the call out of its allocation, so that a callback cannot see it freed under it. */
static struct call end_call(void *context)
{
    struct call ended = *(struct call *)context;

    free(context);
    return ended;
}

/* Takes `arguments` in any case. */
static int execute(struct qmp_client *client, const char *command, struct json_object *arguments,
                   qmp_reply_fn *reply, const struct call *call)
{
    struct call *kept = malloc(sizeof *kept);
    int result;

    if (!kept) {
        json_object_put(arguments);
        return -ENOMEM;
    }
    *kept = *call;
    result = qmp_client_execute(client, command, arguments, reply, kept);
    if (result < 0)
        free(kept);
    return result;
}

static void on_done(void *context, struct json_object *result, const struct qmp_error *error)
{
    struct call call = end_call(context);

    (void)result;
    call.callback.done(call.context, error);
}

const char *qmp_command_name(enum qmp_command command)
{
    return command_names[command];
}

int qmp_run(struct qmp_client *client, enum qmp_command command, qmp_done_fn *done, void *context)
{
    struct call call = {.callback.done = done, .context = context};

    return execute(client, qmp_command_name(command), NULL, on_done, &call);
}

int qmp_set_reboot_action(struct qmp_client *client, bool reset, qmp_done_fn *done, void *context)
{
    struct call call = {.callback.done = done, .context = context};
    struct json_object *arguments = json_object_new_object();

    json_object_object_add(arguments, "reboot",
                           json_object_new_string(reset ? "reset" : "shutdown"));
    return execute(client, "set-action", arguments, on_done, &call);
}

static int compare_name(const void *key, const void *element)
{
    return strcmp(key, *(const char *const *)element);
}

enum qmp_run_state qmp_run_state_parse(const char *name)
{
    const char *const *found = bsearch(name, run_state_names, ARRAY_SIZE(run_state_names),
                                       sizeof run_state_names[0], compare_name);

    return found ? (enum qmp_run_state)(found - run_state_names) : QMP_RUN_STATE_OTHER;
}

const char *qmp_run_state_name(enum qmp_run_state state)
{
    if (state == QMP_RUN_STATE_OTHER || (size_t)state >= ARRAY_SIZE(run_state_names))
        return "other";
    return run_state_names[state];
}

static void on_status(void *context, struct json_object *result, const struct qmp_error *error)
{
    struct call call = end_call(context);
    struct json_object *running = qmp_json_member(result, "running", json_type_boolean);
    const char *name = qmp_json_string(result, "status");
    struct qmp_status status;

    if (!error && (!running || !name))
        error = &bad_result;
    if (error) {
        call.callback.status(call.context, NULL, error);
        return;
    }
    status.state = qmp_run_state_parse(name);
    status.running = json_object_get_boolean(running);
    call.callback.status(call.context, &status, NULL);
}

int qmp_query_status(struct qmp_client *client, qmp_status_fn *done, void *context)
{
    struct call call = {.callback.status = done, .context = context};

    return execute(client, "query-status", NULL, on_status, &call);
}

static bool read_number(struct json_object *object, const char *key, uint16_t *number)
{
    int64_t value;

    if (!qmp_json_integer(qmp_json_member(object, key, json_type_int), &value) || value < 0 ||
        value > UINT16_MAX)
        return false;
    *number = (uint16_t)value;
    return true;
}

static void on_version(void *context, struct json_object *result, const struct qmp_error *error)
{
    struct call call = end_call(context);
    struct json_object *qemu = qmp_json_member(result, "qemu", json_type_object);
    const char *package = qmp_json_string(result, "package");
    struct qmp_version version = {0};

    if (!error && (!read_number(qemu, "major", &version.major) ||
                   !read_number(qemu, "minor", &version.minor) ||
                   !read_number(qemu, "micro", &version.micro)))
        error = &bad_result;
    if (package)
        snprintf(version.package, sizeof version.package, "%s", package);
    call.callback.version(call.context, error ? NULL : &version, error);
}

int qmp_query_version(struct qmp_client *client, qmp_version_fn *done, void *context)
{
    struct call call = {.callback.version = done, .context = context};

    return execute(client, "query-version", NULL, on_version, &call);
}

static void on_integer(void *context, struct json_object *result, const struct qmp_error *error)
{
    struct call call = end_call(context);
    int64_t value = 0;

    if (!error && !qmp_json_integer(result, &value))
        error = &bad_result;
    call.callback.integer(call.context, value, error);
}

/* {"path": path, "property": property}, or NULL. */
static struct json_object *build_qom_arguments(const char *path, const char *property)
{
    CLEANUP_JSON struct json_object *arguments = json_object_new_object();

    if (!arguments || qmp_json_add(arguments, "path", json_object_new_string(path)) < 0 ||
        qmp_json_add(arguments, "property", json_object_new_string(property)) < 0)
        return NULL;
    return json_object_get(arguments);
}

int qmp_qom_get_integer(struct qmp_client *client, const char *path, const char *property,
                        qmp_integer_fn *done, void *context)
{
    struct call call = {.callback.integer = done, .context = context};
    struct json_object *arguments = build_qom_arguments(path, property);

    if (!arguments)
        return -ENOMEM;
    return execute(client, "qom-get", arguments, on_integer, &call);
}

int qmp_qom_set_integer(struct qmp_client *client, const char *path, const char *property,
                        int64_t value, qmp_done_fn *done, void *context)
{
    CLEANUP_JSON struct json_object *arguments = build_qom_arguments(path, property);
    struct call call = {.callback.done = done, .context = context};

    if (!arguments || qmp_json_add(arguments, "value", json_object_new_int64(value)) < 0)
        return -ENOMEM;
    return execute(client, "qom-set", json_object_get(arguments), on_done, &call);
}

int qmp_chardev_send_break(struct qmp_client *client, const char *chardev, qmp_done_fn *done,
                           void *context)
{
    CLEANUP_JSON struct json_object *arguments = json_object_new_object();
    struct call call = {.callback.done = done, .context = context};

    if (!arguments || qmp_json_add(arguments, "id", json_object_new_string(chardev)) < 0)
        return -ENOMEM;
    return execute(client, "chardev-send-break", json_object_get(arguments), on_done, &call);
}
