/* Power restore policy (IPMI 2.0, section 28.8): what a server does when its power comes back. For
 * a guest that is when its host has booted: once per boot of this machine, when a local hypervisor
 * is first connected, guests that are off are started if their policy says so. */
#include "vbmc/manager_internal.h"

#include <stdio.h>
#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/store/host.h"

/* The embedded driver keeps what it knew of running guests on disk, and finds out only after it is
 * connected that they are gone: a second look follows the first. */
#define SETTLED_MS 5000

#define BOOT_ID_PATH "/proc/sys/kernel/random/boot_id"

static void read_boot_id(char boot_id[STORE_BOOT_ID_SIZE])
{
    FILE *file = fopen(BOOT_ID_PATH, "re");

    boot_id[0] = '\0';
    if (!file)
        return;
    if (fgets(boot_id, STORE_BOOT_ID_SIZE, file))
        boot_id[strcspn(boot_id, "\n")] = '\0';
    fclose(file);
}

/* A first run ever is no return of power: nobody has set a policy yet. */
void manager_note_boot(struct manager *manager)
{
    char stored[STORE_BOOT_ID_SIZE], present[STORE_BOOT_ID_SIZE];
    struct store *store = manager->shared.store;

    read_boot_id(present);
    if (store_host_load_boot_id(store, stored) < 0 || strcmp(stored, present) == 0)
        return;
    manager->power_returned = stored[0] != '\0' && present[0] != '\0';
    store_host_put_boot_id(store, present, manager_report_store, NULL);
}

static bool policy_wants_on(const struct chassis *chassis)
{
    return chassis->restore_policy == POWER_RESTORE_ALWAYS_ON ||
           (chassis->restore_policy == POWER_RESTORE_PREVIOUS && chassis->was_on_last_run);
}

/* driver:///... has no host name: the hypervisor is this machine's. */
static bool is_local(const struct hypervisor *hypervisor)
{
    return strstr(hypervisor_uri(hypervisor), ":///") != NULL;
}

static void restore_power(struct manager *manager, struct hypervisor *hypervisor)
{
    static const struct bmc_ticket nobody;
    struct virt_domain *domain = NULL;

    while ((domain = hypervisor_next_domain(hypervisor, domain))) {
        struct instance *instance = bmcset_find_domain(&manager->set, domain);
        struct bmc *bmc = instance ? instance_bmc(instance) : NULL;
        if (!bmc || bmc_power_state(bmc) != HOST_POWER_OFF || !policy_wants_on(&bmc->chassis))
            continue;
        log_info("%s: power is back, and its restore policy wants it on", virt_domain_name(domain));
        chassis_control(bmc, HOST_POWER_ACTION_UP, 0, &nobody);
    }
}

static void on_settled(uv_timer_t *timer)
{
    struct manager *manager = timer->data;
    struct hypervisor *hypervisor = NULL;

    while ((hypervisor = manager_next_hypervisor(manager, hypervisor))) {
        if (hypervisor_is_up(hypervisor) && is_local(hypervisor))
            restore_power(manager, hypervisor);
    }
}

void manager_restore_power(struct manager *manager, struct hypervisor *hypervisor)
{
    if (!manager->power_returned || !is_local(hypervisor))
        return;
    restore_power(manager, hypervisor);
    uv_timer_start(&manager->restore, on_settled, SETTLED_MS, 0);
}
