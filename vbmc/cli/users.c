#include "vbmc/cli/users.h"

#include <errno.h>
#include <fcntl.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/nearest.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/term/text.h"

#define PASSWORD_SIZE 128 /* more than any may have */

static const char user_help[] =
    "list the accounts of a BMC, add one, change one, or take changes back\n\n"
    "  vbmc user NAME                             the accounts, and what is not as configured\n"
    "  vbmc user NAME add USER --password-file F  one more, with privilege user or as given\n"
    "  vbmc user NAME set USER [OPTION...]        change what is given\n"
    "  vbmc user NAME reset [USER [PART...]]      as configured again: all, one account, or\n"
    "                                             name, password, privilege, enabled, access,\n"
    "                                             sessions of it\n\n"
    "USER is a name, or an id from 2 to 15 of IPMI. What is changed here, or by IPMI, counts for\n"
    "this BMC until the same value changes in vbmc.conf.";

static const char *const actions[] = {"list", "add", "set", "reset"};
static const struct nearest_synonym synonyms[] = {
    {"show", "list"},    {"create", "add"}, {"new", "add"},      {"change", "set"},
    {"modify", "set"},   {"passwd", "set"}, {"delete", "reset"}, {"remove", "reset"},
    {"revert", "reset"}, {NULL, NULL},
};

static const char *name_at(const struct cli *cli, size_t place)
{
    return place < cli->options.name_count ? cli->options.names[place] : NULL;
}

/* ---- the list ---- */

/* Titles for people; every other format has the daemon's own keys. */
static int print_accounts(struct cli *cli, struct json_object *rows)
{
    struct cli_column columns[] = {
        {"ID", "id"},     {"Name", "name"}, {"Privilege", "privilege"}, {"Enabled", "enabled"},
        {"IPMI", "ipmi"}, {"SSH", "ssh"},   {"Sessions", "sessions"},   {"Source", "source"},
    };
    enum cli_format_kind kind = cli->options.format.kind;

    cli_fit_terminal(cli);
    if (!json_object_is_type(rows, json_type_array))
        return cli_fail(cli, "vbmcd answered with something that is no list");
    if (kind == CLI_FORMAT_JSON) {
        cli_format_write_json(&cli->options.format, rows, stdout);
        return CLI_EXIT_DONE;
    }
    for (size_t i = 0; kind != CLI_FORMAT_TABLE && i < ARRAY_SIZE(columns); i++)
        columns[i].title = columns[i].key;
    return cli_print_rows(cli, columns, ARRAY_SIZE(columns), json_object_get(rows));
}

static int list_accounts(struct cli *cli)
{
    struct json_object *rows;
    int code = cli_ask(cli, "user", cli_name_arguments(cli), &rows);

    if (code == CLI_EXIT_DONE)
        code = print_accounts(cli, rows);
    json_object_put(rows);
    return code;
}

/* ---- changes ---- */

/* One line of a file, or of standard input for "-". 0 or a negative error. */
static int read_password_file(const char *path, char password[PASSWORD_SIZE])
{
    CLEANUP_CLOSE int fd =
        strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    size_t used = 0;

    if (fd < 0)
        return -errno;
    for (ssize_t got = 1; got > 0 && used < PASSWORD_SIZE - 1; used += (size_t)got) {
        got = read(fd, password + used, PASSWORD_SIZE - 1 - used);
        if (got < 0)
            return -errno;
    }
    if (used > 0 && password[used - 1] == '\n')
        used--;
    password[used] = '\0';
    if (strlen(password) != used || strpbrk(password, "\r\n"))
        return -EILSEQ;
    return used == PASSWORD_SIZE - 1 ? -EFBIG : 0;
}

