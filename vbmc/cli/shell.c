#include "vbmc/cli/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/shell_internal.h"
#include "vbmc/term/text.h"
#include "vbmc/cli/words.h"

#define NOBODY          65534
#define DESCRIPTORS_MAX 32
#define OPERANDS_MAX    (CLI_WORDS_MAX + 2)

volatile sig_atomic_t cli_shell_interrupted;

static cli_run run_help, run_exit;

/* What `vbmc` does not have, or not like this. */
static const struct cli_verb own_commands[] = {
    {"sensor", "NAME", "the same as sensors", CLI_GROUP_FORMAT, 1, 1, cli_run_sensors},
    {"help", "[COMMAND]", "print help", 0, 0, 1, run_help},
    {"exit", "", "leave; so do quit, logout and Ctrl-D", 0, 0, 0, run_exit},
    {"quit", "", "leave", 0, 0, 0, run_exit},
    {"logout", "", "leave", 0, 0, 0, run_exit},
};

/* In the order of the help. */
static const char *const names[] = {"list", "show",  "console", "who",     "power",
                                    "nmi",  "break", "bootdev", "sensors", "sel",
                                    "fru",  "help",  "exit",    NULL};

/* ---- commands ---- */

const char *const *cli_shell_names(void)
{
    return names;
}

const struct cli_verb *cli_shell_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(own_commands); i++) {
        if (strcmp(own_commands[i].name, name) == 0)
            return &own_commands[i];
    }
    for (size_t i = 0; names[i]; i++) {
        if (strcmp(names[i], name) == 0)
            return cli_find_verb(name);
    }
    return NULL;
}

bool cli_shell_takes_name(const struct cli_verb *command)
{
    return strncmp(command->arguments, "NAME", 4) == 0;
}

static const char *nearest_command(const char *word)
{
    return nearest_name(word, names, ARRAY_SIZE(names) - 1, NULL);
}

static int run_help(struct cli *cli)
{
    const struct cli_verb *command;

    if (cli->options.name_count) {
        command = cli_shell_find(cli->options.names[0]);
        if (!command)
            return cli_fail_word(cli, "command", cli->options.names[0],
                                 nearest_command(cli->options.names[0]));
        cli_print_verb_help(command, "", 0);
        return CLI_EXIT_DONE;
    }
    for (size_t i = 0; names[i]; i++) {
        command = cli_shell_find(names[i]);
        printf("  %-8s %.*s\n", command->name, (int)strcspn(command->help, "\n"), command->help);
    }
    puts("\n'help COMMAND' tells more. NAME may be left out where there is one BMC only.");
    return CLI_EXIT_DONE;
}

static int run_exit(struct cli *cli)
{
    (void)cli;
    return CLI_EXIT_DONE;
}

/* ---- a line ---- */

struct cli cli_shell_begin(const struct shell *shell)
{
    struct cli cli = {
        .options = CLI_OPTIONS_NONE,
        .connection = shell->connection,
        .in_shell = true,
    };

    cli.options.config = shell->base.config;
    cli.options.socket = shell->base.socket;
    cli.options.debug = shell->base.debug;
    cli_look_at_terminal(&cli.options.format);
    return cli;
}

struct json_object *cli_shell_bmcs(const struct shell *shell)
{
    struct cli cli = cli_shell_begin(shell);
    struct cli_client_error error;
    struct json_object *rows, *name;

    if (cli_try(&cli, "list", NULL, &rows, &error))
        return NULL;
    struct json_object *bmcs = json_object_new_array();
    for (size_t i = 0;
         json_object_is_type(rows, json_type_array) && i < json_object_array_length(rows); i++) {
        if (json_object_object_get_ex(json_object_array_get_idx(rows, i), "domain_name", &name))
            json_object_array_add(bmcs, json_object_get(name));
    }
    json_object_put(rows);
    return bmcs;
}

/* Where there is one BMC only, its name may be left out: it is put in front of the operands, which
 * move to `operands`. The array that holds the name is returned, to be put after the command. */
static struct json_object *add_only_name(const struct shell *shell, struct cli *cli,
                                         char *operands[OPERANDS_MAX])
{
    struct cli_options *options = &cli->options;

    if (!cli_shell_takes_name(cli->verb) || options->name_count >= cli->verb->names_max)
        return NULL;
    struct json_object *bmcs = cli_shell_bmcs(shell);
    if (!bmcs || json_object_array_length(bmcs) != 1)
        return bmcs;
    const char *only = json_object_get_string(json_object_array_get_idx(bmcs, 0));
    if (options->name_count && strcmp(options->names[0], only) == 0)
        return bmcs;
    operands[0] = (char *)only;
    for (size_t i = 0; i < options->name_count; i++)
        operands[i + 1] = options->names[i];
    options->names = operands;
    options->name_count++;
    return bmcs;
}

