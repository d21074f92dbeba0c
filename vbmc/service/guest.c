/* What is asked of a guest beside power and boot: pictures of its screen, and its memory. */
#include <stdio.h>
#include <stdlib.h>

#include "vbmc/service/runs.h"

struct shot {
    struct bmc_ticket ticket;
    service_picture_fn *take;
    void *context;
};

static void on_picture(void *context, int result, struct host_picture *picture, const char *text)
{
    struct shot *shot = context;

    if (result == 0)
        shot->take(shot->context, picture);
    bmc_ticket_finish_with(&shot->ticket, result, text);
    free(shot);
}

int service_run_screenshot(const struct service_call *call,
                           const union service_arguments *arguments)
{
    struct host_domain *host = call->bmc->core.host;
    struct shot *shot = host ? malloc(sizeof *shot) : NULL;

    if (!shot)
        return host ? -ENOMEM : -EHOSTUNREACH;
    *shot = (struct shot){*call->ticket, arguments->screenshot.take, arguments->screenshot.context};
    host_screenshot(host, on_picture, shot);
    return -EINPROGRESS;
}

struct dump {
    struct bmc_ticket ticket;
    host_progress_fn *progress;
    void *context;
};

static void on_progress(void *context, uint64_t done_bytes, uint64_t total_bytes)
{
    const struct dump *dump = context;

    dump->progress(dump->context, done_bytes, total_bytes);
}

static void on_dumped(void *context, int result, const char *text)
{
    struct dump *dump = context;

    bmc_ticket_finish_with(&dump->ticket, result, text);
    free(dump);
}

int service_run_dump(const struct service_call *call, const union service_arguments *arguments)
{
    struct host_domain *host = call->bmc->core.host;
    struct dump *dump = host ? malloc(sizeof *dump) : NULL;

    if (!dump)
        return host ? -ENOMEM : -EHOSTUNREACH;
    *dump = (struct dump){*call->ticket, arguments->dump.progress, arguments->dump.context};
    host_dump(host, arguments->dump.path, on_progress, on_dumped, dump);
    return -EINPROGRESS;
}

void service_describe_dump(const union service_arguments *arguments, char *text, size_t size)
{
    snprintf(text, size, "to %s", arguments->dump.path);
}
