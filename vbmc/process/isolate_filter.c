#include "vbmc/process/isolate_filter.h"

/* Both lists are of what is allowed. What is not in them fails with EPERM, in a SIGSYS handler that
 * notes its number, so that nothing dies silently and nothing is only suspected. A call that
 * libraries try first, and do without, fails as on a kernel that does not have it. A program that
 * is started inherits the filter without the handler, since execve takes handlers away: until its
 * `main` sets it again (isolate_filter_note) it is killed if its libraries want more, and nobody
 * can tell of which number; who started it logs that it was killed so.
 *
 * Names that the architecture or the version of libseccomp does not know are left out. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <termios.h>
#include <ucontext.h>
#include <unistd.h>

#include "vbmc/base/array.h"

#define NUMBERS_MAX 1024 /* of system calls; Linux has less than 500 */
#define NEW_NAMESPACE                                                                              \
    (CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS |     \
     CLONE_NEWCGROUP)

/* ---- the lists ---- */

/* What a running program needs that opens nothing. */
static const char *const basic[] = {
    /* memory */
    "brk", "madvise", "membarrier", "mlock", "mlock2", "mremap", "munlock", "munmap",
    /* descriptors that are there */
    "close", "close_range", "dup", "dup2", "dup3", "fstat", "lseek", "newfstatat", "pread64",
    "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readv", "write", "writev",
    /* sockets that are there */
    "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown",
    /* waiting */
    "clock_nanosleep", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait",
    "eventfd2", "futex", "futex_waitv", "nanosleep", "pause", "pipe2", "poll", "ppoll", "pselect6",
    "select", "sched_yield",
    /* time */
    "clock_getres", "clock_gettime", "gettimeofday", "time", "times",
    /* signals */
    "alarm", "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigsuspend", "rt_sigtimedwait", "setitimer", "sigaltstack",
    /* oneself */
    "arch_prctl", "capget", "exit", "exit_group", "get_robust_list", "getcpu", "getegid", "geteuid",
    "getgid", "getgroups", "getpgid", "getpgrp", "getpid", "getppid", "getrandom", "getresgid",
    "getresuid", "getrlimit", "getrusage", "getsid", "gettid", "getuid", "prctl", "rseq",
    "sched_getaffinity", "sched_getparam", "sched_getscheduler", "set_robust_list",
    "set_tid_address", "setrlimit", "sysinfo", "umask", "uname"};

/* And what the daemon needs. */
static const char *const daemon_has[] = {
    /* files */
    "access", "chdir", "chmod", "chown", "copy_file_range", "creat", "faccessat", "faccessat2",
    "fadvise64", "fallocate", "fchdir", "fchmod", "fchmodat", "fchown", "fchownat", "fcntl",
    "fdatasync", "flock", "fstatfs", "fsync", "ftruncate", "getcwd", "getdents", "getdents64",
    "link", "linkat", "lstat", "memfd_create", "mkdir", "mkdirat", "msync", "open", "openat",
    "pipe", "readahead", "readlink", "readlinkat", "rename", "renameat", "renameat2", "rmdir",
    "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink", "symlinkat",
    "sync_file_range", "truncate", "unlink", "unlinkat", "utime", "utimensat", "utimes",
    /* sockets, beside `socket` itself */
    "accept", "accept4", "bind", "connect", "listen",
    /* waiting */
    "epoll_create", "eventfd", "inotify_add_watch", "inotify_init", "inotify_init1",
    "inotify_rm_watch", "signalfd", "signalfd4", "timerfd_create", "timerfd_gettime",
    "timerfd_settime",
    /* programs for logins by SSH */
    "execve", "fork", "kill", "pidfd_open", "pidfd_send_signal", "prlimit64", "rt_sigqueueinfo",
    "setpgid", "setsid", "tgkill", "vfork", "wait4", "waitid",
    /* for the libraries of these programs, which start before they have a filter of their own */
    "get_mempolicy", "mbind", "set_mempolicy", "getpriority", "sched_setaffinity", "seccomp",
    "setpriority"};

/* Tried by libraries, which do without: the C library's way to make threads, whose arguments no
 * filter can look at, and libuv's to read files. */
static const char *const not_there[] = {"clone3", "io_uring_setup"};

static const unsigned long requests[] = {
    FIOCLEX,       FIONBIO,      FIONREAD,    SIOCGIFADDR,    SIOCGIFCONF, SIOCGIFFLAGS,
    SIOCGIFHWADDR, SIOCGIFINDEX, SIOCGIFNAME, SIOCGIFNETMASK, SIOCOUTQ,    TCGETS,
    TCSETS,        TCSETSF,      TCSETSW,     TIOCGPGRP,      TIOCGPTN,    TIOCGPTPEER,
    TIOCGWINSZ,    TIOCSCTTY,    TIOCSPGRP,   TIOCSPTLCK,     TIOCSWINSZ};

static const int families[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};

/* ---- what was refused ---- */

static atomic_bool was_refused[NUMBERS_MAX], was_told[NUMBERS_MAX];
static void (*_Atomic tell)(void);

static void write_number(int number)
{
    char text[] = "vbmc: system call 0000 is refused\n";
    char *digits = strchr(text, '0');

    for (int i = 3; i >= 0; i--, number /= 10)
        digits[i] = (char)('0' + number % 10);
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        return; /* nobody is there to read it */
}

