#include "vbmc/instance/configure.h"

#include <string.h>

#include "vbmc/base/log.h"
#include "vbmc/bmc/lockout.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/config/config.h"
#include "vbmc/console/console.h"
#include "vbmc/inband/inband.h"
#include "vbmc/inband/interface.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/network.h"
#include "vbmc/platform/platform.h"
#include "vbmc/rmcp/server.h"

#define SESSION_TOLERANCE_MS                                                                       \
    3000 /* beside the configured time-out (section 6.12.15: 60 s +/- 3 s) */

static void fill_users(const struct instance *instance, const struct config *config,
                       struct users *users)
{
    const struct store_bmc *record = &instance->record;

    if (record->username && record->password) {
        users->own_account = true;
        if (users_add(users, record->username, record->password, PRIVILEGE_ADMINISTRATOR) < 0)
            log_error("%s: user name or password not valid for IPMI", record->name);
        return;
    }
    for (size_t i = 0; i < config->user_count; i++)
        users_add(users, config->users[i].name, config->users[i].password, config->users[i].limit);
}

/* What clients changed of accounts that are configured otherwise now is stored no more. */
static void configure_users(struct instance *instance, const struct config *config)
{
    const struct bmc_core *core = &instance->bmc.core;
    struct users users;
    uint16_t renewed;

    users_init(&users, NULL);
    fill_users(instance, config, &users);
    int stale = users_configure(&instance->bmc.users, &users, &renewed);
    users_clear(&users);
    lockout_release(&instance->bmc.lockout, renewed, NULL);
    if (stale < 0)
        log_error("%s: out of memory for its accounts", instance->record.name);
    if (stale > 0) {
        log_info("%s: %d changes of accounts by clients end: vbmc.conf has other values",
                 instance->record.name, stale);
        core->hooks->changed(core, BMC_PART_USERS, NULL);
    }
}

void instance_configure(struct instance *instance, const struct config *config)
{
    const struct config_domain *section =
        config_find_domain(config, instance->record.name, &instance->record.uuid);
    const struct channel *channel = section ? &section->channel : &config->bmc.channel;

    configure_users(instance, config);
    instance_forget_network(instance);
    bool changed = lan_configure(&instance->bmc.lan, channel, config->bmc.lan_address_writable);
    if (instance->bmc.sel)
        sel_set_policy(instance->bmc.sel, config->bmc.sel_full);
    const struct server_settings server = config_server_of(config, section, &instance->declared);
    platform_configure(instance->bmc.platform, &server);
    instance->bmc.manufacturer = config->bmc.manufacturer;
    if (instance->session_timeout_s != config->bmc.session_timeout_s) {
        instance->session_timeout_s = config->bmc.session_timeout_s;
        rmcp_server_set_idle_ms(instance->rmcp, instance->session_timeout_s * UINT64_C(1000) +
                                                    SESSION_TOLERANCE_MS);
    }
    instance->inband_read_only = config->bmc.inband_read_only;
    if (instance->inband)
        inband_interface_set_read_only(inband_interface(instance->inband),
                                       instance->inband_read_only);
    if (changed)
        rmcp_server_end_all_sessions(instance->rmcp);
    if (console_configure(instance->console, config, instance->record.name, &instance->record.uuid,
                          &instance->declared) < 0)
        log_error("%s: out of memory for the console", instance->record.name);
}
