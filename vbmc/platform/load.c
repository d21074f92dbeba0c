/* From counters to load: what a guest did between two samples. */
#include <math.h>
#include <string.h>

#include "vbmc/platform/internal.h"
#include "vbmc/platform/platform.h"

/* A hypervisor that is slow once does not blank the sensors: a load holds for several periods of
 * sampling, which are as long as the configuration says. */
#define LOAD_VALID_PERIODS 3
#define LOAD_VALID_MS_MIN  15000
#define LOAD_VALID_MS_MAX  180000
#define NS_PER_S           1e9
#define NS_PER_MS          1000000

static double clamp_share(double share)
{
    return share > 1 ? 1 : share > 0 ? share : 0;
}

/* Counters may jump back when the hypervisor restarts or a disk is taken away. */
static double difference(uint64_t now, uint64_t before)
{
    return now > before ? (double)(now - before) : 0;
}

static void take_cpu(struct platform_load *load, const struct host_sample *now,
                     const struct host_sample *before, double elapsed_ns)
{
    double busy_ns = 0;
    unsigned vcpus = 0;

    for (unsigned i = 0; i < HOST_SOCKETS_MAX; i++) {
        double socket_ns = difference(now->socket_ns[i], before->socket_ns[i]);
        load->cpu[i] =
            now->socket_vcpus[i] ? clamp_share(socket_ns / elapsed_ns / now->socket_vcpus[i]) : 0;
        busy_ns += socket_ns;
        vcpus += now->socket_vcpus[i];
    }
    load->cpu_all = vcpus ? clamp_share(busy_ns / elapsed_ns / vcpus) : 0;
}

static void take_io(struct platform_load *load, const struct host_sample *now,
                    const struct host_sample *before, double elapsed_ns)
{
    double per_s = NS_PER_S / elapsed_ns;

    load->requests_per_s = difference(now->disk_requests, before->disk_requests) * per_s;
    load->disk_bytes_per_s = difference(now->disk_bytes, before->disk_bytes) * per_s;
    load->nic_bytes_per_s = difference(now->nic_bytes, before->nic_bytes) * per_s;
    /* As iostat has it: the share of the time in which a request was under way; with several at
     * once their times add up. */
    load->io = clamp_share(difference(now->disk_busy_ns, before->disk_busy_ns) / elapsed_ns);
}

static uint64_t valid_ms(uint64_t period_ns)
{
    uint64_t periods_ms = LOAD_VALID_PERIODS * (period_ns / NS_PER_MS);

    if (periods_ms < LOAD_VALID_MS_MIN)
        return LOAD_VALID_MS_MIN;
    return periods_ms < LOAD_VALID_MS_MAX ? periods_ms : LOAD_VALID_MS_MAX;
}

static bool is_same_load(const struct platform_load *a, const struct platform_load *b)
{
    bool same = a->known == b->known && a->cpu_all == b->cpu_all && a->memory == b->memory &&
                a->io == b->io && a->requests_per_s == b->requests_per_s &&
                a->disk_bytes_per_s == b->disk_bytes_per_s &&
                a->nic_bytes_per_s == b->nic_bytes_per_s;

    for (unsigned i = 0; i < HOST_SOCKETS_MAX; i++)
        same = same && a->cpu[i] == b->cpu[i];
    return same;
}

static double memory_share(const struct host_sample *sample)
{
    if (sample->memory_kib == 0)
        return -1;
    return clamp_share((double)sample->memory_used_kib / (double)sample->memory_kib);
}

/* A guest whose sample stands does nothing, also one that was seen by another BMC until now. */
static void follow_standing(struct platform *platform)
{
    const struct host_domain *host = platform->bmc->core.host;
    uint64_t now_ms = platform->bmc->core.hooks->now(&platform->bmc->core);
    bool stands = host && host->sample_stands;

    if (stands && (!platform->load.known || !platform->last.taken_ns)) {
        platform->last = host->sample;
        platform->load =
            (struct platform_load){.known = true, .memory = memory_share(&host->sample)};
        platform->load_valid_ms = LOAD_VALID_MS_MIN;
    }
    if (stands != platform->load_stands)
        platform->load_at_ms = now_ms;
    platform->load_stands = stands;
}

void platform_take_sample(struct platform *platform)
{
    const struct host_sample *now = &platform->bmc->core.host->sample, *before = &platform->last;
    struct platform_load *load = &platform->load;
    const struct platform_load previous = *load;

    if (before->taken_ns && now->run != before->run)
        platform_forget_samples(platform);
    load->memory = memory_share(now);
    if (before->taken_ns && now->taken_ns > before->taken_ns) {
        double elapsed_ns = (double)(now->taken_ns - before->taken_ns);
        take_cpu(load, now, before, elapsed_ns);
        take_io(load, now, before, elapsed_ns);
        load->known = true;
        platform->load_at_ms = platform->bmc->core.hooks->now(&platform->bmc->core);
        platform->load_valid_ms = valid_ms(now->taken_ns - before->taken_ns);
    }
    platform->last = *now;
    follow_standing(platform);
    if (!is_same_load(load, &previous))
        platform_wake_for_load(platform);
}

void platform_sample_stood(struct platform *platform)
{
    if (platform->last.taken_ns)
        platform->last.taken_ns = platform->bmc->core.host->sample.taken_ns;
    follow_standing(platform);
    platform_wake_for_load(platform);
}

void platform_forget_samples(struct platform *platform)
{
    platform->last.taken_ns = 0;
    platform->load = (struct platform_load){.memory = -1};
}

void platform_age_load(struct platform *platform, uint64_t now_ms)
{
    follow_standing(platform);
    if (platform_load_is_old(platform, now_ms))
        platform_forget_samples(platform);
}
