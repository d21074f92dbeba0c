/* The physics of a 1U server, computed from what a guest does: watts, temperatures, fan speeds and
 * voltages. Pure: the same inputs over the same time always give the same readings. The formulas
 * stand at the top of model.c. */
#ifndef VBMC_PHYSICS_MODEL_H
#define VBMC_PHYSICS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_SOCKETS_MAX 8
#define MODEL_FANS        4
#define MODEL_PSUS_MAX    6

/* Every constant is a double, in the order of model_constant_table, which has its name, unit, range
 * and meaning; the configuration overrides them as `model-NAME` in [bmc] and [domain]. */
struct model_constants {
    double cpu_idle_watts, cpu_max_watts;
    double dimm_idle_watts, dimm_max_watts;
    double disk_idle_watts, disk_max_watts, disk_request_joules, disk_megabyte_joules;
    double nic_idle_watts, nic_max_watts, nic_megabyte_joules;
    double board_watts, standby_watts;
    double fan_max_watts, fan_max_rpm, fan_least, fan_least_failed, fan_target_c, fan_band_k,
        fan_seconds;
    double airflow_m3_per_s, airflow_still, air_heat;
    double cpu_resistance, cpu_air_resistance, cpu_heat_capacity, cpu_limit_c;
    double dimm_resistance, dimm_air_resistance, dimm_heat_capacity;
    double exhaust_seconds;
    double psu_rated_watts;
    double psu_efficiency_0, psu_efficiency_10, psu_efficiency_20, psu_efficiency_50,
        psu_efficiency_100;
    double volt_12, volt_12_droop, volt_5, volt_5_droop, volt_3_3, volt_3_3_droop, volt_battery;
};

struct model_constant {
    const char *name; /* "cpu-max-watts" */
    size_t offset;    /* of the double in struct model_constants */
    double standard, least, most;
    const char *unit;
    const char *meaning;
};

extern const struct model_constant model_constant_table[];
extern const size_t model_constant_count;

void model_constants_set_defaults(struct model_constants *constants);
/* NULL if there is no constant of that name. */
const struct model_constant *model_constant_find(const char *name);

/* Where its value is. */
double *model_constant_value(struct model_constants *constants,
                             const struct model_constant *constant);

/* What the guest does, and what the server stands in. Whatever is out of range is brought into it;
 * what is not a number counts as 0 (inlet_c: as it was before). */
struct model_inputs {
    bool on;
    unsigned sockets; /* 1..MODEL_SOCKETS_MAX */
    unsigned dimms, disks, nics;
    double cpu_utilisation[MODEL_SOCKETS_MAX]; /* 0..1 */
    double memory_utilisation;                 /* 0..1 */
    double cpu_offset_c[MODEL_SOCKETS_MAX];    /* by which a CPU's sensor is off: fans follow it */
    double disk_requests_per_s, disk_bytes_per_s, nic_bytes_per_s;
    double inlet_c;      /* air at the inlet, injected changes included */
    uint8_t fans_failed; /* bit N: fan N + 1 stands */
    unsigned psus;       /* 0..MODEL_PSUS_MAX, those built in */
    uint8_t psus_live;   /* bit N: PSU N + 1 has AC and delivers */
};

/* Off: the standby draw, fans 0, the three rails 0 V, CPUs and DIMMs cooling to the inlet's
 * temperature. No PSU live: the same, and 0 W whatever `on` says. */
struct model_readings {
    double inlet_c, exhaust_c, dimm_c;
    double cpu_c[MODEL_SOCKETS_MAX]; /* without cpu_offset_c; absent ones: inlet's */
    double fan_rpm[MODEL_FANS];
    double psu_input_w[MODEL_PSUS_MAX]; /* AC */
    double system_w;                    /* AC, the sum of all PSUs */
    double dc_w;
    double cpus_w, disks_w, fans_w; /* shares of dc_w */
    double volt_12, volt_5, volt_3_3, volt_battery;
};

struct model {
    const struct model_constants *constants;
    struct model_readings readings;
    double fan_duty; /* 0..1, of the controller */
};

/* A server that is off and has the temperature of its inlet. The constants outlive it. */
void model_init(struct model *model, const struct model_constants *constants, double inlet_c);
/* Lets `seconds` pass under constant inputs and renews model->readings. Any length: it is taken in
 * steps of a fixed size, a quarter of a second, so that ten calls with 1 s come to the same as one
 * with 10 s; more than an hour counts as an hour, since everything has settled by then. With 0 (or
 * what is not a positive number) watts and volts follow the inputs, which takes no time. */
void model_step(struct model *model, const struct model_inputs *inputs, double seconds);
/* As if the inputs had been the same for as long as anybody can remember. */
void model_settle(struct model *model, const struct model_inputs *inputs);
/* Whether what these seconds have changed is so little that what is still to come under the same
 * inputs is below what any sensor shows. */
bool model_has_settled(const struct model_readings *before, const struct model_readings *after,
                       double seconds);

#endif
