/* What a guest's server and the room around it are like. */
#include "vbmc/config/parse.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MODEL_PREFIX "model-"

static int read_unsigned(const char *value, unsigned min, unsigned max, void *target)
{
    char *end;

    errno = 0;
    unsigned long number = strtoul(value, &end, 10);
    if (!isdigit((unsigned char)*value) || errno || *end || number < min || number > max)
        return -EINVAL;
    *(unsigned *)target = (unsigned)number;
    return 0;
}

/* A decimal number. The daemon's locale is C. */
static int read_double(const char *value, double min, double max, void *target)
{
    char *end;

    if (value[strspn(value, "+-.0123456789")] || !*value)
        return -EINVAL;
    double number = strtod(value, &end);
    if (*end || !(number >= min && number <= max))
        return -EINVAL;
    *(double *)target = number;
    return 0;
}

int config_value_redundancy(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return supply_redundancy_parse(value, target);
}

int config_value_needed(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return read_unsigned(value, 1, 2, target);
}

/* Letters from A on, separated by blanks. How many there are, or -EINVAL. */
static int read_letters(const char *value, uint8_t *feeds, size_t max)
{
    size_t count = 0;

    for (value += strspn(value, " \t"); *value; value += strspn(value, " \t")) {
        int feed = toupper((unsigned char)*value++) - 'A';
        if (feed < 0 || feed >= SUPPLY_FEEDS_MAX || count == max ||
            (*value && !isblank((unsigned char)*value)))
            return -EINVAL;
        feeds[count++] = (uint8_t)feed;
    }
    return count ? (int)count : -EINVAL;
}

int config_value_psu_feeds(struct config_parse *parse, const char *value, void *target)
{
    struct supply_layout *supply = target;
    int count = read_letters(value, supply->feeds, SUPPLY_PSUS_MAX);

    (void)parse;
    if (count < 0)
        return count;
    supply->feed_count = (unsigned)count;
    return 0;
}

int config_value_power_limit(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    *(bool *)target = strcmp(value, "enforce") == 0;
    return *(bool *)target || strcmp(value, "report") == 0 ? 0 : -EINVAL;
}

int config_value_sel_full(struct config_parse *parse, const char *value, void *target)
{
    bool stop = strcmp(value, "stop") == 0;

    (void)parse;
    *(enum sel_full_policy *)target = stop ? SEL_FULL_STOP : SEL_FULL_DROP_OLDEST;
    return stop || strcmp(value, "drop-oldest") == 0 ? 0 : -EINVAL;
}

int config_value_period(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return read_unsigned(value, 1, 60, target);
}

/* Those of a room are A, B, ... without a gap. */
int config_value_feeds(struct config_parse *parse, const char *value, void *target)
{
    uint8_t feeds[SUPPLY_FEEDS_MAX];
    int count = read_letters(value, feeds, SUPPLY_FEEDS_MAX);

    for (int i = 0; i < count; i++) {
        if (feeds[i] != i) {
            snprintf(parse->reason, sizeof parse->reason,
                     "feeds are given in order from A on, such as A B");
            return -EINVAL;
        }
    }
    if (count < 0)
        return count;
    *(unsigned *)target = (unsigned)count;
    return 0;
}

int config_value_ups_feeds(struct config_parse *parse, const char *value, void *target)
{
    uint8_t feeds[SUPPLY_FEEDS_MAX], *bits = target;
    int count = strcmp(value, "none") == 0 ? 0 : read_letters(value, feeds, SUPPLY_FEEDS_MAX);

    (void)parse;
    if (count < 0)
        return count;
    *bits = 0;
    for (int i = 0; i < count; i++)
        *bits |= (uint8_t)(1U << feeds[i]);
    return 0;
}

int config_value_seconds(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return read_unsigned(value, 0, 86400, target);
}

int config_value_celsius(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return read_double(value, -20, 100, target);
}

int config_value_warming(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return read_double(value, 0.1, 60, target);
}

int config_value_minutes(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return read_double(value, 0.1, 1440, target);
}

/* ---- the model's constants ---- */

