#include "vbmc/virt/lookup.h"

#include "vbmc/base/uuid.h"
#include "vbmc/virt/error.h"

int virt_look_up(virConnectPtr connection, const struct uuid *uuid, virDomainPtr *domain,
                 char *text, size_t size)
{
    *domain = connection ? virDomainLookupByUUID(connection, uuid->bytes) : NULL;
    if (*domain)
        return 0;
    return connection ? virt_last_error(text, size) : virt_no_connection(text, size);
}
