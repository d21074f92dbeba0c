/* What the daemon knows, as rows: BMCs, domains, hypervisors, logins, its own state. */
#ifndef VBMC_CLI_LIST_H
#define VBMC_CLI_LIST_H

extern const struct cli_verb cli_verb_list, cli_verb_show, cli_verb_lan, cli_verb_inband,
    cli_verb_discover, cli_verb_hypervisor, cli_verb_status, cli_verb_who;

#endif