void config_begin_model(struct config_block *block)
{
    for (size_t i = 0; i < model_constant_count; i++)
        *model_constant_value(&block->model, &model_constant_table[i]) = NAN;
}

int config_take_model_constant(struct config_parse *parse, struct config_block *block,
                               const char *key, const char *value, unsigned line)
{
    bool has_model =
        block->section == CONFIG_SECTION_BMC || block->section == CONFIG_SECTION_DOMAIN;
    const struct model_constant *row = NULL;

    if (has_model && strncmp(key, MODEL_PREFIX, strlen(MODEL_PREFIX)) == 0)
        row = model_constant_find(key + strlen(MODEL_PREFIX));
    if (!row)
        return -ENOENT;
    double *constant = model_constant_value(&block->model, row);
    if (!isnan(*constant))
        return config_fail(parse, line, "%s: is given twice in this section", key);
    if (read_double(value, row->least, row->most, constant) < 0)
        return config_fail(parse, line, "%s = %s: %s is %g to %g%s%s", key, value, row->meaning,
                           row->least, row->most, *row->unit ? " " : "", row->unit);
    return 0;
}

static void fill_model(struct model_constants *to, struct model_constants *given,
                       const struct model_constants *otherwise)
{
    *to = *otherwise;
    for (size_t i = 0; i < model_constant_count; i++) {
        const struct model_constant *row = &model_constant_table[i];
        double value = *model_constant_value(given, row);
        if (!isnan(value))
            *model_constant_value(to, row) = value;
    }
}

/* A PSU on a feed that the room does not have would never deliver. */
static int check_feeds(struct config_parse *parse, unsigned line,
                       const struct supply_layout *supply)
{
    unsigned feeds = parse->config->facility.feed_count;

    for (unsigned i = 0; i < supply_psu_count(supply); i++) {
        unsigned feed = supply_psu_feed(supply, i);
        if (feed >= feeds)
            return config_fail(parse, line,
                               "PSU%u is on feed %c, which [facility] does not have; name it "
                               "there, or give psu-feeds",
                               i + 1, 'A' + (int)feed);
    }
    return 0;
}

/* In turn, as far as the room has feeds. */
static void use_all_feeds(const struct config *config, struct supply_layout *supply)
{
    supply->feed_count = config->facility.feed_count;
    for (unsigned i = 0; i < supply->feed_count; i++)
        supply->feeds[i] = (uint8_t)i;
}

static int inherit(struct config_parse *parse, struct config_block *block)
{
    const struct server_settings *from = &parse->config->bmc.server;
    struct server_settings *to = &parse->config->domains[block->index].server;

    fill_model(&to->model, &block->model, &from->model);
    if (!config_key_seen(block, "redundancy"))
        to->supply.redundancy = from->supply.redundancy;
    if (!config_key_seen(block, "psus-needed"))
        to->supply.needed = from->supply.needed;
    if (!config_key_seen(block, "psu-feeds")) {
        to->supply.feed_count = from->supply.feed_count;
        memcpy(to->supply.feeds, from->supply.feeds, sizeof to->supply.feeds);
    }
    if (!config_key_seen(block, "power-limit"))
        to->enforce_power_limit = from->enforce_power_limit;
    return check_feeds(parse, block->line, &to->supply);
}

int config_inherit_servers(struct config_parse *parse)
{
    struct server_settings *server = &parse->config->bmc.server;
    struct model_constants standard;
    struct config_block *bmc = NULL;

    model_constants_set_defaults(&standard);
    for (size_t i = 0; !bmc && i < parse->block_count; i++) {
        if (parse->blocks[i].section == CONFIG_SECTION_BMC)
            bmc = &parse->blocks[i];
    }
    if (bmc)
        fill_model(&server->model, &bmc->model, &standard);
    if (!bmc || !config_key_seen(bmc, "psu-feeds"))
        use_all_feeds(parse->config, &server->supply);
    int result = check_feeds(parse, bmc ? bmc->line : 0, &server->supply);
    for (size_t i = 0; result == 0 && i < parse->block_count; i++) {
        if (parse->blocks[i].section == CONFIG_SECTION_DOMAIN)
            result = inherit(parse, &parse->blocks[i]);
    }
    return result;
}
