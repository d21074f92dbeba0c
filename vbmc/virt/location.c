#include "vbmc/virt/location.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/hash.h"
#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/ssh/connection.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"

bool hypervisor_is_local(const struct hypervisor *hypervisor)
{
    return hypervisor_uri_is_local(hypervisor->uri);
}

int64_t hypervisor_find_place(const struct hypervisor *hypervisor)
{
    uint64_t hash = hash_bytes(HASH_BEGIN, hypervisor->uri, strlen(hypervisor->uri));
    char boot_id[64] = "";
    FILE *file =
        hypervisor_is_local(hypervisor) ? fopen("/proc/sys/kernel/random/boot_id", "re") : NULL;

    if (file && fgets(boot_id, sizeof boot_id, file))
        hash = hash_bytes(hash, boot_id, strlen(boot_id));
    if (file)
        fclose(file);
    return (int64_t)(hash >> 1) + 1;
}

int hypervisor_reach_socket(struct hypervisor *hypervisor, const char *path, char *local,
                            size_t size)
{
    if (hypervisor->is_ssh) {
        if (!hypervisor->ssh || hypervisor->stopping)
            return -EHOSTUNREACH;
        return sshconn_forward(hypervisor->ssh, path, local, size);
    }
    if (!hypervisor_is_local(hypervisor))
        return -ENOTSUP;
    if (path[0] != '/')
        return -EINVAL;
    int length = snprintf(local, size, "%s", path);
    return length < 108 && (size_t)length < size ? 0 : -ENAMETOOLONG;
}