/* The password is wiped from the text that it was put into, not from what json-c copies it to. */
static int add_password(struct cli *cli, struct json_object *arguments)
{
    const struct cli_options *options = &cli->options;
    char password[PASSWORD_SIZE] = "";

    if (options->password && options->password_file)
        return cli_fail_usage(cli, "either --password or --password-file, not both");
    if (options->password_file && cli->in_shell)
        return cli_fail_usage(cli, "--password-file is not for this shell: no files here");
    if (options->password)
        cli_add_text(arguments, "password", options->password);
    if (!options->password_file)
        return CLI_EXIT_DONE;
    int result = read_password_file(options->password_file, password);
    if (result == 0)
        cli_add_text(arguments, "password", password);
    explicit_bzero(password, sizeof password);
    return result == 0 ? CLI_EXIT_DONE
                       : cli_fail(cli, "%s: %s", options->password_file,
                                  result == -EILSEQ ? "more than one line" : strerror(-result));
}

static int add_values(struct cli *cli, struct json_object *arguments)
{
    const struct cli_options *options = &cli->options;
    bool is_ipmi = options->ipmi && strcmp(options->ipmi, "yes") == 0;

    if (options->enable && options->disable)
        return cli_fail_usage(cli, "either --enable or --disable, not both");
    if (options->ipmi && !is_ipmi && strcmp(options->ipmi, "no") != 0)
        return cli_fail_usage(cli, "--ipmi is yes or no");
    cli_add_text(arguments, "privilege", options->privilege);
    cli_add_text(arguments, "new_name", options->rename);
    if (options->enable || options->disable)
        json_object_object_add(arguments, "enabled", json_object_new_boolean(options->enable));
    if (options->ipmi)
        json_object_object_add(arguments, "ipmi", json_object_new_boolean(is_ipmi));
    if (options->sessions >= 0)
        json_object_object_add(arguments, "sessions", json_object_new_int(options->sessions));
    if (options->id)
        json_object_object_add(arguments, "id", json_object_new_int((int)options->id));
    return add_password(cli, arguments);
}

/* Asks for it, and says what the daemon notes. */
static int ask_and_note(struct cli *cli, struct json_object *arguments)
{
    struct json_object *result;
    int code = cli_ask(cli, "user", arguments, &result);
    const char *note = code == CLI_EXIT_DONE ? cli_member_text(result, "note") : "";

    if (code == CLI_EXIT_DONE && cli->options.format.kind == CLI_FORMAT_JSON)
        cli_format_write_json(&cli->options.format, result, stdout);
    if (*note && !cli->options.quiet) {
        cli_text_print(note, note + strlen(note), stderr);
        fputc('\n', stderr);
    }
    json_object_put(result);
    return code;
}

static int run_user(struct cli *cli)
{
    const char *action = name_at(cli, 1) ? name_at(cli, 1) : "list";
    size_t count = cli->options.name_count;
    bool known = false;

    for (size_t i = 0; i < ARRAY_SIZE(actions); i++)
        known |= strcmp(actions[i], action) == 0;
    if (!known)
        return cli_fail_word(cli, "action", action,
                             nearest_name(action, actions, ARRAY_SIZE(actions), synonyms));
    bool is_reset = strcmp(action, "reset") == 0, is_list = strcmp(action, "list") == 0;
    if (is_list && count <= 2)
        return list_accounts(cli);
    if (is_list || (!is_reset && count != 3))
        return cli_fail_usage(cli, is_list ? "list takes a name and nothing else"
                                           : "the name of one user is needed");
    struct json_object *arguments = cli_name_arguments(cli);
    cli_add_text(arguments, "action", action);
    cli_add_text(arguments, "user", name_at(cli, 2));
    if (count > 3) {
        struct json_object *parts = json_object_new_array();
        for (size_t i = 3; i < count; i++)
            json_object_array_add(parts, json_object_new_string(name_at(cli, i)));
        json_object_object_add(arguments, "parts", parts);
    }
    int code = add_values(cli, arguments);
    if (code == CLI_EXIT_DONE)
        return ask_and_note(cli, arguments);
    json_object_put(arguments);
    return code;
}

const struct cli_verb cli_verb_user = {
    .name = "user",
    .arguments = "NAME [list|add|set|reset [USER [PART...]]]",
    .help = user_help,
    .groups = CLI_GROUP_USER | CLI_GROUP_FORMAT,
    .names_min = 1,
    .names_max = 9,
    .run = run_user,
};
