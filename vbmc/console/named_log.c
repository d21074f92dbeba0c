#include "vbmc/console/named_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sol/console_log.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"

static LIST_HEAD(named_logs, named_log) kept;

static void close_log(struct named_log *log)
{
    console_log_free(log->log);
    log->log = NULL;
    free(log->path);
    log->path = NULL;
}

void named_log_end(struct named_log *log)
{
    if (log->name)
        LIST_REMOVE(log, link);
    close_log(log);
    free(log->name);
    log->name = NULL;
}

static bool shares_name(const struct named_log *log)
{
    const struct named_log *other;

    for (other = LIST_FIRST(&kept); other; other = LIST_NEXT(other, link)) {
        if (other != log && strcmp(other->name, log->name) == 0)
            return true;
    }
    return false;
}

/* The name of a domain as the name of a file, without what the file ends with. */
static char *make_name(const char *folder, const char *domain)
{
    char *path = NULL;

    if (asprintf(&path, "%s/%s", folder, domain) < 0)
        return NULL;
    char *file = path + strlen(folder) + 1;
    if (*file == '.')
        *file = '_';
    while ((file = strchr(file, '/')))
        *file = '_';
    return path;
}

/* Domains of one name, or of names that give the same file, do not share it: each then has its UUID
 * in the name, whichever came first, so that it finds its own file again after a restart. */
static char *choose_path(const struct named_log *log)
{
    char uuid[UUID_TEXT_SIZE], *path = NULL;
    bool shared = shares_name(log);

    uuid_format(&log->uuid, uuid);
    if (asprintf(&path, "%s%s%s.log", log->name, shared ? "." : "", shared ? uuid : "") < 0)
        return NULL;
    return path;
}

/* 0, with the file that it has where that is the right one already. */
static int open_log(struct named_log *log, const struct config_bmc *bmc)
{
    char *path = choose_path(log);

    if (!path)
        return -ENOMEM;
    if (log->path && strcmp(path, log->path) == 0) {
        free(path);
        return 0;
    }
    close_log(log);
    log->path = path;
    return console_log_new(log->hub, path, bmc->console_log_size, bmc->console_log_files,
                           &log->log);
}

/* Those whose files had the name alone up to now have to share it. */
static void open_logs_of_name(const char *name, const struct config_bmc *bmc)
{
    struct named_log *log, *next;

    for (log = LIST_FIRST(&kept); log; log = next) {
        next = LIST_NEXT(log, link);
        if (strcmp(log->name, name) != 0 || open_log(log, bmc) == 0)
            continue;
        log_error("%s: no memory for the console log", log->name);
        named_log_end(log);
    }
}

void named_log_configure(struct named_log *log, struct hub *hub, const struct config_bmc *bmc,
                         const char *domain, const struct uuid *uuid)
{
    CLEANUP_FREE char *name = bmc->console_log ? make_name(bmc->console_log, domain) : NULL;

    if (name == log->name || (name && log->name && strcmp(name, log->name) == 0))
        return;
    named_log_end(log);
    log->name = name ? strdup(name) : NULL;
    if (!log->name)
        return;
    log->hub = hub;
    log->uuid = *uuid;
    LIST_INSERT_HEAD(&kept, log, link);
    open_logs_of_name(name, bmc);
}
