/* What a client needs to know of vbmc.conf: where the control socket is. It may be run by somebody
 * who may not read the secrets that the file names, and while the file is being edited. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/config/config.h"
#include "vbmc/config/fail.h"
#include "vbmc/config/ini.h"
#include "vbmc/config/parse.h"
#include "vbmc/config/value.h"

static int take_runtime_dir(void *context, const struct ini_entry *entry, char *error, size_t size)
{
    struct config_parse *parse = context;

    (void)error;
    (void)size;
    if (!entry->key || strcmp(entry->section, "daemon") != 0 ||
        strcmp(entry->key, "runtime-dir") != 0)
        return 0;
    int result = config_value_path(parse, entry->value, &parse->config->daemon.runtime_dir);
    if (result == -EINVAL)
        config_fail(parse, entry->line, "runtime-dir = %s: expected a path", entry->value);
    return result;
}

int config_load_runtime_dir(const char *path, char **runtime_dir, char *error, size_t error_size)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    struct config config = {0};
    struct config_parse parse = {
        .config = &config, .path = path, .error = error, .error_size = error_size};

    *runtime_dir = NULL;
    if (fd < 0) {
        int result = -errno;
        config_fail(&parse, 0, "%s", strerror(-result));
        return result;
    }
    int result = ini_load(fd, path, INI_DIALECT_OWN, take_runtime_dir, &parse, error, error_size);
    if (result == 0 && !config.daemon.runtime_dir)
        config.daemon.runtime_dir = strdup(CONFIG_DEFAULT_RUNTIME_DIR);
    if (result == 0 && config.daemon.runtime_dir)
        *runtime_dir = config.daemon.runtime_dir;
    else
        free(config.daemon.runtime_dir);
    return result == 0 && !*runtime_dir ? -ENOMEM : result;
}
