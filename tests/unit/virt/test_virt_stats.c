/* libvirt's statistics of a guest, as libvirt tells them and as nobody should. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/virt/stats.h"

static virTypedParameter params[64];
static int count;
static struct virt_stats stats;

static virTypedParameter *next(const char *field, int type)
{
    assert_true((size_t)count < ARRAY_SIZE(params));
    virTypedParameter *param = &params[count++];
    memset(param, 0xA5, sizeof *param);
    snprintf(param->field, sizeof param->field, "%s", field);
    param->type = type;
    return param;
}

static void ull(const char *field, unsigned long long value)
{
    next(field, VIR_TYPED_PARAM_ULLONG)->value.ul = value;
}

static void count_of(const char *field, unsigned value)
{
    next(field, VIR_TYPED_PARAM_UINT)->value.ui = value;
}

static void text(const char *field, char *value)
{
    next(field, VIR_TYPED_PARAM_STRING)->value.s = value;
}

static int read_stats(unsigned sockets)
{
    int result = virt_stats_read(params, count, sockets, &stats);

    count = 0;
    return result;
}

static void vcpus(unsigned current, unsigned maximum)
{
    count_of("vcpu.current", current);
    count_of("vcpu.maximum", maximum);
}

/* As libvirt 9.0 tells of QEMU 7.2. */
static void test_guest(void **state)
{
    (void)state;
    ull("cpu.time", 4000000000);
    ull("cpu.user", 3250000000);
    ull("balloon.current", 524288);
    ull("balloon.maximum", 524288);
    ull("balloon.rss", 222332);
    vcpus(2, 2);
    next("vcpu.0.state", VIR_TYPED_PARAM_INT)->value.i = 1;
    ull("vcpu.0.time", 3030000000);
    ull("vcpu.0.wait", 0);
    ull("vcpu.1.time", 580000000);
    count_of("net.count", 1);
    text("net.0.name", "vnet0");
    ull("net.0.rx.bytes", 1000);
    ull("net.0.rx.pkts", 10);
    ull("net.0.tx.bytes", 234);
    count_of("block.count", 2);
    text("block.0.name", "vda");
    ull("block.0.rd.reqs", 610);
    ull("block.0.rd.bytes", 15556096);
    ull("block.0.rd.times", 50943740);
    ull("block.0.wr.reqs", 5);
    ull("block.0.wr.bytes", 4096);
    ull("block.0.wr.times", 60);
    ull("block.0.fl.reqs", 2);
    ull("block.0.fl.times", 100);
    ull("block.0.capacity", 33554432);
    ull("block.1.rd.reqs", 1);
    assert_int_equal(read_stats(1), 0);
    assert_int_equal(stats.sample.vcpus, 2);
    assert_int_equal(stats.sample.socket_ns[0], 3610000000);
    assert_int_equal(stats.sample.socket_vcpus[0], 2);
    assert_int_equal(stats.sample.memory_kib, 0); /* the guest says nothing of it */
    assert_int_equal(stats.sample.disk_requests, 618);
    assert_int_equal(stats.sample.disk_bytes, 15560192);
    assert_int_equal(stats.sample.disk_busy_ns, 50943900);
    assert_int_equal(stats.sample.disk_count, 2);
    assert_int_equal(stats.sample.nic_bytes, 1234);
    assert_true(stats.has_disks && stats.has_nics);
    assert_int_equal(stats.sample.taken_ns, 0);
}

static void test_sockets(void **state)
{
    (void)state;
    vcpus(4, 4);
    ull("vcpu.0.time", 1);
    ull("vcpu.1.time", 10);
    ull("vcpu.2.time", 100);
    ull("vcpu.3.time", 1000);
    assert_int_equal(read_stats(2), 0);
    assert_int_equal(stats.sample.socket_ns[0], 11);
    assert_int_equal(stats.sample.socket_ns[1], 1100);
    assert_int_equal(stats.sample.socket_vcpus[1], 2);
    /* Of 6 on 3 sockets two are plugged in, the last one of them on the last socket. */
    vcpus(2, 6);
    ull("vcpu.0.time", 7);
    ull("vcpu.5.time", 8);
    assert_int_equal(read_stats(3), 0);
    assert_int_equal(stats.sample.vcpus, 2);
    assert_int_equal(stats.sample.socket_ns[0], 7);
    assert_int_equal(stats.sample.socket_ns[1], 0);
    assert_int_equal(stats.sample.socket_vcpus[1], 0);
    assert_int_equal(stats.sample.socket_ns[2], 8);
    assert_int_equal(read_stats(0), -ENODATA);
    assert_int_equal(read_stats(HOST_SOCKETS_MAX + 1), -ENODATA);
}

