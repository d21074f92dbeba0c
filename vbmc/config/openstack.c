#include "vbmc/config/openstack.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "vbmc/base/array.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/hash.h"
#include "vbmc/base/locked.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/users.h"
#include "vbmc/config/ini.h"

#define BMC_FILE_MAX (64 * 1024) /* bytes; real ones have some hundred */

struct key {
    const char *section;
    const char *name;
    int (*read)(const char *value, void *target); /* NULL: known, and of no use to us */
    size_t offset;
    const char *wanted;
    bool is_secret;
};

struct reading {
    const struct key *keys;
    size_t key_count;
    const char *name; /* of the file, for messages */
    void *target;
};

static int read_text(const char *value, void *target)
{
    char **text = target, *copy = strdup(value);

    if (!copy)
        return -ENOMEM;
    free(*text);
    *text = copy;
    return 0;
}

static int read_secret(const char *value, void *target)
{
    char **text = target, *copy = locked_copy_text(value);

    if (!copy)
        return -ENOMEM;
    locked_free_text(*text);
    *text = copy;
    return 0;
}

/* The words of configparser's getboolean and of the tool's own str2bool. */
static int read_bool(const char *value, void *target)
{
    static const char *const words[2][4] = {{"false", "no", "off", "0"},
                                            {"true", "yes", "on", "1"}};

    for (size_t i = 0; i < ARRAY_SIZE(words[0]); i++) {
        for (int truth = 0; truth <= 1; truth++) {
            if (strcasecmp(value, words[truth][i]) == 0) {
                *(bool *)target = truth;
                return 0;
            }
        }
    }
    return -EINVAL;
}

static int read_number(const char *value, unsigned long max, unsigned long *number)
{
    char *end;

    errno = 0;
    *number = strtoul(value, &end, 10);
    return isdigit((unsigned char)*value) && *end == '\0' && errno == 0 && *number <= max ? 0
                                                                                          : -EINVAL;
}

static int read_port(const char *value, void *target)
{
    unsigned long port;

    if (read_number(value, UINT16_MAX, &port) < 0 || port == 0)
        return -EINVAL;
    *(uint16_t *)target = (uint16_t)port;
    return 0;
}

static int read_seconds(const char *value, void *target)
{
    unsigned long seconds;

    if (read_number(value, 24 * 3600, &seconds) < 0)
        return -EINVAL;
    *(unsigned *)target = (unsigned)seconds;
    return 0;
}

static int read_address(const char *value, void *target)
{
    union endpoint_address address;

    if (endpoint_address_parse(value, 0, &address) < 0)
        return -EINVAL;
    return read_text(value, target);
}

static int read_username(const char *value, void *target)
{
    return *value && strlen(value) <= USER_NAME_MAX ? read_text(value, target) : -EINVAL;
}

static int read_password(const char *value, void *target)
{
    return *value && strlen(value) <= USER_PASSWORD_MAX ? read_secret(value, target) : -EINVAL;
}

static const char a_truth[] = "expected True or False";
static const char a_text[] = "expected a text without %(...)s";
static const char a_name[] = "a user's name is 1 to 16 bytes in IPMI 2.0";
static const char a_password[] = "a password is 1 to 20 bytes in IPMI 2.0";

#define AT(member) offsetof(struct openstack, member)
static const struct key main_keys[] = {
    {"default", "show_passwords", read_bool, AT(show_passwords), a_truth, false},
    {"default", "config_dir", read_text, AT(config_dir), a_text, false},
    {"default", "pid_file", NULL, 0, NULL, false},
    {"default", "server_port", NULL, 0, NULL, false},
    {"default", "server_response_timeout", NULL, 0, NULL, false},
    {"default", "server_spawn_wait", NULL, 0, NULL, false},
    {"log", "logfile", read_text, AT(log_file), a_text, false},
    {"log", "debug", read_bool, AT(debug), a_truth, false},
    {"ipmi", "session_timeout", read_seconds, AT(session_timeout_s), "expected seconds", false},
};
#undef AT

