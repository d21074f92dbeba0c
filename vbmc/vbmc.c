/* The `vbmc` command; all of it is in cli.c and its neighbours. */
#include "vbmc/cli/main.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
