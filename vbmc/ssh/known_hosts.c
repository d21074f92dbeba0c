#include "vbmc/ssh/known_hosts.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/ssh/known_hosts_entry.h"
#include "vbmc/ssh/uri.h"

#define REVOKED "@revoked"

static void cleanup_key(ssh_key *key)
{
    ssh_key_free(*key);
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
        (uri->known_hosts || !is_revoked(SSH_SYSTEM_KNOWN_HOSTS, name, key)))
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
