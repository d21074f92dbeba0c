#include "vbmc/cli/doctor.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/doctor_files.h"
#include "vbmc/cli/doctor_host.h"
#include "vbmc/cli/doctor_net.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/cli/doctor_security.h"
#include "vbmc/cli/doctor_user.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/config/config.h"

#define PATH_SIZE 4096
#define TEXT_SIZE 1024

static int load_config(struct doctor *doctor, struct config **config)
{
    char error[CONFIG_ERROR_SIZE];

    int failed = config_load(doctor->cli->options.config, config, error, sizeof error);
    if (failed) {
        doctor_say(doctor, DOCTOR_PROBLEM, "configuration",
                   failed == -EACCES ? "run vbmc doctor as root, or as the user of vbmcd"
                                     : "correct the file; see vbmc.conf(5)",
                   "%s", error);
        return -EINVAL;
    }
    doctor->config = *config;
    if ((*config)->path)
        doctor_say(doctor, DOCTOR_OK, "configuration", NULL, "%s is right", (*config)->path);
    else
        doctor_say(doctor, DOCTOR_WARNING, "configuration",
                   "write one with at least a [user NAME] section; see vbmc.conf(5)",
                   "there is no %s: built-in defaults", CONFIG_DEFAULT_PATH);
    return 0;
}

static void check_daemon(struct doctor *doctor)
{
    char path[PATH_SIZE], reason[TEXT_SIZE];
    struct cli_client_error error;

    if (cli_socket_path(&doctor->cli->options, path, sizeof path, reason, sizeof reason)) {
        doctor_say(doctor, DOCTOR_WARNING, "daemon", NULL, "not asked: %s", reason);
        return;
    }
    int failed = cli_client_call(path, "status", NULL, NULL, NULL, &doctor->status, &error);
    if (!failed && doctor_is_standby(doctor)) {
        doctor_say(doctor, DOCTOR_OK, "daemon", NULL, "vbmcd answers on %s: a standby, waiting: %s",
                   path, cli_member_text(doctor->status, "waits_for"));
        return;
    }
    if (!failed)
        failed = cli_client_call(path, "list", NULL, NULL, NULL, &doctor->bmcs, &error);
    if (!failed)
        doctor_say(doctor, DOCTOR_OK, "daemon", NULL, "vbmcd answers on %s, and logs to %s", path,
                   doctor_log_place(doctor) ? doctor_log_place(doctor) : "an unknown place");
    else if (failed == -ENOENT)
        doctor_say(doctor, DOCTOR_WARNING, "daemon",
                   "start it: 'systemctl start vbmcd', or 'vbmcd'", "no vbmcd answers on %s", path);
    else
        doctor_say(doctor, DOCTOR_PROBLEM, "daemon",
                   failed == -EACCES ? "run as root, or join the group of 'control-group'"
                                     : "see the log of vbmcd",
                   "%s", error.text);
}

static void check_users(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    bool has_bmcs = json_object_is_type(doctor->bmcs, json_type_array) &&
                    json_object_array_length(doctor->bmcs) > 0;

    if (config->user_count)
        doctor_say(doctor, DOCTOR_OK, "users", NULL, "%zu configured", config->user_count);
    else
        doctor_say(doctor,
                   has_bmcs || config->daemon.compat == CONFIG_COMPAT_OPENSTACK ? DOCTOR_WARNING
                                                                                : DOCTOR_PROBLEM,
                   "users", "add [user NAME] with password-file = FILE to vbmc.conf",
                   "none configured: only a BMC added with --username and --password lets anybody "
                   "in");
}

static int print_findings(struct doctor *doctor)
{
    static const struct cli_column columns[] = {
        {"Check", "check"},
        {"Finding", "finding"},
        {"Detail", "detail"},
        {"What to do", "advice"},
    };
    struct cli *cli = doctor->cli;

    cli_fit_terminal(cli);
    int code = cli_print_rows(cli, columns, ARRAY_SIZE(columns), doctor->findings);
    return doctor->found_problem ? CLI_EXIT_FAILED : code;
}

static int run_doctor(struct cli *cli)
{
    struct doctor doctor = {.cli = cli, .findings = json_object_new_array()};
    CLEANUP_CONFIG struct config *config = NULL;

    int failed = load_config(&doctor, &config);
    check_daemon(&doctor);
    if (!failed) {
        check_users(&doctor);
        doctor_check_hypervisors(&doctor);
        doctor_check_network(&doctor);
        doctor_check_files(&doctor);
        doctor_check_user(&doctor);
        if (cli->options.security)
            doctor_check_security(&doctor);
    }
    json_object_put(doctor.status);
    json_object_put(doctor.bmcs);
    return print_findings(&doctor);
}

const struct cli_verb cli_verb_doctor = {
    .name = "doctor",
    .arguments = "",
    .help = "look for what is wrong, and say what to do",
    .groups = CLI_GROUP_DOCTOR | CLI_GROUP_FORMAT,
    .run = run_doctor,
};
