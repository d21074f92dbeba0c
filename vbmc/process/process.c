#include "vbmc/process/process.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vbmc/base/array.h"

/* ---- process 1 ---- */

static const int handed_on[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGUSR1, SIGUSR2, SIGWINCH};

/* Reaps all that has ended; leaves when the child that works is among them. */
static void reap(pid_t child)
{
    int status;
    pid_t ended;

    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
        if (ended != child)
            continue;
        if (WIFEXITED(status))
            _exit(WEXITSTATUS(status));
        _exit(128 + WTERMSIG(status)); /* as shells say it */
    }
}

/* The signals of `set` are blocked, so that none is lost between two calls. */
_Noreturn static void serve_as_first(const sigset_t *set, pid_t child)
{
    for (;;) {
        int number = sigwaitinfo(set, NULL);
        if (number > 0 && number != SIGCHLD)
            kill(child, number);
        reap(child);
    }
}

int process_be_first(void)
{
    sigset_t set, former;

    if (getpid() != 1)
        return 0;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    for (size_t i = 0; i < ARRAY_SIZE(handed_on); i++)
        sigaddset(&set, handed_on[i]);
    sigprocmask(SIG_BLOCK, &set, &former);
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child > 0)
        serve_as_first(&set, child);
    sigprocmask(SIG_SETMASK, &former, NULL);
    return 0;
}

/* ---- the end ---- */

static struct {
    uv_async_t *wake;
    unsigned within_s;
    bool begun;
    void (*stop)(void *context);
    void *context;
} ending;

static volatile sig_atomic_t is_asked;

static void on_overdue(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

/* The clock begins here and not on the loop, which may be what does not turn. */
static void on_stop_signal(int number)
{
    int error = errno;

    (void)number;
    if (!is_asked)
        alarm(ending.within_s);
    is_asked = 1;
    uv_async_send(ending.wake);
    errno = error;
}

static void on_stop_wake(uv_async_t *wake)
{
    (void)wake;
    if (!ending.begun)
        ending.stop(ending.context);
    ending.begun = true;
}

int process_watch_stop(uv_loop_t *loop, uv_async_t *handle, unsigned within_s,
                       void (*stop)(void *context), void *context)
{
    struct sigaction asked = {.sa_handler = on_stop_signal, .sa_flags = SA_RESTART};
    struct sigaction overdue = {.sa_handler = on_overdue};

    if (uv_async_init(loop, handle, on_stop_wake) < 0)
        return -ENOMEM;
    ending.wake = handle;
    ending.within_s = within_s;
    ending.stop = stop;
    ending.context = context;
    sigaction(SIGALRM, &overdue, NULL);
    sigaction(SIGINT, &asked, NULL);
    sigaction(SIGTERM, &asked, NULL);
    return 0;
}

/* A second signal finds nobody, but is no reason to die at once either. */
void process_forget_stop(void)
{
    signal(SIGINT, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    uv_close((uv_handle_t *)ending.wake, NULL);
}
