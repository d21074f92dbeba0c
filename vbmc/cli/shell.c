#include "vbmc/cli/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/shell_commands.h"
#include "vbmc/cli/shell_edit.h"
#include "vbmc/process/isolate_filter.h"
#include "vbmc/term/text.h"

#define NOBODY          65534
#define DESCRIPTORS_MAX 32
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_MAX RLIM_INFINITY /* of addresses; its shadow takes terabytes */
#else
#define MEMORY_MAX ((rlim_t)1 << 30)
#endif

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
    const struct rlimit memory = {MEMORY_MAX, MEMORY_MAX};
    int failed = 0;

    if (close_range(CLI_SHELL_FD + 1, ~0U, 0) < 0 || setrlimit(RLIMIT_CORE, &none) < 0 ||
        setrlimit(RLIMIT_NOFILE, &few) < 0 || setrlimit(RLIMIT_AS, &memory) < 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
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

/* The user that vbmcd runs as may read its state; a process of that user must not be able to. Nor
 * are the user's groups (libvirt, tty) of any use to it then: only CAP_SETGID could give them up,
 * which vbmcd itself has not. What libraries read later is read before. */
static bool close_door(void)
{
    char error[256];

    tzset();
    cli_shell_edit_prepare();
    if (isolate_filter_shell(error, sizeof error) == 0)
        return true;
    fprintf(stderr, "vbmc: %s\n", error);
    return false;
}

int cli_shell_main(int argc, char **argv)
{
    struct shell shell = {.base = CLI_OPTIONS_NONE};

    int failed = isolate_filter_note();
    if (!failed)
        failed = drop_privileges();
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
    if (!shell.connection || !close_door())
        return CLI_EXIT_FAILED;
    run(&shell, argc > 0 ? argc - 1 : 0, argv + 1);
    cli_connection_free(shell.connection);
    return shell.status;
}

static int run_shell(struct cli *cli)
{
    struct shell shell = {.base = cli->options, .connection = cli->connection};

    run(&shell, (int)cli->options.name_count, cli->options.names);
    return shell.status;
}

const struct cli_verb cli_verb_shell = {
    .name = "shell",
    .arguments = "[COMMAND]",
    .help = "take commands one by one, as by SSH; 'vbmc shell help' lists them",
    .names_max = SIZE_MAX,
    .run = run_shell,
};
