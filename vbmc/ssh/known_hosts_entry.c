#include "vbmc/ssh/known_hosts_entry.h"

/* For `vbmc doctor` too, which is not linked with libssh: of the two dozen libraries that it brings
 * along none is needed by the other commands, and each of them would start later by a third. So
 * nothing here calls libssh by name. */
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/ssh/uri.h"

/* libssh would expand %h and the like; no path of ours means that. */
static int set_path(ssh_set_option *set, ssh_session session, enum ssh_options_e option,
                    const char *path)
{
    return !strchr(path, '%') && set(session, option, path) == SSH_OK ? 0 : -EINVAL;
}

int ssh_known_hosts_prepare(ssh_set_option *set, ssh_session session, const struct ssh_uri *uri)
{
    const bool no = false;
    const int strict = 1;
    const unsigned port = uri->port;
    char path[PATH_MAX];

    if (set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
        set(session, SSH_OPTIONS_HOST, uri->host) != SSH_OK ||
        set(session, SSH_OPTIONS_PORT, &port) != SSH_OK ||
        set(session, SSH_OPTIONS_STRICTHOSTKEYCHECK, &strict) != SSH_OK ||
        ssh_uri_known_hosts(uri, path, sizeof path) < 0 ||
        set_path(set, session, SSH_OPTIONS_KNOWNHOSTS, path) < 0)
        return -EINVAL;
    return set_path(set, session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS,
                    uri->known_hosts ? "/dev/null" : SSH_SYSTEM_KNOWN_HOSTS);
}

int ssh_known_hosts_refuse(enum ssh_known_hosts_e found, const struct ssh_uri *uri, const char *key,
                           char *error, size_t size)
{
    char name[HOST_NAME_MAX + 300], path[PATH_MAX] = "known_hosts";

    ssh_uri_host_port(uri, name, sizeof name);
    ssh_uri_known_hosts(uri, path, sizeof path);
    switch (found) {
    case SSH_KNOWN_HOSTS_CHANGED:
        snprintf(
            error, size,
            "the host key of %s has changed, or somebody else answers there: it is now %s; if "
            "that is right, remove the old one with: ssh-keygen -R '%s' -f %s (and add the new "
            "one); nothing was sent",
            name, key, name, path);
        break;
    case SSH_KNOWN_HOSTS_OTHER:
        snprintf(error, size,
                 "%s shows a host key of another kind than %s knows: %s; if that is right, add it: "
                 "ssh-keyscan -p %u %s >>%s; nothing was sent",
                 name, path, key, uri->port, uri->host, path);
        break;
    case SSH_KNOWN_HOSTS_UNKNOWN:
    case SSH_KNOWN_HOSTS_NOT_FOUND:
        snprintf(error, size,
                 "%s is not in %s, so its host key %s%scannot be verified; add it: ssh-keyscan -p "
                 "%u %s >>%s, and compare; nothing was sent",
                 name, path, key, key[0] ? " " : "", uri->port, uri->host, path);
        break;
    default:
        snprintf(error, size, "the host key of %s cannot be looked up in %s", name, path);
    }
    return -EACCES;
}

/* The library's functions that are called here. */
struct libssh {
    __typeof__(ssh_new) *new_session;
    __typeof__(ssh_free) *free_session;
    ssh_set_option *set_option;
    __typeof__(ssh_session_has_known_hosts_entry) *find;
};

static bool load_libssh(struct libssh *libssh)
{
    void *library = dlopen("libssh.so.4", RTLD_NOW);
    struct {
        void **function;
        const char *name;
    } wanted[] = {
        {(void **)&libssh->new_session, "ssh_new"},
        {(void **)&libssh->free_session, "ssh_free"},
        {(void **)&libssh->set_option, "ssh_options_set"},
        {(void **)&libssh->find, "ssh_session_has_known_hosts_entry"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(wanted) && library; i++) {
        *wanted[i].function = dlsym(library, wanted[i].name);
        if (!*wanted[i].function)
            return false;
    }
    return library != NULL;
}

int ssh_known_hosts_find(const struct ssh_uri *uri, char *error, size_t size)
{
    struct libssh libssh;

    if (!load_libssh(&libssh)) {
        snprintf(error, size, "the library libssh.so.4 cannot be loaded: %s", dlerror());
        return -EACCES;
    }
    ssh_session session = libssh.new_session();
    if (!session || ssh_known_hosts_prepare(libssh.set_option, session, uri) < 0) {
        snprintf(error, size, "%s cannot be looked up in known_hosts", uri->host);
        libssh.free_session(session);
        return -EACCES;
    }
    enum ssh_known_hosts_e found = libssh.find(session);
    libssh.free_session(session);
    return found == SSH_KNOWN_HOSTS_OK ? 0 : ssh_known_hosts_refuse(found, uri, "", error, size);
}
