/* What `vbmc doctor --security` looks at. */
#ifndef VBMC_CLI_DOCTOR_SECURITY_H
#define VBMC_CLI_DOCTOR_SECURITY_H

struct doctor;

/* What of the configuration makes the daemon weaker than it is by default, with the file and the
 * line of each such key. */
void doctor_check_security(struct doctor *doctor);

#endif
