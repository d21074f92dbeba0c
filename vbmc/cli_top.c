#include "vbmc/cli.h"
#include "vbmc/cli_readings.h"

int cli_run_top(struct cli *cli)
{
    struct json_object *rows;

    int code = cli_ask(cli, "top", NULL, &rows);
    if (code == CLI_EXIT_DONE)
        code = cli_print_summaries(cli, rows);
    json_object_put(rows);
    return code;
}
