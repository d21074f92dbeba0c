/* vbmcd: options, signals, the way to the background, and the loop. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <uv.h>
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "sol/disk.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/locked_range.h"
#include "vbmc/base/log.h"
#include "vbmc/base/version.h"
#include "vbmc/cli/shell.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/operations.h"
#include "vbmc/process/privileges.h"
#include "vbmc/process/process.h"
#include "vbmc/rmcp/crypto.h"
#include "vbmc/service/service.h"
#include "vbmc/ssh_access.h"
#include "vbmc/verbs/verbs.h"

static const char usage[] =
    "Usage: vbmcd [--config FILE] [--foreground] [--standby]\n"
    "\n"
    "Gives every libvirt guest a BMC (IPMI 2.0 over UDP). Controlled by vbmc(1).\n"
    "\n"
    "  -c, --config FILE  read FILE instead of " CONFIG_DEFAULT_PATH "\n"
    "  -f, --foreground   stay in the foreground and log to standard error\n"
    "  -s, --standby      wait until no other vbmcd has the state folder, then serve it\n"
    "      --version      print the version\n"
    "  -h, --help         print this\n"
    "\n"
    "SIGHUP reloads the configuration. See vbmcd(8) and vbmc.conf(5).\n";

#define STOP_WITHIN_MS  5000
#define FORGET_AFTER_MS 100
#define DISK_WITHIN_MS  3000               /* for the last words of the guests */
#define LOCK_LIMIT      ((rlim_t)40 << 20) /* what vbmc/base/locked.h uses at most, and more */
#define GONE_WITHIN_S   10                 /* whatever happens: a little more than the two above */

struct daemon {
    uv_loop_t loop;
    const char *config_path; /* NULL: the default */
    bool foreground;
    bool standby;
    int status;   /* with which it ends */
    int ready_fd; /* of the process that waits in the foreground; -1: none */
    struct fleet *fleet;
    struct control *control;
    struct ssh_access *ssh;
    struct verbs verbs;
    uv_signal_t reload;
    uv_async_t stop;
    uv_async_t refused; /* system calls */
    uv_timer_t watchdog;
    uv_timer_t overdue;
    uv_prepare_t before_wait;
    uv_timer_t forget;
};

/* ---- options ---- */

enum { OPTION_VERSION = 256 };

static void parse_options(int argc, char **argv, struct daemon *daemon)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"foreground", no_argument, NULL, 'f'},
        {"standby", no_argument, NULL, 's'},      {"version", no_argument, NULL, OPTION_VERSION},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;

    while ((option = getopt_long(argc, argv, "c:fsh", options, NULL)) != -1) {
        switch (option) {
        case 'c':
            daemon->config_path = optarg;
            break;
        case 'f':
            daemon->foreground = true;
            break;
        case 's':
            daemon->standby = true;
            break;
        case OPTION_VERSION:
            printf("vbmcd %s\n", VBMC_VERSION);
            exit(EXIT_SUCCESS);
        case 'h':
            fputs(usage, stdout);
            exit(EXIT_SUCCESS);
        default:
            fprintf(stderr, "Try 'vbmcd --help'.\n");
            exit(2);
        }
    }
    if (optind < argc) {
        fprintf(stderr, "vbmcd: unexpected argument '%s'\nTry 'vbmcd --help'.\n", argv[optind]);
        exit(2);
    }
}

/* ---- the way to the background ---- */

/* The process that was started waits until the daemon answers, so that a script may go on; what
 * goes wrong until then is on its standard error and in its exit status. */
static void wait_for_child(int fd)
{
    char byte;

    _exit(read(fd, &byte, 1) == 1 ? EXIT_SUCCESS : EXIT_FAILURE);
}

static int go_to_background(struct daemon *daemon)
{
    int ends[2];

    if (pipe2(ends, O_CLOEXEC) < 0)
        return -errno;
    pid_t child = fork();
    if (child < 0)
        return -errno;
    if (child > 0) {
        close(ends[1]);
        wait_for_child(ends[0]);
    }
    close(ends[0]);
    setsid();
    daemon->ready_fd = ends[1];
    return 0;
}

/* What goes wrong up to here is on standard error, where the user who starts the daemon looks.
 * False if there is no file to log to. */