#define AT(member) offsetof(struct openstack_bmc, member)
static const char bmc_section[] = "VirtualBMC";
static const struct key bmc_keys[] = {
    {bmc_section, "username", read_username, AT(username), a_name, false},
    {bmc_section, "password", read_password, AT(password), a_password, true},
    {bmc_section, "address", read_address, AT(address), "an address is numeric", false},
    {bmc_section, "port", read_port, AT(port), "a port is 1 to 65535", false},
    {bmc_section, "domain_name", read_text, AT(domain_name), a_text, false},
    {bmc_section, "libvirt_uri", read_text, AT(libvirt_uri), a_text, false},
    {bmc_section, "libvirt_sasl_username", read_text, AT(libvirt_sasl_username), a_text, false},
    {bmc_section, "libvirt_sasl_password", read_secret, AT(libvirt_sasl_password), a_text, true},
    {bmc_section, "active", read_bool, AT(active), a_truth, false},
};
#undef AT

/* configparser writes '%' as "%%"; "%(name)s" would put in another key's value, which the tool
 * never writes. */
static int undo_percent(const char *value, char *plain, size_t size)
{
    size_t used = 0;

    for (; *value && used + 1 < size; value++) {
        if (value[0] == '%' && value[1] == '(')
            return -EINVAL;
        if (value[0] == '%' && value[1] == '%')
            value++;
        plain[used++] = *value;
    }
    plain[used] = '\0';
    return *value ? -EINVAL : 0;
}

static const struct key *find_key(const struct reading *reading, const struct ini_entry *entry)
{
    for (size_t i = 0; i < reading->key_count; i++) {
        const struct key *key = &reading->keys[i];
        if (strcmp(key->section, entry->section) == 0 && strcasecmp(key->name, entry->key) == 0)
            return key;
    }
    return NULL;
}

static int take_entry(void *context, const struct ini_entry *entry, char *error, size_t error_size)
{
    const struct reading *reading = context;
    char plain[512];

    if (!entry->key)
        return 0;
    const struct key *key = find_key(reading, entry);
    if (!key)
        log_warning("%s:%u: unknown key %s in [%s] is ignored", reading->name, entry->line,
                    entry->key, entry->section);
    if (!key || !key->read)
        return 0;
    int result = undo_percent(entry->value, plain, sizeof plain);
    if (result == 0)
        result = key->read(plain, (char *)reading->target + key->offset);
    explicit_bzero(plain, sizeof plain);
    if (result < 0)
        snprintf(error, error_size, "%s:%u: %s%s%s: %s", reading->name, entry->line, key->name,
                 key->is_secret ? "" : " = ", key->is_secret ? "" : entry->value,
                 result == -ENOMEM ? strerror(ENOMEM) : key->wanted);
    return result;
}

/* BMCs --------------------------------------------------------------------------------------- */

static void clear_bmc(struct openstack_bmc *bmc)
{
    free(bmc->domain_name);
    free(bmc->username);
    locked_free_text(bmc->password);
    free(bmc->address);
    free(bmc->libvirt_uri);
    free(bmc->libvirt_sasl_username);
    locked_free_text(bmc->libvirt_sasl_password);
    *bmc = (struct openstack_bmc){0};
}

/* Opens <folder>/config below config_dir, following no link. NULL in *why: nothing is there, which
 * is no fault. */
static int open_bmc_file(int dir, const char *folder, struct stat *status, const char **why)
{
    CLEANUP_CLOSE int sub = openat(dir, folder, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);

    *why = NULL;
    if (sub < 0) {
        const char *reason = strerror(errno);
        if (fstatat(dir, folder, status, AT_SYMLINK_NOFOLLOW) == 0 && !S_ISREG(status->st_mode))
            *why = S_ISLNK(status->st_mode) ? "a symbolic link is not followed" : reason;
        return -1;
    }
    if (fstat(sub, status) < 0 || status->st_mode & S_IWOTH) {
        *why = "everybody may write its folder; chmod 700 it";
        return -1;
    }
    int fd = openat(sub, "config", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        if (errno != ENOENT)
            *why = errno == ELOOP ? "a symbolic link is not followed" : strerror(errno);
        return -1;
    }
    if (fstat(fd, status) < 0)
        *why = strerror(errno);
    else if (!S_ISREG(status->st_mode))
        *why = "not a regular file";
    else if (status->st_mode & S_IWOTH)
        *why = "everybody may write this file; chmod 600 it";
    else if (status->st_size > BMC_FILE_MAX)
        *why = "too large for the file of a BMC";
    if (*why) {
        close(fd);
        return -1;
    }
    return fd;
}

