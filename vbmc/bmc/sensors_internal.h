/* What the files of the sensors share; not for anybody else. */
#ifndef VBMC_BMC_SENSORS_INTERNAL_H
#define VBMC_BMC_SENSORS_INTERNAL_H

#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/host/host.h"

/* A server has half a hundred of them, and there are thousands of servers: what all servers have in
 * common is not here. */
struct sensor {
    struct sensor_settings settings; /* its number too */
    uint8_t row;                     /* of sensor_table */
    bool exists : 1;                 /* else only its settings are known */
    /* What was fed last. It is shown unless the sensor does not scan or something is held in its
     * place. */
    bool is_fed : 1;
    bool is_idle : 1; /* no threshold counts */
    /* What is shown. */
    bool is_held : 1;
    bool available : 1;
    uint8_t fed_raw, raw;
    uint16_t fed_states;
    uint16_t states; /* of a threshold sensor: events that stand, by offset */
    uint16_t deasserted;
};

/* One bay. It keeps its key when the device is gone. */
struct sensor_slot {
    char key[sizeof((struct sensors_slot *)0)->key]; /* "": was never used */
    bool is_filled;
    char name[SENSOR_NAME_MAX + 1]; /* of a disk's sensor */
};

/* As many bays as are in use, and some. */
struct sensor_row {
    struct sensor_slot *slots;
    unsigned count;
};

struct sensors {
    const struct sensors_ops *ops;
    void *context;
    bool is_quiet; /* no events now */
    bool knows_hardware;
    unsigned sockets;
    struct sensor *made; /* those that are there, in the order in which they were made; they move
                            when one is added */
    uint8_t made_count;
    uint8_t place[256]; /* by number: where it is in `made`, from 1; 0: nowhere */
    struct sensor_row disks, nics;
    bool knows_faults; /* else a state has changed, or a sensor has come or gone */
    struct sensor_faults faults;
};

/* By number; NULL if it was never made. */
static inline struct sensor *sensors_made(const struct sensors *sensors, uint8_t number)
{
    return sensors->place[number] ? &sensors->made[sensors->place[number] - 1] : NULL;
}

static inline const struct sensor_definition *sensor_definition(const struct sensor *sensor)
{
    return &sensor_table[sensor->row];
}

static inline uint8_t sensor_number(const struct sensor *sensor)
{
    return sensor->settings.number;
}

static inline struct sensor_scale sensor_scale(const struct sensors *sensors,
                                               const struct sensor *sensor)
{
    struct sensor_scale scale = sensor_definition(sensor)->scale;

    if (sensor_definition(sensor)->scale_by_sockets)
        scale.m = (int16_t)(scale.m * (int)sensors->sockets);
    return scale;
}

/* NULL if it is not there. */
struct sensor *sensors_find(const struct sensors *sensors, uint8_t number);
/* Also one of which only the settings are known; made if the table has the number. NULL: it has
 * not, or there is no memory. */
struct sensor *sensors_make(struct sensors *sensors, uint8_t number);
/* Shows what was fed, unless it must not, with the events that follow. */
void sensor_show(struct sensors *sensors, struct sensor *sensor, uint8_t data2, uint8_t data3);
/* An empty bay of a disk; a NIC that is gone says nothing. */
void sensor_show_empty(struct sensors *sensors, struct sensor *sensor);
/* Back to the beginning of a sensor's life. */
void sensor_forget(struct sensor *sensor);

#endif
