#include "vbmc/cli/doctor_security.h"

/* A table of the keys of vbmc.conf that can weaken the daemon, each with a function that judges its
 * value. The file is read once more for that: the configuration knows values, not lines. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/bmc/cipher_suites.h"
#include "vbmc/cli/doctor_net.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/config/config.h"
#include "vbmc/config/ini.h"

#define DETAIL_SIZE     256
#define PASSWORD_SHORT  12 /* bytes; IPMI allows 20 */
#define DEFAULT_TIMEOUT 60 /* seconds */

/* What is judged, and what is said where no key weakens it. */
static const struct {
    const char *name, *fine;
} checks[] = {
    {"compat", "no default passwords"},
    {"control socket", NULL},
    {"hypervisors", NULL},
    {"BMCs", "on loopback only"},
    {"cipher-suites", "all encrypt"},
    {"ipmi-1.5", "IPMI 1.5 is off"},
    {"sessions", NULL},
    {"SSH", NULL},
    {"secrets", "none in vbmc.conf itself"},
    {"passwords", "all have at least 12 characters"},
};

struct weakness {
    const struct doctor *doctor;
    const struct ini_entry *entry;
    char detail[DETAIL_SIZE]; /* what is weak, for people; never a secret */
};

/* ---- judges: true if the value is weaker than the default, with the detail ---- */

static bool judge_compat(struct weakness *weakness)
{
    snprintf(weakness->detail, DETAIL_SIZE,
             "'vbmc add' alone makes a BMC with user admin, password 'password', on all addresses "
             "(::)");
    return strcmp(weakness->entry->value, "openstack") == 0;
}

static bool judge_group(struct weakness *weakness)
{
    snprintf(weakness->detail, DETAIL_SIZE, "open to the group '%s'", weakness->entry->value);
    return true;
}

static bool judge_user(struct weakness *weakness)
{
    if (strcmp(weakness->entry->value, "root") != 0)
        return false;
    snprintf(weakness->detail, DETAIL_SIZE, "vbmcd stays root if it is started as root");
    return true;
}

static bool judge_uri(struct weakness *weakness)
{
    const char *uri = weakness->entry->value;
    size_t transport = strcspn(uri, "+:");

    if (hypervisor_uri_is_embedded(uri))
        snprintf(weakness->detail, DETAIL_SIZE,
                 "guests are children of the daemon, which stays root for them");
    else if (strncmp(uri + transport, "+tcp:", 5) == 0)
        snprintf(weakness->detail, DETAIL_SIZE,
                 "nothing encrypts the connection to libvirt, nor says who answers");
    else if (strstr(uri, "no_verify=1"))
        snprintf(weakness->detail, DETAIL_SIZE, "who answers in place of libvirt is not verified");
    else
        return false;
    return true;
}

static bool is_elsewhere(const union endpoint_address *address, struct weakness *weakness)
{
    snprintf(weakness->detail, DETAIL_SIZE, "reached from elsewhere (%s)", weakness->entry->value);
    return !doctor_is_loopback(address);
}

static bool judge_address(struct weakness *weakness)
{
    union endpoint_address address;

    return endpoint_address_parse(weakness->entry->value, 0, &address) == 0 &&
           is_elsewhere(&address, weakness);
}

static bool judge_addresses(struct weakness *weakness)
{
    const struct config_bmc *bmc = &weakness->doctor->config->bmc;

    return bmc->has_addresses && is_elsewhere(&bmc->addresses.base, weakness);
}

static bool judge_listen(struct weakness *weakness)
{
    const struct config_ssh *ssh = &weakness->doctor->config->ssh;

    return ssh->has_listen && is_elsewhere(&ssh->listen, weakness);
}

static bool judge_bmc_port(struct weakness *weakness)
{
    const struct config_bmc *bmc = &weakness->doctor->config->bmc;

    snprintf(weakness->detail, DETAIL_SIZE, "reached from elsewhere, at the BMCs' addresses");
    return bmc->has_addresses && !doctor_is_loopback(&bmc->addresses.base);
}

static bool judge_suites(struct weakness *weakness)
{
    size_t used = (size_t)snprintf(weakness->detail, DETAIL_SIZE, "without encryption:");
    size_t none = used;
    char *end;

    for (const char *text = weakness->entry->value; *text; text = end) {
        unsigned long id = strtoul(text, &end, 10);
        if (end == text)
            break; /* the configuration would not have been taken */
        const struct cipher_suite *suite = id <= UINT8_MAX ? cipher_suite_find((uint8_t)id) : NULL;
        if (suite && suite->confidentiality == CIPHER_CONFIDENTIALITY_NONE && used < DETAIL_SIZE)
            used += (size_t)snprintf(weakness->detail + used, DETAIL_SIZE - used, " %lu", id);
    }
    if (used == none)
        return false;
    if (used < DETAIL_SIZE)
        snprintf(weakness->detail + used, DETAIL_SIZE - used, "; who listens reads every command");
    return true;
}

static bool judge_ipmi15(struct weakness *weakness)
{
    snprintf(weakness->detail, DETAIL_SIZE,
             "IPMI 1.5 encrypts nothing: who listens reads every command, %s",
             strstr(weakness->entry->value, "straight")
                 ? "and with 'straight' the passwords themselves"
                 : "and has the MD5 hashes by which to guess passwords");
    return strcmp(weakness->entry->value, "off") != 0;
}

