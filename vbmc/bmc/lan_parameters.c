/* What the BMC's address is cannot be changed from within: those parameters can be written with
 * what is there, and with anything else where the configuration has it so (lan-address = writable);
 * it is then shown instead. */
#include "vbmc/bmc/lan_parameters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/core.h"
#include "vbmc/bmc/lan_table.h"
#include "vbmc/bmc/lan_values.h"

#define SET_IN_PROGRESS_NUMBER 0
#define SET_COMPLETE           0
#define SET_IN_PROGRESS        1
#define SET_COMMIT             2

static uint8_t *value_of(struct lan_values *values, const struct lan_row *row, uint8_t set)
{
    return (uint8_t *)values + row->offset + (size_t)set * row->size;
}

static const uint8_t *const_value_of(const struct lan_values *values, const struct lan_row *row,
                                     uint8_t set)
{
    return (const uint8_t *)values + row->offset + (size_t)set * row->size;
}

static uint32_t bit_of(const struct lan_row *row)
{
    return UINT32_C(1) << row->number;
}

/* ---- reading ---- */

static int read_row(const struct lan *lan, const struct lan_values *values,
                    const struct lan_row *row, uint8_t set, uint8_t *data, size_t *size)
{
    bool is_shown_instead =
        row->access == LAN_ADDRESS && lan->address_is_writable && (values->own & bit_of(row)) != 0;

    *size = row->size;
    if (row->get && !is_shown_instead)
        return row->get(lan, values, set, data, size);
    memcpy(data, const_value_of(values, row, set), *size);
    return 0;
}

int lan_get_parameter(const struct lan *lan, uint8_t number, uint8_t set, uint8_t block,
                      uint8_t data[LAN_PARAMETER_MAX], size_t *size)
{
    const struct lan_row *row = lan_find_row(lan, number);

    if (!row && number != SET_IN_PROGRESS_NUMBER)
        return -ENOPROTOOPT;
    if (block != 0 || (set != 0 && !row) || (row && set != 0 && set >= row->sets))
        return -ERANGE;
    if (!row) {
        data[0] = lan->is_set_in_progress ? SET_IN_PROGRESS : SET_COMPLETE;
        *size = 1;
        return 0;
    }
    size_t selector = row->sets > 0;
    data[0] = set;
    int result = read_row(lan, lan_shown(lan), row, set, data + selector, size);
    *size += selector;
    return result;
}

/* ---- writing ---- */

static int set_set_in_progress(struct lan *lan, const uint8_t *data, size_t size, uint32_t session,
                               const struct bmc_ticket *ticket)
{
    if (size != 1)
        return -EMSGSIZE;
    switch (data[0]) {
    case SET_COMPLETE:
        lan_end_set(lan);
        return 0;
    case SET_IN_PROGRESS:
        return lan_begin_set(lan, session);
    case SET_COMMIT:
        return lan_commit_set(lan, ticket);
    default:
        return -EDOM;
    }
}

static void write_row(const struct lan *lan, struct lan_values *values, const struct lan_row *row,
                      uint8_t set, const uint8_t *data, size_t size)
{
    uint8_t *value = value_of(values, row, set);

    values->own |= bit_of(row);
    memset(value, 0, row->size);
    if (row->put)
        row->put(lan, data, size, value);
    else
        memcpy(value, data, size);
}

/* Writing the address that the BMC has ends what was shown instead. */
static bool is_the_fact(const struct lan *lan, const struct lan_row *row, const uint8_t *data,
                        size_t size)
{
    uint8_t fact[LAN_PARAMETER_MAX];
    size_t fact_size = row->size;

    return row->access == LAN_ADDRESS && row->get(lan, lan_held(lan), 0, fact, &fact_size) == 0 &&
           fact_size == size && memcmp(fact, data, size) == 0;
}

static int check_value(const struct lan *lan, const struct lan_row *row, const uint8_t *data,
                       size_t size)
{
    if (data[0] & row->reserved)
        return -EDOM;
    return row->check ? row->check(lan, data, size) : 0;
}

/* Whether `data` may be written by the session; *same tells that it is there already. */
static int check(const struct lan *lan, const struct lan_row *row, uint8_t set, const uint8_t *data,
                 size_t size, uint32_t session, bool *same)
{
    const struct lan_values *values = lan_is_setting(lan, session) ? lan->pending : lan_held(lan);
    uint8_t present[LAN_PARAMETER_MAX];
    size_t present_size;

    if (row->access == LAN_READ_ONLY)
        return -EBADF;
    if (row->number != 19 && size != row->size)
        return -EMSGSIZE;
    int result = check_value(lan, row, data, size);
    if (result < 0)
        return result;
    result = read_row(lan, values, row, set, present, &present_size);
    *same = result == 0 && present_size == size && memcmp(present, data, size) == 0;
    bool may_change =
        row->access == LAN_WRITABLE || (row->access == LAN_ADDRESS && lan->address_is_writable);
    return *same || may_change ? 0 : -EBADF;
}

