#include "vbmc/cli/doctor_host.h"

/* Hypervisors: does libvirt answer, is it QEMU, will guests run fast? */
#include <errno.h>
#include <glob.h>
#include <grp.h>
#include <json-c/json.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/cli/doctor_libvirt.h"
#include "vbmc/cli/doctor_machine.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/config/config.h"
#include "vbmc/ssh/known_hosts_entry.h"
#include "vbmc/ssh/uri.h"

#define GROUPS_MAX      64
#define CONF_VALUE_SIZE 128

static void report_probe(struct doctor *doctor, const struct config_hypervisor *hypervisor,
                         const char *check)
{
    struct doctor_libvirt found = {0};
    int failed = doctor_ask_libvirt(hypervisor, &found);

    if (failed)
        doctor_say(doctor, DOCTOR_PROBLEM, check, "is the host up? does 'virsh -c URI list' work?",
                   "%s: %s", hypervisor->uri,
                   failed == -ETIMEDOUT ? "no answer in time" : strerror(-failed));
    else if (found.opened_readonly)
        doctor_say(doctor, DOCTOR_PROBLEM, check,
                   "run vbmcd as root, or as a member of the group libvirt",
                   "%s can only be read by this user: %s", hypervisor->uri, found.error);
    else if (!found.opened)
        doctor_say(doctor, DOCTOR_PROBLEM, check,
                   "is libvirtd running? 'systemctl start libvirtd'; check 'uri'", "%s: %s",
                   hypervisor->uri, found.error);
    else
        doctor_say(doctor, DOCTOR_OK, check, NULL, "%s answers, libvirt %lu.%lu.%lu, driver %s%s",
                   hypervisor->uri, found.version / 1000000, found.version / 1000 % 1000,
                   found.version % 1000, found.type,
                   strcmp(found.type, "QEMU") ? ": not QEMU, so only what libvirt itself offers"
                                              : "");
}

/* The value of `key = "value"` in a configuration file of libvirt. */
static bool read_conf(const char *path, const char *key, char value[CONF_VALUE_SIZE])
{
    char line[1024];
    bool found = false;
    FILE *file = fopen(path, "re");

    if (!file)
        return false;
    while (fgets(line, sizeof line, file)) {
        const char *p = line + strspn(line, " \t");
        size_t length = strlen(key);
        if (strncmp(p, key, length) != 0)
            continue;
        p += length + strspn(p + length, " \t");
        if (*p++ != '=')
            continue;
        p += strspn(p, " \t\"'");
        snprintf(value, CONF_VALUE_SIZE, "%.*s", (int)strcspn(p, "\"'\r\n"), p);
        found = true;
    }
    fclose(file);
    return found;
}

/* Whom QEMU runs as: what qemu.conf says, else the distribution's user; NULL for ourselves. */
static const struct passwd *qemu_user(const char *conf)
{
    static const char *const usual[] = {"libvirt-qemu", "qemu"};
    char name[CONF_VALUE_SIZE];
    const struct passwd *user = NULL;

    if (read_conf(conf, "user", name))
        return getpwnam(name[0] == '+' ? name + 1 : name);
    for (size_t i = 0; i < ARRAY_SIZE(usual) && !user; i++)
        user = getpwnam(usual[i]);
    return user;
}

static bool user_may_open(const struct passwd *user, const struct stat *status)
{
    gid_t groups[GROUPS_MAX];
    int count = GROUPS_MAX;

    if (user->pw_uid == 0 || (status->st_mode & S_IROTH && status->st_mode & S_IWOTH))
        return true;
    if (user->pw_uid == status->st_uid)
        return status->st_mode & S_IWUSR;
    if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0)
        count = GROUPS_MAX;
    for (int i = 0; i < count; i++) {
        if (groups[i] == status->st_gid)
            return status->st_mode & S_IWGRP;
    }
    return false;
}

static void check_kvm(struct doctor *doctor, const char *conf)
{
    static const char slow[] = "else guests are emulated, and libvirt probes QEMU for KVM again at "
                               "each start, seconds a time; ";
    static const char emulate[] =
        "else libvirt believes in it and guests fail; use <domain type='qemu'> here";
    struct stat status;
    char advice[256];
    const struct passwd *user = qemu_user(conf);

    if (stat("/dev/kvm", &status)) {
        doctor_say(doctor, DOCTOR_WARNING, "KVM", "load kvm_intel or kvm_amd, or live with it",
                   "there is no /dev/kvm: guests are emulated, slowly");
        return;
    }
    if (user && !user_may_open(user, &status)) {
        snprintf(advice, sizeof advice, "%susermod -aG kvm %s", slow, user->pw_name);
        doctor_say(doctor, DOCTOR_WARNING, "KVM", advice,
                   "QEMU runs as %s, which may not open /dev/kvm", user->pw_name);
        return;
    }
    switch (doctor_try_kvm()) {
    case DOCTOR_KVM_UNTRIED:
        doctor_say(doctor, DOCTOR_OK, "KVM", NULL, "/dev/kvm exists; this user may not try it");
        break;
    case DOCTOR_KVM_NO_MACHINE:
        doctor_say(doctor, DOCTOR_WARNING, "KVM", emulate,
                   "/dev/kvm exists, but makes no virtual machine");
        break;
    case DOCTOR_KVM_NO_GUEST:
        doctor_say(doctor, DOCTOR_WARNING, "KVM", emulate, "/dev/kvm exists, but runs no guest");
        break;
    case DOCTOR_KVM_WORKS:
        doctor_say(doctor, DOCTOR_OK, "KVM", NULL, "/dev/kvm runs a guest%s%s",
                   user ? " and is open to " : "", user ? user->pw_name : "");
        break;
    }
}

