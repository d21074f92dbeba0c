#include "vbmc/host/host.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

static const char no_way[] = "the driver of this hypervisor cannot do that";

void host_screenshot(struct host_domain *domain, host_picture_fn *done, void *context)
{
    if (domain->ops->screenshot)
        domain->ops->screenshot(domain, done, context);
    else
        done(context, -ENOTSUP, NULL, no_way);
}

void host_dump(struct host_domain *domain, const char *path, host_progress_fn *progress,
               host_done_fn *done, void *context)
{
    if (domain->ops->dump)
        domain->ops->dump(domain, path, progress, done, context);
    else
        done(context, -ENOTSUP, no_way);
}

static bool is_printable(const char *path)
{
    for (; *path; path++) {
        if ((unsigned char)*path < ' ' || *path == 0x7f)
            return false;
    }
    return true;
}

const char *host_dump_path_problem(const char *path)
{
    size_t length = strlen(path);

    if (path[0] != '/')
        return "the file has to be given by its whole path, from / on";
    if (length >= PATH_MAX || !is_printable(path))
        return "that is no path of a file";
    if (path[length - 1] == '/')
        return "the path ends with / and names no file";
    return NULL;
}
