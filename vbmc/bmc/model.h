/* The physics of a 1U server, computed from what a guest does: watts, temperatures, fan speeds and
 * voltages. Pure: the same inputs over the same time always give the same readings. The formulas
 * stand at the top of model.c. */
#ifndef VBMC_BMC_MODEL_H
#define VBMC_BMC_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_SOCKETS_MAX 8
#define MODEL_FANS        4
#define MODEL_PSUS_MAX    6

/* Every constant is a double, named in model_constant_table; the configuration overrides them as
 * `model-NAME` in [bmc] and [domain]. */
struct model_constants;

struct model_constant {
    const char *name; /* "cpu-max-watts" */
    size_t offset;    /* of the double in struct model_constants */
    double standard, least, most;
    const char *unit;
    const char *meaning;
};

extern const struct model_constant model_constant_table[];
extern const size_t model_constant_count;

struct model_constants {
    double cpu_idle_watts; /* of one socket */
    double cpu_max_watts;
    /* ... and the rest, in the order of the table. */
};

void model_constants_set_defaults(struct model_constants *constants);
/* NULL if there is no constant of that name. */
const struct model_constant *model_constant_find(const char *name);

/* What the guest does, and what the server stands in. */
struct model_inputs {
    bool on;
    unsigned sockets; /* 1..MODEL_SOCKETS_MAX */
    unsigned dimms, disks, nics;
    double cpu_utilisation[MODEL_SOCKETS_MAX]; /* 0..1 */
    double memory_utilisation;                 /* 0..1 */
    double disk_requests_per_s, disk_bytes_per_s, nic_bytes_per_s;
    double inlet_c;      /* air at the inlet, injected changes included */
    uint8_t fans_failed; /* bit N: fan N + 1 stands */
    unsigned psus;       /* 0..MODEL_PSUS_MAX, those built in */
    uint8_t psus_live;   /* bit N: PSU N + 1 has AC and delivers */
};

struct model_readings {
    double inlet_c, exhaust_c, dimm_c;
    double cpu_c[MODEL_SOCKETS_MAX];
    double fan_rpm[MODEL_FANS];
    double psu_input_w[MODEL_PSUS_MAX]; /* AC */
    double system_w;                    /* AC, the sum of all PSUs */
    double dc_w;
    double volt_12, volt_5, volt_3_3, volt_battery;
};

struct model {
    struct model_constants constants;
    struct model_readings readings;
    double fan_duty; /* 0..1, of the controller */
};

/* A server that is off and has the temperature of its inlet. */
void model_init(struct model *model, const struct model_constants *constants, double inlet_c);
/* Lets `seconds` pass (any length; long ones are taken in steps of a fixed size) under constant
 * inputs and renews model->readings. */
void model_step(struct model *model, const struct model_inputs *inputs, double seconds);

#endif
