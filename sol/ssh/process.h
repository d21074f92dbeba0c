/* The program behind one channel: started on a pseudo-terminal or on pipes, and seen to its end.
 *
 * It is started by posix_spawn, never by fork: the daemon has many threads, and libraries that hook
 * into fork. It leads a session and process group of its own, has default signals, an environment
 * of a few words, its standard streams and the control connection as descriptor 3, and nothing
 * else that is open here. */
#ifndef SOL_SSH_PROCESS_H
#define SOL_SSH_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "sol/ssh/loop.h"

#define SSH_CONTROL_FD 3

/* Milliseconds between the steps by which a program is asked to go: SIGHUP, SIGTERM, SIGKILL. */
#define SSH_PROCESS_HANGUP_MS    1000
#define SSH_PROCESS_TERMINATE_MS 2000

struct ssh_process_options {
    const char *path;    /* of the program */
    const char *name;    /* its argv[0] */
    const char *command; /* what the client asked for, as one argument after "--"; or NULL */
    const char *term;    /* TERM, and a pseudo-terminal; NULL: pipes */
    uint16_t columns, rows;
    const char *account; /* VBMC_ACCOUNT */
    const char *remote;  /* VBMC_REMOTE */
    int control;         /* borrowed */
};

/* Our ends, non-blocking, the caller's to close. With a pseudo-terminal input and output are two
 * descriptors of the same master, and there are no errors. */
struct ssh_process_streams {
    int input;
    int output;
    int errors; /* or -1 */
};

struct ssh_process {
    struct ssh_watch watch; /* a pidfd: readable when it has ended */
    struct ssh_loop *loop;
    pid_t pid;
    bool ended;
    int status; /* as of waitpid */
    /* Called once when it has ended; NULL while nobody cares. */
    void (*exited)(struct ssh_process *process, void *owner);
    void *owner;
    /* Being asked to go. */
    unsigned step;
    uint64_t next_step_ms;
    struct ssh_process *next; /* for who keeps a list */
};

/* 0 or a negative errno. */
int ssh_process_start(struct ssh_loop *loop, const struct ssh_process_options *options,
                      struct ssh_process_streams *streams, struct ssh_process **out);
/* To its process group. */
void ssh_process_signal(struct ssh_process *process, int signal);
/* Nobody wants it any more. The caller has closed its streams and goes on calling
 * ssh_process_press until it has ended. */
void ssh_process_dismiss(struct ssh_process *process);
/* Takes the next step when it is due. True once the process has ended and was reaped. */
bool ssh_process_press(struct ssh_process *process);
/* At once and without mercy, waiting for the end of it. */
void ssh_process_kill(struct ssh_process *process);
/* Only after it has ended. */
void ssh_process_free(struct ssh_process *process);

/* The size of the terminal behind `master`; the program gets SIGWINCH. */
void ssh_process_resize(int master, uint16_t columns, uint16_t rows);

#endif
