#include "vbmc/cli/simulate.h"

/* `vbmc facility simulate`: how much down-time a redundancy policy leaves, by the numbers. Asks no
 * daemon. */
#include <inttypes.h>
#include <json-c/json.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/physics/availability.h"
#include "vbmc/physics/supply.h"

#define TEXT_SIZE 128

/* What was asked for, and what came out. */
struct simulation {
    const char *redundancy;
    struct availability_settings settings;
    struct availability_estimate estimate;
    double expected, long_run;
    const struct availability_tier *tier;
};

static double down_hours_per_year(double availability)
{
    return (1 - availability) * AVAILABILITY_HOURS_PER_YEAR;
}

static double outages_per_year(const struct simulation *simulation)
{
    double hours = (double)availability_hours(&simulation->settings) * simulation->settings.runs;

    return (double)simulation->estimate.outages * AVAILABILITY_HOURS_PER_YEAR / hours;
}

/* ---- for programs ---- */

/* Not the 17 digits of which most say nothing. */
static void add_real(struct json_object *object, const char *key, double value, int digits)
{
    char text[64];

    snprintf(text, sizeof text, "%.*f", digits, value);
    json_object_object_add(object, key, json_object_new_double_s(value, text));
}

/* As it was given. */
static void add_setting(struct json_object *object, const char *key, double value)
{
    char text[64];

    snprintf(text, sizeof text, "%.15g", value);
    json_object_object_add(object, key, json_object_new_double_s(value, text));
}

static struct json_object *simulation_object(const struct simulation *simulation)
{
    const struct availability_settings *settings = &simulation->settings;
    const struct availability_estimate *estimate = &simulation->estimate;
    struct json_object *object = json_object_new_object();

    json_object_object_add(object, "redundancy", json_object_new_string(simulation->redundancy));
    json_object_object_add(object, "needed", json_object_new_int64(settings->needed));
    json_object_object_add(object, "units", json_object_new_int64(settings->units));
    add_setting(object, "reliability", settings->reliability);
    add_setting(object, "repair", settings->repair);
    add_setting(object, "years", settings->years);
    json_object_object_add(object, "runs", json_object_new_int64(settings->runs));
    json_object_object_add(object, "seed", json_object_new_uint64(settings->seed));
    add_real(object, "downtime_hours_per_year", down_hours_per_year(estimate->availability), 6);
    add_real(object, "availability_percent", 100 * estimate->availability, 7);
    if (estimate->has_interval) {
        add_real(object, "availability_low_percent", 100 * estimate->low, 7);
        add_real(object, "availability_high_percent", 100 * estimate->high, 7);
    } else {
        json_object_object_add(object, "availability_low_percent", NULL);
        json_object_object_add(object, "availability_high_percent", NULL);
    }
    json_object_object_add(object, "outages", json_object_new_uint64(estimate->outages));
    json_object_object_add(object, "runs_with_outage",
                           json_object_new_uint64(estimate->runs_with_outage));
    add_real(object, "outages_per_year", outages_per_year(simulation), 6);
    add_real(object, "outage_mean_hours", estimate->outage_hours, 6);
    json_object_object_add(object, "tier", json_object_new_string(simulation->tier->name));
    add_real(object, "tier_percent", 100 * simulation->tier->availability, 3);
    json_object_object_add(
        object, "tier_reached",
        json_object_new_boolean(estimate->availability >= simulation->tier->availability));
    add_real(object, "expected_downtime_hours_per_year", down_hours_per_year(simulation->expected),
             6);
    add_real(object, "expected_availability_percent", 100 * simulation->expected, 7);
    add_real(object, "long_run_availability_percent", 100 * simulation->long_run, 7);
    return object;
}

/* ---- for people ---- */

__attribute__((format(printf, 3, 4))) static void add_row(struct json_object *rows,
                                                          const char *property, const char *format,
                                                          ...)
{
    char text[TEXT_SIZE];
    struct json_object *row = json_object_new_object();
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    json_object_object_add(row, "property", json_object_new_string(property));
    json_object_object_add(row, "value", json_object_new_string(text));
    json_object_array_add(rows, row);
}

/* "86.72 h", "12.4 min". */
static const char *format_hours(double hours, char text[TEXT_SIZE])
{
    bool is_short = hours < 1;

    snprintf(text, TEXT_SIZE, "%.2f %s", is_short ? hours * 60 : hours, is_short ? "min" : "h");
    return text;
}

