/* What vbmc.conf says of servers and their room: values, what domains take over, and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "vbmc/base/array.h"
#include "vbmc/config/config.h"

#define H "[hypervisor local]\nuri = qemu:///system\n"

static int load(const char *text, struct config **config, char *error, size_t size)
{
    char path[] = "/tmp/vbmc-config-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
    error[0] = '\0';
    int result = config_load(path, config, error, size);
    unlink(path);
    return result;
}

static struct config *must_load(const char *text)
{
    struct config *config = NULL;
    char error[CONFIG_ERROR_SIZE];

    load(text, &config, error, sizeof error);
    assert_string_equal(error, "");
    return config;
}

static void test_defaults(void **state)
{
    CLEANUP_CONFIG struct config *config = must_load(H "[domain a]\n");
    const struct server_settings *server = &config->domains[0].server;
    struct model_constants standard;

    (void)state;
    model_constants_set_defaults(&standard);
    assert_int_equal(server->supply.redundancy, SUPPLY_2N);
    assert_int_equal(server->supply.needed, 1);
    assert_int_equal(supply_psu_feed(&server->supply, 0), 0);
    assert_int_equal(supply_psu_feed(&server->supply, 1), 1);
    assert_false(server->enforce_power_limit);
    assert_memory_equal(&server->model, &standard, sizeof standard);
    assert_memory_equal(&config->bmc.server.model, &standard, sizeof standard);
    assert_int_equal(config->bmc.sel_full, SEL_FULL_DROP_OLDEST);
    assert_int_equal(config->facility.feed_count, 2);
}

/* The order of the sections does not matter. */
static void test_inherited(void **state)
{
    CLEANUP_CONFIG struct config *config = must_load(H "[domain a]\n"
                                                       "redundancy = n+1\n"
                                                       "model-cpu-max-watts = 90\n"
                                                       "[domain b]\n"
                                                       "psu-feeds = B A B\n"
                                                       "power-limit = report\n"
                                                       "[bmc]\n"
                                                       "redundancy = 2N+1\n"
                                                       "psus-needed = 2\n"
                                                       "power-limit = enforce\n"
                                                       "sel-full = stop\n"
                                                       "model-cpu-max-watts = 200\n"
                                                       "model-cpu-idle-watts = 12.5\n");
    const struct server_settings *a = &config->domains[0].server, *b = &config->domains[1].server;

    (void)state;
    assert_int_equal(a->supply.redundancy, SUPPLY_N_PLUS_1);
    assert_int_equal(a->supply.needed, 2);
    assert_int_equal(supply_psu_count(&a->supply), 3);
    assert_true(a->enforce_power_limit);
    assert_true(a->model.cpu_max_watts == 90 && a->model.cpu_idle_watts == 12.5);
    assert_int_equal(supply_psu_count(&b->supply), 5);
    assert_int_equal(supply_psu_feed(&b->supply, 0), 1);
    assert_int_equal(supply_psu_feed(&b->supply, 1), 0);
    assert_int_equal(supply_psu_feed(&b->supply, 3), 1);
    assert_false(b->enforce_power_limit);
    assert_true(b->model.cpu_max_watts == 200);
    assert_int_equal(config->bmc.sel_full, SEL_FULL_STOP);
}

static void test_facility(void **state)
{
    CLEANUP_CONFIG struct config *config = must_load(H "[facility]\n"
                                                       "feeds = A B C\n"
                                                       "ups-feeds = C A\n"
                                                       "ups-runtime = 90\n"
                                                       "ups-recharge = 0\n"
                                                       "generator = no\n"
                                                       "generator-start = 5\n"
                                                       "inlet = 18.5\n"
                                                       "warming = 0.5\n"
                                                       "hottest = 60\n"
                                                       "cooling-time = 2\n");
    const struct facility_settings *facility = &config->facility;

    (void)state;
    assert_int_equal(facility->feed_count, 3);
    assert_int_equal(facility->ups_feeds, 5);
    assert_int_equal(facility->ups_runtime_s, 90);
    assert_int_equal(facility->ups_recharge_s, 0);
    assert_false(facility->has_generator);
    assert_int_equal(facility->generator_start_s, 5);
    assert_true(facility->inlet_c == 18.5 && facility->warming_c_per_min == 0.5);
    assert_true(facility->hottest_c == 60 && facility->cooling_minutes == 2);
    /* A server is on all feeds of its room unless told otherwise. */
    assert_int_equal(config->bmc.server.supply.feed_count, 3);
}

