/* Packed: disks, NICs and, if there are any, texts of SMBIOS one behind the other. */
#include <stdlib.h>
#include <string.h>

#include "vbmc/host/host.h"

static const struct host_smbios no_smbios;

/* Where the NICs of one that is packed begin; both sorts are of bytes alone. */
static size_t nics_at(const struct host_hardware *hardware)
{
    _Static_assert(_Alignof(struct host_nic) == 1 && _Alignof(struct host_smbios) == 1,
                   "they may begin anywhere");
    return offsetof(struct host_hardware, disks) + hardware->disk_count * sizeof hardware->disks[0];
}

static size_t smbios_at(const struct host_hardware *hardware)
{
    return nics_at(hardware) + hardware->nic_count * sizeof hardware->nics[0];
}

size_t host_hardware_size(const struct host_hardware *packed)
{
    return smbios_at(packed) + (packed->has_smbios ? sizeof packed->smbios : 0);
}

struct host_hardware *host_hardware_pack(const struct host_hardware *hardware)
{
    bool has_smbios = memcmp(&hardware->smbios, &no_smbios, sizeof no_smbios) != 0;
    size_t size = smbios_at(hardware) + (has_smbios ? sizeof no_smbios : 0);
    char *bytes = malloc(size);
    struct host_hardware *packed = (struct host_hardware *)(void *)bytes;

    if (!bytes)
        return NULL;
    memcpy(bytes, (const void *)hardware, nics_at(hardware));
    memcpy(bytes + nics_at(hardware), hardware->nics,
           hardware->nic_count * sizeof hardware->nics[0]);
    if (has_smbios)
        memcpy(bytes + smbios_at(hardware), &hardware->smbios, sizeof hardware->smbios);
    packed->is_packed = true;
    packed->has_smbios = has_smbios;
    return packed;
}

const struct host_nic *host_hardware_nic(const struct host_hardware *hardware, unsigned index)
{
    if (!hardware->is_packed)
        return &hardware->nics[index];
    return (const struct host_nic *)(const void *)((const char *)hardware + nics_at(hardware)) +
           index;
}

const struct host_smbios *host_hardware_smbios(const struct host_hardware *hardware)
{
    if (!hardware->is_packed)
        return &hardware->smbios;
    if (!hardware->has_smbios)
        return &no_smbios;
    return (const struct host_smbios *)(const void *)((const char *)hardware + smbios_at(hardware));
}
