/* What every sensor is: one row for each sensor, or for each row of equal ones. Readings, SDRs and
 * commands all go by this table. */
#ifndef VBMC_BMC_SENSOR_TABLE_H
#define VBMC_BMC_SENSOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPMI 2.0, table 42-1. */
#define EVENT_TYPE_THRESHOLD    0x01
#define EVENT_TYPE_LIMIT        0x05
#define EVENT_TYPE_AVAILABILITY 0x0a
#define EVENT_TYPE_REDUNDANCY   0x0b
#define EVENT_TYPE_SPECIFIC     0x6f

#define SENSOR_NAME_MAX   16
#define SENSOR_THRESHOLDS 6

/* A reading of y units has the raw value x of y = (M x + B 10^Bexp) 10^Rexp, x unsigned or in two's
 * complement (section 36.3). */
struct sensor_scale {
    int16_t m, b;
    int8_t b_exponent, r_exponent;
    bool is_signed;
};

struct sensor_unit {
    const char *name;
    uint8_t code; /* section 43.17 */
    bool is_percent;
};

enum sensor_class {
    SENSOR_CLASS_THRESHOLD,
    SENSOR_CLASS_DISCRETE,
    SENSOR_CLASS_EVENT_ONLY,
};

/* What there is one for. */
enum sensor_per {
    SENSOR_PER_SERVER,
    SENSOR_PER_SOCKET,
    SENSOR_PER_PSU,
    SENSOR_PER_DISK,
    SENSOR_PER_NIC,
};

struct sensor_definition {
    uint8_t number; /* of the first of them */
    uint8_t count;  /* SENSOR_PER_SERVER: how many there are; else: at most */
    enum sensor_class class;
    enum sensor_per per;
    const char *name; /* '#' stands for the number from 1, '*' for the disk's target */
    uint8_t type;     /* table 42-3 */
    uint8_t event_type;
    uint8_t entity, entity_instance; /* table 43-13; of the first of them */
    /* Of a threshold sensor. */
    const struct sensor_unit *unit;
    struct sensor_scale scale;
    bool scale_by_sockets; /* M, so that twice the sockets may draw twice the power */
    double thresholds[SENSOR_THRESHOLDS]; /* LNC LC LNR UNC UC UNR; NAN: has none */
    double nominal;                       /* 0: not given */
    uint8_t hysteresis;                   /* raw, both directions */
    /* Of a discrete or event-only one; bit N: offset N. Those of a threshold sensor follow from its
     * thresholds. */
    uint16_t assertions, deassertions; /* events it can make */
    uint16_t states;                   /* that a reading can show */
    bool begins_without_states;        /* shows that nothing is wrong before anything was fed */
};

/* What a client changed of a sensor; stored. */
struct sensor_settings {
    uint8_t number;
    uint8_t thresholds[SENSOR_THRESHOLDS]; /* raw, as in Get Sensor Thresholds; 0: has none */
    uint8_t positive_hysteresis, negative_hysteresis;
    bool events_on, scanning_on;
    uint16_t assertion_enables, deassertion_enables;
};

extern const struct sensor_definition sensor_table[];
extern const size_t sensor_table_count;

/* Offset of the event that the N-th threshold makes (table 42-2): a lower one's is its going-low,
 * an upper one's its going-high offset. */
static inline unsigned sensor_threshold_offset(unsigned which)
{
    return which < SENSOR_THRESHOLDS / 2 ? 2 * which : 2 * which + 1;
}

/* NULL if there is none of that number. */
const struct sensor_definition *sensor_definition_find(uint8_t number);
/* Of a number that there is, unless it is a disk's; the text stays. Loop thread. */
const char *sensor_definition_name(uint8_t number);
/* Which thresholds there are: bit N, the N-th; the mask of Get Sensor Thresholds. */
uint8_t sensor_definition_thresholds(const struct sensor_definition *definition);
/* Events that can be made: assertions, deassertions. */
uint16_t sensor_definition_assertions(const struct sensor_definition *definition);
uint16_t sensor_definition_deassertions(const struct sensor_definition *definition);
/* Raw threshold in the table; `which` is one that there is. */
uint8_t sensor_definition_threshold(const struct sensor_definition *definition, unsigned which);
/* Of a sensor that no client has changed; `number` is of the row. */
void sensor_settings_set_defaults(struct sensor_settings *settings, uint8_t number,
                                  const struct sensor_definition *definition);

/* The raw reading as a number: raw readings are compared by these. */
static inline int sensor_scale_counts(const struct sensor_scale *scale, uint8_t raw)
{
    return scale->is_signed && raw >= 0x80 ? raw - 0x100 : raw;
}

/* Limited to what a raw reading can say. */
uint8_t sensor_scale_to_raw(const struct sensor_scale *scale, double value);
double sensor_scale_to_value(const struct sensor_scale *scale, uint8_t raw);

#endif
