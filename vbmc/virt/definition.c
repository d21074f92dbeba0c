/* Defining, undefining and dumping domains on request, for the embedded driver, whose domains no
 * other program can define; adding a serial port to a stored definition; and changing tags. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/uuid.h"
#include "vbmc/domxml/domxml.h"
#include "vbmc/domxml/metadata.h"
#include "vbmc/domxml/hardware.h"
#include "vbmc/domxml/inband_edit.h"
#include "vbmc/domxml/serial.h"
#include "vbmc/host/host.h"
#include "vbmc/host/metadata.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/facts.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/properties.h"
#include "vbmc/virt/worker.h"

struct definition {
    struct worker_job job;
    struct hypervisor *hypervisor;
    /* NULL: defines `xml` */
    int (*work)(struct definition *definition, virConnectPtr connection, virDomainPtr domain);
    struct uuid uuid;
    bool inactive;
    bool keep_nvram;
    struct host_tag *changes;
    size_t change_count;
    struct definition *next; /* of the changes of tags, see below */
    char front_end[16];      /* of the guest's interface to its BMC; "": none */
    char socket[108];
    bool if_other;
    char *xml; /* in for define, out for dump; else a text of what was done, or NULL */
    int result;
    char text[WORKER_TEXT_SIZE];
    hypervisor_done_fn *done;
    void *context;
};

/* An action thread, as all down to run. */
static int last_error(struct definition *definition)
{
    return virt_last_error(definition->text, sizeof definition->text);
}

static int define(struct definition *definition, virConnectPtr connection)
{
    virDomainPtr domain =
        virDomainDefineXMLFlags(connection, definition->xml, VIR_DOMAIN_DEFINE_VALIDATE);

    if (!domain)
        return last_error(definition);
    virDomainGetUUID(domain, definition->uuid.bytes);
    virDomainFree(domain);
    return 0;
}

static void run_define(struct worker_job *job, virConnectPtr connection)
{
    struct definition *definition = CONTAINER_OF(job, struct definition, job);

    definition->result = connection ? define(definition, connection)
                                    : virt_no_connection(definition->text, sizeof definition->text);
}

/* What belongs to a definition, which libvirt removes with it only on request (flags). */
struct belongings {
    char *nvram; /* NULL: none */
    bool saved;
    int snapshots;   /* those that libvirt lists; 0 where it cannot */
    int checkpoints; /* the same */
};

static void clear_belongings(struct belongings *belongings)
{
    free(belongings->nvram);
}

static int count_checkpoints(virDomainPtr domain)
{
    virDomainCheckpointPtr *list = NULL;
    int count = virDomainListAllCheckpoints(domain, &list, 0);

    for (int i = 0; i < count; i++)
        virDomainCheckpointFree(list[i]);
    free(list);
    return count < 0 ? 0 : count;
}

static void look_for_belongings(virDomainPtr domain, struct belongings *belongings)
{
    CLEANUP_FREE char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
    int snapshots = virDomainSnapshotNum(domain, 0);

    belongings->nvram = xml ? domxml_nvram_path(xml) : NULL;
    if (belongings->nvram && access(belongings->nvram, F_OK) < 0)
        free(cleanup_steal_pointer(&belongings->nvram)); /* made at the first start */
    belongings->saved = virDomainHasManagedSaveImage(domain, 0) == 1;
    belongings->snapshots = snapshots < 0 ? 0 : snapshots;
    belongings->checkpoints = count_checkpoints(domain);
}

/* Every driver supports these two; the others are set only if needed. */
static unsigned undefine_flags(const struct belongings *belongings, bool keep_nvram)
{
    unsigned flags = VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA;

    if (belongings->nvram)
        flags |= keep_nvram ? VIR_DOMAIN_UNDEFINE_KEEP_NVRAM : VIR_DOMAIN_UNDEFINE_NVRAM;
    if (belongings->checkpoints > 0)
        flags |= VIR_DOMAIN_UNDEFINE_CHECKPOINTS_METADATA;
    return flags;
}

/* A line for each; NULL: nothing. */
static char *describe(const struct belongings *belongings, bool keep_nvram)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out)
        return NULL;
    if (belongings->nvram)
        fprintf(out, "%s: its UEFI variables, %s\n", keep_nvram ? "kept" : "removed",
                belongings->nvram);
    if (belongings->saved)
        fputs("removed: its saved state\n", out);
    if (belongings->snapshots > 0)
        fprintf(out,
                "removed: libvirt's record of its snapshots (%d); their data stay in the images\n",
                belongings->snapshots);
    if (belongings->checkpoints > 0)
        fprintf(out, "removed: libvirt's record of its checkpoints (%d)\n",
                belongings->checkpoints);
    fclose(out);
    if (size == 0)
        free(cleanup_steal_pointer(&text));
    return text;
}

