#include "vbmc/virt/screenshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/uuid.h"
#include "vbmc/domxml/internal.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/worker.h"

#define CHUNK (256 * 1024)

struct virt_shot {
    struct worker_job job;
    struct hypervisor *hypervisor;
    struct virt_shot *next; /* of the hypervisor's */
    struct uuid uuid;
    host_picture_fn *done;
    void *context;
    int result;
    struct host_picture picture;
    char text[2 * WORKER_TEXT_SIZE];
};

/* ---- an action thread ---- */

static int last_error(struct virt_shot *shot)
{
    return virt_last_error(shot->text, sizeof shot->text);
}

static int refuse(struct virt_shot *shot, int result, const char *text)
{
    snprintf(shot->text, sizeof shot->text, "%s", text);
    return result;
}

static bool has_screen(const char *xml)
{
    CLEANUP_DOC xmlDocPtr doc = domxml_open(xml);
    xmlNodePtr devices = doc ? domxml_child(xmlDocGetRootElement(doc), "devices") : NULL;

    for (xmlNodePtr node = devices ? devices->children : NULL; node; node = node->next) {
        if (domxml_is_element(node, "video") &&
            !domxml_attribute_is(domxml_child(node, "model"), "type", "none"))
            return true;
    }
    return false;
}

/* libvirt's errors for a guest without a screen, or one that is off, do not say what to do. */
static int explain(struct virt_shot *shot, virDomainPtr domain)
{
    int result = last_error(shot);

    if (result == -EHOSTUNREACH || result == -ENODEV)
        return result;
    if (virDomainIsActive(domain) == 0)
        return refuse(shot, -EINVAL, "the guest is off");
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, 0);
    if (!xml || has_screen(xml))
        return result;
    snprintf(shot->text, sizeof shot->text,
             "%.128s has no screen: add <video><model type='vga'/></video> to its devices, and "
             "power it off and on",
             virDomainGetName(domain));
    return -ENOENT;
}

/* 0 at the end of the picture, 1 if there may be more, or a negative error. */
static int receive_chunk(struct virt_shot *shot, virStreamPtr stream)
{
    struct host_picture *picture = &shot->picture;
    uint8_t *grown = realloc(picture->bytes, picture->size + CHUNK);

    if (!grown)
        return refuse(shot, -ENOMEM, "out of memory");
    picture->bytes = grown;
    int size = virStreamRecv(stream, (char *)picture->bytes + picture->size, CHUNK);
    if (size < 0)
        return last_error(shot);
    picture->size += (size_t)size;
    if (picture->size > HOST_PICTURE_MAX)
        return refuse(shot, -EFBIG, "the image is too large");
    return size > 0;
}

static int receive(struct virt_shot *shot, virStreamPtr stream)
{
    int result;

    while ((result = receive_chunk(shot, stream)) > 0)
        ;
    if (result < 0) {
        virStreamAbort(stream);
        return result;
    }
    if (virStreamFinish(stream) < 0)
        return last_error(shot);
    return shot->picture.size > 0 ? 0 : refuse(shot, -EIO, "libvirt returned an empty image");
}

static int take(struct virt_shot *shot, virConnectPtr connection, virDomainPtr domain)
{
    virStreamPtr stream = virStreamNew(connection, 0);

    if (!stream)
        return last_error(shot);
    CLEANUP_FREE char *mime = virDomainScreenshot(domain, stream, 0, 0);
    int result = mime ? receive(shot, stream) : explain(shot, domain);
    if (mime)
        snprintf(shot->picture.mime, sizeof shot->picture.mime, "%s", mime);
    virStreamFree(stream);
    return result;
}

static void run(struct worker_job *job, virConnectPtr connection)
{
    struct virt_shot *shot = CONTAINER_OF(job, struct virt_shot, job);

    virDomainPtr domain;

    shot->result = virt_look_up(connection, &shot->uuid, &domain, shot->text, sizeof shot->text);
    if (!domain)
        return;
    shot->result = take(shot, connection, domain);
    virDomainFree(domain);
}

/* ---- the loop ---- */

static void job_done(struct worker_job *job)
{
    struct virt_shot *shot = CONTAINER_OF(job, struct virt_shot, job);
    bool good = shot->result == 0;
    struct virt_shot **link = &shot->hypervisor->shots;

    while (*link != shot)
        link = &(*link)->next;
    *link = shot->next;
    shot->done(shot->context, shot->result, good ? &shot->picture : NULL, good ? NULL : shot->text);
    free(shot->picture.bytes);
    free(shot);
}

static bool is_under_way(const struct hypervisor *hypervisor, const struct uuid *uuid)
{
    const struct virt_shot *shot = hypervisor->shots;

    while (shot && !uuid_equal(&shot->uuid, uuid))
        shot = shot->next;
    return shot != NULL;
}

void virt_screenshot(struct host_domain *host, host_picture_fn *done, void *context)
{
    struct virt_domain *domain = virt_domain_of_host(host);
    struct hypervisor *hypervisor = domain->hypervisor;

    if (is_under_way(hypervisor, &host->uuid)) {
        done(context, -EBUSY, NULL, "a screenshot of it is being taken already: try again later");
        return;
    }
    struct virt_shot *shot = calloc(1, sizeof *shot);
    if (!shot) {
        done(context, -ENOMEM, NULL, "out of memory");
        return;
    }
    shot->hypervisor = hypervisor;
    shot->next = hypervisor->shots;
    hypervisor->shots = shot;
    shot->uuid = domain->host.uuid;
    shot->done = done;
    shot->context = context;
    shot->job.run = run;
    shot->job.done = job_done;
    worker_submit_long(hypervisor->worker, WORKER_LONG_SCREENSHOT, &shot->job);
}
