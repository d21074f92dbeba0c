/* vbmc.conf: every error text, the sample of the manual, and the forms a text file comes in. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/fake/conf_files.h"
#include "vbmc/base/array.h"
#include "vbmc/config/config.h"

#define H   "[hypervisor local]\nuri = qemu:///system\n"
#define X10 "xxxxxxxxxx"
#define X50 X10 X10 X10 X10 X10

static const struct {
    const char *text;
    const char *error; /* behind the path of the file */
} errors[] = {
    /* Lines that libinih would cut or change. */
    {"[bmc]\naddress = " X50 X50 X50 X50 "\n", ":2: the line is too long: at most 199 bytes"},
    {"[domain " X50 "]\n", ":1: a section name is at most 49 bytes (a domain with a longer name is "
                           "written by its UUID)"},
    {"[bmc]\naddress = ::\n  port = 1\n",
     ":3: the line is indented, which would continue the one above; keys begin at the start of a "
     "line"},
    {"\naddress = ::\n", ":2: a key stands before the first section; write [SECTION] above"},
    {"[bmc\nport = 1\n", ":1: a section header has no ]; it is written [SECTION]"},
    {"[bmc] x\n", ":1: there is text behind the section header's ]"},
    {"[ ]\n", ":1: a section header without a name; it is written [SECTION]"},
    {"[domain a ;b]\n", ":1: a section name cannot hold \" ;\""},
    {"[bmc]\nnonsense\n[ssh]\n", ":2: neither a [SECTION] nor KEY = VALUE"},
    {"[bmc]\nnonsense", ":2: neither a [SECTION] nor KEY = VALUE"},
    {"[bmc]\n = 3\n", ":2: there is no key before the '='"},
    {"[user a]\npassword = a ;b\n",
     ":2: password: a blank with ; or # behind it would begin a comment; put the value into a file "
     "of its own and name it with password-file, comments above the line"},
    {"[user a]\npassword = a #b\n",
     ":2: password: a blank with ; or # behind it would begin a comment; put the value into a file "
     "of its own and name it with password-file, comments above the line"},
    {"[bmc]\nkg = a ;b\n", ":2: kg: a blank with ; or # behind it would begin a comment; put the "
                           "value into a file of its "
                           "own and name it with kg-file, comments above the line"},
    {"[hypervisor a]\nsasl-password = a ;b\n",
     ":2: sasl-password: a blank with ; or # behind it would begin a comment; put the value into a "
     "file of its own, comments above the line"},

    /* Sections. */
    {"[bmc]\n[ssh]\n[bmc]\n", ":3: [bmc]: stands already at line 1"},
    {"[bmc x]\n", ":1: [bmc x]: is written [bmc]"},
    {"[user]\n", ":1: [user]: is written [user NAME]"},
    {"[domain]\n", ":1: [domain]: is written [domain NAME]"},
    {H H, ":3: [hypervisor local]: there is one of that name already"},
    {"[user a]\npassword=x\n[user a]\n", ":3: [user a]: there is one of that name already"},
    {"[domain a]\n[domain  a]\n", ":2: [domain a]: there is one of that name already"},
    {"[domain 0a000000-0000-0000-0000-000000000001]\n"
     "[domain 0A000000-0000-0000-0000-000000000001]\n",
     ":2: [domain 0A000000-0000-0000-0000-000000000001]: there is one of that name already"},
    {"[user aaaaaaaaaaaaaaaaa]\n",
     ":1: [user aaaaaaaaaaaaaaaaa]: a user's name is at most 16 bytes"},
    {"[user a\tb]\n", ":1: [user]: the name has unprintable characters"},
    {"[user 1]\npassword=x\n[user 2]\npassword=x\n[user 3]\npassword=x\n[user 4]\npassword=x\n"
     "[user 5]\npassword=x\n[user 6]\npassword=x\n[user 7]\npassword=x\n[user 8]\npassword=x\n"
     "[user 9]\npassword=x\n[user 10]\npassword=x\n[user 11]\npassword=x\n[user 12]\npassword=x\n"
     "[user 13]\npassword=x\n[user 14]\npassword=x\n[user 15]\npassword=x\n",
     ":29: [user 15]: a BMC has at most 14 users"},
    {"", ": no hypervisor; add a section [hypervisor local] with uri = qemu:///system"},
    {"[hypervisor a]\n", ":1: [hypervisor a]: has no uri; add one, such as uri = qemu:///system"},
    {"[hypervisor a]\nuri=qemu+ssh://h/system?no_verify=1\n",
     ":1: [hypervisor a]: no_verify=1: the key of a host is always verified; take it out, and see "
     "that the host is in known_hosts"},
    {"[hypervisor a]\nuri=x\nsasl-username=u\n",
     ":1: [hypervisor a]: sasl-username and sasl-password go together"},
    {H "[user a]\n", ":3: [user a]: has no password; add password-file or password"},
    {H "[bmc]\nport = 1\n",
     ":3: [bmc]: port goes with addresses; one port per BMC is set by ports"},
    {H "[domain a]\nport = 7000\n[domain b]\nport = 7000\n",
     ":5: [domain b]: 127.0.0.1:7000 is taken by [domain a]"},
    {H "[domain a]\nport=7000\naddress=0:0::1\n[domain b]\nport=7000\naddress=::1\n",
     ":6: [domain b]: [::1]:7000 is taken by [domain a]"},
    {H "[domain a]\naddress=127.1.0.1\n[domain b]\naddress=127.1.0.1\n"
       "[bmc]\naddresses=127.1.0.0/16\n",
     ":5: [domain b]: 127.1.0.1:623 is taken by [domain a]"},

    /* Keys. */
    {"[bmc]\naddress=::\naddress=::\n", ":3: address: is given twice in this section"},
    {"[user a]\npassword=x\npassword-file=y\n",
     ":3: password-file: either this or password, not both"},
    {"[bmc]\nports=1-2\naddresses=127.1.0.0/16\n", ":3: addresses: either this or ports, not both"},
    {"[domain a]\nkg=x\nkg-file=y\n", ":3: kg-file: either this or kg, not both"},

    /* Values. */
    {"[daemon]\nstate-dir =\n", ":2: state-dir = : expected a path"},
    {"[daemon]\nlog-level = loud\n",
     ":2: log-level = loud: a log level is error, warning, info or debug"},
    {"[daemon]\ncompat = x\n", ":2: compat = x: expected none or openstack"},
    {"[daemon]\ncontrol-group =\n", ":2: control-group = : expected the name of a group"},
    {"[daemon]\nuser =\n", ":2: user = : expected a user name"},
    {"[hypervisor a]\nuri =\n", ":2: uri = : expected a libvirt URI, such as qemu:///system"},
    {"[bmc]\ndiscover = some\n", ":2: discover = some: expected all, tagged or none"},
    {"[bmc]\naddress = localhost\n",
     ":2: address = localhost: an address is numeric, such as 127.0.0.1 or ::1"},
    {"[bmc]\nports = 70000\n",
     ":2: ports = 70000: a port is 1 to 65535, a range is written FIRST-LAST"},
    {"[bmc]\nports = 0-5\n",
     ":2: ports = 0-5: a port is 1 to 65535, a range is written FIRST-LAST"},
    {"[bmc]\nports = 5-\n", ":2: ports = 5-: a port is 1 to 65535, a range is written FIRST-LAST"},
    {"[bmc]\nports = 1-2-3\n",
     ":2: ports = 1-2-3: a port is 1 to 65535, a range is written FIRST-LAST"},
    {"[bmc]\nports = 9-5\n", ":2: ports = 9-5: the range ends before it begins"},
    {"[bmc]\naddresses = 127.1.0.0\n",
     ":2: addresses = 127.1.0.0: a prefix is written ADDRESS/BITS, such as 127.1.0.0/16"},
    {"[bmc]\naddresses = 127.1.0.0/33\n",
     ":2: addresses = 127.1.0.0/33: a prefix is written ADDRESS/BITS, such as 127.1.0.0/16"},
    {"[bmc]\naddresses = 127.1.0.5/16\n", ":2: addresses = 127.1.0.5/16: the address has bits set "
                                          "behind the prefix; did you mean 127.1.0.0/16?"},
    {"[bmc]\naddresses = fd00::1/64\n", ":2: addresses = fd00::1/64: the address has bits set "
                                        "behind the prefix; did you mean fd00::/64?"},
    {"[bmc]\nport = 65536\n", ":2: port = 65536: a port is 1 to 65535"},
    {"[bmc]\ncipher-suites = 0\n",
     ":2: cipher-suites = 0: cipher suite 0 takes any password and is "
     "never offered; 1, 2, 3, 6, 7, 8, 11, 12, 15, 16 and 17 are supported"},
    {"[bmc]\ncipher-suites = 3 9\n", ":2: cipher-suites = 3 9: this cipher suite is not supported; "
                                     "1, 2, 3, 6, 7, 8, 11, 12, 15, 16 and 17 are supported"},
    {"[bmc]\ninband = no\n", ":2: inband = no: expected full or read-only"},
    {"[bmc]\nlan-address = yes\n", ":2: lan-address = yes: expected fixed or writable"},
    {"[bmc]\ncipher-suites = 3 3\n",
     ":2: cipher-suites = 3 3: cipher suites are numbers, such as 3 17"},
    {"[bmc]\ncipher-suites = x\n",
     ":2: cipher-suites = x: cipher suites are numbers, such as 3 17"},
    {"[bmc]\nipmi-1.5 = straight\n", ":2: ipmi-1.5 = straight: expected off, md5, or md5 straight"},
    {"[bmc]\nipmi-1.5 = md2\n", ":2: ipmi-1.5 = md2: expected off, md5, or md5 straight"},
    {"[bmc]\nipmi-1.5 = md5 md5\n", ":2: ipmi-1.5 = md5 md5: expected off, md5, or md5 straight"},
    {"[bmc]\nipmi-1.5 = md5 off\n", ":2: ipmi-1.5 = md5 off: expected off, md5, or md5 straight"},
    {"[bmc]\nkg = aaaaaaaaaaaaaaaaaaaaa\n",
     ":2: kg: a channel key is 1 to 20 bytes of text, or 0x and 2 to 40 hex digits"},
    {"[bmc]\nkg = 0x123\n",
     ":2: kg: a channel key is 1 to 20 bytes of text, or 0x and 2 to 40 hex digits"},
    {"[bmc]\nprivilege-limit = root\n",
     ":2: privilege-limit = root: a privilege level is callback, "
     "user, operator or administrator"},
    {"[bmc]\nsession-timeout = 9\n",
     ":2: session-timeout = 9: a session timeout is 10 to 3600 seconds"},
    {"[bmc]\nsession-timeout = 3601\n",
     ":2: session-timeout = 3601: a session timeout is 10 to 3600 seconds"},
    {"[bmc]\nmanufacturer-id = 1048576\n",
     ":2: manufacturer-id = 1048576: expected a private enterprise "
     "number, from 0 to 1048575"},
    {"[bmc]\nmanufacturer-id = 0x10\n", ":2: manufacturer-id = 0x10: expected a private enterprise "
                                        "number, from 0 to 1048575"},
    {"[bmc]\nconsole-history = 65M\n", ":2: console-history = 65M: a size is a number with K or M, "
                                       "from 4K to 64M, such as 256K"},
    {"[bmc]\nconsole-history = 8G\n", ":2: console-history = 8G: a size is a number with K or M, "
                                      "from 4K to 64M, such as 256K"},
    {"[ssh]\nlisten = 6022\n",
     ":2: listen = 6022: expected ADDRESS:PORT, such as 127.0.0.1:6022 or [::1]:6022"},
    {"[ssh]\nlisten = ::1:6022\n",
     ":2: listen = ::1:6022: expected ADDRESS:PORT, such as 127.0.0.1:6022 or [::1]:6022"},
    {"[user a]\npassword =\n", ":2: password: a password is 1 to 64 bytes, this has 0"},
    {"[user a]\npassword = "
     "12345678901234567890123456789012345678901234567890123456789012345\n",
     ":2: password: a password is 1 to 64 bytes, this has 65"},
    {"[user a]\nprivilege = oem\n",
     ":2: privilege = oem: a privilege level is callback, user, operator or administrator"},
    {"[domain a]\nenabled = true\n", ":2: enabled = true: expected yes or no"},
};

