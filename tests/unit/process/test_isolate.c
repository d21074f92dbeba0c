/* What a process gives up, and what is handed over before: each in a child, as there is no way
 * back. Needs root, and is skipped without. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/process/isolate.h"
#include "vbmc/process/isolate_filter.h"

#define OTHER_UID 4321

static struct isolate_user user = {.name = "nobody", .home = "/nonexistent"};
static char folder[64], error[1024];

static int setup(void **state)
{
    (void)state;
    error[0] = '\0';
    if (isolate_find_user("nobody", &user, error, sizeof error) < 0)
        return -1;
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-isolate-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    char command[96];

    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return system(command);
}

static void need_root(void)
{
    if (geteuid() != 0)
        skip();
}

/* 0 if the function is true in a child. */
static int in_child(bool (*function)(void))
{
    int status;
    pid_t child = fork();

    if (child == 0)
        _exit(function() ? 0 : 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

/* The value of a line of /proc/self/status; "" if there is none. */
static const char *status_of(const char *key)
{
    static char value[256];
    char line[1024];
    FILE *file = fopen("/proc/self/status", "r");

    value[0] = '\0';
    while (file && fgets(line, sizeof line, file)) {
        if (strncmp(line, key, strlen(key)) == 0 && line[strlen(key)] == ':')
            sscanf(line + strlen(key) + 1, " %255[^\n]", value);
    }
    if (file)
        fclose(file);
    return value;
}

static bool status_is(const char *key, const char *value)
{
    const char *found = status_of(key);

    if (strcmp(found, value) == 0)
        return true;
    fprintf(stderr, "%s: %s, not %s\n", key, found, value);
    return false;
}

static void test_users(void **state)
{
    struct isolate_user found;

    (void)state;
    assert_int_equal(isolate_find_user("nobody", &found, error, sizeof error), 0);
    assert_string_equal(found.name, "nobody");
    assert_int_not_equal(found.uid, 0);
    assert_int_equal(isolate_find_user("no-such-user", &found, error, sizeof error), -ENOENT);
    assert_non_null(strstr(error, "user = no-such-user: there is no such user"));
    assert_non_null(strstr(error, "useradd --system"));
    assert_int_equal(isolate_find_user("root", &found, error, sizeof error), -EINVAL);
}

/* ---- become and confine ---- */

static bool home_is(const char *wanted)
{
    const char *home = getenv("HOME");

    return home && strcmp(home, wanted) == 0;
}

static bool become(void)
{
    static const char *const keys[] = {"CapInh", "CapAmb"};
    char ids[64];

    setenv("XDG_CONFIG_HOME", "/root/x", 1);
    if (isolate_become(&user, error, sizeof error) < 0 ||
        isolate_confine(false, error, sizeof error) < 0) {
        fprintf(stderr, "%s\n", error);
        return false;
    }
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (!status_is(keys[i], "0000000000000000"))
            return false;
    }
    snprintf(ids, sizeof ids, "%u\t%u\t%u\t%u", user.uid, user.uid, user.uid, user.uid);
    return status_is("Uid", ids) && status_is("CapPrm", "0000000000000400") &&
           status_is("CapEff", "0000000000000400") && status_is("CapBnd", "0000000000000400") &&
           status_is("NoNewPrivs", "1") && setresuid(0, 0, 0) < 0 && setresgid(0, 0, 0) < 0 &&
           home_is(user.home) && !getenv("XDG_CONFIG_HOME");
}

static void test_become(void **state)
{
    (void)state;
    need_root();
    assert_int_equal(in_child(become), 0);
}

static bool confine_who_starts_guests(void)
{
    char before[64];

    snprintf(before, sizeof before, "%s", status_of("CapEff"));
    return isolate_confine(true, error, sizeof error) == 0 && status_is("CapEff", before) &&
           status_is("NoNewPrivs", "0");
}

static bool confine_root(void)
{
    char before[64];

    snprintf(before, sizeof before, "%s", status_of("CapEff"));
    return isolate_confine(false, error, sizeof error) == 0 && status_is("CapEff", before) &&
           status_is("NoNewPrivs", "1");
}

static void test_confine_alone(void **state)
{
    (void)state;
    need_root();
    assert_int_equal(in_child(confine_who_starts_guests), 0);
    assert_int_equal(in_child(confine_root), 0);
}

static void *idle(void *context)
{
    (void)context;
    pause();
    return NULL;
}

/* The kernel keeps capabilities for each thread: one that runs already would have them still. */
static bool refuse_with_thread(void)
{
    pthread_t thread;

    return pthread_create(&thread, NULL, idle, NULL) == 0 &&
           isolate_become(&user, error, sizeof error) == -EBUSY &&
           isolate_confine(false, error, sizeof error) == -EBUSY;
}

static void test_thread(void **state)
{
    (void)state;
    assert_int_equal(in_child(refuse_with_thread), 0);
}

/* ---- hand over ---- */

static const char *path_of(const char *name)
{
    static char path[2][192];
    static unsigned turn;
    char *text = path[++turn % 2];

    snprintf(text, sizeof path[0], "%s/%s", folder, name);
    return text;
}

static void make_file(const char *name, mode_t mode)
{
    int fd = open(path_of(name), O_CREAT | O_WRONLY, mode);

    assert_true(fd >= 0);
    close(fd);
}

static void make_folder(const char *name, mode_t mode)
{
    assert_int_equal(mkdir(path_of(name), mode), 0);
    assert_int_equal(chmod(path_of(name), mode), 0);
}

static void assert_owner(const char *name, uid_t owner)
{
    struct stat status;

    assert_int_equal(lstat(path_of(name), &status), 0);
    assert_int_equal(status.st_uid, owner);
}

static int hand_over_state(const char *name)
{
    return isolate_hand_over_state(path_of(name), &user, error, sizeof error);
}

static void test_state(void **state)
{
    (void)state;
    need_root();
    assert_int_equal(hand_over_state("new"), 0); /* makes it */
    assert_owner("new", user.uid);
    make_folder("old", 0700);
    make_folder("old/consoles", 0700);
    make_file("old/state.db", 0600);
    make_file("old/consoles/a.history", 0600);
    make_file("old/other", 0600);
    assert_int_equal(chown(path_of("old/other"), OTHER_UID, (gid_t)-1), 0);
    make_file("outside", 0600);
    make_file("linked", 0600);
    assert_int_equal(link(path_of("linked"), path_of("old/linked")), 0);
    assert_int_equal(symlink(path_of("outside"), path_of("old/symbolic")), 0);
    assert_int_equal(hand_over_state("old"), 0);
    assert_owner("old", user.uid);
    assert_owner("old/consoles", user.uid);
    assert_owner("old/state.db", user.uid);
    assert_owner("old/consoles/a.history", user.uid);
    assert_owner("old/other", OTHER_UID);
    assert_owner("old/linked", 0);
    assert_owner("outside", 0);
    make_file("old/later", 0600); /* what root has left since then */
    assert_int_equal(hand_over_state("old"), 0);
    assert_owner("old/later", user.uid);
}

static void test_shared_state(void **state)
{
    (void)state;
    need_root();
    make_folder("shared", 0755);
    assert_int_equal(hand_over_state("shared"), 0); /* nobody's yet */
    assert_owner("shared", user.uid);
    make_folder("lib", 0755);
    make_file("lib/theirs", 0600);
    assert_int_equal(hand_over_state("lib"), -EPERM);
    assert_non_null(strstr(error, "chown -R nobody"));
    assert_owner("lib", 0);
    assert_owner("lib/theirs", 0);
    make_file("file", 0600);
    assert_int_equal(hand_over_state("file"), -ENOTDIR);
    assert_int_equal(hand_over_state("no/such"), -ENOENT);
}

static int hand_over_runtime(const char *name)
{
    static const char *const ours[] = {"control.sock", "control.sock.lock", "ssh", NULL};

    return isolate_hand_over_runtime(path_of(name), ours, &user, error, sizeof error);
}

static void test_runtime(void **state)
{
    (void)state;
    need_root();
    make_folder("run", 0755);
    make_folder("run/ssh", 0700);
    make_file("run/ssh/1", 0600);
    make_file("run/control.sock.lock", 0600);
    make_file("run/theirs", 0600);
    assert_int_equal(hand_over_runtime("run"), 0); /* as /run: others have something in it */
    assert_owner("run", 0);
    assert_owner("run/theirs", 0);
    assert_owner("run/ssh", user.uid);
    assert_owner("run/ssh/1", user.uid);
    assert_owner("run/control.sock.lock", user.uid);
    assert_int_equal(unlink(path_of("run/theirs")), 0);
    assert_int_equal(hand_over_runtime("run"), 0);
    assert_owner("run", user.uid);
    assert_int_equal(hand_over_runtime("no-such"), -ENOENT);
}

static int hand_over_log(const char *name)
{
    return isolate_hand_over_log(path_of(name), &user, error, sizeof error);
}

static void test_log(void **state)
{
    (void)state;
    need_root();
    assert_int_equal(hand_over_log("log"), 0);
    assert_owner("log", user.uid);
    make_file("precious", 0600);
    assert_int_equal(symlink(path_of("precious"), path_of("trap")), 0);
    assert_int_equal(hand_over_log("trap"), -ELOOP);
    assert_int_equal(link(path_of("precious"), path_of("second")), 0);
    assert_int_equal(hand_over_log("second"), 0);
    assert_owner("precious", 0);
    assert_int_equal(hand_over_log("no/such"), -ENOENT);
}

/* ---- filter ---- */

/* Sanitizers make system calls of their own. */
#ifdef __SANITIZE_ADDRESS__
static const bool sanitized = true;
#else
static const bool sanitized = false;
#endif

/* Each is refused by a filter, and would succeed or fail otherwise without. */
static bool is_refused(long result)
{
    return result == -1 && errno == EPERM;
}

static bool load_filter(int (*load)(char *, size_t))
{
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    if (load(error, sizeof error) == 0)
        return true;
    fprintf(stderr, "%s\n", error);
    return false;
}

static bool next_refused_is(int number, const char *name)
{
    char found[64] = "";
    int next = isolate_next_refused(found, sizeof found);

    if (next == number && (number < 0 || strcmp(found, name) == 0))
        return true;
    fprintf(stderr, "refused: %d (%s), not %d (%s)\n", next, found, number, name);
    return false;
}

static bool try_memory(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    return page != MAP_FAILED && mprotect(page, 4096, PROT_READ) == 0 &&
           is_refused(mprotect(page, 4096, PROT_READ | PROT_EXEC)) &&
           mmap(NULL, 4096, PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
               MAP_FAILED &&
           next_refused_is(SYS_mmap, "mmap") && next_refused_is(SYS_mprotect, "mprotect");
}

static volatile sig_atomic_t told;

static void count_told(void)
{
    told++;
}

static bool filter_daemon(void)
{
    CLEANUP_CLOSE int packets = -1;
    pthread_t thread;
    int status = 0;

    if (!load_filter(isolate_filter_daemon))
        return false;
    isolate_watch_refused(count_told);
    /* What it does. */
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    if (waitpid(child, &status, 0) != child || pthread_create(&thread, NULL, idle, NULL) != 0 ||
        close(open("/dev/null", O_RDWR)) < 0 || close(socket(AF_INET6, SOCK_DGRAM, 0)) < 0 || told)
        return false;
    /* And what it does not. */
    packets = socket(AF_PACKET, SOCK_DGRAM, 0);
    return is_refused(packets) && is_refused(unshare(CLONE_NEWUSER)) && is_refused(unshare(0)) &&
           is_refused(mount("a", "/b", "tmpfs", 0, NULL)) &&
           is_refused(ptrace(PTRACE_TRACEME, 0, NULL, NULL)) &&
           is_refused(ioctl(STDIN_FILENO, TIOCSTI, "x")) && told == 5 &&
           next_refused_is(SYS_ioctl, "ioctl") && next_refused_is(SYS_socket, "socket") &&
           next_refused_is(SYS_ptrace, "ptrace") && next_refused_is(SYS_mount, "mount") &&
           next_refused_is(SYS_unshare, "unshare") && next_refused_is(-1, "") && try_memory();
}

static bool filter_shell(void)
{
    struct rlimit limit;
    char line[64] = "";
    int ends[2];

    if (pipe(ends) < 0 || !load_filter(isolate_filter_shell) || dup2(ends[1], STDERR_FILENO) < 0)
        return false;
    /* Nobody watches: the number is on standard error, once. */
    for (unsigned turn = 0; turn < 2; turn++) {
        if (!is_refused(syscall(SYS_openat, AT_FDCWD, "/dev/null", O_RDONLY)))
            return false;
    }
    if (read(ends[0], line, sizeof line - 1) <= 0)
        return false;
    char wanted[64];
    snprintf(wanted, sizeof wanted, "vbmc: system call %04d is refused\n", (int)SYS_openat);
    return strcmp(line, wanted) == 0 && is_refused(socket(AF_UNIX, SOCK_STREAM, 0)) &&
           is_refused(kill(getppid(), 0)) && is_refused(kill(-getppid(), 0)) &&
           is_refused(kill(-1, 0)) && kill(0, 0) == 0 &&
           is_refused(prlimit(getppid(), RLIMIT_NOFILE, NULL, &limit)) &&
           is_refused(fcntl(ends[0], F_SETOWN, getppid())) &&
           getrlimit(RLIMIT_NOFILE, &limit) == 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0 &&
           is_refused(fork()) && is_refused(syscall(SYS_tgkill, getppid(), getppid(), 0)) &&
           is_refused(execl("/bin/true", "true", (char *)NULL)) && raise(0) == 0;
}

/* A program that is started has the filter of who started it, and no handler. */
static bool filter_started(void)
{
    if (!load_filter(isolate_filter_daemon) || signal(SIGSYS, SIG_DFL) == SIG_ERR)
        return false;
    return isolate_filter_note() == 0 && is_refused(unshare(0)) &&
           next_refused_is(SYS_unshare, "unshare");
}

static void test_filter(void **state)
{
    (void)state;
    if (sanitized)
        return;
    assert_int_equal(in_child(filter_daemon), 0);
    assert_int_equal(in_child(filter_shell), 0);
    assert_int_equal(in_child(filter_started), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_users, setup, teardown),
        cmocka_unit_test_setup_teardown(test_become, setup, teardown),
        cmocka_unit_test_setup_teardown(test_confine_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(test_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(test_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_state, setup, teardown),
        cmocka_unit_test_setup_teardown(test_runtime, setup, teardown),
        cmocka_unit_test_setup_teardown(test_log, setup, teardown),
        cmocka_unit_test(test_filter),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
