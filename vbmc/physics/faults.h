/* What `vbmc inject` has broken in one server. Kept until cleared, over restarts too. */
#ifndef VBMC_PHYSICS_FAULTS_H
#define VBMC_PHYSICS_FAULTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULTS_MAX         64
#define FAULT_INSTANCE_MAX 32

enum fault_target {
    FAULT_TARGET_DISK,      /* disk/vda */
    FAULT_TARGET_PSU,       /* psu/1 */
    FAULT_TARGET_FAN,       /* fan/2 */
    FAULT_TARGET_TEMP,      /* temp/inlet, temp/cpu, temp/cpu1, temp/dimm, temp/exhaust */
    FAULT_TARGET_MEMORY,    /* memory */
    FAULT_TARGET_INTRUSION, /* intrusion */
    FAULT_TARGET_NIC,       /* nic/0, the NICs counted from 0 in document order */
};

enum fault_kind {
    FAULT_PREDICTIVE_FAILURE, /* disk, psu */
    FAULT_FAULT,              /* disk */
    FAULT_AC_LOST,            /* psu */
    FAULT_FAILED,             /* psu, fan */
    FAULT_REMOVED,            /* psu */
    FAULT_OFFSET,             /* temp: +15 or -3.5 */
    FAULT_ECC_CORRECTABLE,    /* memory: an event each time it is injected; nothing stays */
    FAULT_ECC_UNCORRECTABLE,  /* memory: stays until cleared */
    FAULT_OPEN,               /* intrusion */
    FAULT_DOWN,               /* nic */
};

struct fault {
    enum fault_target target;
    char instance[FAULT_INSTANCE_MAX]; /* "vda", "1", "inlet"; "" where there is but one */
    enum fault_kind kind;
    double value;    /* FAULT_OFFSET: degrees */
    int64_t since_s; /* unix time */
};

struct faults {
    struct fault items[FAULTS_MAX]; /* in the order in which they were injected */
    unsigned count;
};

/* Reads "psu/1" and "ac-lost". 0; -EINVAL with one line in `error` that says what is possible, and
 * *fault as it was. Strict: the words as they stand above, a temperature with its sign (up to 100
 * degrees, at most two decimals, not 0), numbers without leading zeros. Whether the server has such
 * a disk, PSU or NIC is not known here. since_s is 0. */
int fault_parse(const char *target, const char *kind, struct fault *fault, char *error,
                size_t error_size);
/* Reads "psu/1" alone; the rest of *fault is zero. As fault_parse. */
int fault_parse_target(const char *target, struct fault *fault, char *error, size_t error_size);
/* Reads a kind alone, of those that the target of `fault` can have. As fault_parse. */
int fault_parse_kind(const struct fault *fault, const char *text, enum fault_kind *kind,
                     double *value, char *error, size_t error_size);
/* "psu/1" and "ac-lost" or "+15". */
void fault_format_target(const struct fault *fault, char *text, size_t size);
void fault_format_kind(const struct fault *fault, char *text, size_t size);
/* True if it stays until it is cleared. */
bool fault_stays(const struct fault *fault);

/* Adds one, or replaces the same kind of the same instance, which keeps its place in the list; one
 * that does not stay is left out. 0 or -ENOSPC. */
int faults_add(struct faults *faults, const struct fault *fault);
/* Removes those of a target and instance (any kind unless `kind` is given); NULL: all. How many
 * went. */
unsigned faults_clear(struct faults *faults, const struct fault *like, const enum fault_kind *kind);
bool faults_has(const struct faults *faults, enum fault_target target, const char *instance,
                enum fault_kind kind);
/* SUPPLY_PSU_* bits of the PSU (from 0), and degrees added to a temperature ("inlet"); those of
 * "cpu" count for "cpu1" and every other socket as well. */
uint8_t faults_of_psu(const struct faults *faults, unsigned psu);
double faults_temperature_offset(const struct faults *faults, const char *instance);

#endif
