#include "sol/ssh/process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

#define WORD_SIZE 128 /* of the environment */

/* The ends that the program gets, and ours. */
struct ends {
    char terminal[64]; /* path of the slave; "" for pipes */
    int theirs[3];
    struct ssh_process_streams ours;
};

static void close_ends(struct ends *ends)
{
    int *ours[] = {&ends->ours.input, &ends->ours.output, &ends->ours.errors};

    for (size_t i = 0; i < ARRAY_SIZE(ends->theirs); i++) {
        cleanup_close_fd(&ends->theirs[i]);
        cleanup_close_fd(ours[i]);
        ends->theirs[i] = *ours[i] = -1;
    }
}

/* ---- the streams ---- */

static int make_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);

    return flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0 ? -errno : 0;
}

/* `ours` is the end at index `our_end` of the pipe: 0 reads, 1 writes. */
static int open_pipe(int our_end, int *ours, int *theirs)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    *ours = fds[our_end];
    *theirs = fds[!our_end];
    return make_nonblocking(*ours);
}

static int open_pipes(struct ends *ends)
{
    int rc = open_pipe(1, &ends->ours.input, &ends->theirs[0]);

    if (rc == 0)
        rc = open_pipe(0, &ends->ours.output, &ends->theirs[1]);
    if (rc == 0)
        rc = open_pipe(0, &ends->ours.errors, &ends->theirs[2]);
    return rc;
}

void ssh_process_resize(int master, uint16_t columns, uint16_t rows)
{
    struct winsize size = {.ws_col = columns, .ws_row = rows};

    ioctl(master, TIOCSWINSZ, &size);
}

static int open_terminal(struct ends *ends, uint16_t columns, uint16_t rows)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    struct termios settings;

    if (master < 0)
        return -errno;
    ends->ours.input = master;
    if (grantpt(master) < 0 || unlockpt(master) < 0 ||
        ptsname_r(master, ends->terminal, sizeof ends->terminal) != 0)
        return -errno;
    if (tcgetattr(master, &settings) == 0) {
        settings.c_iflag |= IUTF8; /* so that erasing takes whole characters */
        tcsetattr(master, TCSANOW, &settings);
    }
    ssh_process_resize(master, columns, rows);
    ends->ours.output = fcntl(master, F_DUPFD_CLOEXEC, 0);
    return ends->ours.output < 0 ? -errno : make_nonblocking(master);
}

/* ---- the start ---- */

/* A session is made before the files are opened, so the terminal becomes its controlling one. */
static int add_streams(posix_spawn_file_actions_t *actions, const struct ends *ends, int control)
{
    int rc = 0;

    for (int fd = 0; rc == 0 && fd < 3; fd++) {
        if (!ends->terminal[0])
            rc = posix_spawn_file_actions_adddup2(actions, ends->theirs[fd], fd);
        else if (fd == 0)
            rc = posix_spawn_file_actions_addopen(actions, fd, ends->terminal, O_RDWR, 0);
        else
            rc = posix_spawn_file_actions_adddup2(actions, 0, fd);
    }
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(actions, control, SSH_CONTROL_FD);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(actions, SSH_CONTROL_FD + 1);
    return rc;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, all;
    int rc;

    sigemptyset(&none);
    sigfillset(&all);
    rc = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK |
                                                  POSIX_SPAWN_SETSIGDEF);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attributes, &none);
    if (rc == 0)
        rc = posix_spawnattr_setsigdefault(attributes, &all);
    return rc;
}

