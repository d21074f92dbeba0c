/* Takes over the set-ups of OpenStack's VirtualBMC: its main file, and one file per BMC below its
 * config_dir. Only reads; names of domains come out of the files and never go into a path. */
#ifndef VBMC_CONFIG_OPENSTACK_H
#define VBMC_CONFIG_OPENSTACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/hash_index.h"

/* NULL and 0 mean that the file does not say. */
struct openstack_bmc {
    char *domain_name; /* never NULL: the key, or else the folder's name */
    char *username;
    char *password;
    char *address; /* numeric */
    uint16_t port;
    char *libvirt_uri;
    char *libvirt_sasl_username; /* both or none */
    char *libvirt_sasl_password;
    bool active;
    int64_t mtime; /* of the file, unix seconds */
};

struct openstack {
    char *path;       /* the main file, or NULL if there is none */
    char *config_dir; /* where the BMCs were looked for */
    char *log_file;   /* NULL: not given */
    bool debug;
    bool show_passwords;
    unsigned session_timeout_s; /* 0: not given */
    struct openstack_bmc *bmcs; /* sorted by folder */
    size_t bmc_count;
    struct hash_index by_domain; /* of them, by name */
};

/* Reads $VIRTUALBMC_CONFIG, else ~/.vbmc/virtualbmc.conf, else /etc/virtualbmc/virtualbmc.conf (the
 * first that exists; none is fine), and every <config_dir>/<folder>/config. A BMC whose file is
 * unfit (not regular, others may write it, a value that IPMI or we cannot take) is left out with a
 * line in the log; the rest is taken. Returns 0 or a negative error (no memory, main file
 * unreadable or malformed) with one line in `error`. */
int openstack_load(struct openstack **openstack, char *error, size_t error_size);

/* The BMC of the domain of that name; NULL if there is none, or `openstack` is NULL. */
struct openstack_bmc *openstack_find(const struct openstack *openstack, const char *domain_name);

/* Wipes the passwords. NULL is allowed. */
void openstack_free(struct openstack *openstack);

static inline void cleanup_openstack(struct openstack **openstack)
{
    openstack_free(*openstack);
}
#define CLEANUP_OPENSTACK CLEANUP(cleanup_openstack)

#endif
