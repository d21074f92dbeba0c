/* The sensors of one BMC (IPMI 2.0, chapter 35): readings, states, thresholds with hysteresis,
 * event enables, and the events that follow. What there is stands in one table, sensor_table.c,
 * from which the SDRs are made as well. No I/O, no clock. */
#ifndef VBMC_BMC_SENSORS_H
#define VBMC_BMC_SENSORS_H

#include <stdbool.h>
#include <stdint.h>

/* Sensor numbers. Those of a range are counted up from the name's; disks and NICs keep theirs for
 * the life of the domain (struct sensors_slot). */
enum sensor_number {
    SENSOR_INLET_TEMP = 0x01,
    SENSOR_EXHAUST_TEMP = 0x02,
    SENSOR_DIMM_TEMP = 0x03,
    SENSOR_CPU_TEMP = 0x08,  /* 8 */
    SENSOR_FAN = 0x10,       /* 4 */
    SENSOR_PSU_INPUT = 0x18, /* 6 */
    SENSOR_SYS_POWER = 0x20,
    SENSOR_CPU_POWER = 0x21, /* shares of what is behind the supplies */
    SENSOR_DISK_POWER = 0x22,
    SENSOR_FAN_POWER = 0x23,
    SENSOR_POWER_LIMIT = 0x24,   /* 0Bh, event type 05h: that of DCMI */
    SENSOR_THERMAL_LIMIT = 0x25, /* 01h, event type 05h: the same */
    SENSOR_12V = 0x28,
    SENSOR_5V = 0x29,
    SENSOR_3_3V = 0x2a,
    SENSOR_VBAT = 0x2b,
    SENSOR_CPU_UTIL = 0x30,
    SENSOR_MEM_UTIL = 0x31,
    SENSOR_IO_UTIL = 0x32,
    SENSOR_PSU_STATUS = 0x38,    /* 6; type 08h */
    SENSOR_PS_REDUNDANCY = 0x40, /* 08h, event type 0Bh */
    SENSOR_POWER_UNIT = 0x41,    /* 09h */
    SENSOR_ACPI_POWER = 0x42,    /* 22h */
    SENSOR_INTRUSION = 0x43,     /* 05h */
    SENSOR_SEL = 0x44,           /* 10h: cleared, full, almost full */
    SENSOR_WATCHDOG2 = 0x45,     /* 23h */
    SENSOR_SYSTEM_BOOT = 0x46,   /* 1Dh: events only */
    SENSOR_OS_STOP = 0x47,       /* 20h */
    SENSOR_OS_BOOT = 0x48,       /* 1Fh: events only */
    SENSOR_MEMORY = 0x49,        /* 0Ch */
    SENSOR_UPS_INPUT = 0x4a,     /* 09h: offset 4 while on battery */
    SENSOR_UPS_BATTERY = 0x4b,   /* 29h */
    SENSOR_POWER_BUTTON = 0x4c,  /* 14h: events only; a graceful shutdown was asked for */
    SENSOR_LOGIN = 0x4d,         /* 06h: offset 5, a failed login; events only */
    SENSOR_BMC = 0x4e,           /* 16h, event type 0Ah: the BMC (re)started; events only */
    SENSOR_CLOCK = 0x4f,         /* 12h: offset 5, the time was set; events only */
    SENSOR_CPU_STATUS = 0x50,    /* 8; 07h */
    SENSOR_BOOT_DEVICE = 0x58,   /* 1Eh: offset 0, an override was not followed; events only */
    SENSOR_SESSION_AUDIT = 0x59, /* 2Ah: offset 3, a user was locked out; events only */
    SENSOR_PEF = 0x5a,           /* 12h: offset 4, an action of PEF; events only */
    SENSOR_DISK = 0x80,          /* 64; 0Dh */
    SENSOR_NIC = 0xc0,           /* 32; 27h LAN, offset 0 heartbeat lost, 1 heartbeat */
};

struct host_hardware;
struct sensor_scale;
struct sensor_settings;
struct sensors;

/* One event that is enabled: what goes into bytes 10 to 15 of a SEL record (IPMI 2.0, table 32-1).
 */
