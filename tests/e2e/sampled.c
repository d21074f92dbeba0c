/* Preloaded: guests of libvirt's test driver have figures as those of QEMU have: CPU, memory, a
 * disk and a NIC. Of every VBMC_SAMPLED_BUSY-th guest (20 unless it is set) they go on from call to
 * call, of the others they stay. The records are made once: what they cost is not the daemon's. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libvirt/libvirt.h>

#define PARAMS 18

static virDomainStatsRecord *records;
static virDomainStatsRecordPtr *list;
static int count;
static unsigned busy_each, calls;

static void set(virTypedParameter *param, const char *field, unsigned long long value)
{
    snprintf(param->field, sizeof param->field, "%s", field);
    param->type = VIR_TYPED_PARAM_ULLONG;
    param->value.ul = value;
}

static void fill(virDomainStatsRecord *record)
{
    static const char *const zeros[] = {"block.0.rd.reqs", "block.0.rd.bytes", "block.0.rd.times",
                                        "block.0.wr.reqs", "block.0.wr.bytes", "block.0.wr.times",
                                        "block.0.fl.reqs", "block.0.fl.times", "net.0.rx.bytes",
                                        "net.0.tx.bytes"};
    virTypedParameter *param = record->params;

    set(param++, "cpu.time", 5000000000);
    set(param++, "vcpu.current", 1);
    set(param++, "vcpu.maximum", 1);
    set(param++, "vcpu.0.time", 5000000000);
    set(param++, "balloon.available", 1 << 20);
    set(param++, "balloon.unused", 1 << 19);
    set(param++, "block.count", 1);
    set(param++, "net.count", 1);
    for (size_t i = 0; i < sizeof zeros / sizeof zeros[0]; i++)
        set(param++, zeros[i], 0);
    record->nparams = (int)(param - record->params);
}

static int make_records(virConnectPtr connection)
{
    virDomainPtr *domains;
    const char *busy = getenv("VBMC_SAMPLED_BUSY");

    count = virConnectListAllDomains(connection, &domains, VIR_CONNECT_LIST_DOMAINS_ACTIVE);
    if (count < 0)
        return -1;
    busy_each = busy ? (unsigned)atoi(busy) : 20;
    records = calloc((size_t)count, sizeof *records);
    list = calloc((size_t)count, sizeof(virDomainStatsRecordPtr));
    for (int i = 0; i < count; i++) {
        list[i] = &records[i];
        records[i].dom = domains[i];
        records[i].params = calloc(PARAMS, sizeof *records[i].params);
        fill(&records[i]);
    }
    free(domains);
    return count;
}

/* Another share of a second each time, so that the readings never settle. */
static void work(virDomainStatsRecord *record)
{
    unsigned long long ns = 200000000 + calls * 7919 % 97 * 10000000ULL;

    record->params[0].value.ul += ns;
    record->params[3].value.ul += ns;
    for (int i = 8; i < record->nparams; i++)
        record->params[i].value.ul += 1000 + calls % 50;
}

int virConnectGetAllDomainStats(virConnectPtr connection, unsigned stats,
                                virDomainStatsRecordPtr **given, unsigned flags)
{
    (void)stats;
    (void)flags;
    if (!records && make_records(connection) < 0)
        return -1;
    calls++;
    for (int i = 0; i < count; i += (int)busy_each)
        work(&records[i]);
    *given = list;
    return count;
}

void virDomainStatsRecordListFree(virDomainStatsRecordPtr *given)
{
    if (given == list)
        return;
    void (*real)(virDomainStatsRecordPtr *) =
        (void (*)(virDomainStatsRecordPtr *))dlsym(RTLD_NEXT, "virDomainStatsRecordListFree");
    real(given);
}
