/* `vbmc doctor`: looks for what is wrong, and says what to do. */
#ifndef VBMC_CLI_DOCTOR_H
#define VBMC_CLI_DOCTOR_H

extern const struct cli_verb cli_verb_doctor;

#endif