static const struct {
    const char *text;
    const char *error; /* behind the path of the file */
} errors[] = {
    {"[bmc]\nredundancy = 3N\n", ":2: redundancy = 3N: expected N, N+1, 2N or 2N+1"},
    {"[bmc]\npsus-needed = 3\n",
     ":2: psus-needed = 3: expected 1 or 2, the number of PSUs that carry the server"},
    {"[bmc]\npsu-feeds = A,B\n", ":2: psu-feeds = A,B: feeds are letters from A to D, such as A B"},
    {"[bmc]\npsu-feeds = E\n", ":2: psu-feeds = E: feeds are letters from A to D, such as A B"},
    {"[bmc]\npower-limit = on\n", ":2: power-limit = on: expected report or enforce"},
    {"[bmc]\nsel-full = yes\n", ":2: sel-full = yes: expected drop-oldest or stop"},
    {"[bmc]\nmodel-cpu-max-watts = 1\nmodel-cpu-max-watts = 1\n",
     ":3: model-cpu-max-watts: is given twice in this section"},
    {"[hypervisor a]\nsample-period = 0\n",
     ":2: sample-period = 0: expected a number of seconds, from 1 to 60"},
    {"[facility]\nfeeds = B A\n",
     ":2: feeds = B A: feeds are given in order from A on, such as A B"},
    {"[facility]\nups-feeds = E\n", ":2: ups-feeds = E: expected none or feeds, such as A B"},
    {"[facility]\ninlet = 1e9\n", ":2: inlet = 1e9: expected degrees Celsius, from -20 to 100"},
    {"[facility]\ninlet = nan\n", ":2: inlet = nan: expected degrees Celsius, from -20 to 100"},
    {"[facility]\nwarming = 0\n", ":2: warming = 0: expected degrees a minute, from 0.1 to 60"},
    {H "[facility]\nfeeds = A\n[domain a]\npsu-feeds = A B\n",
     ":5: PSU2 is on feed B, which [facility] does not have; name it there, or give psu-feeds"},
};

static void test_errors(void **state)
{
    char error[CONFIG_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        struct config *config = NULL;
        assert_true(load(errors[i].text, &config, error, sizeof error) < 0);
        const char *behind_path = strchr(error, ':');
        assert_non_null(behind_path);
        assert_string_equal(behind_path, errors[i].error);
    }
}

/* Each constant is refused beyond its range, and taken at both ends. */
static void test_every_constant(void **state)
{
    char text[256], error[CONFIG_ERROR_SIZE];

    (void)state;
    for (size_t i = 0; i < model_constant_count; i++) {
        const struct model_constant *row = &model_constant_table[i];
        const double values[] = {row->least, row->most, row->standard};
        for (size_t j = 0; j < ARRAY_SIZE(values); j++) {
            snprintf(text, sizeof text, H "[bmc]\nmodel-%s = %.6f\n", row->name, values[j]);
            CLEANUP_CONFIG struct config *config = must_load(text);
            double got = *model_constant_value(&config->bmc.server.model, row);
            assert_true(got - values[j] < 1e-6 && values[j] - got < 1e-6);
        }
        struct config *config = NULL;
        snprintf(text, sizeof text, H "[bmc]\nmodel-%s = %.6f\n", row->name, row->most + 1);
        assert_true(load(text, &config, error, sizeof error) < 0);
        assert_non_null(strstr(error, row->meaning));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),       cmocka_unit_test(test_inherited),
        cmocka_unit_test(test_facility),       cmocka_unit_test(test_errors),
        cmocka_unit_test(test_every_constant),
    };

    return cmocka_run_group_tests_name("config server", tests, NULL, NULL);
}