static bool open_log(const struct config *config)
{
    const char *path = config->daemon.log_file;

    if (!path)
        return false;
    if (strcmp(path, log_place()) != 0)
        log_info("logging goes on in %s", path);
    int result = log_set_file(path);
    if (result == 0)
        return true;
    log_error("log-file = %s: %s; logging goes on as without it", path, strerror(-result));
    return false;
}

/* The daemon works: let go of the terminal. */
static void detach(struct daemon *daemon, bool has_log)
{
    if (daemon->ready_fd < 0)
        return;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
    if (!has_log) {
        openlog("vbmcd", LOG_PID, LOG_DAEMON);
        log_set_target(LOG_TARGET_SYSLOG);
        dup2(null, STDERR_FILENO);
    }
    close(null);
    if (chdir("/") < 0)
        log_warning("cannot change to /: %s", strerror(errno));
    if (write(daemon->ready_fd, "", 1) < 0)
        log_debug("nobody waits for the daemon to start");
    close(daemon->ready_fd);
    daemon->ready_fd = -1;
}

/* ---- systemd ---- */

static void notify(const char *state)
{
#ifdef HAVE_SYSTEMD
    sd_notify(0, state);
#else
    (void)state;
#endif
}

#ifdef HAVE_SYSTEMD
static void on_watchdog(uv_timer_t *timer)
{
    (void)timer;
    notify("WATCHDOG=1");
}
#endif

/* A loop that no longer turns is restarted by systemd. */
static void start_watchdog(struct daemon *daemon)
{
    uv_timer_init(&daemon->loop, &daemon->watchdog);
#ifdef HAVE_SYSTEMD
    uint64_t interval_us = 0;

    if (sd_watchdog_enabled(0, &interval_us) > 0 && interval_us > 0)
        uv_timer_start(&daemon->watchdog, on_watchdog, 0, interval_us / 2000);
#endif
}

static void choose_log_target(void)
{
    if (getenv("JOURNAL_STREAM"))
        log_set_target(LOG_TARGET_JOURNAL);
}

/* ---- reload and end ---- */

static int reload(struct daemon *daemon, char *error, size_t size)
{
    struct config *config = NULL;

    int result = config_load(daemon->config_path, &config, error, size);
    if (result == 0 && (result = privileges_suffice(config, error, size)) < 0)
        config_free(config);
    if (result < 0) {
        log_error("configuration not reloaded: %s", error);
        return result;
    }
    log_set_level(config->daemon.log_level);
    open_log(config);
    fleet_reload(daemon->fleet, config);
    return 0;
}

/* SERVICE_RELOAD: the same as SIGHUP. */
static int run_reload(void *context, const struct service_call *call,
                      const union service_arguments *arguments)
{
    char error[CONFIG_ERROR_SIZE];

    (void)arguments;
    int result = reload(context, error, sizeof error);
    if (result == 0)
        return 0;
    bmc_ticket_finish_with(call->ticket, result, error);
    return -EINPROGRESS;
}

/* libvirt may be stuck in a call to a libvirtd that hangs: nothing of ours is worth waiting for. */
static void on_stop_overdue(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;

    log_warning("timed out waiting for libvirt; exiting");
    if (daemon->fleet)
        fleet_flush(daemon->fleet);
    disk_finish(DISK_WITHIN_MS);
    _exit(daemon->status);
}

static void stop(void *context)
{
    struct daemon *daemon = context;

    notify("STOPPING=1");
    log_info("stopping");
    ssh_access_free(daemon->ssh);
    control_free(daemon->control);
    fleet_stop(daemon->fleet, &daemon->fleet);
    process_forget_stop();
    privileges_forget();
    uv_close((uv_handle_t *)&daemon->reload, NULL);
    uv_close((uv_handle_t *)&daemon->watchdog, NULL);
    uv_timer_init(&daemon->loop, &daemon->overdue);
    daemon->overdue.data = daemon;
    uv_timer_start(&daemon->overdue, on_stop_overdue, STOP_WITHIN_MS, 0);
    uv_unref((uv_handle_t *)&daemon->overdue);
}

static void on_hangup(uv_signal_t *signal, int number)
{
    struct daemon *daemon = signal->data;
    char error[CONFIG_ERROR_SIZE];

    (void)number;
    notify("RELOADING=1");
    reload(daemon, error, sizeof error);
    notify("READY=1");
}

static void watch_signals(struct daemon *daemon)
{
    uv_signal_init(&daemon->loop, &daemon->reload);
    daemon->reload.data = daemon;
    uv_signal_start(&daemon->reload, on_hangup, SIGHUP);
    process_watch_stop(&daemon->loop, &daemon->stop, GONE_WITHIN_S, stop, daemon);
}

