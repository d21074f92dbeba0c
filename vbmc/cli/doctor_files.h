/* What `vbmc doctor` looks at: directories and files with secrets. */
#ifndef VBMC_CLI_DOCTOR_FILES_H
#define VBMC_CLI_DOCTOR_FILES_H

struct doctor;

/* The directory of the state, and who may read or change the files that hold secrets. */
void doctor_check_files(struct doctor *doctor);

#endif
