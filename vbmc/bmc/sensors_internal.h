/* What the files of the sensors share; not for anybody else. */
#ifndef VBMC_BMC_SENSORS_INTERNAL_H
#define VBMC_BMC_SENSORS_INTERNAL_H

#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"
#include "vbmc/host/host.h"

struct sensor {
    const struct sensor_definition *definition;
    uint8_t number;
    bool exists; /* else only its settings are known */
    char name[SENSOR_NAME_MAX + 1];
    struct sensor_scale scale;
    struct sensor_settings settings;
    /* What was fed last. It is shown unless the sensor does not scan or something is held in its
     * place. */
    bool is_fed;
    bool is_idle; /* no threshold counts */
    uint8_t fed_raw;
    uint16_t fed_states;
    /* What is shown. */
    bool is_held;
    bool available;
    uint8_t raw;
    uint16_t states; /* of a threshold sensor: events that stand, by offset */
    uint16_t deasserted;
};

/* One bay. It keeps its key when the device is gone. */
struct sensor_slot {
    char key[sizeof((struct sensors_slot *)0)->key]; /* "": was never used */
    bool is_filled;
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
    struct sensor **made; /* those that are there, in the order in which they were made */
    uint8_t made_count;
    uint8_t place[256]; /* by number: where it is in `made`, from 1; 0: nowhere */
    struct sensor_row disks, nics;
    bool knows_faults; /* else a state has changed, or a sensor has come or gone */
    struct sensor_faults faults;
};

/* By number; NULL if it was never made. */
static inline struct sensor *sensors_made(const struct sensors *sensors, uint8_t number)
{
    return sensors->place[number] ? sensors->made[sensors->place[number] - 1] : NULL;
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
