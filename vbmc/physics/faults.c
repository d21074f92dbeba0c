#include "vbmc/physics/faults.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/physics/model.h"
#include "vbmc/physics/supply.h"

#define NICS_MAX    32
#define OFFSET_MOST 100

#define KIND(kind) (1u << (kind))

static const struct {
    const char *name;
    const char *example; /* of the instance; NULL: there is but one */
    unsigned kinds;      /* bits */
} targets[] = {
    [FAULT_TARGET_DISK] = {"disk", "disk/vda", KIND(FAULT_PREDICTIVE_FAILURE) | KIND(FAULT_FAULT)},
    [FAULT_TARGET_PSU] = {"psu", "psu/1",
                          KIND(FAULT_AC_LOST) | KIND(FAULT_FAILED) | KIND(FAULT_REMOVED) |
                              KIND(FAULT_PREDICTIVE_FAILURE)},
    [FAULT_TARGET_FAN] = {"fan", "fan/2", KIND(FAULT_FAILED)},
    [FAULT_TARGET_TEMP] = {"temp", "temp/inlet", KIND(FAULT_OFFSET)},
    [FAULT_TARGET_MEMORY] = {"memory", NULL,
                             KIND(FAULT_ECC_CORRECTABLE) | KIND(FAULT_ECC_UNCORRECTABLE)},
    [FAULT_TARGET_INTRUSION] = {"intrusion", NULL, KIND(FAULT_OPEN)},
    [FAULT_TARGET_NIC] = {"nic", "nic/0", KIND(FAULT_DOWN)},
};

static const char *const kinds[] = {
    [FAULT_PREDICTIVE_FAILURE] = "predictive-failure",
    [FAULT_FAULT] = "fault",
    [FAULT_AC_LOST] = "ac-lost",
    [FAULT_FAILED] = "failed",
    [FAULT_REMOVED] = "removed",
    [FAULT_OFFSET] = "degrees such as +15 or -3.5",
    [FAULT_ECC_CORRECTABLE] = "ecc-correctable",
    [FAULT_ECC_UNCORRECTABLE] = "ecc-uncorrectable",
    [FAULT_OPEN] = "open",
    [FAULT_DOWN] = "down",
};

/* ---- targets ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A plain number from `least` to `most`: no sign, no leading zero. */
static bool is_number(const char *text, unsigned least, unsigned most)
{
    unsigned value = 0;

    if (!is_digit(*text) || (text[0] == '0' && text[1]))
        return false;
    for (; is_digit(*text) && value <= most; text++)
        value = value * 10 + (unsigned)(*text - '0');
    return !*text && value >= least && value <= most;
}

static bool is_disk(const char *text)
{
    size_t size = strlen(text);

    return size > 0 && size < FAULT_INSTANCE_MAX &&
           strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == size;
}

static bool is_temperature(const char *text)
{
    static const char *const names[] = {"inlet", "cpu", "dimm", "exhaust"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(text, names[i]) == 0)
            return true;
    }
    return strncmp(text, "cpu", 3) == 0 && is_number(text + 3, 1, MODEL_SOCKETS_MAX);
}

/* NULL, or what the instance may be. */
static const char *check_instance(enum fault_target target, const char *text)
{
    switch (target) {
    case FAULT_TARGET_DISK:
        return is_disk(text) ? NULL : "disk/NAME: the disk's target name, as in disk/vda";
    case FAULT_TARGET_PSU:
        return is_number(text, 1, SUPPLY_PSUS_MAX) ? NULL : "psu/N: psu/1 to psu/6";
    case FAULT_TARGET_FAN:
        return is_number(text, 1, MODEL_FANS) ? NULL : "fan/N: fan/1 to fan/4";
    case FAULT_TARGET_TEMP:
        return is_temperature(text)
                   ? NULL
                   : "temp/WHERE: temp/inlet, temp/cpu, temp/cpu1, temp/dimm, temp/exhaust";
    case FAULT_TARGET_NIC:
        return is_number(text, 0, NICS_MAX - 1) ? NULL : "nic/N: nic/0 for the first, to nic/31";
    case FAULT_TARGET_MEMORY:
    case FAULT_TARGET_INTRUSION:
        break;
    }
    return NULL;
}

int fault_parse_target(const char *target, struct fault *fault, char *error, size_t error_size)
{
    const char *slash = strchr(target, '/');
    size_t size = slash ? (size_t)(slash - target) : strlen(target);

    memset(fault, 0, sizeof *fault);
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
        if (size != strlen(targets[i].name) || strncmp(target, targets[i].name, size) != 0)
            continue;
        bool wants = targets[i].example != NULL;
        const char *wrong = check_instance((enum fault_target)i, slash ? slash + 1 : "");

        if (wants && wrong) {
            snprintf(error, error_size, "%s", wrong);
            return -EINVAL;
        }
        if (!wants && slash) {
            snprintf(error, error_size, "%s: there is but one; leave out what follows it",
                     targets[i].name);
            return -EINVAL;
        }
        fault->target = (enum fault_target)i;
        snprintf(fault->instance, sizeof fault->instance, "%s", slash ? slash + 1 : "");
        return 0;
    }
    snprintf(error, error_size,
             "targets are: disk/vda, psu/1, fan/1, temp/inlet, memory, intrusion, nic/0");
    return -EINVAL;
}

void fault_format_target(const struct fault *fault, char *text, size_t size)
{
    snprintf(text, size, "%s%s%s", targets[fault->target].name, fault->instance[0] ? "/" : "",
             fault->instance);
}

/* ---- kinds ---- */

/* "+15" or "-3.5": a sign, up to three digits, up to two more after a point. Not strtod, which
 * takes much more, and another point in other locales. */
