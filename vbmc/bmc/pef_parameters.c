/* Each parameter has its own layout: one table row each. Every write takes effect at once, so that
 * "set in progress" has nothing to commit. */
#include "vbmc/bmc/pef_parameters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/bmc/core.h"
#include "vbmc/bmc/pef.h"

/* Of a setter: the change is to be stored; or it is not. */
#define TO_BE_STORED 1
#define CHANGED      2

enum {
    PARAMETER_SET_IN_PROGRESS = 0,
    PARAMETER_FILTER = 6,
    PARAMETER_POLICY = 9,
    PARAMETER_STRING_KEYS = 12,
    PARAMETER_STRING = 13,
};

#define SELECTOR_RESERVED                                                                          \
    0x80 /* in the selectors of filters, entries and strings, and their keys */
#define COMMIT_WRITE 2

struct layout {
    size_t size_min;
    size_t size_max;
    uint8_t count; /* read-only: how many of something there are; 0: another parameter */
    /* One byte of the settings, where there are no functions. */
    size_t byte;
    uint8_t known; /* its bits */
    /* Changes the settings: TO_BE_STORED, CHANGED, or a negative error with nothing changed. */
    int (*set)(struct pef_settings *settings, const uint8_t *data, size_t size);
    /* The number of bytes, or a negative error. */
    int (*get)(const struct pef_settings *settings, uint8_t set, uint8_t block, uint8_t *data);
};

/* Stored also if it is there already: another client's change to it may not be on disk yet. */
static int replace(void *place, const uint8_t *bytes, size_t size)
{
    memcpy(place, bytes, size);
    return TO_BE_STORED;
}

/* The index of what a selector names, which counts from `first`. */
static int index_of(uint8_t selector, unsigned first, unsigned last)
{
    if (selector & SELECTOR_RESERVED)
        return -EDOM;
    return selector < first || selector > last ? -ERANGE : (int)(selector - first);
}

/* ---- system GUID ---- */

static int set_guid(struct pef_settings *settings, const uint8_t *data, size_t size)
{
    if (data[0] > 1)
        return -EDOM;
    int result = replace(&settings->uses_guid, data, 1);
    return result | replace(settings->guid, data + 1, size - 1);
}

static int get_guid(const struct pef_settings *settings, uint8_t set, uint8_t block, uint8_t *data)
{
    (void)set, (void)block;
    data[0] = settings->uses_guid;
    memcpy(data + 1, settings->guid, PEF_GUID_SIZE);
    return 1 + PEF_GUID_SIZE;
}

/* ---- event filters ---- */

static bool is_severity(uint8_t value)
{
    return value <= 0x20 && (value & (value - 1)) == 0; /* one bit, or none */
}

/* The type of a filter is software's (00b) or the factory's (10b). */
static bool is_configuration(uint8_t value)
{
    return (value & ~(PEF_FILTER_ENABLED | PEF_FILTER_FACTORY)) == 0;
}

static int set_filter(struct pef_settings *settings, const uint8_t *data, size_t size)
{
    const uint8_t *filter = data + 1;
    int n = index_of(data[0], 1, PEF_FILTERS);

    if (n < 0)
        return n;
    if (!is_configuration(filter[PEF_FILTER_CONFIGURATION]) ||
        (filter[PEF_FILTER_ACTION] & ~PEF_ACTIONS) || (filter[PEF_FILTER_POLICY] & 0x80) ||
        !is_severity(filter[PEF_FILTER_SEVERITY]))
        return -EDOM;
    return replace(settings->filters[n], filter, size - 1);
}

static int get_filter(const struct pef_settings *settings, uint8_t set, uint8_t block,
                      uint8_t *data)
{
    int n = index_of(set, 1, PEF_FILTERS);

    (void)block;
    if (n < 0)
        return n;
    data[0] = set;
    memcpy(data + 1, settings->filters[n], PEF_FILTER_SIZE);
    return 1 + PEF_FILTER_SIZE;
}