static void test_process_time(void **state)
{
    (void)state;
    ull("cpu.time", 4000);
    vcpus(4, 4);
    assert_int_equal(read_stats(2), 0);
    assert_int_equal(stats.sample.vcpus, 4);
    assert_int_equal(stats.sample.socket_ns[0], 2000);
    assert_int_equal(stats.sample.socket_ns[1], 2000);
    /* Nothing but a time. */
    ull("cpu.time", 4000);
    assert_int_equal(read_stats(1), 0);
    assert_int_equal(stats.sample.vcpus, 1);
    assert_int_equal(stats.sample.socket_ns[0], 4000);
    /* vCPUs that never take time in a process that does are not counted. */
    ull("cpu.time", 5000000000);
    vcpus(1, 1);
    ull("vcpu.0.time", 0);
    assert_int_equal(read_stats(1), 0);
    assert_int_equal(stats.sample.socket_ns[0], 5000000000);
    /* One that has just started is. */
    ull("cpu.time", 20000000);
    vcpus(1, 1);
    ull("vcpu.0.time", 0);
    assert_int_equal(read_stats(1), 0);
    assert_int_equal(stats.sample.socket_ns[0], 0);
    assert_int_equal(stats.sample.vcpus, 1);
    /* And there has to be one of them. */
    vcpus(1, 1);
    assert_int_equal(read_stats(1), -ENODATA);
    assert_int_equal(read_stats(1), -ENODATA); /* no fields at all */
}

