#include "vbmc/virt/driver.h"

#include "vbmc/virt/adjustment.h"
#include "vbmc/virt/dump.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/operation.h"
#include "vbmc/virt/override.h"
#include "vbmc/virt/power.h"
#include "vbmc/virt/screenshot.h"
#include "vbmc/virt/serial_break.h"

static void cancel(struct host_domain *host, void *context)
{
    operation_cancel(virt_domain_of_host(host), context);
    serial_break_cancel(virt_domain_of_host(host), context);
    virt_adjustment_cancel(virt_domain_of_host(host), context);
}

static void detach(struct host_domain *host, void *context)
{
    operation_detach(virt_domain_of_host(host), context);
    serial_break_cancel(virt_domain_of_host(host), context);
    virt_adjustment_cancel(virt_domain_of_host(host), context);
}

const struct host_ops virt_domain_ops = {
    .power = power_begin,
    .set_boot = override_set,
    .send_break = serial_break_send,
    .set_link = virt_adjustment_set_link,
    .set_cpu_quota = virt_adjustment_set_cpu_quota,
    .screenshot = virt_screenshot,
    .dump = virt_dump,
    .cancel = cancel,
    .detach = detach,
};
