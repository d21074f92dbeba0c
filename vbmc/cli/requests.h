/* The verbs that only ask the daemon for something to be done, or for one text. */
#ifndef VBMC_CLI_REQUESTS_H
#define VBMC_CLI_REQUESTS_H

extern const struct cli_verb cli_verb_add, cli_verb_delete, cli_verb_start, cli_verb_stop,
    cli_verb_power, cli_verb_bootdev, cli_verb_nmi, cli_verb_dump, cli_verb_define,
    cli_verb_undefine, cli_verb_dumpxml, cli_verb_reload;

#endif
