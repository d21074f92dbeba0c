/* What the metadata of a domain says of its BMC, and what comes before it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/config/declared.h"

static void test_read(void **state)
{
    static const struct {
        const char *name, *value;
        int result;
        const char *problem;
    } cases[] = {
        {"port", "7001", 0, ""},
        {"port", "0", -EINVAL, "port = 0: a port is 1 to 65535"},
        {"port", "70000", -EINVAL, "port = 70000"},
        {"port", "", -EINVAL, "port"},
        {"address", "127.0.0.2", 0, ""},
        {"address", "::1", 0, ""},
        {"address", "web01", -EINVAL, "address = web01"},
        {"console", "always", 0, ""},
        {"console", "on-demand", 0, ""},
        {"console", "never", -EINVAL, "expected always or on-demand"},
        {"redundancy", "2N+1", 0, ""},
        {"redundancy", "3N", -EINVAL, "expected N, N+1, 2N or 2N+1"},
        {"interface", "pci-bt", 0, ""},
        {"interface", "smbus", -EINVAL, "expected kcs, bt, pci-kcs or pci-bt"},
        {"kg", "secret", -ENOENT, "kg is none of port, address, console, redundancy, interface"},
        {"enabled", "no", -ENOENT, "enabled is none"},
        {"prot", "1", -ENOENT, "prot is none"},
    };
    struct config_declared declared = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char problem[160] = "";
        assert_int_equal(
            config_declared_set(&declared, cases[i].name, cases[i].value, problem, sizeof problem),
            cases[i].result);
        assert_non_null(strstr(problem, cases[i].problem));
    }
    assert_int_equal(declared.port, 7001);
    assert_string_equal(declared.address, "::1");
    assert_true(declared.has_console && declared.console == CONFIG_CONSOLE_ON_DEMAND);
    assert_true(declared.has_redundancy && declared.redundancy == SUPPLY_2N_PLUS_1);
    assert_string_equal(declared.interface, "pci-bt");
    config_declared_clear(&declared);
    assert_null(declared.address);
    assert_null(declared.interface);
    assert_false(declared.port || declared.has_console || declared.has_redundancy);
}

static void test_precedence(void **state)
{
    struct config config = {.bmc = {.console = CONFIG_CONSOLE_ALWAYS}};
    struct config_domain section = {.console = CONFIG_CONSOLE_ALWAYS};
    struct config_declared declared = {
        .has_console = true,
        .console = CONFIG_CONSOLE_ON_DEMAND,
        .has_redundancy = true,
        .redundancy = SUPPLY_2N,
    };
    const struct config_declared nothing = {0};

    (void)state;
    config.bmc.server.supply.redundancy = section.server.supply.redundancy = SUPPLY_N;
    section.server.supply.needed = 2;
    assert_int_equal(config_console_of(&config, NULL, &nothing), CONFIG_CONSOLE_ALWAYS);
    assert_int_equal(config_console_of(&config, NULL, &declared), CONFIG_CONSOLE_ON_DEMAND);
    assert_int_equal(config_console_of(&config, &section, &declared), CONFIG_CONSOLE_ON_DEMAND);
    assert_int_equal(config_server_of(&config, NULL, &nothing).supply.redundancy, SUPPLY_N);
    assert_int_equal(config_server_of(&config, NULL, &declared).supply.redundancy, SUPPLY_2N);
    assert_int_equal(config_server_of(&config, &section, &declared).supply.redundancy, SUPPLY_2N);
    assert_int_equal(config_server_of(&config, &section, &declared).supply.needed, 2);
    section.console_given = section.redundancy_given = true;
    assert_int_equal(config_console_of(&config, &section, &declared), CONFIG_CONSOLE_ALWAYS);
    assert_int_equal(config_server_of(&config, &section, &declared).supply.redundancy, SUPPLY_N);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),
        cmocka_unit_test(test_precedence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
