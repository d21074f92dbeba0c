/* The physics of a 1U server.
 *
 * Constants are written by their names in struct model_constants; the table below has their values
 * and units. The other symbols:
 *
 *     u       utilisation of a socket, 0..1            P     electrical power, W
 *     m       utilisation of the memory, 0..1          P_dc  behind the power supplies
 *     r, b    disk requests, bytes per second          P_ac  at their plugs
 *     n       network bytes per second                 T     temperature, C
 *     s       speed of a fan, 0..1 of fan_max_rpm      a     airflow, 0..1 of airflow_m3_per_s
 *     t       length of a step, s                      R     thermal resistance, K/W
 *
 * Power, at once:
 *
 *     P_cpu   = cpu_idle_watts + (cpu_max_watts - cpu_idle_watts) u             for each socket
 *     P_dimm  = dimm_idle_watts + (dimm_max_watts - dimm_idle_watts) m          for each DIMM
 *     P_disks = disks disk_idle_watts + disk_request_joules r + disk_megabyte_joules b / 10^6,
 *               at most disks disk_max_watts
 *     P_nics  = nics nic_idle_watts + nic_megabyte_joules n / 10^6, at most nics nic_max_watts
 *     P_fan   = fan_max_watts s^3                                               for each fan
 *     P_dc    = board_watts + the sum of these                                  when on
 *             = standby_watts                                                   when off
 *     P_ac    = P_dc / efficiency(load), load = P_dc / (live PSUs * psu_rated_watts)
 *               in equal parts for the live PSUs; 0 for the others. No PSU live: P_dc = 0.
 *     efficiency: straight lines between psu_efficiency_0, _10, _20, _50 and _100, the points at
 *               which 80 PLUS measures, and level above.
 *     U       = volt_X - volt_X_droop P_dc                                      each rail, when on
 *
 * Fans. The controller is proportional: full speed at fan_target_c + fan_band_k / 2 of the hottest
 * CPU, the least speed at fan_target_c - fan_band_k / 2, straight between. It has no memory, so it
 * does not hunt; the fan's inertia, short against the heat sink's, makes the speed follow the
 * temperature, not the load. T_cpu is what the sensor reads, cpu_offset_c included.
 *
 *     duty    = least + (1 - least) (T_cpu - fan_target_c + fan_band_k / 2) / fan_band_k
 *               within least..1; least = fan_least, or fan_least_failed while a fan has failed
 *     s       -> duty with the time constant fan_seconds; 0 for a failed fan, and when off; a fan
 *               that stood starts with the least speed
 *     a       = sum of s / MODEL_FANS, at least airflow_still
 *
 * Heat. Each temperature T goes to where the power carries it, T_end, by T += (T_end - T) (1 -
 * exp(-t / tau)), which is exact while power and airflow stay as they are.
 *
 *     CPU      T_end = T_inlet + R P_cpu    R = cpu_resistance + cpu_air_resistance / a
 *              tau = R cpu_heat_capacity    at most cpu_limit_c, where a CPU slows itself down
 *     DIMM     T_end = T_inlet + R P_dimm   R = dimm_resistance + dimm_air_resistance / a
 *              tau = R dimm_heat_capacity
 *     exhaust  T_end = T_inlet + P_ac / (a airflow_m3_per_s air_heat)    tau = exhaust_seconds
 *
 * What comes of it with one socket, 2 DIMMs, a disk, a NIC, 2 PSUs and an inlet of 22 C: idle 57 W
 * DC, 79 W AC, CPU 37 C, fans 4,200 RPM; a busy CPU 177 W DC, 202 W AC, 78 C, fans 13,010 RPM,
 * after less than a minute. With one fan failed it comes to 81 C, at an inlet of 45 C to 99 C,
 * where the CPU's upper thresholds (85, 92 and 98 C) have all been crossed. */
#include "vbmc/physics/model.h"

#include <math.h>
#include <string.h>

#include "vbmc/base/array.h"