/* ---- serving ---- */

static void begin_to_serve(struct daemon *daemon)
{
    notify("STATUS=serving");
    if (ssh_access_start(&daemon->loop, daemon->fleet, daemon->control, &daemon->ssh) < 0)
        log_error("ssh: out of memory");
}

/* The lock is had. The configuration may have been changed since it was read; one that cannot be
 * used is no reason to serve nobody. What cannot serve ends, which leaves the lock to others. */
static void on_locked(void *context)
{
    struct daemon *daemon = context;
    char error[CONFIG_ERROR_SIZE];

    log_info("this standby takes over");
    if (reload(daemon, error, sizeof error) < 0)
        log_warning("taking over with the configuration as it was read before");
    if (fleet_take_over(daemon->fleet, error, sizeof error) == 0) {
        begin_to_serve(daemon);
        return;
    }
    log_error("cannot take over: %s", error);
    daemon->status = EXIT_FAILURE;
    kill(getpid(), SIGTERM);
}

/* ---- start ---- */

/* libuv's fork handler closes its signal pipe in every child, by number, and makes a new one there.
 * libvirt forks twice to start QEMU (embedded driver): after the first it closes what it does not
 * hand on, libuv's new pipe too, and makes a pipe of its own under the lowest numbers; after the
 * second libuv closes its numbers again. With the lowest ones taken for good, libuv's are never
 * those of libvirt's pipe. Without this no guest of qemu:///embed starts. */
#define LOWEST_DESCRIPTORS 16

static int keep_lowest_descriptors(void)
{
    int fd;

    do {
        fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (fd < 0)
            return -errno;
    } while (fd < LOWEST_DESCRIPTORS);
    return 0;
}

/* The soft limit is kept low for programs that call select(); with a few descriptors for each BMC,
 * console and login we would run into it. */
static void raise_descriptor_limit(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
}

/* As far as it may: only root can have more than the hard limit. */
static void raise_lock_limit(void)
{
    const struct rlimit wanted = {LOCK_LIMIT, LOCK_LIMIT};
    struct rlimit limit;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0 || limit.rlim_cur >= LOCK_LIMIT ||
        setrlimit(RLIMIT_MEMLOCK, &wanted) == 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
}

static void ignore_libvirt_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error; /* every call's error is looked at where it is made */
}

static int find_group(const char *name, gid_t *gid, char *error, size_t size)
{
    const struct group *group = name ? getgrnam(name) : NULL;

    *gid = group ? group->gr_gid : (gid_t)-1;
    if (!name || group)
        return 0;
    snprintf(error, size, "control-group = %s: there is no such group", name);
    return -EINVAL;
}

static int open_control(struct daemon *daemon, const struct config *config, char *error,
                        size_t size)
{
    char path[256];
    gid_t gid;

    if (find_group(config->daemon.control_group, &gid, error, size) < 0)
        return -EINVAL;
    int length =
        snprintf(path, sizeof path, "%s/%s", config->daemon.runtime_dir, CONTROL_SOCKET_NAME);
    if (length < 0 || (size_t)length >= sizeof path) {
        snprintf(error, size, "runtime-dir = %s: the path is too long", config->daemon.runtime_dir);
        return -ENAMETOOLONG;
    }
    service_register(SERVICE_RELOAD, run_reload, daemon);
    return control_new(&daemon->loop, path, gid, verbs_handle, &daemon->verbs, &daemon->control,
                       error, size);
}

/* [log] of the other tool's file, where ours does not say. */
static void take_openstack_log(struct config *config, struct openstack *openstack)
{
    if (!openstack)
        return;
    if (!config->daemon.log_file)
        config->daemon.log_file = cleanup_steal_pointer(&openstack->log_file);
    if (openstack->debug)
        config->daemon.log_level = LOG_LEVEL_DEBUG;
}

/* The control socket comes first: it is what tells that another daemon is alive. Nothing is read
 * from it before the loop runs. All else that listens is opened without root's privileges. */
