#include "vbmc/cli/doctor_files.h"

/* Directories and files of the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/config/config.h"
#include "vbmc/config/ini.h"
#include "vbmc/config/parse.h"
#include "vbmc/config/value.h"

#define SPACE_LOW           (64ULL << 20) /* bytes */
#define SPACE_NONE          (4ULL << 20)
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

/* `line` of vbmc.conf is why it is looked at. */
static void check_file_mode(struct doctor *doctor, const char *what, const char *path,
                            unsigned line, mode_t refused)
{
    struct stat status;
    char advice[640];

    if (stat(path, &status)) {
        doctor_say(doctor, errno == EACCES ? DOCTOR_WARNING : DOCTOR_PROBLEM, what, NULL,
                   "%s: %s (%s:%u)", path, strerror(errno), doctor->config->path, line);
        return;
    }
    unsigned mode = status.st_mode & 07777;
    bool is_changed = mode & refused & OTHERS_WRITE;
    snprintf(advice, sizeof advice, "chmod %s %s", refused == OTHERS_WRITE ? "go-w" : "go=", path);
    if (mode & refused)
        doctor_say(doctor, is_changed ? DOCTOR_PROBLEM : DOCTOR_WARNING, what, advice,
                   "%s may be %s by others (mode %04o, %s:%u)", path,
                   is_changed ? "changed" : "read", mode, doctor->config->path, line);
    else
        doctor_say(doctor, DOCTOR_OK, what, NULL, "%s has mode %04o", path, mode);
}

struct secrets {
    struct doctor *doctor;
    unsigned inline_line; /* of the first secret in vbmc.conf itself; 0: there is none */
};

/* The file that a key names, wherever it is. */
static void check_named_file(const struct secrets *secrets, const struct ini_entry *entry,
                             mode_t refused)
{
    struct config_parse parse = {.path = secrets->doctor->config->path};
    CLEANUP_FREE char *path = NULL;

    if (config_value_path(&parse, entry->value, &path) == 0)
        check_file_mode(secrets->doctor, entry->key, path, entry->line, refused);
}

static int take_entry(void *context, const struct ini_entry *entry, char *error, size_t size)
{
    struct secrets *secrets = context;

    (void)error, (void)size;
    if (!entry->key)
        return 0;
    for (size_t i = 0; i < ARRAY_SIZE(file_keys); i++) {
        if (strcmp(entry->key, file_keys[i].key) == 0)
            check_named_file(secrets, entry, file_keys[i].refused);
    }
    bool is_secret = strcmp(entry->key, "password") == 0 || strcmp(entry->key, "kg") == 0 ||
                     strcmp(entry->key, "sasl-password") == 0;
    if (is_secret && secrets->inline_line == 0)
        secrets->inline_line = entry->line;
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
    if (secrets.inline_line)
        check_file_mode(doctor, "passwords in vbmc.conf", path, secrets.inline_line,
                        OTHERS_WRITE | S_IROTH);
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
        if (errno == ENOENT && doctor_is_standby(doctor)) {
            doctor_say(doctor, DOCTOR_OK, "state-dir", NULL,
                       "%s is not there: its file system is not mounted here now", directory);
            return;
        }
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
