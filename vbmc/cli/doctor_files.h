/* What `vbmc doctor` looks at: directories, secrets, and what weakens security. */
#ifndef VBMC_CLI_DOCTOR_FILES_H
#define VBMC_CLI_DOCTOR_FILES_H

struct doctor;

/* The directory of the state, and who may read or change the files that hold secrets. */
void doctor_check_files(struct doctor *doctor);
/* What makes the daemon weaker than it could be. */
void doctor_check_security(struct doctor *doctor);

#endif
