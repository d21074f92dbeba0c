#include "vbmc/config/keys.h"

#include <assert.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/nearest.h"
#include "vbmc/config/config.h"
#include "vbmc/config/secret.h"
#include "vbmc/config/server_value.h"
#include "vbmc/config/value.h"
#include "vbmc/physics/facility.h"

#define AT(section, member) offsetof(struct config_##section, member)
#define AT_FACILITY(member) offsetof(struct facility_settings, member)
#define WHOLE_STRUCTURE     0

static const char a_path[] = "expected a path";
static const char a_user[] = "expected a user name";
static const char an_address[] = "an address is numeric, such as 127.0.0.1 or ::1";
static const char a_port[] = "a port is 1 to 65535";
static const char a_privilege[] = "a privilege level is callback, user, operator or administrator";
static const char a_password[] = "a password is 1 to 20 bytes, or up to 64 for SSH alone";
static const char a_kg[] = "a channel key is 1 to 20 bytes of text, or 0x and 2 to 40 hex digits";
static const char some_suites[] = "cipher suites are numbers, such as 3 17";
static const char a_prefix[] = "a prefix is written ADDRESS/BITS, such as 127.1.0.0/16";
static const char a_size[] = "a size is a number with K or M, from 4K to 64M, such as 256K";
static const char a_console[] = "expected always or on-demand";
static const char a_listen[] = "expected ADDRESS:PORT, such as 127.0.0.1:6022 or [::1]:6022";

static const char a_redundancy[] = "expected N, N+1, 2N or 2N+1";
static const char a_needed[] = "expected 1 or 2, the number of PSUs that carry the server";
static const char some_feeds[] = "feeds are letters from A to D, such as A B";
static const char a_power_limit[] = "expected report or enforce";
static const char a_celsius[] = "expected degrees Celsius, from -20 to 100";
static const char some_seconds[] = "expected a number of seconds, from 0 to 86400";

#define S(name) CONFIG_SECTION_##name