#define STEP_S        0.25
#define LONGEST_S     3600.0
#define MEGABYTE      1e6
#define RATE_MOST     1e15 /* per second; keeps infinity out */
#define PARTS_MOST    1024 /* of disks, NICs and DIMMs */
#define AIR_LEAST     (-40.0)
#define AIR_MOST      100.0
#define OFFSET_MOST_K 200.0
/* Of a second in which all has settled. The longest time constant is that of a CPU in still air,
 * half a minute. */
#define SETTLED_K   1e-4
#define SETTLED_W   1e-3
#define SETTLED_RPM 0.1
/* The balance of fans and heat is found in steps that do not overshoot. */
#define SETTLE_STEPS 400
#define SETTLE_SHARE 0.2

#define AT(member) offsetof(struct model_constants, member)

/* clang-format off */
const struct model_constant model_constant_table[] = {
    /* name, member, standard value, least, most, unit, meaning */
    {"cpu-idle-watts",       AT(cpu_idle_watts),            18,     0,  1000, "W",        "a socket without load"},
    {"cpu-max-watts",        AT(cpu_max_watts),            110,     0,  1000, "W",        "a socket at full load"},
    {"dimm-idle-watts",      AT(dimm_idle_watts),          1.5,     0,   100, "W",        "a DIMM nothing uses"},
    {"dimm-max-watts",       AT(dimm_max_watts),             4,     0,   100, "W",        "a DIMM in full use"},
    {"disk-idle-watts",      AT(disk_idle_watts),          4.5,     0,   100, "W",        "a disk without requests"},
    {"disk-max-watts",       AT(disk_max_watts),             9,     0,   100, "W",        "a disk, however busy"},
    {"disk-request-joules",  AT(disk_request_joules),    0.004,     0,    10, "J",        "each disk request"},
    {"disk-megabyte-joules", AT(disk_megabyte_joules),    0.02,     0,    10, "J/MB",     "each 10^6 bytes read or written"},
    {"nic-idle-watts",       AT(nic_idle_watts),             3,     0,   100, "W",        "a NIC without traffic"},
    {"nic-max-watts",        AT(nic_max_watts),              8,     0,   100, "W",        "a NIC, however busy"},
    {"nic-megabyte-joules",  AT(nic_megabyte_joules),     0.03,     0,    10, "J/MB",     "each 10^6 bytes sent or received"},
    {"board-watts",          AT(board_watts),               28,     0,  1000, "W",        "everything else on the board, when on"},
    {"standby-watts",        AT(standby_watts),              9,     0,   100, "W",        "the server when off: BMC, wake-up"},
    {"fan-max-watts",        AT(fan_max_watts),              9,     0,   100, "W",        "a fan at full speed"},
    {"fan-max-rpm",          AT(fan_max_rpm),            14000,  1000, 25000, "RPM",      "a fan at full speed"},
    {"fan-least",            AT(fan_least),                0.3,   0.1,     1, "share",    "of full speed: the least speed"},
    {"fan-least-failed",     AT(fan_least_failed),         0.6,   0.1,     1, "share",    "the same while another fan stands"},
    {"fan-target-c",         AT(fan_target_c),              68,    30,    95, "C",        "CPU temperature aimed at: the middle of the band"},
    {"fan-band-k",           AT(fan_band_k),                24,     4,    60, "K",        "from the least speed to full speed"},
    {"fan-seconds",          AT(fan_seconds),                3,  0.25,    60, "s",        "time constant of a fan's speed"},
    {"airflow-m3-per-s",     AT(airflow_m3_per_s),       0.028, 0.001,     1, "m3/s",     "air at full speed of all fans"},
    {"airflow-still",        AT(airflow_still),            0.1,  0.01,     1, "share",    "of that: draught while fans stand"},
    {"air-heat",             AT(air_heat),                1206,   500,  2000, "J/(m3 K)", "density of air times its heat capacity"},
    {"cpu-resistance",       AT(cpu_resistance),          0.36,     0,    10, "K/W",      "die to heat sink"},
    {"cpu-air-resistance",   AT(cpu_air_resistance),     0.135,     0,    10, "K/W",      "heat sink to air at full airflow"},
    {"cpu-heat-capacity",    AT(cpu_heat_capacity),         20,     1,  1000, "J/K",      "die, spreader and heat sink"},
    {"cpu-limit-c",          AT(cpu_limit_c),              110,    60,   150, "C",        "a CPU slows itself down rather than go above"},
    {"dimm-resistance",      AT(dimm_resistance),            3,     0,   100, "K/W",      "chip to surface of a DIMM"},
    {"dimm-air-resistance",  AT(dimm_air_resistance),      1.5,     0,   100, "K/W",      "surface to air at full airflow"},
    {"dimm-heat-capacity",   AT(dimm_heat_capacity),         3,   0.1,  1000, "J/K",      "a DIMM"},
    {"exhaust-seconds",      AT(exhaust_seconds),            8,  0.25,   600, "s",        "time constant of the exhaust"},
    {"psu-rated-watts",      AT(psu_rated_watts),          550,    50,  5000, "W",        "DC that one PSU can deliver"},
    {"psu-efficiency-0",     AT(psu_efficiency_0),        0.60,   0.1,     1, "share",    "PSU efficiency at next to no load"},
    {"psu-efficiency-10",    AT(psu_efficiency_10),       0.84,   0.1,     1, "share",    "at 10 % of its rated load"},
    {"psu-efficiency-20",    AT(psu_efficiency_20),       0.90,   0.1,     1, "share",    "at 20 %"},
    {"psu-efficiency-50",    AT(psu_efficiency_50),       0.94,   0.1,     1, "share",    "at 50 %"},
    {"psu-efficiency-100",   AT(psu_efficiency_100),      0.91,   0.1,     1, "share",    "at 100 % and above"},
    {"volt-12",              AT(volt_12),                12.10,    10,    14, "V",        "12 V rail without load"},
    {"volt-12-droop",        AT(volt_12_droop),         0.0003,     0,  0.01, "V/W",      "less for each watt of DC"},
    {"volt-5",               AT(volt_5),                  5.05,     4,     6, "V",        "5 V rail without load"},
    {"volt-5-droop",         AT(volt_5_droop),          0.0001,     0,  0.01, "V/W",      "less for each watt of DC"},
    {"volt-3-3",             AT(volt_3_3),                3.33,   2.5,     4, "V",        "3.3 V rail without load"},
    {"volt-3-3-droop",       AT(volt_3_3_droop),       0.00005,     0,  0.01, "V/W",      "less for each watt of DC"},
    {"volt-battery",         AT(volt_battery),            3.05,     0,     4, "V",        "CMOS battery"},
};
/* clang-format on */