static bool judge_timeout(struct weakness *weakness)
{
    snprintf(weakness->detail, DETAIL_SIZE, "a session that its client forgot stays for %s s",
             weakness->entry->value);
    return strtoul(weakness->entry->value, NULL, 10) > DEFAULT_TIMEOUT;
}

static bool judge_inline(struct weakness *weakness)
{
    snprintf(weakness->detail, DETAIL_SIZE, "whoever is shown this file knows the secret");
    return true;
}

static bool judge_password(struct weakness *weakness)
{
    const struct config *config = weakness->doctor->config;
    const char *name = weakness->entry->section + strcspn(weakness->entry->section, " \t");

    name += strspn(name, " \t");
    for (size_t i = 0; i < config->user_count; i++) {
        size_t length = strlen(config->users[i].password);
        if (strcmp(config->users[i].name, name) != 0 || length >= PASSWORD_SHORT)
            continue;
        snprintf(weakness->detail, DETAIL_SIZE, "the password of %s has only %zu characters", name,
                 length);
        return true;
    }
    return false;
}

/* ---- the walk ---- */

/* A key may have several rows. */
static const struct {
    const char *section, *key, *check;
    bool (*judge)(struct weakness *weakness);
    const char *advice;
} keys[] = {
    {"daemon", "compat", "compat", judge_compat,
     "remove 'compat = openstack' and name users in [user]"},
    {"daemon", "control-group", "control socket", judge_group,
     "keep that group small: its members do anything to any guest"},
    {"daemon", "user", "user", judge_user, "remove it: the user vbmc suffices"},
    {"hypervisor", "uri", "hypervisors", judge_uri,
     "qemu:///system, qemu+tls:// and qemu+ssh:// are safe"},
    {"hypervisor", "sasl-password", "secrets", judge_inline,
     "keep the file from others: chmod 600"},
    {"bmc", "address", "BMCs", judge_address,
     "keep IPMI on a management network: an offline guess at a password needs one packet (RAKP 2)"},
    {"bmc", "addresses", "BMCs", judge_addresses,
     "keep IPMI on a management network: an offline guess at a password needs one packet (RAKP 2)"},
    {"bmc", "cipher-suites", "cipher-suites", judge_suites,
     "leave 3 and 17 once no client needs the others"},
    {"bmc", "ipmi-1.5", "ipmi-1.5", judge_ipmi15,
     "remove it once no client needs it; IPMI 2.0 (-I lanplus) encrypts"},
    {"bmc", "session-timeout", "sessions", judge_timeout, "60 s, as by default, suffice"},
    {"bmc", "kg", "secrets", judge_inline, "put it into a file of its own: kg-file"},
    {"ssh", "listen", "SSH", judge_listen, "fine if meant so"},
    {"ssh", "bmc-port", "SSH", judge_bmc_port, "fine if meant so"},
    {"user", "password", "secrets", judge_inline, "put it into a file of its own: password-file"},
    {"user", "password", "passwords", judge_password, "take up to 20 random characters"},
    {"user", "password-file", "passwords", judge_password, "take up to 20 random characters"},
    {"domain", "address", "BMCs", judge_address, "keep IPMI on a management network"},
    {"domain", "cipher-suites", "cipher-suites", judge_suites,
     "leave 3 and 17 once no client needs the others"},
    {"domain", "kg", "secrets", judge_inline, "put it into a file of its own: kg-file"},
};

struct walk {
    struct doctor *doctor;
    bool weak[ARRAY_SIZE(checks)];
};

static void note_check(struct walk *walk, const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++)
        walk->weak[i] |= strcmp(checks[i].name, name) == 0;
}

static bool is_of_section(const char *text, const char *section)
{
    size_t length = strlen(section);

    return strncmp(text, section, length) == 0 &&
           (text[length] == '\0' || text[length] == ' ' || text[length] == '\t');
}

static int take_entry(void *context, const struct ini_entry *entry, char *error, size_t size)
{
    struct walk *walk = context;
    struct weakness weakness = {.doctor = walk->doctor, .entry = entry};
    char check[64];

    (void)error, (void)size;
    for (size_t i = 0; entry->key && i < ARRAY_SIZE(keys); i++) {
        if (strcmp(keys[i].key, entry->key) != 0 ||
            !is_of_section(entry->section, keys[i].section) || !keys[i].judge(&weakness))
            continue;
        note_check(walk, keys[i].check);
        snprintf(check, sizeof check, "security: %s", keys[i].check);
        doctor_say(walk->doctor, DOCTOR_WARNING, check, keys[i].advice, "%s (%s:%u: %s)",
                   weakness.detail, walk->doctor->config->path, entry->line, entry->key);
    }
    return 0;
}

void doctor_check_security(struct doctor *doctor)
{
    struct walk walk = {.doctor = doctor};
    char error[CONFIG_ERROR_SIZE], check[64];
    const char *path = doctor->config->path;
    CLEANUP_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0 && ini_load(fd, path, INI_DIALECT_OWN, take_entry, &walk, error, sizeof error) < 0)
        doctor_say(doctor, DOCTOR_PROBLEM, "security", NULL, "%s", error);
    for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
        snprintf(check, sizeof check, "security: %s", checks[i].name);
        if (checks[i].fine && !walk.weak[i])
            doctor_say(doctor, DOCTOR_OK, check, NULL, "%s", checks[i].fine);
    }
}