static void test_memory(void **state)
{
    static const struct {
        long long current, available, usable, unused, rss; /* -1: not told */
        uint64_t kib, used_kib;
    } cases[] = {
        {1000, 900, 600, 500, 800, 900, 300}, /* what could be had counts, not what lies idle */
        {1000, 900, -1, 500, 800, 900, 400},  {1000, 900, -1, -1, 800, 0, 0},
        {1000, -1, 600, 500, 800, 0, 0},      {1000, 900, 901, -1, 800, 0, 0},
        {1000, 0, 0, -1, 800, 0, 0},          {1000, -1, -1, -1, 1800, 0, 0},
        {1000, -1, -1, -1, -1, 0, 0},         {-1, -1, -1, -1, 800, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct {
            const char *field;
            long long value;
        } fields[] = {
            {"balloon.current", cases[i].current}, {"balloon.available", cases[i].available},
            {"balloon.usable", cases[i].usable},   {"balloon.unused", cases[i].unused},
            {"balloon.rss", cases[i].rss},
        };
        for (size_t j = 0; j < ARRAY_SIZE(fields); j++) {
            if (fields[j].value >= 0)
                ull(fields[j].field, (unsigned long long)fields[j].value);
        }
        ull("cpu.time", 1);
        assert_int_equal(read_stats(1), 0);
        assert_int_equal(stats.sample.memory_kib, cases[i].kib);
        assert_int_equal(stats.sample.memory_used_kib, cases[i].used_kib);
    }
}

static void test_hostile(void **state)
{
    (void)state;
    ull("vcpu.0.time", 1); /* before its count */
    vcpus(7, 2);
    ull("vcpu.2.time", 1);
    ull("vcpu.99999.time", 1);
    ull("vcpu.4294967296.time", 1);
    ull("vcpu.-1.time", 1);
    ull("vcpu..time", 1);
    ull("vcpu.0", 1);
    ull("vcpu.0.", 1);
    ull("vcpu.0.time.more", 1);
    next("vcpu.0.time", VIR_TYPED_PARAM_DOUBLE)->value.d = 1;
    next("vcpu.0.time", 4711);
    text("vcpu.0.time", "1");
    next("vcpu.0.time", VIR_TYPED_PARAM_LLONG)->value.l = -1;
    next("vcpu.0.time", VIR_TYPED_PARAM_INT)->value.i = -1;
    memset(next("", VIR_TYPED_PARAM_ULLONG)->field, 'v', sizeof params[0].field);
    count_of("block.count", 100000);
    ull("block.0.rd.reqs", 1);
    next("net.count", VIR_TYPED_PARAM_INT)->value.i = -5;
    ull("net.0.rx.bytes", 1);
    assert_int_equal(read_stats(1), -ENODATA);
    assert_false(stats.has_disks || stats.has_nics);
    vcpus(UINT32_MAX, UINT32_MAX);
    ull("vcpu.0.time", 1);
    ull("cpu.time", 5);
    assert_int_equal(read_stats(8), 0);
    assert_int_equal(stats.sample.vcpus, 1);
    /* Sums stop at their end. */
    vcpus(1, 1);
    ull("vcpu.0.time", UINT64_MAX);
    ull("vcpu.0.time", UINT64_MAX);
    count_of("block.count", 1);
    ull("block.0.wr.bytes", UINT64_MAX);
    ull("block.0.rd.bytes", 2);
    assert_int_equal(read_stats(8), 0);
    assert_true(stats.sample.socket_ns[0] == UINT64_MAX);
    assert_true(stats.sample.disk_bytes == UINT64_MAX);
}

/* ---- from one to the next ---- */

static struct virt_stats counted(uint64_t cpu, uint64_t disk, uint64_t nic)
{
    return (struct virt_stats){
        .sample = {.vcpus = 1,
                   .socket_ns = {cpu},
                   .socket_vcpus = {1},
                   .disk_requests = disk,
                   .disk_bytes = 512 * disk,
                   .disk_busy_ns = 10 * disk,
                   .disk_count = 1,
                   .nic_bytes = nic,
                   .memory_kib = 100,
                   .memory_used_kib = 50},
        .has_disks = true,
        .has_nics = true,
    };
}

static struct virt_stats last;
static struct host_sample sample;

static void follow(struct virt_stats now)
{
    virt_stats_follow(&last, &now, &sample);
}

static void begin(void)
{
    last = (struct virt_stats){0};
    sample = (struct host_sample){.taken_ns = 4, .run = 5};
}

static void test_follow(void **state)
{
    (void)state;
    begin();
    follow(counted(1000, 10, 100));
    assert_int_equal(sample.socket_ns[0], 1000);
    assert_int_equal(sample.disk_bytes, 5120);
    assert_int_equal(sample.taken_ns, 4);
    assert_int_equal(sample.run, 5);
    follow(counted(1500, 12, 130));
    assert_int_equal(sample.socket_ns[0], 1500);
    assert_int_equal(sample.disk_requests, 12);
    assert_int_equal(sample.disk_bytes, 6144);
    assert_int_equal(sample.disk_busy_ns, 120);
    assert_int_equal(sample.nic_bytes, 130);
    assert_int_equal(sample.taken_ns, 4);
}

/* A disk and a NIC are unplugged, and with them what they had done. */
static void test_follow_unplugged(void **state)
{
    (void)state;
    begin();
    follow(counted(1000, 10, 100));
    follow(counted(1100, 3, 20));
    assert_int_equal(sample.disk_requests, 10);
    assert_int_equal(sample.nic_bytes, 100);
    follow(counted(1200, 5, 21));
    assert_int_equal(sample.disk_requests, 12);
    assert_int_equal(sample.disk_bytes, 6144);
    assert_int_equal(sample.nic_bytes, 101);
}

/* libvirt passes over what it would have to ask a busy QEMU for. */
static void test_follow_partly(void **state)
{
    (void)state;
    struct virt_stats part = {.sample = {.vcpus = 1, .socket_ns = {2000}, .socket_vcpus = {1}}};
    begin();
    follow(counted(1000, 10, 100));
    follow(part);
    assert_int_equal(sample.socket_ns[0], 2000);
    assert_int_equal(sample.disk_requests, 10);
    assert_int_equal(sample.nic_bytes, 100);
    assert_int_equal(sample.memory_kib, 100);
    assert_int_equal(sample.memory_used_kib, 50);
    follow(counted(3000, 11, 101));
    assert_int_equal(sample.disk_requests, 11);
    /* What has not been told before cannot have been done since the last time. */
    begin();
    follow(part);
    follow(counted(3000, 1000, 5000));
    assert_int_equal(sample.disk_requests, 0);
    assert_int_equal(sample.nic_bytes, 0);
    follow(counted(3000, 1001, 5002));
    assert_int_equal(sample.disk_requests, 1);
    assert_int_equal(sample.nic_bytes, 2);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_guest),
        cmocka_unit_test(test_sockets),
        cmocka_unit_test(test_process_time),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_follow),
        cmocka_unit_test(test_follow_unplugged),
        cmocka_unit_test(test_follow_partly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