const size_t model_constant_count = ARRAY_SIZE(model_constant_table);

_Static_assert(sizeof(struct model_constants) == ARRAY_SIZE(model_constant_table) * sizeof(double),
               "each constant stands in the table");

void model_constants_set_defaults(struct model_constants *constants)
{
    for (size_t i = 0; i < model_constant_count; i++)
        *model_constant_value(constants, &model_constant_table[i]) =
            model_constant_table[i].standard;
}

double *model_constant_value(struct model_constants *constants,
                             const struct model_constant *constant)
{
    void *address = (char *)constants + constant->offset;

    return address;
}

const struct model_constant *model_constant_find(const char *name)
{
    for (size_t i = 0; i < model_constant_count; i++) {
        if (strcmp(model_constant_table[i].name, name) == 0)
            return &model_constant_table[i];
    }
    return NULL;
}

/* What is not a number becomes `least`. */
static double limit(double value, double least, double most)
{
    return fmin(fmax(value, least), most);
}

/* ---- power ---- */

static bool has_failed(const struct model_inputs *inputs, unsigned fan)
{
    return inputs->fans_failed >> fan & 1;
}

static unsigned psus_built_in(const struct model_inputs *inputs)
{
    return inputs->psus < MODEL_PSUS_MAX ? inputs->psus : MODEL_PSUS_MAX;
}

static bool is_live(const struct model_inputs *inputs, unsigned psu)
{
    return psu < psus_built_in(inputs) && (inputs->psus_live >> psu & 1);
}

