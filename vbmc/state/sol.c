#include "vbmc/state/sol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/sol.h"

static void fill_row(struct store_sol *row, const struct solparams *params)
{
    row->enable = params->enable;
    row->authentication = params->authentication;
    row->bit_rate = params->bit_rate;
    memcpy(row->accumulate, params->accumulate, sizeof row->accumulate);
    memcpy(row->retry, params->retry, sizeof row->retry);
}

int sol_rows_decode(struct sol_settings *settings, const struct store_sol *row)
{
    struct solparams params = settings->params;

    params.enable = row->enable;
    params.authentication = row->authentication;
    params.bit_rate = row->bit_rate;
    memcpy(params.accumulate, row->accumulate, sizeof params.accumulate);
    memcpy(params.retry, row->retry, sizeof params.retry);
    if (!solparams_is_valid(&params))
        return -EINVAL;
    settings->params = params;
    memcpy(settings->denied, row->denied, sizeof settings->denied);
    return 0;
}

static void *copy(void *owner)
{
    const struct sol_settings *settings = owner;
    struct store_sol *row = calloc(1, sizeof *row);

    if (!row)
        return NULL;
    row->uuid = settings->uuid;
    fill_row(row, &settings->params);
    memcpy(row->denied, settings->denied, sizeof row->denied);
    return row;
}

static int put(struct store *store, void *owner, const void *row, store_done_fn done, void *context)
{
    (void)owner;
    return store_sol_put(store, row, done, context);
}

static bool take_back(void *owner, const void *stored, bool asked)
{
    struct sol_settings *settings = owner;
    struct store_sol row = {0};
    struct solparams defaults;

    (void)asked;
    if (stored) {
        row = *(const struct store_sol *)stored;
    } else {
        solparams_init(&defaults, settings->params.payload_channel, 0);
        fill_row(&row, &defaults);
    }
    sol_rows_decode(settings, &row);
    return true;
}

const struct save_kind sol_save_kind = {
    .name = "SOL configuration",
    .copy = copy,
    .release = free,
    .put = put,
    .take_back = take_back,
};
