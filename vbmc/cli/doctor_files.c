#include "vbmc/cli/doctor_files.h"

/* Directories and files of the daemon, and with --security what makes it weaker than it could be.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/cli/doctor_net.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/config/config.h"
#include "vbmc/config/ini.h"

#define SPACE_LOW           (64ULL << 20) /* bytes */
#define SPACE_NONE          (4ULL << 20)
#define PASSWORD_SHORT      12 /* bytes; IPMI allows 20 */
#define IPMI15_PASSWORD_MAX 16
#define OTHERS_WRITE        (S_IWGRP | S_IWOTH)
#define OTHERS_READ_WRITE   (OTHERS_WRITE | S_IRGRP | S_IROTH)

/* Keys of vbmc.conf that name a file, and the permission bits it must not have. */
static const struct {
    const char *key;
    mode_t refused;
} file_keys[] = {
    {"password-file", OTHERS_READ_WRITE},
    {"kg-file", OTHERS_READ_WRITE},
    {"authorized-keys", OTHERS_WRITE},
};

static void check_file_mode(struct doctor *doctor, const char *what, const char *path,
                            mode_t refused)
{
    struct stat status;
    char advice[640];

    if (stat(path, &status)) {
        doctor_say(doctor, errno == EACCES ? DOCTOR_WARNING : DOCTOR_PROBLEM, what, NULL, "%s: %s",
                   path, strerror(errno));
        return;
    }
    snprintf(advice, sizeof advice, "chmod %s %s", refused == OTHERS_WRITE ? "go-w" : "go=", path);
    if (status.st_mode & refused & OTHERS_WRITE)
        doctor_say(doctor, DOCTOR_PROBLEM, what, advice, "%s may be changed by others (mode %04o)",
                   path, (unsigned)status.st_mode & 07777);
    else if (status.st_mode & refused)
        doctor_say(doctor, DOCTOR_WARNING, what, advice, "%s may be read by others (mode %04o)",
                   path, (unsigned)status.st_mode & 07777);
    else
        doctor_say(doctor, DOCTOR_OK, what, NULL, "%s has mode %04o", path,
                   (unsigned)status.st_mode & 07777);
}

struct secrets {
    struct doctor *doctor;
    bool inline_secret;
};

static int take_entry(void *context, const struct ini_entry *entry, char *error, size_t size)
{
    struct secrets *secrets = context;

    (void)error, (void)size;
    if (!entry->key)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(file_keys); i++) {
        if (strcmp(entry->key, file_keys[i].key) == 0)
            check_file_mode(secrets->doctor, entry->key, entry->value, file_keys[i].refused);
    }
    secrets->inline_secret |= strcmp(entry->key, "password") == 0 ||
                              strcmp(entry->key, "kg") == 0 ||
                              strcmp(entry->key, "sasl-password") == 0;
    return 0;
}

static void check_secrets(struct doctor *doctor)
{
    struct secrets secrets = {.doctor = doctor};
    char error[CONFIG_ERROR_SIZE];
    const char *path = doctor->config->path;
    CLEANUP_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd < 0 ||
        ini_load(fd, path, INI_DIALECT_OWN, take_entry, &secrets, error, sizeof error) < 0)
        return;
    if (secrets.inline_secret)
        check_file_mode(doctor, "passwords in vbmc.conf", path, OTHERS_WRITE | S_IROTH);
}

static void check_space(struct doctor *doctor, const char *directory)
{
    struct statvfs space;

    if (statvfs(directory, &space))
        return;
    unsigned long long left = (unsigned long long)space.f_bavail * space.f_frsize;
    if (left < SPACE_LOW)
        doctor_say(doctor, left < SPACE_NONE ? DOCTOR_PROBLEM : DOCTOR_WARNING, "disk space",
                   "make room: what a BMC is told must be stored before it answers",
                   "%llu MiB left at %s", left >> 20, directory);
    else
        doctor_say(doctor, DOCTOR_OK, "disk space", NULL, "%llu MiB left at %s", left >> 20,
                   directory);
}

static void check_state_dir(struct doctor *doctor)
{
    const char *directory = doctor->config->daemon.state_dir;
    struct stat status;

    if (stat(directory, &status)) {
        doctor_say(doctor, errno == ENOENT ? DOCTOR_WARNING : DOCTOR_PROBLEM, "state-dir",
                   errno == ENOENT ? "vbmcd makes it when it is started as root" : NULL, "%s: %s",
                   directory, strerror(errno));
        return;
    }
    if (!S_ISDIR(status.st_mode))
        doctor_say(doctor, DOCTOR_PROBLEM, "state-dir", "set 'state-dir' in [daemon]",
                   "%s is no directory", directory);
    else if (status.st_mode & OTHERS_WRITE)
        doctor_say(doctor, DOCTOR_PROBLEM, "state-dir", "chmod go-rwx on it",
                   "%s may be changed by others (mode %04o)", directory,
                   (unsigned)status.st_mode & 07777);
    else if (status.st_mode & (S_IRGRP | S_IROTH | S_IXOTH))
        doctor_say(doctor, DOCTOR_WARNING, "state-dir", "chmod go-rwx on it",
                   "%s may be read by others (mode %04o)", directory,
                   (unsigned)status.st_mode & 07777);
    else if (access(directory, W_OK))
        doctor_say(doctor, DOCTOR_WARNING, "state-dir",
                   "run doctor as the user that vbmcd runs as to be sure",
                   "%s cannot be written by this user", directory);
    else
        doctor_say(doctor, DOCTOR_OK, "state-dir", NULL, "%s can be written", directory);
    check_space(doctor, directory);
}

