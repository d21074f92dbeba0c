#include "vbmc/process/privileges.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/control/control.h"
#include "vbmc/process/isolate.h"
#include "vbmc/process/isolate_filter.h"
#include "vbmc/process/reach.h"
#include "vbmc/virt/embedded.h"

/* What vbmcd makes in runtime-dir: vbmc/control/socket.c, vbmc/ssh/forward.c. */
static const char *const runtime_names[] = {CONTROL_SOCKET_NAME, CONTROL_SOCKET_NAME ".lock", "ssh",
                                            NULL};

static bool are_kept; /* we have started guests, or may */

static const char *find_embedded(const struct config *config)
{
    for (size_t i = 0; i < config->hypervisor_count; i++) {
        if (hypervisor_uri_is_embedded(config->hypervisors[i].uri))
            return config->hypervisors[i].name;
    }
    return NULL;
}

static void warn_of(void *context, const char *what, const char *path, const char *why,
                    const char *advice)
{
    const char *user = context;

    log_warning("%s: %s: %s for user %s; run: %s", what, path, why, user, advice);
}

static int become(const struct config *config, const struct openstack *openstack, bool stands_by,
                  char *error, size_t size)
{
    const struct config_daemon *daemon = &config->daemon;
    struct isolate_user user;

    int result = isolate_find_user(daemon->user, &user, error, size);
    if (result == 0 && !stands_by)
        result = isolate_hand_over_state(daemon->state_dir, &user, error, size);
    if (result == 0)
        result = isolate_hand_over_runtime(daemon->runtime_dir, runtime_names, &user, error, size);
    if (result == 0 && daemon->log_file &&
        isolate_hand_over_log(daemon->log_file, &user, error, size) < 0)
        log_warning("log-file: %s", error);
    if (result == 0)
        result = isolate_become(&user, error, size);
    if (result < 0)
        return result;
    log_info("running as user %s from now on", user.name);
    reach_check(config, openstack, user.name, warn_of, user.name);
    return 0;
}

int privileges_drop(const struct config *config, const struct openstack *openstack, bool stands_by,
                    char *error, size_t size)
{
    const char *embedded = find_embedded(config), *user = config->daemon.user;
    int result = 0;

    if (stands_by && embedded) {
        snprintf(error, size,
                 "[hypervisor %s]: guests of qemu:///embed are children of the one vbmcd that has "
                 "them: there is no --standby for them",
                 embedded);
        return -EINVAL;
    }
    are_kept = embedded != NULL;
    if (!are_kept)
        embedded_forbid();
    if (geteuid() == 0 && strcmp(user, "root") != 0 && !embedded)
        result = become(config, openstack, stands_by, error, size);
    else if (geteuid() == 0 && embedded)
        log_warning(
            "[hypervisor %s]: vbmcd stays root, without a filter of system calls: guests of "
            "qemu:///embed are its children",
            embedded);
    if (result == 0)
        result = isolate_confine(are_kept, error, size);
    return result < 0 || are_kept ? result : isolate_filter_daemon(error, size);
}

static uv_async_t *wake; /* NULL: nobody is woken any more */

static void on_refused(void)
{
    uv_async_send(wake);
}

static void on_wake(uv_async_t *handle)
{
    char name[64];

    (void)handle;
    for (int number; (number = isolate_next_refused(name, sizeof name)) >= 0;)
        log_error("system call %d (%s) is refused: it is not on the list of what vbmcd uses; "
                  "please report it",
                  number, name);
}

void privileges_watch(uv_loop_t *loop, uv_async_t *handle)
{
    uv_async_init(loop, handle, on_wake);
    wake = handle;
    isolate_watch_refused(on_refused);
    on_refused(); /* what was refused before */
}

void privileges_forget(void)
{
    isolate_watch_refused(NULL);
    uv_close((uv_handle_t *)wake, NULL);
}

int privileges_suffice(const struct config *config, char *error, size_t size)
{
    const char *embedded = find_embedded(config);

    if (!embedded || are_kept)
        return 0;
    snprintf(error, size,
             "[hypervisor %s]: qemu:///embed needs privileges that vbmcd has given up; restart it",
             embedded);
    return -EPERM;
}