static void test_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        char error[CONFIG_ERROR_SIZE] = "", expected[CONFIG_ERROR_SIZE];
        struct config *config = NULL;

        conf_write_file("vbmc.conf", errors[i].text, 0600);
        snprintf(expected, sizeof expected, "%s%s", conf_file, errors[i].error);
        int result = config_load(conf_file, &config, error, sizeof error);
        assert_string_equal(error, expected);
        assert_int_equal(result, -EINVAL);
        assert_null(config);
    }
}

/* The sample of DESIGN.md, with the paths below our folder. */
static const char sample[] =
    "[daemon]\n"
    "state-dir   = /var/lib/vbmc        ; state.db, host keys\n"
    "runtime-dir = /run/vbmc            ; control.sock, one <uuid>.ipmi per guest with an in-band "
    "BMC\n"
    "log-level   = info\n"
    "\n"
    "[hypervisor local]                 ; any number of these\n"
    "uri = qemu:///system               ; qemu:///embed?root=DIR needs no libvirtd at all\n"
    "\n"
    "[bmc]                              ; defaults of every BMC\n"
    "discover = all                     ; all | tagged (those with our metadata) | none (only "
    "'vbmc "
    "add')\n"
    "address  = 127.0.0.1\n"
    "ports    = 6230-7229               ; one port per BMC ...\n"
    ";addresses = 127.1.0.0/16          ; ... or one address per BMC, port 623\n"
    "console-history = 256K\n"
    "\n"
    "[ssh]\n"
    "listen = 127.0.0.1:6022\n"
    ";bmc-port = 22                     ; with one address per BMC: that address, that BMC (off by "
    "default)\n"
    "\n"
    "[user admin]                       ; any number of these\n"
    "password-file = admin.password     ; or password = ...\n"
    "privilege = administrator          ; callback | user | operator | administrator\n"
    "authorized-keys = admin.pub\n"
    "\n"
    "[domain web01]                     ; overrides for one domain, by name or UUID\n"
    "port = 6230\n";