static bool parse_offset(const char *text, double *value)
{
    double sign = *text == '-' ? -1 : 1, number = 0, unit = 1;
    unsigned whole = 0, rest = 0;

    if (*text != '+' && *text != '-')
        return false;
    for (text++; is_digit(*text); text++, whole++)
        number = number * 10 + (*text - '0');
    if (*text == '.') {
        for (text++; is_digit(*text); text++, rest++) {
            number = number * 10 + (*text - '0');
            unit *= 10;
        }
        if (rest == 0)
            return false;
    }
    if (*text || whole == 0 || whole > 3 || rest > 2)
        return false;
    *value = sign * number / unit;
    return number > 0 && fabs(*value) <= OFFSET_MOST;
}

static void list_kinds(enum fault_target target, char *error, size_t error_size)
{
    size_t used = 0;
    const char *separator = "";

    if (error_size == 0)
        return;
    if (target == FAULT_TARGET_TEMP) {
        snprintf(error, error_size, "temp takes %s, at most %d", kinds[FAULT_OFFSET], OFFSET_MOST);
        return;
    }
    snprintf(error, error_size, "%s can be: ", targets[target].name);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!(targets[target].kinds & KIND(i)))
            continue;
        used = strlen(error);
        snprintf(error + used, error_size - used, "%s%s", separator, kinds[i]);
        separator = ", ";
    }
}

int fault_parse_kind(const struct fault *fault, const char *text, enum fault_kind *kind,
                     double *value, char *error, size_t error_size)
{
    *value = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++) {
        if (!(targets[fault->target].kinds & KIND(i)))
            continue;
        if (i == FAULT_OFFSET ? parse_offset(text, value) : strcmp(text, kinds[i]) == 0) {
            *kind = (enum fault_kind)i;
            return 0;
        }
    }
    list_kinds(fault->target, error, error_size);
    return -EINVAL;
}

int fault_parse(const char *target, const char *kind, struct fault *fault, char *error,
                size_t error_size)
{
    struct fault parsed;
    int result = fault_parse_target(target, &parsed, error, error_size);

    if (result == 0)
        result = fault_parse_kind(&parsed, kind, &parsed.kind, &parsed.value, error, error_size);
    if (result == 0)
        *fault = parsed;
    return result;
}

void fault_format_kind(const struct fault *fault, char *text, size_t size)
{
    if (fault->kind == FAULT_OFFSET)
        snprintf(text, size, "%+.5g", fault->value);
    else
        snprintf(text, size, "%s", kinds[fault->kind]);
}

bool fault_stays(const struct fault *fault)
{
    return fault->kind != FAULT_ECC_CORRECTABLE;
}

/* ---- the list ---- */

static bool is_of(const struct fault *fault, enum fault_target target, const char *instance)
{
    return fault->target == target && strcmp(fault->instance, instance) == 0;
}

int faults_add(struct faults *faults, const struct fault *fault)
{
    unsigned i = 0;

    if (!fault_stays(fault))
        return 0;
    while (i < faults->count && !(is_of(&faults->items[i], fault->target, fault->instance) &&
                                  faults->items[i].kind == fault->kind))
        i++;
    if (i == FAULTS_MAX)
        return -ENOSPC;
    if (i == faults->count)
        faults->count++;
    faults->items[i] = *fault;
    return 0;
}

unsigned faults_clear(struct faults *faults, const struct fault *like, const enum fault_kind *kind)
{
    unsigned kept = 0, before = faults->count;

    for (unsigned i = 0; i < before; i++) {
        const struct fault *fault = &faults->items[i];
        bool goes = !like ||
                    (is_of(fault, like->target, like->instance) && (!kind || fault->kind == *kind));

        if (!goes)
            faults->items[kept++] = *fault;
    }
    faults->count = kept;
    return before - kept;
}

bool faults_has(const struct faults *faults, enum fault_target target, const char *instance,
                enum fault_kind kind)
{
    for (unsigned i = 0; i < faults->count; i++) {
        if (is_of(&faults->items[i], target, instance) && faults->items[i].kind == kind)
            return true;
    }
    return false;
}

uint8_t faults_of_psu(const struct faults *faults, unsigned psu)
{
    static const struct {
        enum fault_kind kind;
        enum supply_psu_fault fault;
    } map[] = {
        {FAULT_AC_LOST, SUPPLY_PSU_AC_LOST},
        {FAULT_FAILED, SUPPLY_PSU_FAILED},
        {FAULT_REMOVED, SUPPLY_PSU_REMOVED},
        {FAULT_PREDICTIVE_FAILURE, SUPPLY_PSU_PREDICTIVE},
    };
    char instance[FAULT_INSTANCE_MAX];
    uint8_t bits = 0;

    if (faults->count == 0)
        return 0;
    snprintf(instance, sizeof instance, "%u", psu + 1);
    for (size_t i = 0; i < ARRAY_SIZE(map); i++) {
        if (faults_has(faults, FAULT_TARGET_PSU, instance, map[i].kind))
            bits |= (uint8_t)map[i].fault;
    }
    return bits;
}

double faults_temperature_offset(const struct faults *faults, const char *instance)
{
    bool is_socket = strncmp(instance, "cpu", 3) == 0 && instance[3];
    double sum = 0;

    for (unsigned i = 0; i < faults->count; i++) {
        const struct fault *fault = &faults->items[i];

        if (is_of(fault, FAULT_TARGET_TEMP, instance) ||
            (is_socket && is_of(fault, FAULT_TARGET_TEMP, "cpu")))
            sum += fault->value;
    }
    return sum;
}