static int parse_bmc(int fd, const char *name, const char *folder, struct openstack_bmc *bmc,
                     char *error, size_t error_size)
{
    struct reading reading = {bmc_keys, ARRAY_SIZE(bmc_keys), name, bmc};
    int result = ini_load(fd, name, INI_DIALECT_PYTHON, take_entry, &reading, error, error_size);

    if (result < 0)
        return result;
    if (!bmc->libvirt_sasl_username != !bmc->libvirt_sasl_password) {
        snprintf(error, error_size,
                 "%s: libvirt_sasl_username and libvirt_sasl_password go together", name);
        return -EINVAL;
    }
    if (!bmc->domain_name || *bmc->domain_name == '\0')
        result = read_text(folder, &bmc->domain_name);
    if (result < 0)
        snprintf(error, error_size, "%s: %s", name, strerror(-result));
    return result;
}

static uint64_t hash_name(const char *name)
{
    return hash_bytes(HASH_BEGIN, name, strlen(name));
}

struct openstack_bmc *openstack_find(const struct openstack *openstack, const char *domain_name)
{
    const struct hash_index_node *cursor = NULL;
    struct openstack_bmc *bmc;

    if (!openstack)
        return NULL;
    do
        bmc = hash_index_next(&openstack->by_domain, hash_name(domain_name), &cursor);
    while (bmc && strcmp(bmc->domain_name, domain_name) != 0);
    return bmc;
}

/* Adds the BMC of one folder, or says in the log why not. Only lack of memory is an error. */
static int take_folder(struct openstack *openstack, int dir, const char *folder,
                       struct openstack_bmc *bmc)
{
    CLEANUP_FREE char *name = NULL;
    char error[512];
    struct stat status;
    const char *why;
    CLEANUP_CLOSE int fd = open_bmc_file(dir, folder, &status, &why);

    if (asprintf(&name, "%s/%s/config", openstack->config_dir, folder) < 0) {
        name = NULL;
        return -ENOMEM;
    }
    if (fd < 0) {
        if (why)
            log_warning("%s: %s; this BMC is left out", name, why);
        return 0;
    }
    int result = parse_bmc(fd, name, folder, bmc, error, sizeof error);
    if (result == 0 && openstack_find(openstack, bmc->domain_name)) {
        snprintf(error, sizeof error, "%s: domain_name = %s: another folder has this domain", name,
                 bmc->domain_name);
        result = -EEXIST;
    }
    if (result == 0 &&
        hash_index_add(&openstack->by_domain, hash_name(bmc->domain_name), bmc) < 0) {
        snprintf(error, sizeof error, "%s: out of memory", name);
        result = -ENOMEM;
    }
    if (result < 0) {
        clear_bmc(bmc);
        log_error("%s; this BMC is left out", error);
        return result == -ENOMEM ? result : 0;
    }
    bmc->mtime = status.st_mtime;
    openstack->bmc_count++;
    return 0;
}