static int spawn(const struct ssh_process_options *options, const struct ends *ends, pid_t *pid)
{
    char account[WORD_SIZE], remote[WORD_SIZE], term[WORD_SIZE];
    char *environment[] = {account,
                           remote,
                           (char *)"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:"
                                   "/bin",
                           (char *)"HOME=/",
                           (char *)"LANG=C.UTF-8",
                           (char *)"LC_ALL=C.UTF-8",
                           options->term ? term : NULL,
                           NULL};
    char *arguments[] = {(char *)options->name, (char *)"--", (char *)options->command, NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int rc;

    snprintf(account, sizeof account, "VBMC_ACCOUNT=%s", options->account);
    snprintf(remote, sizeof remote, "VBMC_REMOTE=%s", options->remote);
    snprintf(term, sizeof term, "TERM=%s", options->term ? options->term : "");
    rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return -rc;
    rc = posix_spawnattr_init(&attributes);
    if (rc == 0) {
        rc = add_streams(&actions, ends, options->control);
        if (rc == 0)
            rc = set_attributes(&attributes);
        if (rc == 0)
            rc = posix_spawn(pid, options->path, &actions, &attributes, arguments, environment);
        posix_spawnattr_destroy(&attributes);
    }
    posix_spawn_file_actions_destroy(&actions);
    return -rc;
}

static void on_ended(struct ssh_watch *watch, uint32_t events)
{
    struct ssh_process *process = CONTAINER_OF(watch, struct ssh_process, watch);

    (void)events;
    if (process->ended || waitpid(process->pid, &process->status, WNOHANG) != process->pid)
        return;
    process->ended = true;
    if (WIFSIGNALED(process->status) && WTERMSIG(process->status) == SIGSYS)
        log_error("SSH: the filter of system calls has killed the program of a login, process %d",
                  (int)process->pid);
    ssh_watch_close(process->loop, &process->watch);
    if (process->exited)
        process->exited(process, process->owner);
}

/* Takes over a process that runs. If that fails it is gone. */
static int adopt(struct ssh_process *process, pid_t pid)
{
    int fd = (int)syscall(SYS_pidfd_open, pid, 0), rc = fd < 0 ? -errno : 0;

    process->pid = pid;
    ssh_watch_init(&process->watch, fd, on_ended);
    if (rc == 0)
        rc = ssh_watch_set(process->loop, &process->watch, EPOLLIN);
    if (rc < 0)
        ssh_process_kill(process);
    return rc;
}

int ssh_process_start(struct ssh_loop *loop, const struct ssh_process_options *options,
                      struct ssh_process_streams *streams, struct ssh_process **out)
{
    CLEANUP(close_ends) struct ends ends = {.theirs = {-1, -1, -1}, .ours = {-1, -1, -1}};
    CLEANUP_FREE struct ssh_process *process = calloc(1, sizeof *process);
    pid_t pid = -1;
    int rc;

    if (!process)
        return -ENOMEM;
    process->loop = loop;
    rc = options->term ? open_terminal(&ends, options->columns, options->rows) : open_pipes(&ends);
    if (rc == 0)
        rc = spawn(options, &ends, &pid);
    if (rc == 0)
        rc = adopt(process, pid);
    if (rc < 0)
        return rc;
    *streams = ends.ours;
    ends.ours = (struct ssh_process_streams){-1, -1, -1};
    *out = cleanup_steal_pointer(&process);
    return 0;
}

/* ---- the end ---- */

/* The number of the group stays ours until the leader was waited for. */
void ssh_process_signal(struct ssh_process *process, int signal)
{
    if (!process->ended)
        kill(-process->pid, signal);
}

void ssh_process_dismiss(struct ssh_process *process)
{
    process->exited = NULL;
    process->step = 1;
    process->next_step_ms = process->loop->now_ms + SSH_PROCESS_HANGUP_MS;
    ssh_process_signal(process, SIGHUP);
    ssh_process_signal(process, SIGCONT); /* or a stopped one would never see it */
}

bool ssh_process_press(struct ssh_process *process)
{
    if (process->ended || process->loop->now_ms < process->next_step_ms)
        return process->ended;
    ssh_process_signal(process, process->step == 1 ? SIGTERM : SIGKILL);
    process->step++;
    process->next_step_ms = process->loop->now_ms + SSH_PROCESS_TERMINATE_MS;
    return false;
}

void ssh_process_kill(struct ssh_process *process)
{
    pid_t got;

    if (process->ended)
        return;
    kill(-process->pid, SIGKILL);
    do {
        got = waitpid(process->pid, &process->status, 0);
    } while (got < 0 && errno == EINTR);
    process->ended = true;
    ssh_watch_close(process->loop, &process->watch);
}

void ssh_process_free(struct ssh_process *process)
{
    free(process);
}