static int run_command(const struct shell *shell, struct cli *cli, int count, char **words)
{
    char error[CLI_OPTIONS_ERROR_SIZE];
    char *operands[OPERANDS_MAX];

    cli->verb = cli_shell_find(words[0]);
    if (!cli->verb)
        return cli_fail_word(cli, "command", words[0], nearest_command(words[0]));
    if (cli_options_parse(count, words, cli->verb->groups | CLI_GROUP_COMMON, &cli->options, error))
        return cli_fail_usage(cli, "%s", error);
    if (cli->options.help) {
        cli_print_verb_help(cli->verb, "", 0);
        return CLI_EXIT_DONE;
    }
    struct json_object *bmcs = add_only_name(shell, cli, operands);
    int code = cli_call_verb(cli);
    json_object_put(bmcs);
    return code;
}

void cli_shell_run_words(struct shell *shell, int count, char **words)
{
    struct cli cli = cli_shell_begin(shell);

    if (count == 0)
        return;
    if (count > CLI_WORDS_MAX) {
        shell->status = cli_fail(&cli, "too many words");
        return;
    }
    shell->status = run_command(shell, &cli, count, words);
    shell->is_over |= cli.verb && cli.verb->run == run_exit && shell->status == CLI_EXIT_DONE;
    if (shell->is_over)
        shell->status = CLI_EXIT_DONE;
    cli_options_clear(&cli.options);
    if (fflush(stdout) || ferror(stdout))
        shell->is_over = true;
}

void cli_shell_run_line(struct shell *shell, char *line)
{
    char *words[CLI_WORDS_MAX + 1];
    struct cli cli = cli_shell_begin(shell);

    int count = cli_words_split(line, words);
    if (count < 0)
        shell->status = cli_fail(&cli, count == -E2BIG ? "too many words" : "a quote has no end");
    else
        cli_shell_run_words(shell, count, words);
}

static void run_standard_input(struct shell *shell)
{
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;

    while (!shell->is_over && getline(&line, &size, stdin) > 0)
        cli_shell_run_line(shell, line);
}

/* ---- the program ---- */

static void run(struct shell *shell, int argc, char **argv)
{
    if (argc && strcmp(argv[0], "--") == 0) {
        argc--;
        argv++;
    }
    if (argc == 1)
        cli_shell_run_line(shell, argv[0]);
    else if (argc)
        cli_shell_run_words(shell, argc, argv);
    else if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
        cli_shell_edit(shell);
    else
        run_standard_input(shell);
}

static int become_nobody(void)
{
    uid_t uid = NOBODY;
    gid_t gid = NOBODY;

    const struct passwd *nobody = getpwnam("nobody");
    if (nobody && nobody->pw_uid && nobody->pw_gid) {
        uid = nobody->pw_uid;
        gid = nobody->pw_gid;
    }
    if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
        return -errno;
    return 0;
}

static bool is_confined;

#ifdef __SANITIZE_ADDRESS__
/* A process that may start none and that no debugger may look into cannot be searched for leaks: it
 * would end with an error. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return is_confined;
}
#endif

/* Needs nothing but its open descriptors: starts no process, writes no file. 0, or a negative
 * error. */
static int drop_privileges(void)
{
    const struct rlimit none = {0}, few = {DESCRIPTORS_MAX, DESCRIPTORS_MAX};
    int failed = 0;

    if (close_range(CLI_SHELL_FD + 1, ~0U, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
        setrlimit(RLIMIT_NOFILE, &few) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        return -errno;
    if (geteuid() == 0)
        failed = become_nobody();
    if (failed)
        return failed;
    /* The last, as it does not hold for root. */
    if (chdir("/") < 0 || setrlimit(RLIMIT_NPROC, &none) < 0 || setrlimit(RLIMIT_FSIZE, &none) < 0)
        return -errno;
    is_confined = true;
    return 0;
}

/* Whoever wrote TERM is at the other end of an SSH connection: it names a file to read. */
static void check_terminal_name(void)
{
    const char *name = getenv("TERM");

    if (name && (strchr(name, '/') || *name == '.'))
        setenv("TERM", "dumb", 1);
    unsetenv("TERMINFO");
    unsetenv("TERMCAP");
}

int cli_shell_main(int argc, char **argv)
{
    struct shell shell = {.base = CLI_OPTIONS_NONE};

    int failed = drop_privileges();
    if (failed) {
        fprintf(stderr, "vbmc: cannot drop privileges: %s\n", strerror(-failed));
        return CLI_EXIT_FAILED;
    }
    cli_text_init();
    check_terminal_name();
    /* Nobody could make it go on. */
    signal(SIGTSTP, SIG_IGN);
    fcntl(CLI_SHELL_FD, F_SETFD, FD_CLOEXEC);
    shell.connection = cli_connection_adopt(CLI_SHELL_FD);
    if (!shell.connection)
        return CLI_EXIT_FAILED;
    run(&shell, argc > 0 ? argc - 1 : 0, argv + 1);
    cli_connection_free(shell.connection);
    return shell.status;
}

int cli_run_shell(struct cli *cli)
{
    struct shell shell = {.base = cli->options, .connection = cli->connection};

    run(&shell, (int)cli->options.name_count, cli->options.names);
    return shell.status;
}
