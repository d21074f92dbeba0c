/* The configuration of vbmcd, read from one INI file (vbmc.conf). Pure data: two loads may live
 * side by side, so that a reload can compare them. */
#ifndef VBMC_CONFIG_CONFIG_H
#define VBMC_CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/hash_index.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/physics/facility.h"
#include "vbmc/physics/server.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/privilege.h"
#include "vbmc/bmc/users.h"

#define CONFIG_DEFAULT_PATH        "/etc/vbmc/vbmc.conf"
#define CONFIG_DEFAULT_RUNTIME_DIR "/run/vbmc"
#define CONFIG_USERS_MAX           (USER_ID_MAX - USER_ID_FIRST + 1)
#define CONFIG_ERROR_SIZE          512 /* holds every error text */

enum config_compat {
    CONFIG_COMPAT_NONE,
    CONFIG_COMPAT_OPENSTACK, /* the defaults of OpenStack's tool of the same name */
};

enum config_discover {
    CONFIG_DISCOVER_ALL,
    CONFIG_DISCOVER_TAGGED, /* domains with our metadata */
    CONFIG_DISCOVER_NONE,
};

enum config_console {
    CONFIG_CONSOLE_ALWAYS,    /* the serial port is held all the time */
    CONFIG_CONSOLE_ON_DEMAND, /* only while somebody looks, for those who share it */
};

/* Strings are never NULL unless said so. */
struct config_daemon {
    char *state_dir;
    char *runtime_dir;
    enum log_level log_level;
    char *log_file;      /* NULL: not given */
    char *control_group; /* group that may use the control socket; NULL: none */
    char *user;          /* whom root becomes; "root": nobody else */
    enum config_compat compat;
};

struct config_hypervisor {
    char *name;
    char *uri;
    char *sasl_username; /* NULL, or both are set */
    char *sasl_password;
    unsigned sample_period_s;
};

struct config_prefix {
    union endpoint_address base; /* port 0, host bits 0 */
    unsigned length;             /* bits */
};

struct config_bmc {
    enum config_discover discover; /* with compat = openstack: none, unless told otherwise */
    bool discover_given;
    char *address;       /* numeric; for one port per BMC */
    uint16_t port_first; /* the range, both ends included */
    uint16_t port_last;
    bool has_addresses; /* one address per BMC out of `addresses`, all on `port` */
    struct config_prefix addresses;
    uint16_t port; /* 623 unless told otherwise; only with has_addresses */
    struct channel channel;
    bool inband_read_only;     /* a guest may look at its BMC, and change nothing of it */
    bool lan_address_writable; /* clients may store another address than the real one */
    unsigned session_timeout_s;
    unsigned forget_after_s; /* a discovered BMC outlives its domain, with several hypervisors */
    unsigned manufacturer;
    uint64_t console_history; /* bytes */
    enum config_console console;
    unsigned console_replay; /* lines of history that a new client sees first */
    char *console_log;       /* folder of the console logs; NULL: none are written */
    uint64_t console_log_size;
    unsigned console_log_files; /* full ones that are kept */
    enum sel_full_policy sel_full;
    struct server_settings server;
};

struct config_ssh {
    bool has_listen;
    union endpoint_address listen;
    uint16_t bmc_port;       /* 0: not given */
    unsigned idle_timeout_s; /* 0: none */
};

struct config_user {
    char name[USER_NAME_MAX + 1];
    char password[USER_LONG_PASSWORD_MAX + 1]; /* over USER_PASSWORD_MAX: for SSH alone */
    enum privilege limit;
    char *authorized_keys; /* path of the file (not read here), or NULL */
};

struct config_domain {
    char *name; /* as written: a domain's name, or its UUID */
    bool has_uuid;
    struct uuid uuid;       /* if has_uuid */
    bool enabled;           /* false: this domain gets no BMC */
    char *address;          /* NULL: not given */
    uint16_t port;          /* 0: not given */
    struct channel channel; /* what holds for this domain: its own values, else those of [bmc] */
    enum config_console console; /* the same */
    bool console_given;          /* by this section */
    bool redundancy_given;
    struct server_settings server; /* the same */
    char *serial;                  /* alias of the serial port to show; NULL: the first */
};

struct config {
    char *path; /* the file that was read, or NULL for the built-in defaults */
    struct config_daemon daemon;
    struct config_bmc bmc;
    struct config_ssh ssh;
    struct facility_settings facility;
    struct config_hypervisor *hypervisors; /* at least one, in the order of the file */
    size_t hypervisor_count;
    struct config_user *users;
    size_t user_count;
    struct config_domain *domains;
    size_t domain_count;
    struct hash_index domains_by_name; /* of positions in `domains`, from 1 */
    struct hash_index domains_by_uuid;
};

/* Reads `path`; NULL means CONFIG_DEFAULT_PATH, or the defaults (hypervisor `local` at
 * qemu:///system, no users) if that does not exist. Password files are read too. What can be lived
 * with (an unknown key, a password that others may read) is logged as a warning. Returns 0, or a
 * negative error (-EACCES if the file, or one that it names, may not be read) with one line in
 * `error` that names file, line, key and what would be right. */
int config_load(const char *path, struct config **config, char *error, size_t error_size);

/* Reads of `path` only what a client needs, whatever else is in it: the daemon's runtime-dir, as
 * malloc'ed text. 0, or a negative error with one line in `error`. */
int config_load_runtime_dir(const char *path, char **runtime_dir, char *error, size_t error_size);

/* Wipes the passwords and keys. NULL is allowed. */
void config_free(struct config *config);

/* Makes the i-th [domain] section, whose name is set, one that config_find_domain finds. 0, or
 * -ENOMEM. */
int config_index_domain(struct config *config, size_t i);
/* Takes all [domain] sections out of that again; config_free does it too. */
void config_clear_index(struct config *config);
/* The [domain] section for this domain: by UUID if there is one, else by name; NULL if none. */
const struct config_domain *config_find_domain(const struct config *config, const char *name,
                                               const struct uuid *uuid);

static inline void cleanup_config(struct config **config)
{
    config_free(*config);
}
#define CLEANUP_CONFIG CLEANUP(cleanup_config)

#endif