static struct json_object *simulation_rows(const struct simulation *simulation)
{
    const struct availability_settings *settings = &simulation->settings;
    const struct availability_estimate *estimate = &simulation->estimate;
    struct json_object *rows = json_object_new_array();
    char text[TEXT_SIZE];

    add_row(rows, "Redundancy", "%s: %u of %u needed", simulation->redundancy, settings->needed,
            settings->units);
    add_row(rows, "Simulated", "%u runs of %" PRIu64 " hours, seed %" PRIu64, settings->runs,
            availability_hours(settings), settings->seed);
    add_row(rows, "Down-time per year", "%s",
            format_hours(down_hours_per_year(estimate->availability), text));
    add_row(rows, "Availability", "%.5f %%", 100 * estimate->availability);
    if (estimate->has_interval)
        add_row(rows, "95 % confidence", "%.5f .. %.5f %%", 100 * estimate->low,
                100 * estimate->high);
    add_row(rows, "Outages", "%" PRIu64 ", %.4f per year", estimate->outages,
            outages_per_year(simulation));
    if (estimate->outages)
        add_row(rows, "Mean outage", "%s", format_hours(estimate->outage_hours, text));
    add_row(rows, "Nearest tier", "%s (%.3f %%), %s", simulation->tier->name,
            100 * simulation->tier->availability,
            estimate->availability >= simulation->tier->availability ? "reached" : "not reached");
    add_row(rows, "Closed form", "%.5f %%, %s per year", 100 * simulation->expected,
            format_hours(down_hours_per_year(simulation->expected), text));
    add_row(rows, "In the long run", "%.5f %%", 100 * simulation->long_run);
    return rows;
}

static int print_simulation(struct cli *cli, const struct simulation *simulation)
{
    static const struct cli_column columns[] = {{"Property", "property"}, {"Value", "value"}};

    if (cli->options.format.kind == CLI_FORMAT_TABLE)
        return cli_print_rows(cli, columns, ARRAY_SIZE(columns), simulation_rows(simulation));
    struct json_object *object = simulation_object(simulation);
    int code = cli_print_object(cli, object);
    json_object_put(object);
    return code;
}

/* The interval is as good as the number of outages that it rests on. */
static void print_remark(const struct cli *cli, const struct simulation *simulation)
{
    const struct availability_estimate *estimate = &simulation->estimate;

    if (cli->options.quiet || cli->options.format.kind != CLI_FORMAT_TABLE ||
        estimate->runs_with_outage >= 10 || simulation->expected >= 1)
        return;
    fflush(stdout);
    fprintf(stderr,
            "Only %" PRIu64 " of %u runs had an outage: too few for the interval to say much; "
            "take more --runs.\n",
            estimate->runs_with_outage, simulation->settings.runs);
}

int cli_run_simulate(struct cli *cli)
{
    const struct cli_options *options = &cli->options;
    struct simulation simulation = {.settings = options->simulation};
    struct supply_layout layout;

    if (strcmp(options->names[0], "simulate") != 0)
        return cli_fail_usage(cli, "facility does not know '%s'", options->names[0]);
    if (options->name_count > 1)
        return cli_fail_usage(cli, "simulate does not know what to do with '%s'",
                              options->names[1]);
    supply_layout_set_defaults(&layout);
    const char *name = options->redundancy ? options->redundancy : "2N";
    if (supply_redundancy_parse(name, &layout.redundancy))
        return cli_fail_usage(cli, "'%s' is no redundancy: N, N+1, 2N or 2N+1", name);
    layout.needed = simulation.settings.needed;
    simulation.redundancy = supply_redundancy_name(layout.redundancy);
    simulation.settings.units = supply_psu_count(&layout);
    if (availability_simulate(&simulation.settings, &simulation.estimate))
        return cli_fail_usage(cli, "--years: a run takes one hour to %d years",
                              AVAILABILITY_YEARS_MAX);
    simulation.expected = availability_expected(&simulation.settings);
    simulation.long_run = availability_long_run(&simulation.settings);
    simulation.tier = availability_nearest_tier(simulation.estimate.availability);
    int code = print_simulation(cli, &simulation);
    print_remark(cli, &simulation);
    return code;
}