static unsigned count_live(const struct model_inputs *inputs)
{
    unsigned live = 0;

    for (unsigned psu = 0; psu < MODEL_PSUS_MAX; psu++)
        live += is_live(inputs, psu);
    return live;
}

static bool is_on(const struct model_inputs *inputs)
{
    return inputs->on && count_live(inputs) > 0;
}

static unsigned sockets_of(const struct model_inputs *inputs)
{
    if (inputs->sockets < 1)
        return 1;
    return inputs->sockets < MODEL_SOCKETS_MAX ? inputs->sockets : MODEL_SOCKETS_MAX;
}

static double parts(unsigned count)
{
    return count < PARTS_MOST ? count : PARTS_MOST;
}

/* Between idle and most, also where the configuration has them the wrong way round. */
static double between(double idle, double most, double share)
{
    return idle + fmax(most - idle, 0) * limit(share, 0, 1);
}

static double cpu_watts(const struct model *model, const struct model_inputs *inputs,
                        unsigned socket)
{
    if (!is_on(inputs) || socket >= sockets_of(inputs))
        return 0;
    return between(model->constants->cpu_idle_watts, model->constants->cpu_max_watts,
                   inputs->cpu_utilisation[socket]);
}

static double dimm_watts(const struct model *model, const struct model_inputs *inputs)
{
    if (!is_on(inputs))
        return 0;
    return between(model->constants->dimm_idle_watts, model->constants->dimm_max_watts,
                   inputs->memory_utilisation);
}

static double disks_watts(const struct model_constants *c, const struct model_inputs *inputs)
{
    double idle = parts(inputs->disks) * c->disk_idle_watts;
    double most = parts(inputs->disks) * c->disk_max_watts;
    double work =
        c->disk_request_joules * limit(inputs->disk_requests_per_s, 0, RATE_MOST) +
        c->disk_megabyte_joules * limit(inputs->disk_bytes_per_s, 0, RATE_MOST) / MEGABYTE;

    return fmin(idle + work, fmax(most, idle));
}

static double nics_watts(const struct model_constants *c, const struct model_inputs *inputs)
{
    double idle = parts(inputs->nics) * c->nic_idle_watts;
    double most = parts(inputs->nics) * c->nic_max_watts;
    double work = c->nic_megabyte_joules * limit(inputs->nic_bytes_per_s, 0, RATE_MOST) / MEGABYTE;

    return fmin(idle + work, fmax(most, idle));
}

static double fan_speed(const struct model *model, unsigned fan)
{
    return model->readings.fan_rpm[fan] / model->constants->fan_max_rpm;
}

static double cpus_watts(const struct model *model, const struct model_inputs *inputs)
{
    double sum = 0;

    for (unsigned socket = 0; socket < sockets_of(inputs); socket++)
        sum += cpu_watts(model, inputs, socket);
    return sum;
}

static double fans_watts(const struct model *model)
{
    double sum = 0;

    for (unsigned fan = 0; fan < MODEL_FANS; fan++) {
        double speed = fan_speed(model, fan);
        sum += model->constants->fan_max_watts * speed * speed * speed;
    }
    return sum;
}

static double dc_watts(const struct model *model, const struct model_inputs *inputs)
{
    const struct model_constants *c = model->constants;
    const struct model_readings *readings = &model->readings;

    if (count_live(inputs) == 0)
        return 0;
    if (!inputs->on)
        return c->standby_watts;
    return c->board_watts + readings->cpus_w + readings->fans_w + readings->disks_w +
           parts(inputs->dimms) * dimm_watts(model, inputs) + nics_watts(c, inputs);
}

static double efficiency(const struct model_constants *c, double load)
{
    const struct {
        double load, efficiency;
    } points[] = {
        {0, c->psu_efficiency_0},    {0.1, c->psu_efficiency_10}, {0.2, c->psu_efficiency_20},
        {0.5, c->psu_efficiency_50}, {1, c->psu_efficiency_100},
    };

    for (size_t i = 1; i < ARRAY_SIZE(points); i++) {
        if (load < points[i].load)
            return points[i - 1].efficiency + (points[i].efficiency - points[i - 1].efficiency) *
                                                  (load - points[i - 1].load) /
                                                  (points[i].load - points[i - 1].load);
    }
    return c->psu_efficiency_100;
}

