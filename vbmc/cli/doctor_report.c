#include "vbmc/cli/doctor_report.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>

#define TEXT_SIZE 1024

static const char *const level_names[] = {
    [DOCTOR_OK] = "ok",
    [DOCTOR_WARNING] = "warning",
    [DOCTOR_PROBLEM] = "problem",
};

void doctor_say(struct doctor *doctor, enum doctor_level level, const char *check,
                const char *advice, const char *format, ...)
{
    char text[TEXT_SIZE];
    va_list arguments;
    struct json_object *finding = json_object_new_object();

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_object_object_add(finding, "check", json_object_new_string(check));
    json_object_object_add(finding, "finding", json_object_new_string(level_names[level]));
    json_object_object_add(finding, "detail", json_object_new_string(text));
    json_object_object_add(finding, "advice", json_object_new_string(advice ? advice : ""));
    json_object_array_add(doctor->findings, finding);
    doctor->found_problem |= level == DOCTOR_PROBLEM;
}

bool doctor_is_standby(const struct doctor *doctor)
{
    struct json_object *reason;

    return json_object_is_type(doctor->status, json_type_object) &&
           json_object_object_get_ex(doctor->status, "waits_for", &reason);
}

const char *doctor_log_place(const struct doctor *doctor)
{
    struct json_object *log;

    if (!json_object_is_type(doctor->status, json_type_object) ||
        !json_object_object_get_ex(doctor->status, "log", &log) ||
        !json_object_is_type(log, json_type_string))
        return NULL;
    return json_object_get_string(log);
}