/* The value that the call returns is in the register where the caller looks for it. */
static void on_refused(int signal, siginfo_t *info, void *context)
{
    ucontext_t *state = context;
    int number = info->si_syscall, saved = errno;

    (void)signal;
#if defined(__x86_64__)
    state->uc_mcontext.gregs[REG_RAX] = -EPERM;
#elif defined(__aarch64__)
    state->uc_mcontext.regs[0] = (unsigned long long)-EPERM;
#else
    (void)state;
#endif
    if (number < 0 || number >= NUMBERS_MAX)
        number = NUMBERS_MAX - 1;
    if (!atomic_exchange(&was_refused[number], true)) {
        void (*function)(void) = tell;
        if (function)
            function();
        else
            write_number(number);
    }
    errno = saved;
}

/* Where the handler cannot say what the call returns, the kernel does. */
#if defined(__x86_64__) || defined(__aarch64__)
#define REFUSE SCMP_ACT_TRAP
#else
#define REFUSE SCMP_ACT_ERRNO(EPERM)
#endif

void isolate_watch_refused(void (*function)(void))
{
    tell = function;
}

int isolate_next_refused(char *name, size_t size)
{
    for (int i = 0; i < NUMBERS_MAX; i++) {
        if (!was_refused[i] || atomic_exchange(&was_told[i], true))
            continue;
        char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, i);
        snprintf(name, size, "%s", found ? found : "unknown");
        free(found);
        return i;
    }
    return -1;
}

/* ---- the filters ---- */

static int add(scmp_filter_ctx filter, uint32_t action, const char *const *names, size_t count)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++) {
        int number = seccomp_syscall_resolve_name(names[i]);
        if (number >= 0) /* else this architecture does not have it */
            result = seccomp_rule_add(filter, action, number, 0);
    }
    return result;
}

/* Memory that is both written and run, now or later, is what injected code needs. */
static int add_memory(scmp_filter_ctx filter)
{
    static const unsigned protections[] = {0, PROT_WRITE, PROT_EXEC};
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                                  SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

    for (size_t i = 0; i < ARRAY_SIZE(protections) && result == 0; i++)
        result =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_WRITE | PROT_EXEC, protections[i]));
    return result;
}

static int add_requests(scmp_filter_ctx filter)
{
    int result = 0;

    for (size_t i = 0; i < ARRAY_SIZE(requests) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
                                  SCMP_A1(SCMP_CMP_MASKED_EQ, UINT32_MAX, requests[i]));
    return result;
}

static int add_daemon(scmp_filter_ctx filter)
{
    int result = add(filter, SCMP_ACT_ALLOW, daemon_has, ARRAY_SIZE(daemon_has));

    for (size_t i = 0; i < ARRAY_SIZE(families) && result == 0; i++) {
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
        if (result == 0)
            result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1,
                                      SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)families[i], 0));
    }
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                                  SCMP_A0(SCMP_CMP_MASKED_EQ, NEW_NAMESPACE, 0));
    return result;
}

/* Not what reaches another process of the same user: its signals, those that a descriptor sends,
 * its limits. Its own group, which is kill's 0, is this process alone; libedit repeats signals so.
 */
static int add_shell(scmp_filter_ctx filter)
{
    static const int commands[] = {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL, F_SETFL};
    int result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                                  SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));

    if (result == 0)
        result =
            seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(kill), 1, SCMP_A0(SCMP_CMP_EQ, 0, 0));
    if (result == 0)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 1,
                                  SCMP_A0(SCMP_CMP_EQ, 0, 0));
    for (size_t i = 0; i < ARRAY_SIZE(commands) && result == 0; i++)
        result = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                                  SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)commands[i], 0));
    return result;
}

static int fill(scmp_filter_ctx filter, int (*add_more)(scmp_filter_ctx))
{
    int result = add(filter, SCMP_ACT_ALLOW, basic, ARRAY_SIZE(basic));

    if (result == 0)
        result = add(filter, SCMP_ACT_ERRNO(ENOSYS), not_there, ARRAY_SIZE(not_there));
    if (result == 0)
        result = add_memory(filter);
    if (result == 0)
        result = add_requests(filter);
    if (result == 0)
        result = add_more(filter);
    return result;
}

int isolate_filter_note(void)
{
    const struct sigaction action = {.sa_sigaction = on_refused,
                                     .sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK};

    return sigaction(SIGSYS, &action, NULL) < 0 ? -errno : 0;
}

static int load(int (*add_more)(scmp_filter_ctx), char *error, size_t size)
{
    scmp_filter_ctx filter = seccomp_init(REFUSE);
    int result = filter ? 0 : -ENOMEM;

    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (result == 0)
        result = fill(filter, add_more);
    if (result == 0)
        result = isolate_filter_note();
    if (result == 0)
        result = seccomp_load(filter);
    if (filter)
        seccomp_release(filter);
    if (result < 0)
        snprintf(error, size, "privileges: cannot filter system calls: %s", strerror(-result));
    return result;
}

/* The sanitizer traces the process at its end, and maps what it likes. */
#ifdef __SANITIZE_ADDRESS__
#define IS_FILTERED 0
#else
#define IS_FILTERED 1
#endif

int isolate_filter_daemon(char *error, size_t size)
{
    return IS_FILTERED ? load(add_daemon, error, size) : 0;
}

int isolate_filter_shell(char *error, size_t size)
{
    return IS_FILTERED ? load(add_shell, error, size) : 0;
}
