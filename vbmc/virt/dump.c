#include "vbmc/virt/dump.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/virt/error.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/hypervisor_internal.h"
#include "vbmc/virt/domain.h"
#include "vbmc/virt/lookup.h"
#include "vbmc/virt/properties.h"
#include "vbmc/virt/worker.h"

#define PROGRESS_MS 1000

static_assert(DUMPS_MAX <= WORKER_LONG_MAX, "none waits for another, nor does its look");

struct virt_dump {
    struct worker_job job;
    struct virt_dump *next; /* of the hypervisor's */
    struct hypervisor *hypervisor;
    struct uuid uuid;
    char *path;
    bool is_local;
    uv_timer_t timer; /* asks for progress */
    host_progress_fn *progress;
    host_done_fn *done;
    void *context;
    int result;
    char text[2 * WORKER_TEXT_SIZE];
    /* A second job beside the dump itself. */
    struct worker_job look;
    bool looking;
    bool over; /* the dump's own job is done: freed after the look */
    uint64_t done_bytes;
    uint64_t total_bytes; /* 0: not known */
};

/* ---- the path ---- */

/* libvirt would follow a symbolic link in place of the file. A sticky directory (/tmp) is safe:
 * there the kernel does not follow links of other users (fs.protected_symlinks). */
static bool is_open_to_all(const char *path)
{
    CLEANUP_FREE char *directory = strndup(path, (size_t)(strrchr(path, '/') - path) + 1);
    struct stat info;

    return directory && stat(directory, &info) == 0 && (info.st_mode & S_IWOTH) &&
           !(info.st_mode & S_ISVTX);
}

const char *dump_check_path(const char *path, bool is_local, int *result)
{
    const char *problem = host_dump_path_problem(path);
    struct stat info;

    *result = -EINVAL;
    if (problem || !is_local)
        return problem;
    if (is_open_to_all(path))
        return "anyone may replace files in that directory: choose another one";
    if (lstat(path, &info) == 0) {
        *result = -EEXIST;
        return "the file exists already";
    }
    return NULL;
}

/* ---- action threads ---- */

static int last_error(struct virt_dump *dump)
{
    return virt_last_error(dump->text, sizeof dump->text);
}

static bool is_off(virDomainPtr domain)
{
    return virDomainIsActive(domain) == 0;
}

static int write_dump(struct virt_dump *dump, virDomainPtr domain)
{
    int failed = virDomainCoreDumpWithFormat(
        domain, dump->path, VIR_DOMAIN_CORE_DUMP_FORMAT_KDUMP_ZLIB, VIR_DUMP_MEMORY_ONLY);

    if (failed == 0) {
        snprintf(dump->text, sizeof dump->text, "written as a compressed kdump file (kdump-zlib)");
        return 0;
    }
    int result = last_error(dump);
    if (result == -ENOTSUP) {
        failed = virDomainCoreDump(domain, dump->path, VIR_DUMP_MEMORY_ONLY);
        result = failed ? last_error(dump) : 0;
        if (!failed)
            snprintf(dump->text, sizeof dump->text,
                     "written as an ELF core file: this QEMU cannot write compressed kdump files");
    }
    if (failed && result != -EHOSTUNREACH && is_off(domain)) {
        snprintf(dump->text, sizeof dump->text, "the guest is off");
        result = -EINVAL;
    }
    return result;
}

static void run(struct worker_job *job, virConnectPtr connection)
{
    struct virt_dump *dump = CONTAINER_OF(job, struct virt_dump, job);

    virDomainPtr domain;

    dump->result = virt_look_up(connection, &dump->uuid, &domain, dump->text, sizeof dump->text);
    if (!domain)
        return;
    /* Here, since a file system may be slow to answer. */
    const char *refused = dump_check_path(dump->path, dump->is_local, &dump->result);
    if (refused)
        snprintf(dump->text, sizeof dump->text, "%s", refused);
    else
        dump->result = write_dump(dump, domain);
    virDomainFree(domain);
}

static void read_progress(struct virt_dump *dump, virDomainPtr domain)
{
    virTypedParameterPtr parameters = NULL;
    unsigned long long done = 0, total = 0;
    int count = 0, type = VIR_DOMAIN_JOB_NONE;

    dump->total_bytes = 0;
    if (virDomainGetJobStats(domain, &type, &parameters, &count, 0) < 0)
        return;
    if (type != VIR_DOMAIN_JOB_NONE &&
        virTypedParamsGetULLong(parameters, count, VIR_DOMAIN_JOB_MEMORY_PROCESSED, &done) == 1 &&
        virTypedParamsGetULLong(parameters, count, VIR_DOMAIN_JOB_MEMORY_TOTAL, &total) == 1) {
        dump->done_bytes = done;
        dump->total_bytes = total;
    }
    virTypedParamsFree(parameters, count);
}