/* Enables or disables a filter. ipmitool does not say which type it is: a filter of the factory
 * stays one. */
static int set_filter_configuration(struct pef_settings *settings, const uint8_t *data, size_t size)
{
    int n = index_of(data[0], 1, PEF_FILTERS);

    (void)size;
    if (n < 0)
        return n;
    if (!is_configuration(data[1]))
        return -EDOM;
    uint8_t *filter = settings->filters[n];
    uint8_t value = data[1] | (filter[PEF_FILTER_CONFIGURATION] & PEF_FILTER_FACTORY);
    return replace(&filter[PEF_FILTER_CONFIGURATION], &value, 1);
}

static int get_filter_configuration(const struct pef_settings *settings, uint8_t set, uint8_t block,
                                    uint8_t *data)
{
    int n = index_of(set, 1, PEF_FILTERS);

    (void)block;
    if (n < 0)
        return n;
    data[0] = set;
    data[1] = settings->filters[n][PEF_FILTER_CONFIGURATION];
    return 2;
}

/* ---- alert policies ---- */

static int set_policy(struct pef_settings *settings, const uint8_t *data, size_t size)
{
    int n = index_of(data[0], 1, PEF_POLICIES);

    if (n < 0)
        return n;
    if ((data[1 + PEF_POLICY_RULE] & 0x07) > PEF_RULE_OTHER_TYPE)
        return -EDOM;
    return replace(settings->policies[n], data + 1, size - 1);
}

static int get_policy(const struct pef_settings *settings, uint8_t set, uint8_t block,
                      uint8_t *data)
{
    int n = index_of(set, 1, PEF_POLICIES);

    (void)block;
    if (n < 0)
        return n;
    data[0] = set;
    memcpy(data + 1, settings->policies[n], PEF_POLICY_SIZE);
    return 1 + PEF_POLICY_SIZE;
}

/* ---- alert strings ---- */

/* String 0 is not stored. */
static int string_changed(int n, int result)
{
    return result == TO_BE_STORED && n == 0 ? CHANGED : result;
}

static int set_string_keys(struct pef_settings *settings, const uint8_t *data, size_t size)
{
    int n = index_of(data[0], 0, PEF_STRINGS);

    (void)size;
    if (n < 0)
        return n;
    if ((data[1] | data[2]) & SELECTOR_RESERVED)
        return -EDOM;
    if (data[1] > PEF_FILTERS)
        return -ERANGE;
    struct pef_string *string = &settings->strings[n];
    return string_changed(n, replace(&string->filter, data + 1, 1) |
                                 replace(&string->set, data + 2, 1));
}

static int get_string_keys(const struct pef_settings *settings, uint8_t set, uint8_t block,
                           uint8_t *data)
{
    int n = index_of(set, 0, PEF_STRINGS);

    (void)block;
    if (n < 0)
        return n;
    data[0] = set;
    data[1] = settings->strings[n].filter;
    data[2] = settings->strings[n].set;
    return 3;
}

/* What a block is short of are zeros. */
static int set_string(struct pef_settings *settings, const uint8_t *data, size_t size)
{
    uint8_t bytes[PEF_STRING_BLOCK] = {0};
    int n = index_of(data[0], 0, PEF_STRINGS);

    if (n < 0)
        return n;
    if (data[1] < 1 || data[1] > PEF_STRING_BLOCKS)
        return -ERANGE;
    memcpy(bytes, data + 2, size - 2);
    char *place = settings->strings[n].text + (data[1] - 1) * PEF_STRING_BLOCK;
    return string_changed(n, replace(place, bytes, sizeof bytes));
}

static int get_string(const struct pef_settings *settings, uint8_t set, uint8_t block,
                      uint8_t *data)
{
    int n = index_of(set, 0, PEF_STRINGS);

    if (n < 0)
        return n;
    if (block < 1 || block > PEF_STRING_BLOCKS)
        return -ERANGE;
    data[0] = set;
    data[1] = block;
    memcpy(data + 2, settings->strings[n].text + (block - 1) * PEF_STRING_BLOCK, PEF_STRING_BLOCK);
    return 2 + PEF_STRING_BLOCK;
}

