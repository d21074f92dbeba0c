#ifndef VBMC_CLI_DOCTOR_USER_H
#define VBMC_CLI_DOCTOR_USER_H

struct doctor;

/* Whom vbmcd becomes, and whether that user can use what the configuration names. */
void doctor_check_user(struct doctor *doctor);

#endif