int lan_set_parameter(struct lan *lan, uint8_t number, const uint8_t *data, size_t size,
                      uint32_t session, const struct bmc_ticket *ticket)
{
    const struct lan_row *row = lan_find_row(lan, number);
    struct lan_values *values[2];
    uint8_t set = 0;
    bool same = false;

    if (number == SET_IN_PROGRESS_NUMBER)
        return set_set_in_progress(lan, data, size, session, ticket);
    if (!row)
        return -ENOPROTOOPT;
    if (row->sets > 0 && row->access != LAN_READ_ONLY) {
        if (size < 2)
            return -EMSGSIZE;
        set = data[0];
        data++;
        size--;
        if (set >= row->sets)
            return -EDOM;
    }
    int result = check(lan, row, set, data, size, session, &same);
    if (result < 0)
        return result;
    if (same && lan_is_setting(lan, session))
        return 0;
    if (same)
        return bmc_core_unchanged(lan->core, BMC_PART_LAN, ticket);
    result = lan_writable(lan, session, values);
    if (result < 0)
        return result;
    for (size_t i = 0; i < 2; i++) {
        if (!values[i])
            continue;
        write_row(lan, values[i], row, set, data, size);
        if (is_the_fact(lan, row, data, size))
            values[i]->own &= ~bit_of(row);
    }
    if (!values[1])
        return 0;
    lan_apply(lan);
    lan->core->hooks->changed(lan->core, BMC_PART_LAN, ticket);
    return -EINPROGRESS;
}

/* ---- the way to the disk ---- */

/* The sets that outlast a restart: destination 0 does not. */
static uint8_t first_set(const struct lan_row *row)
{
    return row->sets > 0 ? 1 : 0;
}

static size_t stored_size(const struct lan_row *row)
{
    return (size_t)row->size * (row->sets > 0 ? row->sets - 1u : 1u);
}

int lan_stored_parameter(const struct lan *lan, unsigned n, uint8_t *number, const uint8_t **bytes,
                         size_t *size)
{
    const struct lan_values *values = lan_held(lan);

    for (size_t i = 0; i < lan_row_count; i++) {
        const struct lan_row *row = &lan_rows[i];
        if (row->access < LAN_ADDRESS || !(values->own & bit_of(row)) || n-- > 0)
            continue;
        *number = row->number;
        *bytes = const_value_of(values, row, first_set(row));
        *size = stored_size(row);
        return 0;
    }
    return -ENOENT;
}

void lan_forget_parameters(struct lan *lan)
{
    if (!lan->held)
        return;
    struct lan_values values = lan_defaults;
    for (size_t i = 0; i < lan_row_count; i++) {
        const struct lan_row *row = &lan_rows[i];
        if (row->sets > 0 && row->access == LAN_WRITABLE)
            memcpy(value_of(&values, row, 0), value_of(lan->held, row, 0), row->size);
    }
    *lan->held = values;
    lan_apply(lan);
}

void lan_reset(struct lan *lan)
{
    lan_forget_parameters(lan);
    lan_restore_access(lan, NULL, PRIVILEGE_HIGHEST);
    lan_restore_key(lan, NULL, NULL);
    lan_restart(lan);
}

/* One value as the disk has it: `put` may have marked what a client cannot send. */
static bool is_valid(const struct lan *lan, const struct lan_row *row, const uint8_t *value)
{
    int result = row->put ? 0 : check_value(lan, row, value, row->size);

    return result == 0 || result == -EMSGSIZE;
}

int lan_restore_parameter(struct lan *lan, uint8_t number, const uint8_t *bytes, size_t size)
{
    const struct lan_row *row = lan_find_row(lan, number);
    struct lan_values *values[2];

    if (!row || row->access < LAN_ADDRESS || size != stored_size(row))
        return -EINVAL;
    for (size_t at = 0; at < size; at += row->size) {
        if (!is_valid(lan, row, bytes + at))
            return -EINVAL;
    }
    int result = lan_writable(lan, UINT32_MAX, values);
    if (result < 0)
        return result;
    memcpy(value_of(values[1], row, first_set(row)), bytes, size);
    values[1]->own |= bit_of(row);
    lan_apply(lan);
    return 0;
}