static int is_folder(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int scan_config_dir(struct openstack *openstack)
{
    CLEANUP_CLOSE int dir = open(openstack->config_dir, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
    struct dirent **entries;
    struct stat status;
    int result = 0;

    if (dir < 0 || fstat(dir, &status) < 0) {
        if (errno != ENOENT)
            log_warning("%s: %s", openstack->config_dir, strerror(errno));
        return 0;
    }
    if (status.st_mode & S_IWOTH) {
        log_error("%s: everybody may write this folder, so no BMC is taken from it; chmod 700 it",
                  openstack->config_dir);
        return 0;
    }
    int count = scandirat(dir, ".", &entries, is_folder, compare_names);
    if (count < 0)
        return errno == ENOMEM ? -ENOMEM : 0;
    openstack->bmcs = calloc((size_t)count + 1, sizeof *openstack->bmcs);
    if (!openstack->bmcs)
        result = -ENOMEM;
    for (int i = 0; i < count; i++) {
        if (result == 0)
            result = take_folder(openstack, dir, entries[i]->d_name,
                                 &openstack->bmcs[openstack->bmc_count]);
        free(entries[i]);
    }
    free(entries);
    return result;
}

/* The main file --------------------------------------------------------------------------- */

static const char *home_folder(void)
{
    const char *home = getenv("HOME");

    if (home && *home == '/')
        return home;
    struct passwd *user = getpwuid(getuid());
    return user && user->pw_dir ? user->pw_dir : "/root";
}

/* 0 with *path NULL if there is no main file. */
static int find_main_file(char **path)
{
    const char *named = getenv("VIRTUALBMC_CONFIG");

    *path = NULL;
    if (named && *named) {
        if (access(named, F_OK) == 0)
            return read_text(named, path);
        log_warning("VIRTUALBMC_CONFIG: %s: %s", named, strerror(errno));
    }
    if (asprintf(path, "%s/.vbmc/virtualbmc.conf", home_folder()) < 0) {
        *path = NULL;
        return -ENOMEM;
    }
    if (access(*path, F_OK) == 0)
        return 0;
    int result = read_text("/etc/virtualbmc/virtualbmc.conf", path);
    if (result == 0 && access(*path, F_OK) < 0) {
        free(*path);
        *path = NULL;
    }
    return result;
}

static int read_main_file(struct openstack *openstack, char *error, size_t error_size)
{
    struct reading reading = {main_keys, ARRAY_SIZE(main_keys), openstack->path, openstack};
    struct stat status;
    CLEANUP_CLOSE int fd = open(openstack->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0 || fstat(fd, &status) < 0) {
        int result = -errno;
        snprintf(error, error_size, "%s: %s", openstack->path, strerror(-result));
        return result;
    }
    if (!S_ISREG(status.st_mode) || status.st_mode & S_IWOTH) {
        snprintf(error, error_size, "%s: %s", openstack->path,
                 S_ISREG(status.st_mode) ? "everybody may write this file; chmod o-w it"
                                         : "not a regular file");
        return -EINVAL;
    }
    return ini_load(fd, openstack->path, INI_DIALECT_PYTHON, take_entry, &reading, error,
                    error_size);
}

/* ~/.vbmc if the file does not say; a leading ~ is the home folder. */
static int set_config_dir(struct openstack *openstack)
{
    const char *dir = openstack->config_dir ? openstack->config_dir : "~/.vbmc";
    char *expanded;

    if (strcmp(dir, "~") != 0 && strncmp(dir, "~/", 2) != 0)
        return 0;
    if (asprintf(&expanded, "%s%s", home_folder(), dir + 1) < 0)
        return -ENOMEM;
    free(openstack->config_dir);
    openstack->config_dir = expanded;
    return 0;
}

int openstack_load(struct openstack **openstack, char *error, size_t error_size)
{
    struct openstack *found = calloc(1, sizeof *found);
    int result = found ? find_main_file(&found->path) : -ENOMEM;

    if (result < 0)
        snprintf(error, error_size, "%s", strerror(-result));
    if (result == 0 && found->path)
        result = read_main_file(found, error, error_size);
    if (result == 0) {
        result = set_config_dir(found);
        if (result == 0)
            result = scan_config_dir(found);
        if (result < 0)
            snprintf(error, error_size, "%s", strerror(-result));
    }
    if (result < 0) {
        openstack_free(found);
        return result;
    }
    *openstack = found;
    return 0;
}

void openstack_free(struct openstack *openstack)
{
    if (!openstack)
        return;
    for (size_t i = 0; i < openstack->bmc_count; i++)
        clear_bmc(&openstack->bmcs[i]);
    hash_index_clear(&openstack->by_domain, NULL);
    free(openstack->bmcs);
    free(openstack->path);
    free(openstack->config_dir);
    free(openstack->log_file);
    free(openstack);
}
