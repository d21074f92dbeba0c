/* `vbmc inject` and `vbmc facility`: what breaks in a server, and in the room. */
#ifndef VBMC_CLI_FAULTS_H
#define VBMC_CLI_FAULTS_H

extern const struct cli_verb cli_verb_inject, cli_verb_facility;

#endif