static int work_undefine(struct definition *definition, virConnectPtr connection,
                         virDomainPtr domain)
{
    CLEANUP(clear_belongings) struct belongings belongings = {0};

    (void)connection;
    look_for_belongings(domain, &belongings);
    unsigned flags = undefine_flags(&belongings, definition->keep_nvram);
    int result = virDomainUndefineFlags(domain, flags) == 0 ? 0 : last_error(definition);
    if (result == 0)
        definition->xml = describe(&belongings, definition->keep_nvram);
    return result;
}

static int work_dump(struct definition *definition, virConnectPtr connection, virDomainPtr domain)
{
    (void)connection;
    definition->xml =
        virDomainGetXMLDesc(domain, definition->inactive ? VIR_DOMAIN_XML_INACTIVE : 0);
    return definition->xml ? 0 : last_error(definition);
}

static void wipe(char **xml)
{
    if (*xml)
        explicit_bzero(*xml, strlen(*xml));
    free(*xml);
}

/* An edit of the text: 0 or a negative error. */
typedef int edit_fn(const struct definition *definition, virConnectPtr connection, const char *xml,
                    char **edited);

/* Read with its secrets (VNC passwords), which a redefinition without them would remove. `exists`
 * and `absent` say what -EEXIST and -ENOENT of the edit mean. */
static int redefine(struct definition *definition, virConnectPtr connection, virDomainPtr domain,
                    edit_fn *edit, const char *exists, const char *absent)
{
    CLEANUP(wipe)
    char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
    CLEANUP(wipe) char *edited = NULL;

    if (!xml)
        return last_error(definition);
    int result = edit(definition, connection, xml, &edited);
    if (result < 0) {
        snprintf(definition->text, sizeof definition->text, "%.128s%s", virDomainGetName(domain),
                 result == -EEXIST   ? exists
                 : result == -ENOENT ? absent
                 : result == -ENOMEM ? ": out of memory"
                                     : ": its definition cannot be edited");
        return result == -EINVAL ? -EIO : result;
    }
    virDomainPtr defined = virDomainDefineXML(connection, edited);
    if (!defined)
        return last_error(definition);
    virDomainFree(defined);
    return 0;
}

static int edit_serial(const struct definition *definition, virConnectPtr connection,
                       const char *xml, char **edited)
{
    (void)definition;
    (void)connection;
    return domxml_add_serial(xml, edited);
}

#define RECONNECT_MS_SINCE 9002000 /* QEMU 9.2.0, in libvirt's numbers */

static bool has_that_inband(const struct definition *definition, const char *xml)
{
    struct host_hardware hardware;

    return domxml_parse_hardware(xml, &hardware) == 0 && hardware.inband.is_there &&
           strcmp(hardware.inband.front_end, definition->front_end) == 0 &&
           strcmp(hardware.inband.socket, definition->socket) == 0;
}

static int edit_inband(const struct definition *definition, virConnectPtr connection,
                       const char *xml, char **edited)
{
    unsigned long version = 0;

    if (!definition->front_end[0])
        return domxml_remove_inband(xml, edited);
    if (definition->if_other && has_that_inband(definition, xml))
        return -EALREADY;
    virConnectGetVersion(connection, &version);
    return domxml_add_inband(xml, definition->front_end, definition->socket,
                             version >= RECONNECT_MS_SINCE, edited);
}

/* 0, or why its definition is not to be edited. *active: it runs. */
static int check_persistent(struct definition *definition, virDomainPtr domain, const char *what,
                            bool *active)
{
    int persistent = virDomainIsPersistent(domain), runs = virDomainIsActive(domain);

    if (persistent < 0 || runs < 0)
        return last_error(definition);
    *active = runs;
    if (persistent)
        return 0;
    snprintf(definition->text, sizeof definition->text,
             "%.128s is transient and has no stored definition: start it again from XML with %s in "
             "it",
             virDomainGetName(domain), what);
    return -ENOTSUP;
}

/* What is left to do where QEMU is confined; "" where nothing is. */
static const char *confinement_note(virConnectPtr connection)
{
    virSecurityModel model = {0};

    if (virNodeGetSecurityModel(connection, &model) < 0)
        return "";
    if (strcmp(model.model, "apparmor") == 0)
        return "; AppArmor has to allow the socket first: 'vbmc help inband'";
    if (strcmp(model.model, "selinux") == 0)
        return "; SELinux has to allow the socket first: 'vbmc help inband'";
    return "";
}

