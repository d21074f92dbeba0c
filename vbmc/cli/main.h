/* The `vbmc` command: what its files share. */
#ifndef VBMC_CLI_MAIN_H
#define VBMC_CLI_MAIN_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#include "vbmc/cli/client.h"
#include "vbmc/cli/options.h"

#ifndef VBMC_VERSION
#define VBMC_VERSION "unreleased" /* the Makefile knows it */
#endif

enum cli_exit {
    CLI_EXIT_DONE = 0,
    CLI_EXIT_FAILED = 1, /* refused or failed */
    CLI_EXIT_USAGE = 2,
};

struct cli_verb;

struct cli {
    struct cli_options options;
    const struct cli_verb *verb;
    struct cli_connection *connection; /* borrowed; NULL: each request opens one */
    bool in_shell;                     /* further commands follow */
    bool progress_in_place;            /* one line, on a terminal */
};

/* Runs a verb; returns an exit code, having said why if it is not 0. */
typedef int cli_run(struct cli *cli);

struct cli_verb {
    const char *name;
    const char *arguments; /* for the usage line */
    const char *help;      /* its first line is for the list of verbs */
    unsigned groups;       /* of options, see cli_option_group */
    size_t names_min;
    size_t names_max;
    cli_run *run;
};

/* A column of a list: its title, and the key of the daemon's answer. */
struct cli_column {
    const char *title;
    const char *key;
};

/* cli.c */

/* The whole `vbmc` command; returns its exit code. */
int cli_main(int argc, char **argv);
/* Says on standard error (and in the log file) in one line what failed. Returns CLI_EXIT_FAILED. */
int cli_fail(const struct cli *cli, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for wrong usage. Returns CLI_EXIT_USAGE. */
int cli_fail_usage(const struct cli *cli, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same for a word that is none of those there are, and the one that may have been meant (NULL:
 * none). */
int cli_fail_word(const struct cli *cli, const char *what, const char *word, const char *near);
/* In the order of the help. */
extern const struct cli_verb cli_verbs[];
extern const size_t cli_verb_count;
const struct cli_verb *cli_find_verb(const char *name);
/* Where the control socket is: --socket, --config, $VBMC_SOCKET, the default. 0, or -EACCES or
 * -EINVAL with a line in `error`. */
int cli_socket_path(const struct cli_options *options, char *path, size_t size, char *error,
                    size_t error_size);
/* Runs cli->verb with the options and names that were parsed, after looking whether there are as
 * many names as it takes. */
int cli_call_verb(struct cli *cli);
void cli_print_verb_help(const struct cli_verb *verb, const char *program, unsigned groups);
/* Lets a table that is written to a terminal wrap its cells to fit there, unless --max-width says
 * how wide it may be (0: as it is). Nothing is cut off. */
void cli_fit_terminal(struct cli *cli);
/* Looks whether standard output is a terminal, and how wide. */
void cli_look_at_terminal(struct cli_format *format);
int cli_run_help(struct cli *cli);
int cli_run_complete(struct cli *cli);
int cli_run_version(struct cli *cli);

/* cli_verbs.c: what the daemon answers. */
extern cli_run cli_run_add, cli_run_names, cli_run_list, cli_run_show, cli_run_power,
    cli_run_discover, cli_run_hypervisor, cli_run_define, cli_run_undefine, cli_run_dumpxml,
    cli_run_bootdev, cli_run_reload, cli_run_status, cli_run_nmi, cli_run_dump;

/* cli_list.c, beside list, show, discover and status: who is logged in. */
extern cli_run cli_run_who;

/* cli_console.c, cli_screenshot.c, cli_shell.c */
extern cli_run cli_run_console, cli_run_break, cli_run_screenshot, cli_run_shell;

/* Asks the daemon; takes `arguments` over. CLI_EXIT_DONE with the result, which the caller puts;
 * otherwise the failure has been reported. */
int cli_ask(struct cli *cli, const char *verb, struct json_object *arguments,
            struct json_object **result);
/* The same without a report: 0, or a negative error as of cli_client_call. */
int cli_try(struct cli *cli, const char *verb, struct json_object *arguments,
            struct json_object **result, struct cli_client_error *error);
/* Asks the daemon over a connection of its own, which becomes a stream with its answer. Takes
 * `arguments` over. As cli_ask; the caller closes the stream, too. */
int cli_ask_for_stream(struct cli *cli, const char *verb, struct json_object *arguments,
                       struct json_object **result, struct cli_stream *stream);
/* {"name": the first name given}. */
struct json_object *cli_name_arguments(const struct cli *cli);
/* Asks for something whose success says all; its result is printed only as json. Takes over the
 * arguments. */
int cli_ask_and_obey(struct cli *cli, const char *verb, struct json_object *arguments);
/* Asks for something that is one text, under `key`; prints it bare, or the whole as json. */
int cli_ask_for_text(struct cli *cli, const char *verb, struct json_object *arguments,
                     const char *key);
/* Prints a JSON array of objects in the format asked for, then releases it. */
int cli_print_rows(struct cli *cli, const struct cli_column *columns, size_t count,
                   struct json_object *rows);

/* Prints an object's members as rows of Property and Value, what is nested as "a.b". Borrows it. */
int cli_print_object(struct cli *cli, struct json_object *object);

/* cli_readings.c: what a BMC knows of its server; cli_top.c: what all of them do, live. */
extern cli_run cli_run_sensors, cli_run_sel, cli_run_fru, cli_run_top;

/* cli_room.c: what breaks in a server and in the room, with its help. */
extern cli_run cli_run_inject, cli_run_facility;
extern const char cli_inject_help[], cli_facility_help[];

/* cli_simulate.c: `vbmc facility simulate`, whose first name is "simulate". */
extern cli_run cli_run_simulate;

#endif
