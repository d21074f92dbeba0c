#include "vbmc/process/reach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/config/config.h"
#include "vbmc/config/ini.h"
#include "vbmc/config/openstack.h"
#include "vbmc/config/parse.h"
#include "vbmc/config/value.h"
#include "vbmc/ssh/uri.h"

#define ADVICE_SIZE ((size_t)3 * PATH_MAX)

struct reach {
    const char *user;
    reach_fn say;
    void *context;
};

enum use {
    USE_READ,   /* a file */
    USE_APPEND, /* a file, in a folder where a new one can be begun */
    USE_FILL,   /* a folder */
};

/* Keys that name a file. A value of vbmc.conf is not kept where what it names was read. */
static const struct {
    const char *key;
    enum use use;
} keys[] = {
    {"password-file", USE_READ}, {"kg-file", USE_READ},     {"authorized-keys", USE_READ},
    {"log-file", USE_APPEND},    {"console-log", USE_FILL},
};

/* The folder of `path`; false if it is too long or has none. */
static bool folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');
    int length = slash ? (int)(slash == path ? 1 : slash - path) : 0;

    return length && length < PATH_MAX &&
           snprintf(folder, PATH_MAX, "%.*s", length, path) == length;
}

/* The first folder on the way that may not be entered; false if all may. */
static bool find_closed(const char *path, char folder[PATH_MAX])
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        int length = slash == path ? 1 : (int)(slash - path);
        if (length >= PATH_MAX)
            return false;
        snprintf(folder, PATH_MAX, "%.*s", length, path);
        if (access(folder, X_OK) < 0 && errno == EACCES)
            return true;
    }
    return false;
}

static bool is_home(const char *folder)
{
    return strcmp(folder, "/root") == 0 || strncmp(folder, "/home/", 6) == 0 ||
           strcmp(folder, "/home") == 0;
}

/* A folder of the configuration may be opened to the daemon's group; a home must stay closed. */
static void advise(const struct reach *reach, const char *path, enum use use, char *advice)
{
    char closed[PATH_MAX];
    const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;

    if (use == USE_APPEND)
        snprintf(advice, ADVICE_SIZE,
                 "install -d -o %s -m 750 /var/log/vbmc, and log-file = /var/log/vbmc/%s",
                 reach->user, name);
    else if (use == USE_FILL || !find_closed(path, closed))
        snprintf(advice, ADVICE_SIZE, "chown %s %s", reach->user, path);
    else if (is_home(closed))
        snprintf(advice, ADVICE_SIZE, "install -o %s -m 600 %s /etc/vbmc/%s, and name that file",
                 reach->user, path, name);
    else
        snprintf(advice, ADVICE_SIZE, "chgrp %s %s && chmod g+x %s && chown %s %s", reach->user,
                 closed, closed, reach->user, path);
}

/* What is not there is nobody's to reach: who uses it says so. */
static bool may_use(const char *path, enum use use)
{
    char folder[PATH_MAX];

    switch (use) {
    case USE_READ:
        return access(path, R_OK) == 0 || errno == ENOENT;
    case USE_APPEND:
        if (access(path, W_OK) < 0 && errno != ENOENT)
            return false;
        return !folder_of(path, folder) || access(folder, W_OK | X_OK) == 0 || errno == ENOENT;
    case USE_FILL:
        break;
    }
    return access(path, W_OK | X_OK) == 0 || errno == ENOENT;
}

static void try_path(const struct reach *reach, const char *what, const char *path, enum use use)
{
    char advice[ADVICE_SIZE];

    if (may_use(path, use))
        return;
    int number = errno;
    advise(reach, path, use, advice);
    reach->say(reach->context, what, path, strerror(number), advice);
}

struct reading {
    const struct reach *reach;
    struct config_parse parse;
};

static int take_entry(void *context, const struct ini_entry *entry, char *error, size_t size)
{
    struct reading *reading = context;

    (void)error, (void)size;
    for (size_t i = 0; entry->key && i < ARRAY_SIZE(keys); i++) {
        CLEANUP_FREE char *path = NULL;
        if (strcmp(entry->key, keys[i].key) == 0 &&
            config_value_path(&reading->parse, entry->value, &path) == 0)
            try_path(reading->reach, entry->key, path, keys[i].use);
    }
    return 0;
}