static int work_inband(struct definition *definition, virConnectPtr connection, virDomainPtr domain)
{
    bool active = false, on = definition->front_end[0];
    int result = check_persistent(definition, domain, "QEMU's ipmi-bmc-extern", &active);

    if (result == 0)
        result = redefine(definition, connection, domain, edit_inband,
                          " has an IPMI device of its own in its stored definition",
                          " has no interface to its BMC in its stored definition");
    if (result < 0)
        return result;
    if (asprintf(&definition->xml, "%s %s an interface to its BMC from its next power-on on%s%s",
                 virDomainGetName(domain), on ? "has" : "no longer has",
                 active ? "; a reboot or reset is not enough" : "",
                 on ? confinement_note(connection) : "") < 0)
        definition->xml = NULL;
    return 0;
}

static int work_add_serial(struct definition *definition, virConnectPtr connection,
                           virDomainPtr domain)
{
    bool active = false;
    int result = check_persistent(definition, domain, "<serial type='pty'/>", &active);

    if (result == 0)
        result = redefine(definition, connection, domain, edit_serial,
                          " has a serial port in its stored definition already", "");
    if (result < 0)
        return result;
    if (asprintf(
            &definition->xml,
            active
                ? "%s has a serial port from its next start on; a reboot or reset is not enough: "
                  "power it off and on"
                : "%s has a serial port from its next start on",
            virDomainGetName(domain)) < 0)
        definition->xml = NULL;
    return 0;
}

/* ---- tags ---- */

/* What is running and what is stored may have other elements: each has its own changed. */
static int change_tags_in(struct definition *definition, virDomainPtr domain, unsigned flags)
{
    CLEANUP_FREE char *edited = NULL;
    CLEANUP_FREE char *text =
        virDomainGetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, VBMC_METADATA_URI, flags);
    const virError *error = text ? NULL : virGetLastError();

    if (error && error->code != VIR_ERR_NO_DOMAIN_METADATA)
        return last_error(definition);
    int result = domxml_change_tags(text, definition->changes, definition->change_count, &edited);
    if (result < 0)
        snprintf(definition->text, sizeof definition->text,
                 result == -ERANGE   ? "a domain has at most 64 tags, and 64 KiB of them"
                 : result == -EINVAL ? "its metadata cannot be edited"
                                     : "out of memory");
    else if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT, edited, "vbmc",
                                  VBMC_METADATA_URI, flags) < 0)
        result = last_error(definition);
    return result == -EINVAL ? -EIO : result;
}

static int work_change_tags(struct definition *definition, virConnectPtr connection,
                            virDomainPtr domain)
{
    int persistent = virDomainIsPersistent(domain), active = virDomainIsActive(domain);
    int result = persistent < 0 || active < 0 ? last_error(definition) : 0;

    (void)connection;
    if (result == 0 && persistent)
        result = change_tags_in(definition, domain, VIR_DOMAIN_AFFECT_CONFIG);
    if (result == 0 && active)
        result = change_tags_in(definition, domain, VIR_DOMAIN_AFFECT_LIVE);
    return result;
}

static void run(struct worker_job *job, virConnectPtr connection)
{
    struct definition *definition = CONTAINER_OF(job, struct definition, job);
    virDomainPtr domain;

    definition->result = virt_look_up(connection, &definition->uuid, &domain, definition->text,
                                      sizeof definition->text);
    if (!domain)
        return;
    definition->result = definition->work(definition, connection, domain);
    virDomainFree(domain);
}

static void answer(struct definition *definition)
{
    definition->done(definition->context, definition->result,
                     definition->result < 0 ? definition->text : definition->xml);
    free(definition->xml);
    host_tags_free(definition->changes, definition->change_count);
    free(definition);
}

static void looked(void *context, int result, const char *text)
{
    (void)result;
    (void)text;
    answer(context);
}

/* Looked at before the caller is answered, so that the result is visible here too. */
static void job_done(struct worker_job *job)
{
    struct definition *definition = CONTAINER_OF(job, struct definition, job);

    if (definition->result == 0 && definition->work != work_dump &&
        !hypervisor_is_stopping(definition->hypervisor))
        hypervisor_look_at(definition->hypervisor, &definition->uuid, looked, definition);
    else
        answer(definition);
}

