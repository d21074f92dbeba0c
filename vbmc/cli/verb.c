#include "vbmc/cli/verb.h"

#include <stdio.h>

#include "vbmc/cli/cli.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/select.h"

void cli_print_verb_help(const struct cli_verb *verb, const char *program, unsigned groups)
{
    bool has_program = groups & CLI_GROUP_PROGRAM;

    printf("Usage: %s%s%s%s%s%s\n\n%s\n", program, has_program ? " [OPTION...] " : "", verb->name,
           has_program || verb->groups ? " [OPTION...]" : "", *verb->arguments ? " " : "",
           verb->arguments, verb->help);
    if (verb->groups) {
        fputs("\nOptions (before or behind the arguments; '--' ends them):\n", stdout);
        cli_options_print_help(verb->groups, stdout);
    }
    if (groups) {
        fputs("\nOptions of every verb:\n", stdout);
        cli_options_print_help(groups, stdout);
    }
}

static int call(struct cli *cli)
{
    const struct cli_options *options = &cli->options;

    if (options->name_count < cli->verb->names_min)
        return cli_fail_usage(cli, "%s needs %s", cli->verb->name, cli->verb->arguments);
    if (options->name_count > cli->verb->names_max)
        return cli_fail_usage(cli, "%s does not know what to do with '%s'", cli->verb->name,
                              options->names[cli->verb->names_max]);
    return cli->verb->run(cli);
}

int cli_call_verb(struct cli *cli)
{
    int code = cli->verb->groups & CLI_GROUP_BULK ? cli_select(cli) : CLI_EXIT_DONE;

    if (code == CLI_EXIT_DONE)
        code = call(cli);
    cli_select_clear(cli);
    return code;
}
