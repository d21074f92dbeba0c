#include "vbmc/virt/stats.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "vbmc/base/array.h"

#define VCPUS_MAX   65535
#define DEVICES_MAX 4096 /* of a kind, in one guest */
/* Times are counted in jiffies: a vCPU of a guest that was just started may have used none. If the
 * guest has used more than this and no vCPU any, they are not counted. */
#define UNCOUNTED_NS UINT64_C(1000000000)

struct reading {
    struct virt_stats *stats;
    unsigned sockets;
    uint64_t vcpus; /* the most there can be: what indices are below */
    uint64_t vcpus_current;
    uint64_t disks, nics; /* the same */
    uint64_t vcpu_ns[HOST_SOCKETS_MAX];
    unsigned vcpu_count[HOST_SOCKETS_MAX];
    uint64_t vcpu_total_ns;
    bool has_vcpu;
    uint64_t cpu_ns;
    bool has_cpu;
    /* KiB */
    uint64_t available, usable, unused;
    bool has_available, has_usable, has_unused;
};

/* ---- single values ---- */

static bool value_of(const virTypedParameter *param, uint64_t *value)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_ULLONG:
        *value = param->value.ul;
        return true;
    case VIR_TYPED_PARAM_UINT:
        *value = param->value.ui;
        return true;
    case VIR_TYPED_PARAM_LLONG:
        *value = (uint64_t)param->value.l;
        return param->value.l >= 0;
    case VIR_TYPED_PARAM_INT:
        *value = (uint64_t)param->value.i;
        return param->value.i >= 0;
    default:
        return false;
    }
}

static void add(uint64_t *sum, uint64_t value)
{
    if (__builtin_add_overflow(*sum, value, sum))
        *sum = UINT64_MAX;
}

/* Takes "3.time" apart: the index to *index, the rest as the result; NULL if it is none. */
static const char *split_index(const char *text, uint64_t *index)
{
    size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 5 || text[digits] != '.')
        return NULL;
    *index = 0;
    for (size_t i = 0; i < digits; i++)
        *index = *index * 10 + (uint64_t)(text[i] - '0');
    return text + digits + 1;
}

/* ---- fields with an index ---- */

static void take_vcpu(struct reading *reading, uint64_t index, const char *field, uint64_t value)
{
    if (index >= reading->vcpus || strcmp(field, "time") != 0)
        return;
    uint64_t socket = index * reading->sockets / reading->vcpus;
    add(&reading->vcpu_ns[socket], value);
    add(&reading->vcpu_total_ns, value);
    reading->vcpu_count[socket]++;
    reading->has_vcpu = true;
}

static void take_disk(struct reading *reading, uint64_t index, const char *field, uint64_t value)
{
    static const struct {
        const char *field;
        size_t offset; /* of the sum, in struct host_sample */
    } sums[] = {
        {"rd.reqs", offsetof(struct host_sample, disk_requests)},
        {"wr.reqs", offsetof(struct host_sample, disk_requests)},
        {"fl.reqs", offsetof(struct host_sample, disk_requests)},
        {"rd.bytes", offsetof(struct host_sample, disk_bytes)},
        {"wr.bytes", offsetof(struct host_sample, disk_bytes)},
        {"rd.times", offsetof(struct host_sample, disk_busy_ns)},
        {"wr.times", offsetof(struct host_sample, disk_busy_ns)},
        {"fl.times", offsetof(struct host_sample, disk_busy_ns)},
    };

    if (index >= reading->disks)
        return;
    for (size_t i = 0; i < ARRAY_SIZE(sums); i++) {
        if (field[0] != sums[i].field[0] || strcmp(field, sums[i].field) != 0)
            continue;
        add((uint64_t *)((char *)&reading->stats->sample + sums[i].offset), value);
        reading->stats->has_disks = true;
    }
}

static void take_nic(struct reading *reading, uint64_t index, const char *field, uint64_t value)
{
    if (index >= reading->nics ||
        (strcmp(field, "rx.bytes") != 0 && strcmp(field, "tx.bytes") != 0))
        return;
    add(&reading->stats->sample.nic_bytes, value);
    reading->stats->has_nics = true;
}