struct sensor_event {
    uint8_t type;
    uint8_t number;
    uint8_t event_type;
    bool deassertion;
    uint8_t data[3];
};

struct sensors_ops {
    /* May not call back into the sensors. */
    void (*event)(void *context, const struct sensor_event *event);
};

/* Which number a disk or a NIC has, for good; stored. */
struct sensors_slot {
    uint8_t number;
    char key[20]; /* "vda", or the MAC address as "52:54:00:12:34:56" */
};

/* NULL if there is no memory. */
struct sensors *sensors_new(const struct sensors_ops *ops, void *context);
/* NULL is allowed. */
void sensors_free(struct sensors *sensors);

/* What is built in; hardware NULL: not known, only the PSUs are looked at. Sensors of what is no
 * longer there are taken away, except for disks and NICs, which stay as empty slots until all
 * numbers are used up; removable disks have no slot. New sensors begin without a reading and
 * without an event, but a disk that is added later begins as an empty slot, so that its presence is
 * one. True if sensors came, went or changed their record. */
bool sensors_set_hardware(struct sensors *sensors, const struct host_hardware *hardware,
                          unsigned psus);
/* Number of a disk by its target, or of a NIC by its address; 0 if it has none. */
uint8_t sensors_find_disk(const struct sensors *sensors, const char *target);
uint8_t sensors_find_nic(const struct sensors *sensors, const uint8_t mac[6]);

/* ---- feeding ---- */

/* In the sensor's unit; limited to what a raw reading can say (what is no number: unavailable).
 * Crossed thresholds make events. A number that does not exist is left out, here and below. */
void sensors_set_reading(struct sensors *sensors, uint8_t number, double value);
/* The same of something that rests, as a fan of a server that is off: shown, but no threshold is
 * looked at; those that were asserted are dropped without an event. */
void sensors_set_idle_reading(struct sensors *sensors, uint8_t number, double value);
/* Nothing to read, as of a CPU without power: asserted thresholds are dropped without an event. */
void sensors_set_unavailable(struct sensors *sensors, uint8_t number);
/* All states of a discrete sensor, bit N: offset N. Each change is an event if it is enabled; the
 * first states of a new sensor, or of one that was unavailable, are none: that the BMC sees them
 * for the first time does not mean that they have begun now. */
void sensors_set_states(struct sensors *sensors, uint8_t number, uint16_t states);
/* An event that leaves no state behind. data2, data3: 0xff if unspecified, else sensor-specific. */
void sensors_raise(struct sensors *sensors, uint8_t number, uint8_t offset, uint8_t data2,
                   uint8_t data3);

/* ---- reading, for commands and tables ---- */

/* Order of the thresholds everywhere. */
enum sensor_threshold {
    SENSOR_LNC,
    SENSOR_LC,
    SENSOR_LNR,
    SENSOR_UNC,
    SENSOR_UC,
    SENSOR_UNR,
};

enum sensor_severity {
    SENSOR_OK,
    SENSOR_WARNING,
    SENSOR_CRITICAL,
    SENSOR_NON_RECOVERABLE,
};

struct sensor_view {
    uint8_t number;
    const char *name;   /* at most 16 bytes; valid until the next sensors_set_hardware */
    const char *unit;   /* "C", "W", "RPM", "V", "%"; "" for a discrete one */
    uint8_t type;       /* IPMI 2.0, table 42-3 */
    uint8_t event_type; /* table 42-1 */
    uint8_t entity, entity_instance;
    bool is_threshold;
    bool is_event_only;
    bool available;
    uint8_t raw;
    double value;    /* what `raw` says, so that all tools show the same */
    uint16_t states; /* discrete: states; threshold: comparison bits [5:0] of 04.2D */
    enum sensor_severity severity;
    uint16_t sdr_id; /* its record in the repository */
};

/* Sensors in the order of their numbers: 0 gives the first; 0 or -ENOENT at the end. `number` moves
 * on to the sensor found plus 1. */