static double rail(bool on, double volts, double droop, double watts)
{
    return on ? fmax(volts - droop * watts, 0) : 0;
}

/* Watts and volts, which follow the inputs without delay. */
static void renew_power(struct model *model, const struct model_inputs *inputs)
{
    const struct model_constants *c = model->constants;
    struct model_readings *readings = &model->readings;
    unsigned live = count_live(inputs);
    double each = 0;
    bool on = is_on(inputs);

    readings->cpus_w = on ? cpus_watts(model, inputs) : 0;
    readings->disks_w = on ? disks_watts(c, inputs) : 0;
    readings->fans_w = on ? fans_watts(model) : 0;
    double dc = dc_watts(model, inputs);
    if (live > 0)
        each = dc / live / efficiency(c, dc / live / c->psu_rated_watts);
    readings->dc_w = dc;
    readings->system_w = each * live;
    for (unsigned psu = 0; psu < MODEL_PSUS_MAX; psu++)
        readings->psu_input_w[psu] = is_live(inputs, psu) ? each : 0;
    readings->volt_12 = rail(on, c->volt_12, c->volt_12_droop, dc);
    readings->volt_5 = rail(on, c->volt_5, c->volt_5_droop, dc);
    readings->volt_3_3 = rail(on, c->volt_3_3, c->volt_3_3_droop, dc);
    readings->volt_battery = c->volt_battery;
}

/* ---- fans ---- */

static double least_speed(const struct model_constants *c, const struct model_inputs *inputs)
{
    bool any_failed = (inputs->fans_failed & ((1u << MODEL_FANS) - 1)) != 0;

    return any_failed ? fmax(c->fan_least_failed, c->fan_least) : c->fan_least;
}

/* What a CPU's sensor reads, right or wrong. */
static double read_cpu(const struct model *model, const struct model_inputs *inputs,
                       unsigned socket)
{
    return model->readings.cpu_c[socket] +
           limit(inputs->cpu_offset_c[socket], -OFFSET_MOST_K, OFFSET_MOST_K);
}

static double duty_for(const struct model *model, const struct model_inputs *inputs)
{
    const struct model_constants *c = model->constants;
    double least = least_speed(c, inputs), hottest = read_cpu(model, inputs, 0);

    for (unsigned socket = 1; socket < sockets_of(inputs); socket++)
        hottest = fmax(hottest, read_cpu(model, inputs, socket));
    double above = hottest - (c->fan_target_c - c->fan_band_k / 2);
    return least + (1 - least) * limit(above / c->fan_band_k, 0, 1);
}

/* A fan stops and starts at once, which takes no seconds; one that turns follows the duty. */
static void step_fans(struct model *model, const struct model_inputs *inputs, double seconds)
{
    const struct model_constants *c = model->constants;
    double follow = -expm1(-seconds / c->fan_seconds);

    model->fan_duty = is_on(inputs) ? duty_for(model, inputs) : 0;
    for (unsigned fan = 0; fan < MODEL_FANS; fan++) {
        double speed = fan_speed(model, fan);

        if (!is_on(inputs) || has_failed(inputs, fan))
            speed = 0;
        else if (speed <= 0)
            speed = c->fan_least;
        else
            speed += (model->fan_duty - speed) * follow;
        model->readings.fan_rpm[fan] = speed * c->fan_max_rpm;
    }
}

static double airflow(const struct model *model)
{
    double sum = 0;

    for (unsigned fan = 0; fan < MODEL_FANS; fan++)
        sum += fan_speed(model, fan);
    return fmax(sum / MODEL_FANS, model->constants->airflow_still);
}

/* ---- heat ---- */

static double approach(double from, double to, double seconds, double time_constant)
{
    if (!(time_constant > 0))
        return to;
    return from + (to - from) * -expm1(-seconds / time_constant);
}