const struct config_key config_keys[] = {
    {S(DAEMON), "state-dir", config_value_path, AT(daemon, state_dir), .wanted = a_path},
    {S(DAEMON), "runtime-dir", config_value_path, AT(daemon, runtime_dir), .wanted = a_path},
    {S(DAEMON), "log-level", config_value_log_level, AT(daemon, log_level),
     .wanted = "a log level is error, warning, info or debug"},
    {S(DAEMON), "log-file", config_value_path, AT(daemon, log_file), .wanted = a_path},
    {S(DAEMON), "compat", config_value_compat, AT(daemon, compat),
     .wanted = "expected none or openstack"},
    {S(DAEMON), "control-group", config_value_text, AT(daemon, control_group),
     .wanted = "expected the name of a group"},
    {S(DAEMON), "user", config_value_text, AT(daemon, user), .wanted = a_user},

    {S(HYPERVISOR), "uri", config_value_text, AT(hypervisor, uri),
     .wanted = "expected a libvirt URI, such as qemu:///system"},
    {S(HYPERVISOR), "sasl-username", config_value_text, AT(hypervisor, sasl_username),
     .wanted = a_user},
    {S(HYPERVISOR), "sasl-password", config_value_text, AT(hypervisor, sasl_password),
     .is_secret = true, .wanted = "expected a password"},
    {S(HYPERVISOR), "sample-period", config_value_period, AT(hypervisor, sample_period_s),
     .wanted = "expected a number of seconds, from 1 to 60"},

    {S(BMC), "discover", config_value_discover, AT(bmc, discover),
     .wanted = "expected all, tagged or none"},
    {S(BMC), "forget-after", config_value_seconds, AT(bmc, forget_after_s), .wanted = some_seconds},
    {S(BMC), "address", config_value_address, AT(bmc, address), .wanted = an_address},
    {S(BMC), "ports", config_value_ports, WHOLE_STRUCTURE, .excludes = "addresses",
     .wanted = "a port is 1 to 65535, a range is written FIRST-LAST"},
    {S(BMC), "addresses", config_value_addresses, WHOLE_STRUCTURE, .excludes = "ports",
     .wanted = a_prefix},
    {S(BMC), "port", config_value_port, AT(bmc, port), .wanted = a_port},
    {S(BMC), "cipher-suites", config_value_suites, AT(bmc, channel), .wanted = some_suites},
    {S(BMC), "ipmi-1.5", config_value_ipmi15, AT(bmc, channel.authentication_types),
     .wanted = "expected off, md5, or md5 straight"},
    {S(BMC), "kg", config_value_kg, AT(bmc, channel), .is_secret = true, .excludes = "kg-file",
     .wanted = a_kg},
    {S(BMC), "kg-file", config_value_kg_file, AT(bmc, channel), .excludes = "kg", .wanted = a_path},
    {S(BMC), "privilege-limit", config_value_privilege, AT(bmc, channel.limit),
     .wanted = a_privilege},
    {S(BMC), "lan-address", config_value_lan_address, AT(bmc, lan_address_writable),
     .wanted = "expected fixed or writable"},
    {S(BMC), "inband", config_value_inband, AT(bmc, inband_read_only),
     .wanted = "expected full or read-only"},
    {S(BMC), "session-timeout", config_value_timeout, AT(bmc, session_timeout_s),
     .wanted = "a session timeout is 10 to 3600 seconds"},
    {S(BMC), "manufacturer-id", config_value_manufacturer, AT(bmc, manufacturer),
     .wanted = "expected a private enterprise number, from 0 to 1048575"},
    {S(BMC), "console", config_value_console, AT(bmc, console), .wanted = a_console},
    {S(BMC), "console-history", config_value_history, AT(bmc, console_history), .wanted = a_size},
    {S(BMC), "console-replay", config_value_replay, AT(bmc, console_replay),
     .wanted = "expected a number of lines, from 0 to 10000"},
    {S(BMC), "console-log", config_value_path, AT(bmc, console_log), .wanted = a_path},
    {S(BMC), "console-log-size", config_value_history, AT(bmc, console_log_size), .wanted = a_size},
    {S(BMC), "console-log-files", config_value_log_files, AT(bmc, console_log_files),
     .wanted = "expected a number of files, from 0 to 1000"},
    {S(BMC), "sel-full", config_value_sel_full, AT(bmc, sel_full),
     .wanted = "expected drop-oldest or stop"},
    {S(BMC), "redundancy", config_value_redundancy, AT(bmc, server.supply.redundancy),
     .wanted = a_redundancy},
    {S(BMC), "psus-needed", config_value_needed, AT(bmc, server.supply.needed), .wanted = a_needed},
    {S(BMC), "psu-feeds", config_value_psu_feeds, AT(bmc, server.supply), .wanted = some_feeds},
    {S(BMC), "power-limit", config_value_power_limit, AT(bmc, server.enforce_power_limit),
     .wanted = a_power_limit},

    {S(FACILITY), "feeds", config_value_feeds, AT_FACILITY(feed_count), .wanted = some_feeds},
    {S(FACILITY), "ups-feeds", config_value_ups_feeds, AT_FACILITY(ups_feeds),
     .wanted = "expected none or feeds, such as A B"},
    {S(FACILITY), "ups-runtime", config_value_seconds, AT_FACILITY(ups_runtime_s),
     .wanted = some_seconds},
    {S(FACILITY), "ups-recharge", config_value_seconds, AT_FACILITY(ups_recharge_s),
     .wanted = some_seconds},
    {S(FACILITY), "generator", config_value_yes_no, AT_FACILITY(has_generator),
     .wanted = "expected yes or no"},
    {S(FACILITY), "generator-start", config_value_seconds, AT_FACILITY(generator_start_s),
     .wanted = some_seconds},
    {S(FACILITY), "inlet", config_value_celsius, AT_FACILITY(inlet_c), .wanted = a_celsius},
    {S(FACILITY), "warming", config_value_warming, AT_FACILITY(warming_c_per_min),
     .wanted = "expected degrees a minute, from 0.1 to 60"},
    {S(FACILITY), "hottest", config_value_celsius, AT_FACILITY(hottest_c), .wanted = a_celsius},
    {S(FACILITY), "cooling-time", config_value_minutes, AT_FACILITY(cooling_minutes),
     .wanted = "expected minutes, from 0.1 to 1440"},

    {S(SSH), "listen", config_value_listen, WHOLE_STRUCTURE, .wanted = a_listen},
    {S(SSH), "bmc-port", config_value_port, AT(ssh, bmc_port), .wanted = a_port},
    {S(SSH), "idle-timeout", config_value_idle, AT(ssh, idle_timeout_s),
     .wanted = "an idle time-out is 0 (none) or 10 to 86400 seconds"},

    {S(USER), "password", config_value_password, AT(user, password), .is_secret = true,
     .excludes = "password-file", .wanted = a_password},
    {S(USER), "password-file", config_value_password_file, AT(user, password),
     .excludes = "password", .wanted = a_path},
    {S(USER), "privilege", config_value_privilege, AT(user, limit), .wanted = a_privilege},
    {S(USER), "authorized-keys", config_value_path, AT(user, authorized_keys), .wanted = a_path},

    {S(DOMAIN), "enabled", config_value_yes_no, AT(domain, enabled),
     .wanted = "expected yes or no"},
    {S(DOMAIN), "address", config_value_address, AT(domain, address), .wanted = an_address},
    {S(DOMAIN), "port", config_value_port, AT(domain, port), .wanted = a_port},
    {S(DOMAIN), "console", config_value_console, AT(domain, console), .wanted = a_console},
    {S(DOMAIN), "serial", config_value_text, AT(domain, serial),
     .wanted = "expected the alias of a serial port, such as serial1"},
    {S(DOMAIN), "redundancy", config_value_redundancy, AT(domain, server.supply.redundancy),
     .wanted = a_redundancy},
    {S(DOMAIN), "psus-needed", config_value_needed, AT(domain, server.supply.needed),
     .wanted = a_needed},
    {S(DOMAIN), "psu-feeds", config_value_psu_feeds, AT(domain, server.supply),
     .wanted = some_feeds},
    {S(DOMAIN), "power-limit", config_value_power_limit, AT(domain, server.enforce_power_limit),
     .wanted = a_power_limit},
    {S(DOMAIN), "cipher-suites", config_value_suites, AT(domain, channel), .wanted = some_suites},
    {S(DOMAIN), "kg", config_value_kg, AT(domain, channel), .is_secret = true,
     .excludes = "kg-file", .wanted = a_kg},
    {S(DOMAIN), "kg-file", config_value_kg_file, AT(domain, channel), .excludes = "kg",
     .wanted = a_path},
};

#undef S

const size_t config_key_count = ARRAY_SIZE(config_keys);
static_assert(ARRAY_SIZE(config_keys) <= 128, "config_block.seen has a bit for each");

const struct config_key *config_key_find(enum config_section section, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].section == section && strcmp(config_keys[i].name, name) == 0)
            return &config_keys[i];
    }
    return NULL;
}

bool config_key_seen(const struct config_block *block, const char *name)
{
    const struct config_key *key = config_key_find(block->section, name);

    size_t index = key ? (size_t)(key - config_keys) : 0;

    return key && (block->seen[index / 64] >> index % 64 & 1);
}

void config_key_note(struct config_block *block, const struct config_key *key)
{
    size_t index = (size_t)(key - config_keys);

    block->seen[index / 64] |= UINT64_C(1) << index % 64;
}

const char *config_key_suggest(enum config_section section, const char *name)
{
    struct nearest nearest = nearest_begin(name);

    for (size_t i = 0; i < config_key_count; i++) {
        if (config_keys[i].section == section)
            nearest_offer(&nearest, config_keys[i].name);
    }
    return nearest.found;
}
