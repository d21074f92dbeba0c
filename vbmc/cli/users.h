/* `vbmc user`: the accounts of one BMC. */
#ifndef VBMC_CLI_USERS_H
#define VBMC_CLI_USERS_H

extern const struct cli_verb cli_verb_user;

#endif