/* The file may be closed to the user, whose reload then fails: what it names is not known then. */
static void try_configuration(const struct reach *reach, const struct config *config)
{
    char error[CONFIG_ERROR_SIZE], advice[ADVICE_SIZE], folder[PATH_MAX];
    CLEANUP_CLOSE int fd = config->path ? open(config->path, O_RDONLY | O_CLOEXEC) : -1;
    struct reading reading = {reach, {.path = config->path}};

    if (fd >= 0) {
        ini_load(fd, config->path, INI_DIALECT_OWN, take_entry, &reading, error, sizeof error);
    } else if (config->path) {
        int number = errno;
        snprintf(advice, sizeof advice, "chgrp %s %s && chmod g+r %s", reach->user, config->path,
                 config->path);
        if (find_closed(config->path, folder))
            advise(reach, config->path, USE_READ, advice);
        reach->say(reach->context, "configuration", config->path, strerror(number), advice);
    }
}

/* Keys and known hosts that are not named in the URI are those of $HOME. */
static void try_ssh(const struct reach *reach, const char *text)
{
    struct ssh_uri uri;
    char known[PATH_MAX], folder[PATH_MAX], advice[ADVICE_SIZE], error[CONFIG_ERROR_SIZE];

    if (ssh_uri_parse(text, &uri, error, sizeof error) < 0)
        return;
    if (uri.keyfile)
        try_path(reach, "keyfile", uri.keyfile, USE_READ);
    if (uri.known_hosts) {
        try_path(reach, "known_hosts", uri.known_hosts, USE_READ);
    } else if (ssh_uri_known_hosts(&uri, known, sizeof known) == 0 && folder_of(known, folder) &&
               access("/etc/ssh/ssh_known_hosts", R_OK) < 0 && access(known, R_OK) < 0) {
        int number = errno;
        snprintf(
            advice, sizeof advice,
            "install -d -o %s -m 700 %s && install -o %s -m 600 FILE %s, where FILE is that of "
            "a user who logs in there, and so for its key",
            reach->user, folder, reach->user, known);
        reach->say(reach->context, "known_hosts", known, strerror(number), advice);
    }
    ssh_uri_clear(&uri);
}

/* libvirt's socket, by its group or, where polkit decides, open to all. */
static void try_libvirt(const struct reach *reach)
{
    static const char *const sockets[] = {"/run/libvirt/virtqemud-sock",
                                          "/run/libvirt/libvirt-sock"};
    char advice[ADVICE_SIZE];
    const char *closed = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++) {
        if (access(sockets[i], W_OK) == 0)
            return;
        if (errno == EACCES)
            closed = sockets[i];
    }
    if (!closed)
        return;
    snprintf(
        advice, sizeof advice,
        "usermod -aG libvirt %s, with unix_sock_group = \"libvirt\", unix_sock_rw_perms = "
        "\"0770\" and auth_unix_rw = \"none\" in libvirtd.conf, or the polkit rule of vbmcd(8)",
        reach->user);
    reach->say(reach->context, "libvirt", closed, strerror(EACCES), advice);
}

/* Read once, at the start; what is read then may be out of reach at the next start, by systemd. */
static void try_openstack(const struct reach *reach, const struct openstack *openstack)
{
    char advice[ADVICE_SIZE];

    if (!openstack->path || access(openstack->path, R_OK) == 0 || errno != EACCES)
        return;
    snprintf(advice, sizeof advice,
             "a start by systemd does not see it; "
             "install -D -o %s -m 600 %s /etc/virtualbmc/virtualbmc.conf, with config_dir in it",
             reach->user, openstack->path);
    reach->say(reach->context, "files of virtualbmc", openstack->path, strerror(EACCES), advice);
}

void reach_check(const struct config *config, const struct openstack *openstack, const char *user,
                 reach_fn say, void *context)
{
    const struct reach reach = {user, say, context};

    try_configuration(&reach, config);
    for (size_t i = 0; i < config->hypervisor_count; i++) {
        const char *uri = config->hypervisors[i].uri;
        if (ssh_uri_is(uri))
            try_ssh(&reach, uri);
        else if (hypervisor_uri_is_qemu(uri) && hypervisor_uri_is_local(uri) &&
                 !hypervisor_uri_is_embedded(uri))
            try_libvirt(&reach);
    }
    if (openstack)
        try_openstack(&reach, openstack);
}