static void step_heat(struct model *model, const struct model_inputs *inputs, double seconds)
{
    const struct model_constants *c = model->constants;
    struct model_readings *readings = &model->readings;
    double air = airflow(model), inlet = readings->inlet_c;
    double cpu = c->cpu_resistance + c->cpu_air_resistance / air;
    double dimm = c->dimm_resistance + c->dimm_air_resistance / air;

    for (unsigned socket = 0; socket < MODEL_SOCKETS_MAX; socket++) {
        if (socket >= sockets_of(inputs)) {
            readings->cpu_c[socket] = inlet;
            continue;
        }
        double to = inlet + cpu * cpu_watts(model, inputs, socket);
        double now = approach(readings->cpu_c[socket], to, seconds, cpu * c->cpu_heat_capacity);

        readings->cpu_c[socket] = fmin(now, c->cpu_limit_c);
    }
    readings->dimm_c = approach(readings->dimm_c, inlet + dimm * dimm_watts(model, inputs), seconds,
                                dimm * c->dimm_heat_capacity);
    readings->exhaust_c = approach(
        readings->exhaust_c, inlet + readings->system_w / (air * c->airflow_m3_per_s * c->air_heat),
        seconds, c->exhaust_seconds);
}

/* ---- the whole ---- */

void model_init(struct model *model, const struct model_constants *constants, double inlet_c)
{
    double inlet = isnan(inlet_c) ? 0 : limit(inlet_c, AIR_LEAST, AIR_MOST);

    *model = (struct model){.constants = constants};
    model->readings.inlet_c = inlet;
    model->readings.exhaust_c = inlet;
    model->readings.dimm_c = inlet;
    for (unsigned socket = 0; socket < MODEL_SOCKETS_MAX; socket++)
        model->readings.cpu_c[socket] = inlet;
    model->readings.volt_battery = constants->volt_battery;
}

void model_step(struct model *model, const struct model_inputs *inputs, double seconds)
{
    if (!isnan(inputs->inlet_c))
        model->readings.inlet_c = limit(inputs->inlet_c, AIR_LEAST, AIR_MOST);
    step_fans(model, inputs, 0);
    renew_power(model, inputs);
    double left = limit(seconds, 0, LONGEST_S);
    while (left > 0) {
        double part = fmin(left, STEP_S);

        step_fans(model, inputs, part);
        step_heat(model, inputs, part);
        renew_power(model, inputs);
        left -= part;
    }
}

/* The heat follows the fans at once, and they follow it by a share of the way each time. */
void model_settle(struct model *model, const struct model_inputs *inputs)
{
    double fans_s = -log1p(-SETTLE_SHARE) * model->constants->fan_seconds;
    struct model_readings before;

    model_step(model, inputs, 0);
    for (unsigned i = 0; i < SETTLE_STEPS; i++) {
        before = model->readings;
        step_fans(model, inputs, fans_s);
        step_heat(model, inputs, INFINITY);
        renew_power(model, inputs);
        if (i > 0 && model_has_settled(&before, &model->readings, SETTLE_SHARE))
            break;
    }
}

static bool is_near(double before, double after, double most)
{
    return fabs(after - before) <= most;
}

bool model_has_settled(const struct model_readings *before, const struct model_readings *after,
                       double seconds)
{
    bool settled = seconds > 0 && is_near(before->inlet_c, after->inlet_c, SETTLED_K * seconds) &&
                   is_near(before->exhaust_c, after->exhaust_c, SETTLED_K * seconds) &&
                   is_near(before->dimm_c, after->dimm_c, SETTLED_K * seconds) &&
                   is_near(before->system_w, after->system_w, SETTLED_W * seconds);

    for (unsigned socket = 0; socket < MODEL_SOCKETS_MAX; socket++)
        settled =
            settled && is_near(before->cpu_c[socket], after->cpu_c[socket], SETTLED_K * seconds);
    for (unsigned fan = 0; fan < MODEL_FANS; fan++)
        settled =
            settled && is_near(before->fan_rpm[fan], after->fan_rpm[fan], SETTLED_RPM * seconds);
    return settled;
}