/* ---- all of them ---- */

#define FILTER_SIZE (1 + PEF_FILTER_SIZE)
#define POLICY_SIZE (1 + PEF_POLICY_SIZE)
#define GUID_SIZE   (1 + PEF_GUID_SIZE)

#define BYTE(member, bits)                                                                         \
    {                                                                                              \
        .size_min = 1, .size_max = 1, .byte = offsetof(struct pef_settings, member),               \
        .known = (bits)                                                                            \
    }
#define COUNT(number)                                                                              \
    {                                                                                              \
        .count = (number)                                                                          \
    }
#define RECORD(least, most, setter, getter)                                                        \
    {                                                                                              \
        .size_min = (least), .size_max = (most), .set = (setter), .get = (getter)                  \
    }

static const struct layout layouts[] = {
    [PARAMETER_SET_IN_PROGRESS] = RECORD(1, 1, NULL, NULL), /* is no setting */
    BYTE(control, PEF_ENABLED | PEF_EVENT_MESSAGES | PEF_STARTUP_DELAY | PEF_ALERT_STARTUP_DELAY),
    BYTE(actions, PEF_ACTIONS),
    BYTE(startup_delay_s, 0xff),
    BYTE(alert_startup_delay_s, 0xff),
    COUNT(PEF_FILTERS),
    [PARAMETER_FILTER] = RECORD(FILTER_SIZE, FILTER_SIZE, set_filter, get_filter),
    RECORD(2, 2, set_filter_configuration, get_filter_configuration),
    COUNT(PEF_POLICIES),
    [PARAMETER_POLICY] = RECORD(POLICY_SIZE, POLICY_SIZE, set_policy, get_policy),
    RECORD(GUID_SIZE, GUID_SIZE, set_guid, get_guid),
    COUNT(PEF_STRINGS),
    [PARAMETER_STRING_KEYS] = RECORD(3, 3, set_string_keys, get_string_keys),
    [PARAMETER_STRING] = RECORD(3, 2 + PEF_STRING_BLOCK, set_string, get_string),
};

static int read_settings(const struct layout *layout, const struct pef_settings *settings,
                         uint8_t set, uint8_t block, uint8_t *data)
{
    if (layout->get)
        return layout->get(settings, set, block, data);
    data[0] = layout->count ? layout->count : ((const uint8_t *)settings)[layout->byte];
    return 1;
}

static int write_settings(const struct layout *layout, struct pef_settings *settings,
                          const uint8_t *data, size_t size)
{
    if (layout->set)
        return layout->set(settings, data, size);
    return data[0] & ~layout->known ? -EDOM : replace((uint8_t *)settings + layout->byte, data, 1);
}

static int set_set_in_progress(struct pef *pef, uint8_t value, uint32_t session)
{
    if (value == COMMIT_WRITE)
        return -ENOPROTOOPT; /* optional, and there is nothing to take back */
    if (value > COMMIT_WRITE)
        return -EDOM;
    if (value == PEF_SET_IN_PROGRESS && pef->set_in_progress == PEF_SET_IN_PROGRESS)
        return -EALREADY;
    pef->set_in_progress = value;
    pef->setting_session = value == PEF_SET_IN_PROGRESS ? session : 0;
    return 0;
}

/* The change is made on a copy, which stays if it is one. */
static int change(struct pef *pef, const struct layout *layout, const uint8_t *data, size_t size)
{
    struct pef_settings changed = *pef_settings(pef);
    int result = write_settings(layout, &changed, data, size);

    if (result <= 0)
        return result;
    if (!pef->own)
        pef->own = malloc(sizeof *pef->own);
    if (!pef->own)
        return -ENOMEM;
    *pef->own = changed;
    return result;
}

