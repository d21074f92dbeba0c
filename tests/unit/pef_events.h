/* Platform Event Filtering of the one fake_bmc on a fake_sel, by a single filter, and the events
 * that it is of; asserts by cmocka, which its includer includes. */
#ifndef TESTS_UNIT_PEF_EVENTS_H
#define TESTS_UNIT_PEF_EVENTS_H

#include <errno.h>

#include "tests/fake/fake_sel.h"
#include "vbmc/bmc/pef_parameters.h"
#include "vbmc/bmc/sensors.h"

#define SENSOR 0x30

static inline struct pef *pef(void)
{
    return &fake_bmc.bmc.pef;
}

static inline void set(uint8_t number, const uint8_t *data, size_t size)
{
    const struct pef_parameter parameter = {number, data, size};
    const struct bmc_ticket nobody = {0};

    fake_bmc.save_count = fake_bmc.saves_finished = 0;
    assert_in_range(-pef_set_parameter(pef(), &parameter, 0, &nobody), 0, EINPROGRESS);
}

#define SET(number, ...)                                                                           \
    set((number), (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Filter 32 alone, of any event of SENSOR. */
static inline void set_filter(uint8_t actions)
{
    for (uint8_t n = 1; n < PEF_FILTERS; n++)
        SET(7, n, 0);
    SET(6, 32, 0x80, actions, 1, 0x10, 0xff, 0xff, 0xff, SENSOR, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0,
        0, 0, 0);
}

static inline void log_event(uint8_t number)
{
    const struct sensor_event event = {
        .type = 1, .number = number, .event_type = 1, .data = {0x59, 0x60, 0x55}};

    sel_log(fake_sel.sel, &event);
}

/* The BMC's sensors, without the server around them. */
static unsigned sensor_events;

static inline void on_sensor_event(void *context, const struct sensor_event *event)
{
    (void)context;
    sensor_events++;
    if (messaging_logs_own_events(&fake_bmc.bmc.messaging))
        sel_log(fake_sel.sel, event);
}

static inline void raise_event(void *context, uint8_t number, uint8_t offset, uint8_t data2)
{
    (void)context;
    sensors_raise(fake_bmc.bmc.sensors, number, offset, data2, 0xff);
}

static const struct sensors_ops sensors_ops = {.event = on_sensor_event};
static struct bmc_listener listener;

static inline uint16_t last_by_bmc(void)
{
    return sel_state(fake_sel.sel)->last_by_bmc;
}

static inline int setup(void **state)
{
    int result = fake_sel_setup(state);

    pef_set_log(pef(), fake_sel.sel);
    fake_bmc.bmc.sensors = sensors_new(&sensors_ops, NULL);
    sensors_set_hardware(fake_bmc.bmc.sensors, NULL, 0);
    listener = fake_bmc_listener;
    listener.sensor_event = raise_event;
    fake_bmc.bmc.core.listener = &listener;
    sensor_events = 0;
    return result;
}

static inline int teardown(void **state)
{
    pef_set_log(pef(), NULL);
    fake_bmc.bmc.core.listener = NULL;
    sensors_free(fake_bmc.bmc.sensors);
    fake_bmc.bmc.sensors = NULL;
    return fake_sel_teardown(state);
}

#endif
