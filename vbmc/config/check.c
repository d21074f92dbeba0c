#include "vbmc/config/check.h"

#include <errno.h>
#include <string.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/base/hash.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/channel.h"
#include "vbmc/bmc/users.h"
#include "vbmc/config/config.h"
#include "vbmc/config/fail.h"
#include "vbmc/config/keys.h"
#include "vbmc/ssh/uri.h"

static int check_hypervisor(struct config_parse *parse, const struct config_block *block)
{
    const struct config_hypervisor *hypervisor = &parse->config->hypervisors[block->index];

    if (!hypervisor->uri)
        return config_fail(parse, block->line,
                           "[hypervisor %s]: has no uri; add one, such as uri = qemu:///system",
                           hypervisor->name);
    if (ssh_uri_is(hypervisor->uri)) {
        struct ssh_uri uri;
        char error[200];
        if (ssh_uri_parse(hypervisor->uri, &uri, error, sizeof error) < 0)
            return config_fail(parse, block->line, "[hypervisor %s]: %s", hypervisor->name, error);
        ssh_uri_clear(&uri);
    }
    if (!hypervisor->sasl_username != !hypervisor->sasl_password)
        return config_fail(parse, block->line,
                           "[hypervisor %s]: sasl-username and sasl-password go together",
                           hypervisor->name);
    return 0;
}

static int check_user(struct config_parse *parse, const struct config_block *block)
{
    if (!config_key_seen(block, "password") && !config_key_seen(block, "password-file"))
        return config_fail(parse, block->line,
                           "[user %s]: has no password; add password-file or password",
                           parse->config->users[block->index].name);
    const struct config_user *user = &parse->config->users[block->index];
    if (strlen(user->password) > USER_PASSWORD_MAX)
        log_warning("%s:%u: [user %s] has a password of %zu bytes: it can log in by SSH, not by "
                    "IPMI, which has at most %d",
                    parse->path, block->line, user->name, strlen(user->password),
                    USER_PASSWORD_MAX);
    return 0;
}

static int check_bmc(struct config_parse *parse, const struct config_block *block)
{
    parse->config->bmc.discover_given = config_key_seen(block, "discover");
    if (config_key_seen(block, "port") && !parse->config->bmc.has_addresses)
        return config_fail(parse, block->line,
                           "[bmc]: port goes with addresses; one port per BMC is set by ports");
    return 0;
}

/* The address and port that a domain explicitly has, as text; false if it is picked later. */
static bool explicit_place(const struct config *config, const struct config_domain *domain,
                           char place[ENDPOINT_TEXT_SIZE])
{
    union endpoint_address parsed;
    const char *address = domain->address;
    uint16_t port = domain->port;

    if (!address && !config->bmc.has_addresses)
        address = config->bmc.address;
    if (port == 0 && config->bmc.has_addresses)
        port = config->bmc.port;
    if (!domain->enabled || !address || port == 0 ||
        endpoint_address_parse(address, port, &parsed) < 0)
        return false;
    endpoint_address_format(&parsed, place);
    return true;
}

static int check_domain(struct config_parse *parse, const struct config_block *block)
{
    const struct config *config = parse->config;
    const struct config_domain *domain = &config->domains[block->index];
    char place[ENDPOINT_TEXT_SIZE], other[ENDPOINT_TEXT_SIZE];
    const struct hash_index_node *cursor = NULL;
    const void *position;

    if (!explicit_place(config, domain, place))
        return 0;
    uint64_t hash = hash_bytes(HASH_BEGIN, place, strlen(place));
    while ((position = hash_index_next(&parse->domains_by_place, hash, &cursor))) {
        const struct config_domain *taker = &config->domains[(uintptr_t)position - 1];
        if (explicit_place(config, taker, other) && strcmp(place, other) == 0)
            return config_fail(parse, block->line, "[domain %s]: %s is taken by [domain %s]",
                               domain->name, place, taker->name);
    }
    if (hash_index_add(&parse->domains_by_place, hash, (void *)(uintptr_t)(block->index + 1)) < 0)
        return config_fail(parse, block->line, "[domain %s]: %s", domain->name, strerror(ENOMEM));
    return 0;
}

static void inherit_channel(const struct config_parse *parse, const struct config_block *block)
{
    const struct channel *from = &parse->config->bmc.channel;
    struct channel *to = &parse->config->domains[block->index].channel;
    struct channel own = *to;

    *to = *from;
    if (config_key_seen(block, "cipher-suites")) {
        memcpy(to->suites, own.suites, sizeof to->suites);
        to->suite_count = own.suite_count;
    }
    if (own.has_kg) {
        to->has_kg = true;
        to->kg = own.kg;
    }
}

static void inherit_console(const struct config_parse *parse, const struct config_block *block)
{
    parse->config->domains[block->index].console_given = config_key_seen(block, "console");
    if (!config_key_seen(block, "console"))
        parse->config->domains[block->index].console = parse->config->bmc.console;
}

int config_check(struct config_parse *parse)
{
    if (parse->config->hypervisor_count == 0)
        return config_fail(parse, 0,
                           "no hypervisor; add a section [hypervisor local] with "
                           "uri = qemu:///system");
    for (size_t i = 0; i < parse->block_count; i++) {
        const struct config_block *block = &parse->blocks[i];
        int result = 0;
        switch (block->section) {
        case CONFIG_SECTION_HYPERVISOR:
            result = check_hypervisor(parse, block);
            break;
        case CONFIG_SECTION_USER:
            result = check_user(parse, block);
            break;
        case CONFIG_SECTION_BMC:
            result = check_bmc(parse, block);
            break;
        case CONFIG_SECTION_DOMAIN:
            result = check_domain(parse, block);
            inherit_channel(parse, block);
            inherit_console(parse, block);
            break;
        default:
            break;
        }
        if (result < 0)
            return result;
    }
    /* That tool shows only what was added, and its users' scripts count on it. */
    if (parse->config->daemon.compat == CONFIG_COMPAT_OPENSTACK &&
        !parse->config->bmc.discover_given)
        parse->config->bmc.discover = CONFIG_DISCOVER_NONE;
    return 0;
}
