#include "tests/fake/fake_host.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static void begin(struct host_domain *domain, const struct fake_host_call *call)
{
    struct fake_host *host = (struct fake_host *)domain; /* its first member */

    assert(host->count < FAKE_HOST_CALLS_MAX);
    host->calls[host->count++] = *call;
    if (!host->waits)
        fake_host_finish(host, host->result);
}

static void power(struct host_domain *domain, enum host_power_action action,
                  unsigned cycle_interval_s, host_done_fn *done, void *context)
{
    begin(domain, &(struct fake_host_call){.kind = FAKE_HOST_POWER,
                                           .action = action,
                                           .cycle_interval_s = cycle_interval_s,
                                           .done = done,
                                           .context = context});
}

static void set_boot(struct host_domain *domain, const struct host_boot_override *override,
                     host_done_fn *done, void *context)
{
    begin(domain,
          &(struct fake_host_call){
              .kind = FAKE_HOST_SET_BOOT, .override = *override, .done = done, .context = context});
}

static void send_break(struct host_domain *domain, const char *alias, host_done_fn *done,
                       void *context)
{
    struct fake_host_call call = {.kind = FAKE_HOST_SEND_BREAK, .done = done, .context = context};

    snprintf(call.alias, sizeof call.alias, "%s", alias);
    begin(domain, &call);
}

static void set_link(struct host_domain *domain, const uint8_t mac[6], bool up, host_done_fn *done,
                     void *context)
{
    struct fake_host_call call = {
        .kind = FAKE_HOST_SET_LINK, .up = up, .done = done, .context = context};

    memcpy(call.mac, mac, sizeof call.mac);
    begin(domain, &call);
}

static void set_cpu_quota(struct host_domain *domain, unsigned permille, host_done_fn *done,
                          void *context)
{
    begin(domain, &(struct fake_host_call){.kind = FAKE_HOST_SET_CPU_QUOTA,
                                           .permille = permille,
                                           .done = done,
                                           .context = context});
}

static void cancel(struct host_domain *domain, void *context)
{
    struct fake_host *host = (struct fake_host *)domain;

    host->cancels++;
    for (unsigned i = 0; i < host->count; i++) {
        if (host->calls[i].context == context)
            host->calls[i].done = NULL;
    }
}

static const struct host_ops ops = {
    .power = power,
    .set_boot = set_boot,
    .send_break = send_break,
    .set_link = set_link,
    .set_cpu_quota = set_cpu_quota,
    .cancel = cancel,
};

void fake_host_init(struct fake_host *host, enum host_power_state state)
{
    static char name[] = "guest";

    *host = (struct fake_host){
        .domain = {.ops = &ops, .name = name, .state = state, .place = FAKE_HOST_PLACE},
        .hardware = {.sockets = 1, .vcpus = 1, .dimms = 1, .memory_kib = 1024 * 1024}};
    host->domain.hardware = &host->hardware;
}

void fake_host_finish(struct fake_host *host, int result)
{
    assert(host->finished < host->count);
    struct fake_host_call *call = &host->calls[host->finished++];
    host_done_fn *done = call->done;

    call->done = NULL;
    if (done)
        done(call->context, result, result ? "as the test says" : NULL);
}

const struct fake_host_call *fake_host_last(const struct fake_host *host)
{
    assert(host->count > 0);
    return &host->calls[host->count - 1];
}