static const struct {
    const char *prefix;
    void (*take)(struct reading *reading, uint64_t index, const char *field, uint64_t value);
} groups[] = {
    {"vcpu.", take_vcpu},
    {"block.", take_disk},
    {"net.", take_nic},
};

/* False: not a field of that kind. */
static bool take_indexed(struct reading *reading, const char *field, uint64_t value)
{
    for (size_t i = 0; i < ARRAY_SIZE(groups); i++) {
        uint64_t index = 0;
        if (field[0] != groups[i].prefix[0] ||
            strncmp(field, groups[i].prefix, strlen(groups[i].prefix)) != 0)
            continue;
        const char *rest = split_index(field + strlen(groups[i].prefix), &index);
        if (rest)
            groups[i].take(reading, index, rest, value);
        return rest != NULL;
    }
    return false;
}

/* ---- fields without ---- */

#define PLACE(member) offsetof(struct reading, member)

/* libvirt lists counts before the items counted. */
static const struct {
    const char *field;
    size_t value;
    size_t given; /* 0: none (the first member is no flag) */
    uint64_t most;
} plain[] = {
    {"cpu.time", PLACE(cpu_ns), PLACE(has_cpu), UINT64_MAX},
    {"vcpu.current", PLACE(vcpus_current), 0, VCPUS_MAX},
    {"vcpu.maximum", PLACE(vcpus), 0, VCPUS_MAX},
    {"block.count", PLACE(disks), 0, DEVICES_MAX},
    {"net.count", PLACE(nics), 0, DEVICES_MAX},
    {"balloon.available", PLACE(available), PLACE(has_available), UINT64_MAX},
    {"balloon.usable", PLACE(usable), PLACE(has_usable), UINT64_MAX},
    {"balloon.unused", PLACE(unused), PLACE(has_unused), UINT64_MAX},
};

static void take_plain(struct reading *reading, const char *field, uint64_t value)
{
    for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
        if (field[0] != plain[i].field[0] || strcmp(field, plain[i].field) != 0)
            continue;
        if (value > plain[i].most)
            return;
        *(uint64_t *)((char *)reading + plain[i].value) = value;
        if (plain[i].given)
            *(bool *)((char *)reading + plain[i].given) = true;
        return;
    }
}

static void take(struct reading *reading, const virTypedParameter *param)
{
    uint64_t value = 0;

    if (!memchr(param->field, '\0', sizeof param->field) || !value_of(param, &value))
        return;
    if (!take_indexed(reading, param->field, value))
        take_plain(reading, param->field, value);
}

/* ---- totals ---- */

/* vCPUs that are not counted separately share the time of the whole process. */
static void spread_cpu_time(struct reading *reading)
{
    uint64_t count = reading->vcpus_current;

    if (count == 0 || count > reading->vcpus)
        count = reading->vcpus;
    memset(reading->vcpu_count, 0, sizeof reading->vcpu_count);
    for (uint64_t i = 0; i < count; i++)
        reading->vcpu_count[i * reading->sockets / reading->vcpus]++;
    for (unsigned i = 0; i < reading->sockets; i++)
        reading->vcpu_ns[i] = reading->cpu_ns / count * reading->vcpu_count[i];
}

static int finish_processors(struct reading *reading)
{
    struct host_sample *sample = &reading->stats->sample;
    bool uncounted = !reading->has_vcpu || (reading->vcpu_total_ns == 0 && reading->has_cpu &&
                                            reading->cpu_ns > UNCOUNTED_NS);

    if (uncounted && !reading->has_cpu)
        return -ENODATA;
    if (reading->vcpus == 0)
        reading->vcpus = reading->vcpus_current ? reading->vcpus_current : 1;
    if (uncounted)
        spread_cpu_time(reading);
    for (unsigned i = 0; i < reading->sockets; i++) {
        sample->socket_ns[i] = reading->vcpu_ns[i];
        sample->socket_vcpus[i] = reading->vcpu_count[i];
        sample->vcpus += reading->vcpu_count[i];
    }
    return 0;
}