static void check_sample(const struct config *config)
{
    char text[ENDPOINT_TEXT_SIZE], path[128];

    assert_string_equal(config->path, conf_file);
    assert_string_equal(config->daemon.state_dir, "/var/lib/vbmc");
    assert_string_equal(config->daemon.runtime_dir, "/run/vbmc");
    assert_int_equal(config->daemon.log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->daemon.compat, CONFIG_COMPAT_NONE);
    assert_null(config->daemon.log_file);
    assert_null(config->daemon.control_group);
    assert_string_equal(config->daemon.user, "vbmc");
    assert_int_equal(config->hypervisor_count, 1);
    assert_string_equal(config->hypervisors[0].name, "local");
    assert_string_equal(config->hypervisors[0].uri, "qemu:///system");
    assert_int_equal(config->bmc.discover, CONFIG_DISCOVER_ALL);
    assert_string_equal(config->bmc.address, "127.0.0.1");
    assert_int_equal(config->bmc.port_first, 6230);
    assert_int_equal(config->bmc.port_last, 7229);
    assert_false(config->bmc.has_addresses);
    assert_int_equal(config->bmc.console_history, 256 * 1024);
    assert_int_equal(config->bmc.console, CONFIG_CONSOLE_ALWAYS);
    assert_int_equal(config->bmc.console_replay, 20);
    assert_null(config->bmc.console_log);
    assert_int_equal(config->bmc.console_log_size, 1024 * 1024);
    assert_int_equal(config->bmc.console_log_files, 4);
    assert_int_equal(config->ssh.idle_timeout_s, 0);
    assert_int_equal(config->bmc.session_timeout_s, 60);
    assert_int_equal(config->bmc.forget_after_s, 600);
    assert_int_equal(config->bmc.manufacturer, 32473);
    assert_int_equal(config->bmc.channel.suite_count, 2);
    assert_true(config->ssh.has_listen);
    endpoint_address_format(&config->ssh.listen, text);
    assert_string_equal(text, "127.0.0.1:6022");
    assert_int_equal(config->ssh.bmc_port, 0);
    assert_int_equal(config->user_count, 1);
    assert_string_equal(config->users[0].name, "admin");
    assert_string_equal(config->users[0].password, "sec;ret #1");
    assert_int_equal(config->users[0].limit, PRIVILEGE_ADMINISTRATOR);
    snprintf(path, sizeof path, "%s/admin.pub", conf_folder);
    assert_string_equal(config->users[0].authorized_keys, path);
    assert_int_equal(config->domain_count, 1);
    assert_string_equal(config->domains[0].name, "web01");
    assert_int_equal(config->domains[0].port, 6230);
    assert_true(config->domains[0].enabled);
    assert_null(config->domains[0].address);
    assert_true(channel_has_suite(&config->domains[0].channel, 17));
}