static struct definition *new_definition(struct hypervisor *hypervisor, hypervisor_done_fn *done,
                                         void *context)
{
    struct definition *definition = calloc(1, sizeof *definition);

    if (!definition) {
        done(context, -ENOMEM, "out of memory");
        return NULL;
    }
    definition->hypervisor = hypervisor;
    definition->done = done;
    definition->context = context;
    definition->job.run = run;
    definition->job.done = job_done;
    return definition;
}

void hypervisor_define(struct hypervisor *hypervisor, const char *xml, hypervisor_done_fn *done,
                       void *context)
{
    struct definition *definition = new_definition(hypervisor, done, context);

    if (!definition)
        return;
    definition->job.run = run_define;
    definition->xml = strdup(xml);
    if (!definition->xml) {
        free(definition);
        done(context, -ENOMEM, "out of memory");
        return;
    }
    worker_submit_action(hypervisor_worker(hypervisor), &definition->job);
}

void hypervisor_undefine(struct virt_domain *domain, bool keep_nvram, hypervisor_done_fn *done,
                         void *context)
{
    struct definition *definition = new_definition(domain->hypervisor, done, context);

    if (!definition)
        return;
    definition->work = work_undefine;
    definition->keep_nvram = keep_nvram;
    definition->uuid = domain->host.uuid;
    worker_submit_action(hypervisor_worker(domain->hypervisor), &definition->job);
}

/* Each reads, edits and writes back: of one domain one at a time. The first of a domain in this
 * list is under way. */
static struct definition *tag_changes;

static bool is_of_same_domain(const struct definition *one, const struct definition *other)
{
    return one->hypervisor == other->hypervisor && uuid_equal(&one->uuid, &other->uuid);
}

static void tags_changed(struct worker_job *job)
{
    struct definition *definition = CONTAINER_OF(job, struct definition, job);
    struct definition **link = &tag_changes, *next = definition->next;

    while (*link != definition)
        link = &(*link)->next;
    *link = definition->next;
    while (next && !is_of_same_domain(next, definition))
        next = next->next;
    job_done(job);
    if (next && hypervisor_is_stopping(next->hypervisor)) { /* whose threads may have ended */
        next->job.run(&next->job, NULL);
        tags_changed(&next->job);
    } else if (next) {
        worker_submit_action(hypervisor_worker(next->hypervisor), &next->job);
    }
}

void hypervisor_change_tags(struct virt_domain *domain, const struct host_tag *changes,
                            size_t count, hypervisor_done_fn *done, void *context)
{
    struct definition *definition = new_definition(domain->hypervisor, done, context), **link;
    bool waits = false;

    if (!definition)
        return;
    definition->work = work_change_tags;
    definition->job.done = tags_changed;
    definition->uuid = domain->host.uuid;
    definition->changes = host_tags_copy(changes, count);
    definition->change_count = count;
    if (!definition->changes) {
        free(definition);
        done(context, -ENOMEM, "out of memory");
        return;
    }
    for (link = &tag_changes; *link; link = &(*link)->next)
        waits |= is_of_same_domain(*link, definition);
    *link = definition;
    if (!waits)
        worker_submit_action(hypervisor_worker(domain->hypervisor), &definition->job);
}

void hypervisor_dump_xml(struct virt_domain *domain, bool inactive, hypervisor_done_fn *done,
                         void *context)
{
    struct definition *definition = new_definition(domain->hypervisor, done, context);

    if (!definition)
        return;
    definition->work = work_dump;
    definition->uuid = domain->host.uuid;
    definition->inactive = inactive;
    worker_submit_action(hypervisor_worker(domain->hypervisor), &definition->job);
}

void hypervisor_add_serial(struct virt_domain *domain, hypervisor_done_fn *done, void *context)
{
    struct definition *definition = new_definition(domain->hypervisor, done, context);

    if (!definition)
        return;
    definition->work = work_add_serial;
    definition->uuid = domain->host.uuid;
    worker_submit_action(hypervisor_worker(domain->hypervisor), &definition->job);
}

void hypervisor_set_inband(struct virt_domain *domain, const char *front_end, const char *socket,
                           bool if_other, hypervisor_done_fn *done, void *context)
{
    struct definition *definition = new_definition(domain->hypervisor, done, context);

    if (!definition)
        return;
    definition->work = work_inband;
    definition->if_other = if_other;
    definition->uuid = domain->host.uuid;
    snprintf(definition->front_end, sizeof definition->front_end, "%s", front_end ? front_end : "");
    snprintf(definition->socket, sizeof definition->socket, "%s", socket);
    worker_submit_action(hypervisor_worker(domain->hypervisor), &definition->job);
}