/* Only the guest's balloon driver knows. QEMU's resident memory is something else: it includes what
 * the guest has freed and QEMU itself, more than all of a small guest's memory. */
static void finish_memory(struct reading *reading)
{
    struct host_sample *sample = &reading->stats->sample;
    uint64_t unused = reading->has_usable ? reading->usable : reading->unused;

    if (reading->has_available && (reading->has_usable || reading->has_unused) &&
        reading->available > 0 && unused <= reading->available) {
        sample->memory_kib = reading->available;
        sample->memory_used_kib = reading->available - unused;
    }
}

int virt_stats_read(const virTypedParameter *params, int count, unsigned sockets,
                    struct virt_stats *stats)
{
    struct reading reading = {.stats = stats, .sockets = sockets};

    *stats = (struct virt_stats){0};
    if (sockets == 0 || sockets > HOST_SOCKETS_MAX)
        return -ENODATA;
    for (int i = 0; i < count; i++)
        take(&reading, &params[i]);
    int result = finish_processors(&reading);
    if (result < 0)
        return result;
    finish_memory(&reading);
    stats->sample.disk_count = reading.disks;
    return 0;
}

/* Bytes that hold nothing are zero in both; where they are not, one sample more is told. */
bool virt_stats_is_same(const struct virt_stats *left, const struct virt_stats *right)
{
    return memcmp((const void *)left, (const void *)right, sizeof *left) == 0;
}

/* ---- from one sample to the next ---- */

static void advance(uint64_t *sum, uint64_t before, uint64_t now)
{
    if (now > before)
        add(sum, now - before);
}

static void follow_disks(struct virt_stats *last, const struct virt_stats *now,
                         struct host_sample *sample)
{
    if (last->has_disks) {
        advance(&sample->disk_requests, last->sample.disk_requests, now->sample.disk_requests);
        advance(&sample->disk_bytes, last->sample.disk_bytes, now->sample.disk_bytes);
        advance(&sample->disk_busy_ns, last->sample.disk_busy_ns, now->sample.disk_busy_ns);
    }
    last->sample.disk_requests = now->sample.disk_requests;
    last->sample.disk_bytes = now->sample.disk_bytes;
    last->sample.disk_busy_ns = now->sample.disk_busy_ns;
    last->has_disks = true;
}

static void follow_nics(struct virt_stats *last, const struct virt_stats *now,
                        struct host_sample *sample)
{
    if (last->has_nics)
        advance(&sample->nic_bytes, last->sample.nic_bytes, now->sample.nic_bytes);
    last->sample.nic_bytes = now->sample.nic_bytes;
    last->has_nics = true;
}

void virt_stats_follow(struct virt_stats *last, const struct virt_stats *now,
                       struct host_sample *sample)
{
    bool is_first = last->sample.vcpus == 0;
    uint64_t taken_ns = sample->taken_ns, run = sample->run;

    if (is_first) {
        *last = *now;
        *sample = now->sample;
        sample->taken_ns = taken_ns;
        sample->run = run;
        return;
    }
    for (unsigned i = 0; i < HOST_SOCKETS_MAX; i++) {
        advance(&sample->socket_ns[i], last->sample.socket_ns[i], now->sample.socket_ns[i]);
        last->sample.socket_ns[i] = now->sample.socket_ns[i];
        last->sample.socket_vcpus[i] = sample->socket_vcpus[i] = now->sample.socket_vcpus[i];
    }
    sample->vcpus = last->sample.vcpus = now->sample.vcpus;
    if (now->has_disks)
        follow_disks(last, now, sample);
    if (now->has_nics)
        follow_nics(last, now, sample);
    last->sample.disk_count = sample->disk_count = now->sample.disk_count;
    last->sample.memory_kib = now->sample.memory_kib;
    last->sample.memory_used_kib = now->sample.memory_used_kib;
    if (now->sample.memory_kib > 0) {
        sample->memory_kib = now->sample.memory_kib;
        sample->memory_used_kib = now->sample.memory_used_kib;
    }
}