/* Serial ports and QMP sockets of type unix are open to QEMU's user and group; ports of type pty
 * come by libvirt. */
static void check_sockets(struct doctor *doctor, const char *conf)
{
    const char *name = doctor->config->daemon.user;
    const struct passwd *qemu = qemu_user(conf);
    char group_name[CONF_VALUE_SIZE], advice[512];
    gid_t groups[GROUPS_MAX];
    int count = GROUPS_MAX;

    if (strcmp(name, "root") == 0 || !qemu)
        return;
    gid_t gid = qemu->pw_gid;
    const struct group *group =
        read_conf(conf, "group", group_name) ? getgrnam(group_name) : getgrnam(qemu->pw_name);
    if (group)
        gid = group->gr_gid;
    group = getgrgid(gid);
    snprintf(group_name, sizeof group_name, "%s", group ? group->gr_name : "QEMU's group");
    const struct passwd *user = getpwnam(name);
    if (!user || getgrouplist(name, user->pw_gid, groups, &count) < 0)
        return;
    for (int i = 0; i < count; i++) {
        if (groups[i] == gid) {
            doctor_say(doctor, DOCTOR_OK, "guests' sockets", NULL, "user %s is in the group %s",
                       name, group_name);
            return;
        }
    }
    snprintf(
        advice, sizeof advice,
        "for <serial type='unix'>: usermod -aG %s %s, and restart vbmcd; or setfacl -m u:%s:x on "
        "their folder and u:%s:rw on the sockets. Type pty needs none of this",
        group_name, name, name, name);
    doctor_say(doctor, DOCTOR_WARNING, "guests' sockets", advice,
               "user %s is not in the group %s, to which QEMU opens its Unix sockets", name,
               group_name);
}

static bool path_exists(const char *pattern)
{
    glob_t found = {0};
    bool exists = glob(pattern, 0, NULL, &found) == 0 && found.gl_pathc > 0;

    globfree(&found);
    return exists;
}

static void check_qemu(struct doctor *doctor)
{
    char native[PATH_MAX];
    struct utsname machine;

    uname(&machine);
    snprintf(native, sizeof native, "/usr/bin/qemu-system-%.60s", machine.machine);
    if (path_exists(native) || path_exists("/usr/libexec/qemu-kvm"))
        doctor_say(doctor, DOCTOR_OK, "QEMU", NULL, "installed for %s", machine.machine);
    else if (path_exists("/usr/bin/qemu-system-*"))
        doctor_say(doctor, DOCTOR_WARNING, "QEMU", "install qemu-system for it if guests need it",
                   "not installed for %s, only for other machines", machine.machine);
    else
        doctor_say(doctor, DOCTOR_PROBLEM, "QEMU", "Debian: apt-get install qemu-system-x86",
                   "there is no /usr/bin/qemu-system-*");
}

/* The embedded driver takes one process per root, which the daemon may be: it is looked at from
 * outside only. */
static void check_embedded(struct doctor *doctor, const char *check, const char *uri, char *conf,
                           size_t conf_size)
{
    CLEANUP_FREE char *root = hypervisor_uri_embedded_root(uri);
    char handler[CONF_VALUE_SIZE] = "";
    int used = root ? snprintf(conf, conf_size, "%s/etc/qemu.conf", root) : -1;

    if (used < 0 || (size_t)used >= conf_size) {
        doctor_say(doctor, DOCTOR_PROBLEM, check, "uri = qemu:///embed?root=/var/lib/vbmc/embed",
                   "%s names no absolute root directory", uri);
        return;
    }
    if (!path_exists("/usr/lib*/libvirt/connection-driver/libvirt_driver_qemu.so") &&
        !path_exists("/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so"))
        doctor_say(doctor, DOCTOR_PROBLEM, check,
                   "Debian: apt-get install libvirt-daemon-driver-qemu",
                   "libvirt's QEMU driver is not installed");
    if (access(root, F_OK))
        doctor_say(doctor, DOCTOR_WARNING, check, "vbmcd makes it when it starts",
                   "%s does not exist yet", root);
    else if (access(root, W_OK) != 0)
        doctor_say(doctor, DOCTOR_PROBLEM, check, "run vbmcd as its owner",
                   "%s cannot be written by this user", root);
    else if (access(conf, F_OK) != 0)
        doctor_say(doctor, DOCTOR_OK, check, NULL, "%s is written when vbmcd starts", conf);
    else if (!read_conf(conf, "stdio_handler", handler) || strcmp(handler, "file") != 0)
        doctor_say(doctor, DOCTOR_PROBLEM, check,
                   "put stdio_handler = \"file\" there; the default wants virtlogd",
                   "%s does not say stdio_handler = \"file\"", conf);
    else
        doctor_say(doctor, DOCTOR_OK, check, NULL,
                   "%s is ready; vbmcd keeps its privileges, since QEMU is its child", root);
}

