/* The `vbmc` command; all of it is in vbmc/cli/. */
#include "vbmc/cli/main.h"

int main(int argc, char **argv)
{
    return cli_main(argc, argv);
}