int sensors_next(const struct sensors *sensors, unsigned *number, struct sensor_view *view);
/* 0 or -ENOENT. */
int sensors_view(const struct sensors *sensors, uint8_t number, struct sensor_view *view);
/* In the sensor's unit; -ENOENT if it has none. */
int sensors_threshold(const struct sensors *sensors, uint8_t number, enum sensor_threshold which,
                      double *value);
/* The worst severity, and the name of a sensor that has it (NULL if all is well). */
enum sensor_severity sensors_health(const struct sensors *sensors, const char **name);

/* What is wrong, as Get Chassis Status tells it (IPMI 2.0, section 28.2). A failed supply is a
 * fault of the main power subsystem even where another one carries on. What only warns, as a
 * drive's predictive failure, is no fault. */
struct sensor_faults {
    bool power, intrusion, drive, fan;
};

/* Looks at the sensors only if a state has changed since it was called last. */
struct sensor_faults sensors_faults(const struct sensors *sensors);

/* "Upper Critical - going high", "Presence detected": an offset's text; NULL for unknown ones. */
const char *sensor_state_text(uint8_t type, uint8_t event_type, uint8_t offset);
/* "Temperature", "Drive Slot"; NULL for unknown ones. */
const char *sensor_type_text(uint8_t type);
/* How grave an event or a state is (also for SEL listings). */
enum sensor_severity sensor_state_severity(uint8_t type, uint8_t event_type, uint8_t offset);

/* ---- for the sensor commands and the SDRs ---- */

struct sensor_status {
    bool events_on, scanning_on, available;
    uint16_t asserted;   /* events that stand, by offset */
    uint16_t deasserted; /* those that are over, since the sensor was armed */
};

/* NULL if the sensor is not there. */
const struct sensor_definition *sensors_definition(const struct sensors *sensors, uint8_t number);
/* 0 or -ENOENT; of a threshold sensor. */
int sensors_scale(const struct sensors *sensors, uint8_t number, struct sensor_scale *scale);
int sensors_status(const struct sensors *sensors, uint8_t number, struct sensor_status *status);
int sensors_settings(const struct sensors *sensors, uint8_t number,
                     struct sensor_settings *settings);
/* Acts at once, with events. -ENOENT, or -EINVAL for a lower threshold that is not below all upper
 * ones, or events that the sensor cannot make. */
int sensors_set_settings(struct sensors *sensors, const struct sensor_settings *settings);
/* Re-arms the events of these masks: those whose cause still stands are made again. Ends what
 * sensors_override holds. */
void sensors_rearm(struct sensors *sensors, uint8_t number, uint16_t assertions,
                   uint16_t deassertions);
/* Set Sensor Reading And Event Status (section 35.17), for test rigs: shows a raw reading, or the
 * states of a discrete sensor, in place of what is fed, until the sensor is re-armed (or the
 * settings of all are reset). Events follow as from any reading; data2, data3: as above. -ENOENT.
 */
int sensors_override(struct sensors *sensors, uint8_t number, uint16_t reading_or_states,
                     uint8_t data2, uint8_t data3);

/* ---- storing ---- */

/* The n-th slot, and the n-th sensor whose settings a client has changed: 0 or -ENOENT. */
int sensors_slot(const struct sensors *sensors, unsigned n, struct sensors_slot *slot);
int sensors_changed_settings(const struct sensors *sensors, unsigned n,
                             struct sensor_settings *settings);
/* What was stored, before the first sensors_set_hardware (slots; later only what is there already)
 * or at any time (settings; also of sensors that are not there yet). Without events. 0, -EINVAL
 * (out of range, twice) or -ENOMEM. */
int sensors_restore_slot(struct sensors *sensors, const struct sensors_slot *slot);
int sensors_restore_settings(struct sensors *sensors, const struct sensor_settings *settings);
/* Back to what the table has, for all; who sets a reading keeps it (sensors_override). */
void sensors_forget_settings(struct sensors *sensors);
/* The same, and back to what is fed. */
void sensors_reset_settings(struct sensors *sensors);

/* ---- for bmc.c ---- */

/* The BMC starts again: nobody's reading is kept any more. */
void sensors_restart(struct sensors *sensors);

#endif
