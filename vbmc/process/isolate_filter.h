/* The last stage of vbmc/process/isolate.h: a list of the system calls that there are. */
#ifndef VBMC_PROCESS_ISOLATE_FILTER_H
#define VBMC_PROCESS_ISOLATE_FILTER_H

#include <stddef.h>

/* Stage 4, filter: from now on, in all threads, there are no system calls but those that vbmcd
 * uses. Any other fails with EPERM, after its number was noted. Not for a process that starts
 * guests, which inherit the filter. 0, or a negative error with one line in `error`. */
int isolate_filter_daemon(char *error, size_t size);
/* The same for the program behind a login by SSH, which has its descriptors and opens none: no
 * file, no socket, no process, no signal to others. */
int isolate_filter_shell(char *error, size_t size);

/* For a program that was started by one that has a filter, which it has as well, but not what notes
 * what it refuses: from now on a call fails instead of ending the program. What the loader and
 * libraries do before `main` is not covered. 0, or a negative error. */
int isolate_filter_note(void);

/* `function` is called, in a signal handler of whatever thread, when a system call is refused that
 * was not before. Until it is set, and after NULL, a line with the number goes to standard error.
 */
void isolate_watch_refused(void (*function)(void));
/* The number of a system call that was refused, and its name; each once. -1 if there is none left.
 */
int isolate_next_refused(char *name, size_t size);

#endif
