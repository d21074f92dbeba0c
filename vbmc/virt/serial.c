#include "vbmc/virt/serial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/hash.h"
#include "vbmc/base/hash_index.h"
#include "vbmc/base/uuid.h"
#include "vbmc/domxml/serial.h"
#include "vbmc/host/host.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/worker.h"

/* Keeps no pointer to the domain, which may be gone before the worker runs this. */
struct virt_serial_look {
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct uuid uuid;
    char *alias;          /* NULL: any */
    virt_serial_fn *done; /* NULL: cancelled */
    void *context;
    int result;
    struct domxml_serial serial;
    char text[2 * WORKER_TEXT_SIZE];
};

/* ---- the keeper thread ---- */

static void explain_none(struct virt_serial_look *look, const char *xml, const char *name)
{
    CLEANUP_FREE char *list = domxml_list_serials(xml);

    if (list && list[0])
        snprintf(look->text, sizeof look->text, "%.64s has no serial port %.64s, but %s", name,
                 look->alias, list);
    else
        snprintf(look->text, sizeof look->text,
                 "%.64s has no serial port: add <serial type='pty'/> to its devices, or let 'vbmc "
                 "console %.64s --add-serial' do it",
                 name, name);
}

static int read_serial(struct virt_serial_look *look, virDomainPtr domain)
{
    int active = virDomainIsActive(domain);

    if (active == 0) {
        snprintf(look->text, sizeof look->text, "the guest is off");
        return -EINVAL;
    }
    CLEANUP_FREE char *xml = active > 0 ? virDomainGetXMLDesc(domain, 0) : NULL;
    if (!xml)
        return virt_last_error(look->text, sizeof look->text);
    int result = domxml_parse_serial(xml, look->alias, &look->serial);
    if (result == -ENOENT)
        explain_none(look, xml, virDomainGetName(domain));
    else if (result == -ENOMEM)
        snprintf(look->text, sizeof look->text, "out of memory");
    else if (result < 0)
        snprintf(look->text, sizeof look->text, "cannot parse libvirt's domain XML");
    return result == -EINVAL ? -EIO : result;
}

static void run(struct worker_job *job, virConnectPtr connection)
{
    struct virt_serial_look *look = CONTAINER_OF(job, struct virt_serial_look, job);

    virDomainPtr domain;

    look->result = virt_look_up(connection, &look->uuid, &domain, look->text, sizeof look->text);
    if (!domain)
        return;
    look->result = read_serial(look, domain);
    virDomainFree(domain);
}

/* ---- the loop ---- */

static uint64_t hash_uuid(const struct uuid *uuid)
{
    return hash_bytes(HASH_BEGIN, uuid->bytes, sizeof uuid->bytes);
}

static void free_look(struct virt_serial_look *look)
{
    domxml_serial_clear(&look->serial);
    free(look->alias);
    free(look);
}

static void look_done(struct worker_job *job)
{
    struct virt_serial_look *look = CONTAINER_OF(job, struct virt_serial_look, job);

    hash_index_remove(&look->hypervisor->serial_looks, hash_uuid(&look->uuid), look);
    if (look->done)
        look->done(look->context, look->result, look->result == 0 ? &look->serial : NULL,
                   look->result == 0 ? NULL : look->text);
    free_look(look);
}

int virt_serial_look_up(struct virt_domain *domain, const char *alias, virt_serial_fn *done,
                        void *context)
{
    struct hypervisor *hypervisor = domain->hypervisor;
    struct virt_serial_look *look = calloc(1, sizeof *look);

    if (!look)
        return -ENOMEM;
    look->hypervisor = hypervisor;
    look->uuid = domain->host.uuid;
    look->alias = alias ? strdup(alias) : NULL;
    if ((alias && !look->alias) ||
        hash_index_add(&hypervisor->serial_looks, hash_uuid(&look->uuid), look) < 0) {
        free_look(look);
        return -ENOMEM;
    }
    look->done = done;
    look->context = context;
    look->job.run = run;
    look->job.done = look_done;
    worker_submit_look(hypervisor->worker, &look->job);
    return 0;
}

void virt_serial_cancel(struct virt_domain *domain, const void *context)
{
    const struct hash_index_node *cursor = NULL;
    struct virt_serial_look *look;

    while ((look = hash_index_next(&domain->hypervisor->serial_looks, hash_uuid(&domain->host.uuid),
                                   &cursor))) {
        if (look->context == context && uuid_equal(&look->uuid, &domain->host.uuid))
            look->done = NULL;
    }
}
