#include "vbmc/ssh/known_hosts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/ssh/uri.h"

#define SYSTEM_KNOWN_HOSTS "/etc/ssh/ssh_known_hosts"
#define REVOKED            "@revoked"

static void cleanup_key(ssh_key *key)
{
    ssh_key_free(*key);
}

static void cleanup_session(ssh_session *session)
{
    ssh_free(*session);
}

static void cleanup_file(FILE **file)
{
    if (*file)
        fclose(*file);
}

static void cleanup_hash(unsigned char **hash)
{
    ssh_clean_pubkey_hash(hash);
}

static void cleanup_ssh_text(char **text)
{
    ssh_string_free_char(*text);
}

static void cleanup_entry(struct ssh_knownhosts_entry **entry)
{
    ssh_knownhosts_entry_free(*entry);
}

/* libssh would expand %h and the like; no path of ours means that. */
static int set_path(ssh_session session, enum ssh_options_e option, const char *path)
{
    return !strchr(path, '%') && ssh_options_set(session, option, path) == SSH_OK ? 0 : -EINVAL;
}

int ssh_known_hosts_prepare(ssh_session session, const struct ssh_uri *uri)
{
    const bool no = false;
    const int strict = 1;
    const unsigned port = uri->port;
    char path[PATH_MAX];

    if (ssh_options_set(session, SSH_OPTIONS_PROCESS_CONFIG, &no) != SSH_OK ||
        ssh_options_set(session, SSH_OPTIONS_HOST, uri->host) != SSH_OK ||
        ssh_options_set(session, SSH_OPTIONS_PORT, &port) != SSH_OK ||
        ssh_options_set(session, SSH_OPTIONS_STRICTHOSTKEYCHECK, &strict) != SSH_OK ||
        ssh_uri_known_hosts(uri, path, sizeof path) < 0 ||
        set_path(session, SSH_OPTIONS_KNOWNHOSTS, path) < 0)
        return -EINVAL;
    return set_path(session, SSH_OPTIONS_GLOBAL_KNOWNHOSTS,
                    uri->known_hosts ? "/dev/null" : SYSTEM_KNOWN_HOSTS);
}

static void describe_key(const ssh_key key, char text[SSH_KNOWN_HOSTS_TEXT_SIZE])
{
    CLEANUP(cleanup_hash) unsigned char *hash = NULL;
    CLEANUP(cleanup_ssh_text) char *fingerprint = NULL;
    size_t size = 0;

    if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &size) == SSH_OK)
        fingerprint = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, size);
    const char *kind = ssh_key_type_to_char(ssh_key_type(key));
    snprintf(text, SSH_KNOWN_HOSTS_TEXT_SIZE, "%s %s", kind ? kind : "unknown kind",
             fingerprint ? fingerprint : "");
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

/* libssh leaves out lines with a marker, and would take a key that is listed and revoked. */
static bool is_revoked(const char *path, const char *name, const ssh_key key)
{
    CLEANUP(cleanup_file) FILE *file = fopen(path, "re");
    CLEANUP_FREE char *line = NULL;
    size_t size = 0;

    while (file && getline(&line, &size, file) > 0) {
        CLEANUP(cleanup_entry) struct ssh_knownhosts_entry *entry = NULL;
        const char *text = line + strspn(line, " \t");
        if (strncmp(text, REVOKED, sizeof REVOKED - 1) != 0)
            continue;
        text += sizeof REVOKED - 1;
        text += strspn(text, " \t");
        line[strcspn(line, "\r\n")] = '\0';
        if (ssh_known_hosts_parse_line(name, text, &entry) == SSH_OK &&
            ssh_key_cmp(entry->publickey, key, SSH_KEY_CMP_PUBLIC) == 0)
            return true;
    }
    return false;
}

int ssh_known_hosts_check_revoked(const struct ssh_uri *uri, const ssh_key key, const char *shown,
                                  char *error, size_t size)
{
    char name[HOST_NAME_MAX + 300], path[PATH_MAX];

    ssh_uri_host_port(uri, name, sizeof name);
    if (ssh_uri_known_hosts(uri, path, sizeof path) < 0)
        return -EACCES;
    if (!is_revoked(path, name, key) &&
        (uri->known_hosts || !is_revoked(SYSTEM_KNOWN_HOSTS, name, key)))
        return 0;
    snprintf(error, size, "the host key of %s is revoked in known_hosts: %s; nothing was sent",
             name, shown);
    return -EACCES;
}

int ssh_known_hosts_check(ssh_session session, const struct ssh_uri *uri,
                          char key[SSH_KNOWN_HOSTS_TEXT_SIZE], char *error, size_t size)
{
    CLEANUP(cleanup_key) ssh_key shown = NULL;

    if (ssh_get_server_publickey(session, &shown) != SSH_OK) {
        snprintf(error, size, "%s has shown no host key", uri->host);
        return -EACCES;
    }
    describe_key(shown, key);
    enum ssh_known_hosts_e found = ssh_session_is_known_server(session);
    if (found != SSH_KNOWN_HOSTS_OK)
        return ssh_known_hosts_refuse(found, uri, key, error, size);
    return ssh_known_hosts_check_revoked(uri, shown, key, error, size);
}

int ssh_known_hosts_find(const struct ssh_uri *uri, char *error, size_t size)
{
    CLEANUP(cleanup_session) ssh_session session = ssh_new();

    if (!session || ssh_known_hosts_prepare(session, uri) < 0) {
        snprintf(error, size, "%s cannot be looked up in known_hosts", uri->host);
        return -EACCES;
    }
    enum ssh_known_hosts_e found = ssh_session_has_known_hosts_entry(session);
    return found == SSH_KNOWN_HOSTS_OK ? 0 : ssh_known_hosts_refuse(found, uri, "", error, size);
}