static void test_sample(void **state)
{
    (void)state;
    conf_write_file("admin.password", "sec;ret #1\n", 0600);
    CLEANUP_CONFIG struct config *config = conf_load(sample);
    check_sample(config);
}

/* The sample with carriage returns, a byte order mark, and without its last newline. */
static void test_forms_of_text(void **state)
{
    char text[2 * sizeof sample], *to = text;

    (void)state;
    conf_write_file("admin.password", "sec;ret #1\r\n", 0600);
    to = stpcpy(to, "\xef\xbb\xbf");
    for (const char *from = sample; *from; from++) {
        if (*from == '\n' && from[1])
            *to++ = '\r';
        if (*from != '\n' || from[1])
            *to++ = *from;
    }
    *to = '\0';
    CLEANUP_CONFIG struct config *config = conf_load(text);
    check_sample(config);
}

static void test_everything_else(void **state)
{
    (void)state;
    CLEANUP_CONFIG struct config *config = conf_load(
        "[domain 0A000000-0000-0000-0000-000000000001]\n"
        "  kg = 0x00ff10\n" /* the same depth throughout is no continuation */
        "  cipher-suites = 1 2 3 6 7 8 11 12 15 16 17\n"
        "  address = ::ffff:127.0.0.1\n"
        "[domain off]\nenabled = no\nconsole = always\nserial = serial1\n"
        "[daemon]\nlog-file = log/vbmc.log\ncompat=openstack\ncontrol-group=libvirt\nuser=joe\n"
        "[hypervisor far]\nuri: qemu+tcp://far/system?a=b\n"
        "sasl-username=u\nsasl-password=p;q#r\n"
        "[bmc]\naddresses = fd00:0:0:1::/64\nport = 624\ncipher-suites = 17,3\nkg = =key=\n"
        "ipmi-1.5 = straight, md5\n"
        "privilege-limit = operator\nsession-timeout = 10\nmanufacturer-id = "
        "1048575\nconsole-history = 4096\n"
        "discover = tagged\nlan-address = writable\ninband = read-only\nconsole = "
        "on-demand\nconsole-replay = "
        "0\nconsole-log = logs\n"
        "console-log-size = 2M\nconsole-log-files = 9\n"
        "[ssh]\nlisten = [::1]:22\nbmc-port=23\nidle-timeout = 600\n"
        "[user x y]\npassword = a=b: \"c\"\nprivilege = callback\n");
    static const uint8_t domain_kg[CHANNEL_KG_SIZE] = {0x00, 0xff, 0x10};
    static const uint8_t bmc_kg[CHANNEL_KG_SIZE] = "=key=";
    const struct config_domain *domain = &config->domains[0];
    struct uuid uuid;

    assert_true(domain->has_uuid);
    assert_memory_equal(domain->channel.kg, domain_kg, sizeof domain_kg);
    assert_int_equal(domain->channel.suite_count, 11);
    assert_int_equal(domain->channel.suites[10], 17);
    assert_int_equal(domain->channel.limit, PRIVILEGE_OPERATOR);
    assert_string_equal(domain->address, "::ffff:127.0.0.1");
    assert_int_equal(config->bmc.manufacturer, 1048575);
    assert_false(config->domains[1].enabled);
    assert_memory_equal(config->domains[1].channel.kg, bmc_kg, sizeof bmc_kg);
    assert_int_equal(config->domains[1].channel.suite_count, 2);
    assert_int_equal(config->daemon.compat, CONFIG_COMPAT_OPENSTACK);
    assert_string_equal(config->daemon.control_group, "libvirt");
    assert_string_equal(config->daemon.user, "joe");
    assert_string_equal(config->hypervisors[0].uri, "qemu+tcp://far/system?a=b");
    assert_string_equal(config->hypervisors[0].sasl_password, "p;q#r");
    assert_true(config->bmc.has_addresses);
    assert_int_equal(config->bmc.addresses.length, 64);
    assert_int_equal(config->bmc.port, 624);
    assert_int_equal(config->bmc.channel.suites[0], 17);
    assert_int_equal(config->bmc.channel.authentication_types,
                     CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD);
    assert_int_equal(domain->channel.authentication_types,
                     CHANNEL_AUTH_MD5 | CHANNEL_AUTH_PASSWORD);
    assert_true(config->bmc.lan_address_writable);
    assert_true(config->bmc.inband_read_only);
    assert_int_equal(config->bmc.console_history, 4096);
    assert_int_equal(endpoint_address_port(&config->ssh.listen), 22);
    assert_int_equal(config->ssh.bmc_port, 23);
    assert_int_equal(config->ssh.idle_timeout_s, 600);
    assert_int_equal(config->bmc.console, CONFIG_CONSOLE_ON_DEMAND);
    assert_int_equal(config->bmc.console_replay, 0);
    assert_non_null(strstr(config->bmc.console_log, "/logs"));
    assert_int_equal(config->bmc.console_log_size, 2 * 1024 * 1024);
    assert_int_equal(config->bmc.console_log_files, 9);
    assert_int_equal(domain->console, CONFIG_CONSOLE_ON_DEMAND);
    assert_null(domain->serial);
    assert_int_equal(config->domains[1].console, CONFIG_CONSOLE_ALWAYS);
    assert_string_equal(config->domains[1].serial, "serial1");
    assert_string_equal(config->users[0].name, "x y");
    assert_string_equal(config->users[0].password, "a=b: \"c\"");
    assert_int_equal(config->users[0].limit, PRIVILEGE_CALLBACK);

    uuid_parse("0a000000-0000-0000-0000-000000000001", &uuid);
    assert_ptr_equal(config_find_domain(config, "off", &uuid), &config->domains[0]);
    uuid.bytes[0] = 1;
    assert_ptr_equal(config_find_domain(config, "off", &uuid), &config->domains[1]);
    assert_null(config_find_domain(config, "on", NULL));
}