/* What the daemon says about its own connection. */
static void report_daemon_view(struct doctor *doctor, const char *name, const char *check)
{
    struct json_object *list, *value, *error = NULL;

    if (!json_object_is_type(doctor->status, json_type_object) ||
        !json_object_object_get_ex(doctor->status, "hypervisors", &list) ||
        !json_object_is_type(list, json_type_array))
        return;
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        struct json_object *entry = json_object_array_get_idx(list, i);
        if (!json_object_is_type(entry, json_type_object) ||
            !json_object_object_get_ex(entry, "name", &value) ||
            strcmp(json_object_get_string(value), name) != 0 ||
            !json_object_object_get_ex(entry, "state", &value))
            continue;
        const char *state = json_object_get_string(value);
        json_object_object_get_ex(entry, "error", &error);
        bool connected = state && strcmp(state, "connected") == 0;
        const char *log = doctor_log_place(doctor);
        char advice[512];
        snprintf(advice, sizeof advice, "see the log of vbmcd%s%s", log ? ": " : "",
                 log ? log : "");
        doctor_say(doctor, connected ? DOCTOR_OK : DOCTOR_PROBLEM, check, connected ? NULL : advice,
                   "vbmcd says: %s%s%s", state ? state : "unknown", error ? ": " : "",
                   error ? json_object_get_string(error) : "");
    }
}

/* Not asked from here: the daemon has the one connection there is to be, and libvirt's own way
 * would start an ssh that asks questions. */
static void check_ssh(struct doctor *doctor, const char *check, const char *text)
{
    struct ssh_uri uri;
    char error[512];

    if (ssh_uri_parse(text, &uri, error, sizeof error) < 0) {
        doctor_say(doctor, DOCTOR_PROBLEM, check, "uri = qemu+ssh://USER@HOST/system", "%s", error);
        return;
    }
    if (uri.ignored)
        doctor_say(doctor, DOCTOR_WARNING, check, "take that out", "ignoring URI parameter %s",
                   uri.ignored);
    if (uri.keyfile && access(uri.keyfile, R_OK) < 0)
        doctor_say(doctor, DOCTOR_PROBLEM, check,
                   "a key that the daemon can read, for keyfile=", "%s: %s", uri.keyfile,
                   strerror(errno));
    else if (uri.keyfile)
        doctor_say(doctor, DOCTOR_OK, check, NULL, "the key %s can be read", uri.keyfile);
    if (ssh_known_hosts_find(&uri, error, sizeof error) < 0)
        doctor_say(doctor, DOCTOR_PROBLEM, check, "see there", "%s", error);
    else
        doctor_say(doctor, DOCTOR_OK, check, NULL, "%s is in known_hosts", uri.host);
    ssh_uri_clear(&uri);
}

void doctor_check_hypervisors(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    char conf[PATH_MAX] = "/etc/libvirt/qemu.conf";
    bool has_local_qemu = false, has_embedded = false;

    for (size_t i = 0; i < config->hypervisor_count; i++) {
        const struct config_hypervisor *hypervisor = &config->hypervisors[i];
        char check[128];

        snprintf(check, sizeof check, "hypervisor %.100s", hypervisor->name);
        has_embedded |= hypervisor_uri_is_embedded(hypervisor->uri);
        has_local_qemu |=
            hypervisor_uri_is_qemu(hypervisor->uri) && hypervisor_uri_is_local(hypervisor->uri);
        if (hypervisor_uri_is_embedded(hypervisor->uri))
            check_embedded(doctor, check, hypervisor->uri, conf, sizeof conf);
        else if (ssh_uri_is(hypervisor->uri))
            check_ssh(doctor, check, hypervisor->uri);
        else
            report_probe(doctor, hypervisor, check);
        report_daemon_view(doctor, hypervisor->name, check);
    }
    if (has_local_qemu) {
        check_qemu(doctor);
        check_kvm(doctor, conf);
        if (!has_embedded)
            check_sockets(doctor, conf);
        doctor_check_reaping(doctor);
    }
}