static void run_look(struct worker_job *job, virConnectPtr connection)
{
    struct virt_dump *dump = CONTAINER_OF(job, struct virt_dump, look);
    char text[WORKER_TEXT_SIZE];
    virDomainPtr domain;

    dump->total_bytes = 0;
    if (virt_look_up(connection, &dump->uuid, &domain, text, sizeof text) < 0)
        return;
    read_progress(dump, domain);
    virDomainFree(domain);
}

/* ---- the loop ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct virt_dump *dump = CONTAINER_OF((uv_timer_t *)handle, struct virt_dump, timer);

    free(dump->path);
    free(dump);
}

static void release(struct virt_dump *dump)
{
    if (dump->over && !dump->looking)
        uv_close((uv_handle_t *)&dump->timer, on_timer_closed);
}

static void look_done(struct worker_job *job)
{
    struct virt_dump *dump = CONTAINER_OF(job, struct virt_dump, look);

    dump->looking = false;
    if (!dump->over && dump->total_bytes > 0)
        dump->progress(dump->context, dump->done_bytes, dump->total_bytes);
    release(dump);
}

static void on_tick(uv_timer_t *timer)
{
    struct virt_dump *dump = CONTAINER_OF(timer, struct virt_dump, timer);

    if (dump->looking || dump->over || hypervisor_is_stopping(dump->hypervisor))
        return;
    dump->looking = true;
    dump->look.run = run_look;
    dump->look.done = look_done;
    worker_submit_long(dump->hypervisor->worker, WORKER_LONG_PROGRESS, &dump->look);
}

static void job_done(struct worker_job *job)
{
    struct virt_dump *dump = CONTAINER_OF(job, struct virt_dump, job);
    struct virt_dump **link = &dump->hypervisor->dumps;

    while (*link != dump)
        link = &(*link)->next;
    *link = dump->next;
    dump->over = true;
    uv_timer_stop(&dump->timer);
    if (dump->result < 0)
        log_warning("memory dump to %s: %s", dump->path, dump->text);
    else
        log_info("memory dump to %s: %s", dump->path, dump->text);
    dump->done(dump->context, dump->result, dump->text);
    release(dump);
}

static struct virt_dump *new_dump(struct virt_domain *domain, const char *path)
{
    struct virt_dump *dump = calloc(1, sizeof *dump);

    if (!dump)
        return NULL;
    dump->path = strdup(path);
    if (!dump->path) {
        free(dump);
        return NULL;
    }
    dump->hypervisor = domain->hypervisor;
    dump->uuid = domain->host.uuid;
    dump->is_local = hypervisor_is_local(domain->hypervisor);
    dump->job.run = run;
    dump->job.done = job_done;
    dump->next = domain->hypervisor->dumps;
    domain->hypervisor->dumps = dump;
    uv_timer_init(hypervisor_loop(domain->hypervisor), &dump->timer);
    return dump;
}

/* Why none of the domain may begin now; NULL if it may. */
static const char *find_obstacle(const struct virt_domain *domain)
{
    unsigned count = 0;

    for (const struct virt_dump *dump = domain->hypervisor->dumps; dump; dump = dump->next) {
        if (uuid_equal(&dump->uuid, &domain->host.uuid))
            return "its memory is being dumped already: try again later";
        count++;
    }
    return count < DUMPS_MAX ? NULL : "two memory dumps are being written already: try again later";
}

void virt_dump(struct host_domain *host, const char *path, host_progress_fn *progress,
               host_done_fn *done, void *context)
{
    struct virt_domain *domain = virt_domain_of_host(host);
    const char *obstacle = find_obstacle(domain);

    if (obstacle) {
        done(context, -EBUSY, obstacle);
        return;
    }
    struct virt_dump *dump = new_dump(domain, path);
    if (!dump) {
        done(context, -ENOMEM, "out of memory");
        return;
    }
    dump->progress = progress;
    dump->done = done;
    dump->context = context;
    log_info("%s: memory dump to %s", domain->host.name, dump->path);
    uv_timer_start(&dump->timer, on_tick, PROGRESS_MS, PROGRESS_MS);
    worker_submit_long(dump->hypervisor->worker, WORKER_LONG_DUMP, &dump->job);
}