/* Each of many sections is found, by name or UUID, and none has a name or an address twice. */
static void test_many_domains(void **state)
{
    enum { COUNT = 3000 };
    char *text = NULL;
    size_t size;
    FILE *lines = open_memstream(&text, &size);
    struct uuid uuid = {{0x0a}};

    (void)state;
    fputs("[hypervisor a]\nuri = qemu:///system\n", lines);
    for (unsigned i = 0; i < COUNT; i++)
        fprintf(lines,
                i % 2 ? "[domain vm%u]\nport = %u\n"
                      : "[domain 0a000000-0000-0000-0000-%012x]\nport = %u\n",
                i, 10000 + i);
    fclose(lines);
    CLEANUP_CONFIG struct config *config = conf_load(text);
    free(text);
    for (unsigned i = 0; i < COUNT; i++) {
        char name[16];
        snprintf(name, sizeof name, "vm%u", i);
        uuid.bytes[14] = (uint8_t)(i >> 8);
        uuid.bytes[15] = (uint8_t)i;
        assert_ptr_equal(config_find_domain(config, name, i % 2 ? NULL : &uuid),
                         &config->domains[i]);
        assert_ptr_equal(config_find_domain(config, "another", &uuid),
                         i % 2 ? NULL : &config->domains[i]);
        assert_int_equal(config->domains[i].port, 10000 + i);
    }
}