static int start(struct daemon *daemon, char *error, size_t size)
{
    CLEANUP_CONFIG struct config *config = NULL;
    CLEANUP_OPENSTACK struct openstack *openstack = NULL;

    int result = config_load(daemon->config_path, &config, error, size);
    if (result == 0)
        result = openstack_load(&openstack, error, size);
    if (result < 0)
        return result;
    take_openstack_log(config, openstack);
    log_set_level(config->daemon.log_level);
    result = open_control(daemon, config, error, size);
    if (result < 0)
        return result;
    result = privileges_drop(config, openstack, daemon->standby, error, size);
    if (result == 0 && daemon->standby)
        result = fleet_stand_by(&daemon->loop, cleanup_steal_pointer(&config),
                                cleanup_steal_pointer(&openstack), on_locked, daemon,
                                &daemon->fleet, error, size);
    else if (result == 0)
        result = fleet_start(&daemon->loop, cleanup_steal_pointer(&config),
                             cleanup_steal_pointer(&openstack), &daemon->fleet, error, size);
    if (result < 0) {
        control_free(daemon->control);
        uv_run(&daemon->loop, UV_RUN_NOWAIT); /* no socket is left behind */
        return result;
    }
    daemon->verbs.fleet = daemon->fleet;
    fleet_register_operations(daemon->fleet);
    if (fleet_waits_for(daemon->fleet))
        notify("STATUS=standby: waits for the state folder");
    else
        begin_to_serve(daemon);
    return 0;
}

static void on_forget(uv_timer_t *timer)
{
    (void)timer;
    crypto_forget();
}

/* A key that was just used is wiped a little later: with each packet it would cost as much as the
 * packet. */
static void on_before_wait(uv_prepare_t *prepare)
{
    struct daemon *daemon = prepare->data;

    if (crypto_has_key() && !uv_is_active((uv_handle_t *)&daemon->forget))
        uv_timer_start(&daemon->forget, on_forget, FORGET_AFTER_MS, 0);
}

static void watch_keys(struct daemon *daemon)
{
    uv_timer_init(&daemon->loop, &daemon->forget);
    uv_unref((uv_handle_t *)&daemon->forget);
    uv_prepare_init(&daemon->loop, &daemon->before_wait);
    daemon->before_wait.data = daemon;
    uv_prepare_start(&daemon->before_wait, on_before_wait);
    uv_unref((uv_handle_t *)&daemon->before_wait);
}

int main(int argc, char **argv)
{
    struct daemon daemon = {.ready_fd = -1, .status = EXIT_SUCCESS};
    char error[CONFIG_ERROR_SIZE] = "";

    if (argc > 0 && strcmp(basename(argv[0]), CLI_SHELL_NAME) == 0)
        return cli_shell_main(argc, argv); /* the SSH server runs this program again */
    parse_options(argc, argv, &daemon);
    if (getpid() == 1)
        daemon.foreground = true; /* a container ends with its first process */
    if (process_be_first() < 0) {
        fprintf(stderr, "vbmcd: cannot fork: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    umask(022); /* libvirt's embedded driver makes folders that QEMU's user has to enter */
    signal(SIGPIPE, SIG_IGN);
    raise_descriptor_limit();
    raise_lock_limit();
    choose_log_target();
    if (!daemon.foreground && go_to_background(&daemon) < 0) {
        fprintf(stderr, "vbmcd: cannot fork: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    if (keep_lowest_descriptors() < 0) {
        fprintf(stderr, "vbmcd: cannot open /dev/null: %s\n", strerror(errno));
        return EXIT_FAILURE;
    }
    locked_begin();
    virInitialize();
    virSetErrorFunc(NULL, ignore_libvirt_error);
    uv_loop_init(&daemon.loop);
    if (start(&daemon, error, sizeof error) < 0) {
        fprintf(stderr, "vbmcd: %s\n", error);
        return EXIT_FAILURE;
    }
    watch_signals(&daemon);
    watch_keys(&daemon);
    privileges_watch(&daemon.loop, &daemon.refused);
    start_watchdog(&daemon);
    bool has_log = open_log(fleet_config(daemon.fleet));
    log_info("vbmcd %s is running", VBMC_VERSION);
    detach(&daemon, has_log);
    notify("READY=1");
    uv_run(&daemon.loop, UV_RUN_DEFAULT);
    uv_close((uv_handle_t *)&daemon.overdue, NULL);
    uv_close((uv_handle_t *)&daemon.before_wait, NULL);
    uv_close((uv_handle_t *)&daemon.forget, NULL);
    uv_run(&daemon.loop, UV_RUN_DEFAULT);
    uv_loop_close(&daemon.loop);
    disk_finish(DISK_WITHIN_MS);
    return daemon.status;
}
