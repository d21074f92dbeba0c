#include "vbmc/cli/doctor_user.h"

/* What the user of vbmcd cannot reach is tried by a child that becomes that user, so that groups
 * and access lists count as the kernel has them. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"
#include "vbmc/process/isolate.h"
#include "vbmc/process/reach.h"

static const char *find_embedded(const struct config *config)
{
    for (size_t i = 0; i < config->hypervisor_count; i++) {
        if (hypervisor_uri_is_embedded(config->hypervisors[i].uri))
            return config->hypervisors[i].name;
    }
    return NULL;
}

static bool stays_root(const struct config *config)
{
    return strcmp(config->daemon.user, "root") == 0;
}

/* ---- a child's findings: four texts each, a NUL behind every one ---- */

static void send_finding(void *context, const char *what, const char *path, const char *why,
                         const char *advice)
{
    const char *const texts[] = {what, path, why, advice};
    FILE *out = context;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        fwrite(texts[i], 1, strlen(texts[i]) + 1, out);
}

static void try_as_user(const struct doctor *doctor, const struct openstack *openstack,
                        const struct isolate_user *user, FILE *out)
{
    char error[CONFIG_ERROR_SIZE];

    if (geteuid() == 0 && isolate_become(user, error, sizeof error) < 0)
        send_finding(out, "user", user->name, error, "run doctor with all of root's capabilities");
    else
        reach_check(doctor->config, openstack, user->name, send_finding, out);
}

/* The number of findings. */
static unsigned take_findings(struct doctor *doctor, FILE *in)
{
    char *texts[4] = {NULL};
    size_t sizes[4] = {0};
    unsigned count = 0;
    bool is_whole = true;

    while (is_whole) {
        for (size_t i = 0; i < ARRAY_SIZE(texts) && is_whole; i++)
            is_whole = getdelim(&texts[i], &sizes[i], '\0', in) > 0;
        if (!is_whole)
            break;
        doctor_say(doctor, DOCTOR_PROBLEM, "user", texts[3], "%s: %s: %s for user %s", texts[0],
                   texts[1], texts[2], doctor->config->daemon.user);
        count++;
    }
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        free(texts[i]);
    return count;
}

static void try_in_child(struct doctor *doctor, const struct isolate_user *user)
{
    CLEANUP_OPENSTACK struct openstack *openstack = NULL;
    char error[CONFIG_ERROR_SIZE];
    int ends[2], status = 0;

    if (openstack_load(&openstack, error, sizeof error) < 0)
        openstack = NULL;
    fflush(NULL);
    if (pipe2(ends, O_CLOEXEC) < 0)
        return;
    pid_t child = fork();
    FILE *file = fdopen(ends[child == 0], child == 0 ? "w" : "r");
    if (child == 0) {
        if (file)
            try_as_user(doctor, openstack, user, file);
        _exit(file && fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    close(ends[1]);
    unsigned count = file ? take_findings(doctor, file) : 0;
    if (file)
        fclose(file);
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0)
        doctor_say(doctor, DOCTOR_WARNING, "user", NULL, "could not try what user %s may read",
                   user->name);
    else if (count == 0)
        doctor_say(doctor, DOCTOR_OK, "user", NULL,
                   "vbmcd becomes %s, who can use what the configuration names", user->name);
}

void doctor_check_user(struct doctor *doctor)
{
    const struct config *config = doctor->config;
    struct isolate_user user;
    char error[CONFIG_ERROR_SIZE];

    if (find_embedded(config)) {
        doctor_say(
            doctor, DOCTOR_OK, "user", NULL,
            "vbmcd stays whom it is started by, root as a rule, for the guests of [hypervisor "
            "%s]",
            find_embedded(config));
        return;
    }
    if (stays_root(config))
        return;
    if (isolate_find_user(config->daemon.user, &user, error, sizeof error) < 0)
        doctor_say(doctor, DOCTOR_PROBLEM, "user", NULL, "%s", error);
    else if (geteuid() != 0 && geteuid() != user.uid)
        doctor_say(doctor, DOCTOR_OK, "user", NULL,
                   "vbmcd started as root becomes %s; only root can try what that user may read",
                   user.name);
    else
        try_in_child(doctor, &user);
}
