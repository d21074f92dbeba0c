#include "vbmc/config/server.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "vbmc/config/config.h"
#include "vbmc/config/fail.h"
#include "vbmc/config/keys.h"
#include "vbmc/config/number.h"
#include "vbmc/physics/server.h"
#include "vbmc/physics/supply.h"

#define MODEL_PREFIX "model-"

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
    if (config_read_double(value, row->least, row->most, constant) < 0)
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

/* A PSU on a feed that the facility does not have would never deliver. */
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

/* In turn, as far as the facility has feeds. */
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
    parse->config->domains[block->index].redundancy_given = config_key_seen(block, "redundancy");
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
