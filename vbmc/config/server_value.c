#include "vbmc/config/server_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/bmc/sel.h"
#include "vbmc/config/number.h"
#include "vbmc/config/parse.h"
#include "vbmc/physics/supply.h"

int config_value_redundancy(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return supply_redundancy_parse(value, target);
}

int config_value_needed(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_unsigned(value, 1, 2, target);
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
    return config_read_unsigned(value, 1, 60, target);
}

/* Those of a facility are A, B, ... without a gap. */
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
    return config_read_unsigned(value, 0, 86400, target);
}

int config_value_celsius(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_double(value, -20, 100, target);
}

int config_value_warming(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_double(value, 0.1, 60, target);
}

int config_value_minutes(struct config_parse *parse, const char *value, void *target)
{
    (void)parse;
    return config_read_double(value, 0.1, 1440, target);
}
