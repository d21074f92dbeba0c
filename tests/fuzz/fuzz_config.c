/* libFuzzer target: configuration files: vbmc.conf, and the two kinds of file of OpenStack's tool.
 *
 * Files: vbmc/config/ini.c vbmc/config/config.c vbmc/config/keys.c vbmc/config/value.c
 * vbmc/config/check.c vbmc/config/server.c vbmc/config/server_value.c vbmc/config/number.c
 * vbmc/config/client.c vbmc/config/openstack.c
 *
 * The input is a byte that says which file it is, and the file. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/config/openstack.h"

enum kind {
    KIND_OWN,
    KIND_MAIN,
    KIND_BMC,
    KIND_COUNT,
};

static char folder[] = "/tmp/vbmc-fuzz-config-XXXXXX";

static const char *const names[] = {
    [KIND_OWN] = "vbmc.conf",
    [KIND_MAIN] = "main",
    [KIND_BMC] = "guest/config",
};

static const char *path_of(const char *name)
{
    static char path[64];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const void *bytes, size_t size)
{
    CLEANUP_CLOSE int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    fuzz_require(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
}

static void clean_up(void)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    rmdir(path_of("guest"));
    rmdir(folder);
}

static FILE *nowhere;

static void make_folders(void)
{
    if (nowhere)
        return;
    nowhere = fopen("/dev/null", "we");
    fuzz_require(nowhere != NULL);
    fuzz_require(mkdtemp(folder) != NULL && mkdir(path_of("guest"), 0700) == 0);
    atexit(clean_up);
}

static void check_error(int result, const char *error)
{
    fuzz_require(result <= 0 && (result == 0) == (*error == '\0'));
    fuzz_require(strlen(error) < CONFIG_ERROR_SIZE - 1 || result < 0);
}

static void check_config(const struct config *config)
{
    fuzz_require(config->hypervisor_count >= 1 && config->bmc.port_first <= config->bmc.port_last);
    fuzz_require(config->user_count <= CONFIG_USERS_MAX);
    for (size_t i = 0; i < config->domain_count; i++) {
        const struct config_domain *domain = &config->domains[i];
        fuzz_require(config_find_domain(config, domain->name,
                                        domain->has_uuid ? &domain->uuid : NULL) != NULL);
    }
}

static void load_own(void)
{
    char error[CONFIG_ERROR_SIZE] = "";
    struct config *config = NULL;
    char *runtime_dir = NULL;

    int result = config_load(path_of(names[KIND_OWN]), &config, error, sizeof error);
    check_error(result, error);
    if (result == 0)
        check_config(config);
    config_free(config);
    *error = '\0';
    result = config_load_runtime_dir(path_of(names[KIND_OWN]), &runtime_dir, error, sizeof error);
    check_error(result, error);
    free(runtime_dir);
}

static void load_openstack(void)
{
    char error[CONFIG_ERROR_SIZE] = "";
    struct openstack *openstack = NULL;

    setenv("VIRTUALBMC_CONFIG", path_of(names[KIND_MAIN]), 1);
    int result = openstack_load(&openstack, error, sizeof error);
    check_error(result, error);
    for (size_t i = 0; result == 0 && i < openstack->bmc_count; i++)
        fuzz_require(openstack_find(openstack, openstack->bmcs[i].domain_name) ==
                     &openstack->bmcs[i]);
    openstack_free(openstack);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    char main_file[96];

    if (size < 1)
        return 0;
    log_set_level(LOG_LEVEL_ERROR);
    make_folders();
    enum kind kind = (enum kind)(bytes[0] % KIND_COUNT);
    if (kind == KIND_BMC) {
        int length = snprintf(main_file, sizeof main_file, "[default]\nconfig_dir=%s\n", folder);
        write_file(names[KIND_MAIN], main_file, (size_t)length);
    } else {
        unlink(path_of(names[KIND_BMC]));
    }
    write_file(names[kind], bytes + 1, size - 1);
    FILE *saved = stderr; /* of each BMC that is left out there is a line in the log */
    stderr = nowhere;
    if (kind == KIND_OWN)
        load_own();
    else
        load_openstack();
    stderr = saved;
    return 0;
}