static void check_passwords_of_ipmi15(struct doctor *doctor)
{
    const struct config *config = doctor->config;

    for (size_t i = 0; i < config->user_count && config->bmc.channel.authentication_types; i++) {
        const struct config_user *user = &config->users[i];
        char check[64];

        snprintf(check, sizeof check, "ipmi-1.5: user %s", user->name);
        if (strlen(user->password) > IPMI15_PASSWORD_MAX)
            doctor_say(doctor, DOCTOR_WARNING, check, "take one of at most 16 characters",
                       "the password is too long for IPMI 1.5: cannot log in by it");
    }
}

void doctor_check_files(struct doctor *doctor)
{
    check_state_dir(doctor);
    check_secrets(doctor);
    check_passwords_of_ipmi15(doctor);
}

static void check_listening(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    char text[ENDPOINT_TEXT_SIZE];
    union endpoint_address address = config->bmc.addresses.base;

    if (!config->bmc.has_addresses && endpoint_address_parse(config->bmc.address, 0, &address))
        return;
    if (doctor_is_loopback(&address)) {
        doctor_say(doctor, DOCTOR_OK, "security: BMCs", NULL, "on loopback only");
    } else {
        endpoint_address_format(&address, text);
        doctor_say(doctor, DOCTOR_WARNING, "security: BMCs",
                   "keep IPMI on a management network: an offline guess at a password needs one "
                   "packet (RAKP 2)",
                   "reached from elsewhere (%s)", text);
    }
    if (config->ssh.has_listen && !doctor_is_loopback(&config->ssh.listen)) {
        endpoint_address_format(&config->ssh.listen, text);
        doctor_say(doctor, DOCTOR_WARNING, "security: SSH", "fine if meant so",
                   "reached from elsewhere (%s)", text);
    }
}

static void check_passwords(struct doctor *doctor)
{
    const struct config *config = doctor->config;

    for (size_t i = 0; i < config->user_count; i++) {
        const struct config_user *user = &config->users[i];
        char check[64];
        size_t length = strlen(user->password);

        snprintf(check, sizeof check, "security: user %s", user->name);
        if (length == 0)
            doctor_say(doctor, DOCTOR_OK, check, NULL, "no password: cannot use IPMI");
        else if (length < PASSWORD_SHORT)
            doctor_say(doctor, DOCTOR_WARNING, check, "take up to 20 random characters",
                       "the password has only %zu", length);
        else
            doctor_say(doctor, DOCTOR_OK, check, NULL, "the password has %zu characters", length);
    }
}

/* Those of [bmc]; a section of a domain may list others. */
static void check_suites(struct doctor *doctor)
{
    const struct channel *channel = &doctor->config->bmc.channel;
    char weak[CHANNEL_SUITES_MAX * 4] = "";
    size_t used = 0;

    for (uint8_t i = 0; i < channel->suite_count; i++) {
        const struct cipher_suite *suite = cipher_suite_find(channel->suites[i]);
        if (suite && suite->confidentiality == CIPHER_CONFIDENTIALITY_NONE)
            used += (size_t)snprintf(weak + used, sizeof weak - used, " %u", suite->id);
    }
    if (used == 0)
        doctor_say(doctor, DOCTOR_OK, "security: cipher-suites", NULL, "all encrypt");
    else
        doctor_say(doctor, DOCTOR_WARNING, "security: cipher-suites",
                   "leave 3 and 17 in 'cipher-suites' once no client needs the others",
                   "without encryption:%s; who listens reads every command", weak);
}

/* Only what is in the configuration; clients cannot switch it on. */
static void check_ipmi15(struct doctor *doctor)
{
    uint8_t types = doctor->config->bmc.channel.authentication_types;

    if (types == 0) {
        doctor_say(doctor, DOCTOR_OK, "security: ipmi-1.5", NULL, "IPMI 1.5 is off");
        return;
    }
    doctor_say(doctor, DOCTOR_WARNING, "security: ipmi-1.5",
               "remove 'ipmi-1.5' once no client needs it; IPMI 2.0 (-I lanplus) encrypts",
               "IPMI 1.5 encrypts nothing: who listens reads every command, %s",
               types & CHANNEL_AUTH_PASSWORD
                   ? "and with 'straight' the passwords themselves"
                   : "and has the MD5 hashes by which to guess passwords");
}

void doctor_check_security(struct doctor *doctor)
{
    const struct config_daemon *daemon = &doctor->config->daemon;

    if (daemon->compat == CONFIG_COMPAT_OPENSTACK)
        doctor_say(doctor, DOCTOR_WARNING, "security: compat",
                   "remove 'compat = openstack' and name users in [user]",
                   "'vbmc add' alone makes a BMC with user admin, password 'password', on all "
                   "addresses (::)");
    else
        doctor_say(doctor, DOCTOR_OK, "security: compat", NULL, "no default passwords");
    if (daemon->control_group)
        doctor_say(doctor, DOCTOR_WARNING, "security: control socket",
                   "keep that group small: its members do anything to any guest",
                   "open to the group '%s'", daemon->control_group);
    check_listening(doctor);
    check_suites(doctor);
    check_ipmi15(doctor);
    check_passwords(doctor);
}
