#include "vbmc/virt/properties.h"

#include "vbmc/base/hypervisor_uri.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"

const char *hypervisor_name(const struct hypervisor *hypervisor)
{
    return hypervisor->name;
}

const char *hypervisor_uri(const struct hypervisor *hypervisor)
{
    return hypervisor->uri;
}

bool hypervisor_is_up(const struct hypervisor *hypervisor)
{
    return hypervisor->up;
}

const char *hypervisor_error(const struct hypervisor *hypervisor)
{
    return hypervisor->error;
}

bool hypervisor_is_embedded(const struct hypervisor *hypervisor)
{
    return hypervisor_uri_is_embedded(hypervisor->uri);
}

bool hypervisor_is_qemu(const struct hypervisor *hypervisor)
{
    return hypervisor->is_qemu;
}

const char *hypervisor_emulator_version(const struct hypervisor *hypervisor)
{
    return hypervisor->emulator_version;
}

bool hypervisor_is_stopping(const struct hypervisor *hypervisor)
{
    return hypervisor->stopping;
}

uv_loop_t *hypervisor_loop(struct hypervisor *hypervisor)
{
    return hypervisor->loop;
}

struct worker *hypervisor_worker(struct hypervisor *hypervisor)
{
    return hypervisor->worker;
}