static int set(struct pef *pef, const struct pef_parameter *parameter, uint32_t session)
{
    if (parameter->number >= ARRAY_SIZE(layouts))
        return -ENOPROTOOPT;
    const struct layout *layout = &layouts[parameter->number];
    if (layout->count)
        return -EBADF;
    if (parameter->size < layout->size_min || parameter->size > layout->size_max)
        return -EMSGSIZE;
    return parameter->number == PARAMETER_SET_IN_PROGRESS
               ? set_set_in_progress(pef, parameter->data[0], session)
               : change(pef, layout, parameter->data, parameter->size);
}

int pef_set_parameter(struct pef *pef, const struct pef_parameter *parameter, uint32_t session,
                      const struct bmc_ticket *ticket)
{
    int result = set(pef, parameter, session);

    if (result < 0)
        return result;
    if (result != TO_BE_STORED)
        return 0;
    pef->core->hooks->changed(pef->core, BMC_PART_PEF, ticket);
    return -EINPROGRESS;
}

int pef_get_parameter(const struct pef *pef, uint8_t number, uint8_t set_selector,
                      uint8_t block_selector, uint8_t data[PEF_PARAMETER_MAX])
{
    if (number >= ARRAY_SIZE(layouts))
        return -ENOPROTOOPT;
    if (number == PARAMETER_SET_IN_PROGRESS) {
        data[0] = pef->set_in_progress;
        return 1;
    }
    return read_settings(&layouts[number], pef_settings(pef), set_selector, block_selector, data);
}

/* ---- storing ---- */

/* What is stored, in this order. */
static const struct {
    uint8_t number;
    uint8_t first, last; /* set selectors */
    uint8_t blocks;
} stored[] = {
    {1, 0, 0, 1},
    {2, 0, 0, 1},
    {3, 0, 0, 1},
    {4, 0, 0, 1},
    {10, 0, 0, 1},
    {PARAMETER_FILTER, 1, PEF_FILTERS, 1},
    {PARAMETER_POLICY, 1, PEF_POLICIES, 1},
    {PARAMETER_STRING_KEYS, 1, PEF_STRINGS, 1},
    {PARAMETER_STRING, 1, PEF_STRINGS, PEF_STRING_BLOCKS},
};

int pef_changed_parameter(const struct pef *pef, unsigned n, uint8_t bytes[1 + PEF_PARAMETER_MAX])
{
    uint8_t standard[PEF_PARAMETER_MAX];
    size_t i = 0;

    for (; i < ARRAY_SIZE(stored); i++) {
        unsigned count = (stored[i].last - stored[i].first + 1u) * stored[i].blocks;
        if (n < count)
            break;
        n -= count;
    }
    if (i == ARRAY_SIZE(stored))
        return -ENOENT;
    const struct layout *layout = &layouts[stored[i].number];
    uint8_t selector = (uint8_t)(stored[i].first + n / stored[i].blocks);
    uint8_t block = (uint8_t)(1 + n % stored[i].blocks);
    bytes[0] = stored[i].number;
    int size = read_settings(layout, pef_settings(pef), selector, block, bytes + 1);
    read_settings(layout, &pef_default_settings, selector, block, standard);
    return memcmp(bytes + 1, standard, (size_t)size) == 0 ? 0 : 1 + size;
}

int pef_restore_parameter(struct pef *pef, const uint8_t *bytes, size_t size)
{
    if (size < 1 || bytes[0] == PARAMETER_SET_IN_PROGRESS)
        return -EMSGSIZE;
    const struct pef_parameter parameter = {bytes[0], bytes + 1, size - 1};
    int result = set(pef, &parameter, 0);
    return result < 0 ? result : 0;
}

void pef_reset_parameters(struct pef *pef)
{
    if (!pef->own)
        return;
    const struct pef_string passing = pef->own->strings[0];
    *pef->own = pef_default_settings;
    pef->own->strings[0] = passing;
}