/* The longest line that libinih 55 reads in one piece, and its neighbour above. */
static void test_longest_line(void **state)
{
    char text[400], value[180];

    (void)state;
    memset(value, 'v', sizeof value);
    value[179] = '\0';
    for (int pad = 0; pad <= 1; pad++) {
        /* "state-dir = " is 12, "/" 1, the value 179 bytes: 192 and 7 or 8 more */
        snprintf(text, sizeof text, H "[daemon]\nstate-dir = /%s%s\nlog-level = debug\n", value,
                 pad ? "12345678" : "1234567");
        if (pad == 0) {
            CLEANUP_CONFIG struct config *config = conf_load(text);
            assert_int_equal(strlen(config->daemon.state_dir), 187);
            assert_int_equal(config->daemon.log_level, LOG_LEVEL_DEBUG);
        } else {
            struct config *config;
            char error[CONFIG_ERROR_SIZE];
            conf_write_file("vbmc.conf", text, 0600);
            assert_int_equal(config_load(conf_file, &config, error, sizeof error), -EINVAL);
        }
    }
    CLEANUP_CONFIG struct config *config =
        conf_load(H "[domain " X10 X10 X10 X10 "xx]\nport = 7000\n"); /* 49 bytes */
    assert_int_equal(strlen(config->domains[0].name), 42);
    assert_int_equal(config->domains[0].port, 7000);
}

static void test_nul_byte(void **state)
{
    static const char text[] = "[user a]\npassword = ab\0cd\n";
    struct config *config;
    char error[CONFIG_ERROR_SIZE];

    (void)state;
    conf_write_bytes("vbmc.conf", text, sizeof text - 1, 0600);
    assert_int_equal(config_load(conf_file, &config, error, sizeof error), -EINVAL);
    assert_non_null(strstr(error, ":2: the line holds a NUL byte"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_errors),        cmocka_unit_test(test_sample),
        cmocka_unit_test(test_forms_of_text), cmocka_unit_test(test_everything_else),
        cmocka_unit_test(test_many_domains),  cmocka_unit_test(test_longest_line),
        cmocka_unit_test(test_nul_byte),
    };

    return cmocka_run_group_tests(tests, conf_set_up, conf_tear_down);
}
