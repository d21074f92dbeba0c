/* Sensors of what is built in: which there are, which number a disk has, what of that is stored. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/unit/fed_sensors.h"
#include "vbmc/base/array.h"
#include "vbmc/bmc/sensor_table.h"
#include "vbmc/bmc/sensors.h"

/* ---- what is built in ---- */

static void test_names_and_numbers(void **state)
{
    static const struct {
        uint8_t number, entity, instance;
        const char *name;
    } cases[] = {
        {SENSOR_CPU_TEMP + 1, 0x03, 2, "CPU2 Temp"},   {SENSOR_FAN + 3, 0x1d, 4, "Fan4"},
        {SENSOR_PSU_INPUT + 1, 0x0a, 2, "PSU2 Input"}, {SENSOR_DISK, 0x1a, 1, "Disk vda"},
        {SENSOR_DISK + 1, 0x1a, 2, "Disk vdb"},        {SENSOR_NIC + 1, 0x0b, 2, "NIC2 Link"},
    };
    static const uint8_t nic2[6] = {0x52, 0x54, 0, 0, 0, 2}, nobody[6] = {0};
    unsigned last = 0, number = 0;
    struct sensor_view seen;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        seen = view(cases[i].number);
        assert_string_equal(seen.name, cases[i].name);
        assert_int_equal(seen.entity, cases[i].entity);
        assert_int_equal(seen.entity_instance, cases[i].instance);
    }
    for (; sensors_next(sensors(), &number, &seen) == 0; last = seen.number)
        assert_true(seen.number > last && number == seen.number + 1u);
    assert_int_equal(last, SENSOR_NIC + 1);
    assert_int_equal(sensors_find_disk(sensors(), "vdb"), SENSOR_DISK + 1);
    assert_int_equal(sensors_find_disk(sensors(), "sdc"), 0); /* a CD drive is in no bay */
    assert_int_equal(sensors_find_disk(sensors(), ""), 0);
    assert_int_equal(sensors_find_nic(sensors(), nic2), SENSOR_NIC + 1);
    assert_int_equal(sensors_find_nic(sensors(), nobody), 0);
}

static void test_hot_plug(void **state)
{
    (void)state;
    states(SENSOR_DISK, 1);
    states(SENSOR_DISK + 1, 1);
    fake_sensors_plug("vdc");
    assert_int_equal(fake_record_changes, 1);
    assert_int_equal(sensors_find_disk(sensors(), "vdc"), SENSOR_DISK + 2);
    assert_string_equal(states(SENSOR_DISK + 2, 1), "82 0d+6f00ffff");
    fake_sensors_unplug("vda"); /* an empty bay, with the same record */
    assert_string_equal(fake_sensors_events(), "80 0d-6f00ffff");
    assert_int_equal(fake_record_changes, 1);
    assert_int_equal(sensors_find_disk(sensors(), "vda"), 0);
    assert_true(view(SENSOR_DISK).available);
    assert_int_equal(sensors_find_disk(sensors(), "vdb"), SENSOR_DISK + 1);
    fake_sensors_plug("vdd");
    assert_int_equal(sensors_find_disk(sensors(), "vdd"), SENSOR_DISK + 3); /* not vda's */
    fake_sensors_plug("vda");
    assert_int_equal(sensors_find_disk(sensors(), "vda"), SENSOR_DISK);
    assert_string_equal(states(SENSOR_DISK, 1), "80 0d+6f00ffff");
    assert_int_equal(fake_record_changes, 2);
}

/* After 64 disks their numbers begin to be used again, those of present ones never. */
static void test_all_bays_used(void **state)
{
    char target[16];

    (void)state;
    for (unsigned i = 2; i < HOST_DISKS_MAX; i++) {
        snprintf(target, sizeof target, "x%u", i);
        fake_sensors_plug(target);
        if (i != 40)
            fake_sensors_unplug(target);
    }
    assert_int_equal(sensors_find_disk(sensors(), "x40"), SENSOR_DISK + 40);
    fake_sensors_plug("new");
    assert_int_equal(sensors_find_disk(sensors(), "new"), SENSOR_DISK + 2);
    assert_string_equal(view(SENSOR_DISK + 2).name, "Disk new");
    assert_int_equal(sensors_find_disk(sensors(), "vdb"), SENSOR_DISK + 1);
    assert_int_equal(sensors_find_disk(sensors(), "x40"), SENSOR_DISK + 40);
    assert_int_equal(sensors_find_disk(sensors(), "x2"), 0);
}

static void test_sockets_and_psus(void **state)
{
    struct sensor_view seen;
    struct sensor_scale scale;

    (void)state;
    reading(SENSOR_CPU_TEMP + 1, 90);
    fake_sensors_events();
    fake_hardware.sockets = 1;
    sensors_set_hardware(sensors(), &fake_hardware, 3);
    assert_int_equal(sensors_view(sensors(), SENSOR_CPU_TEMP + 1, &seen), -ENOENT);
    assert_int_equal(sensors_view(sensors(), SENSOR_CPU_STATUS + 1, &seen), -ENOENT);
    assert_int_equal(sensors_view(sensors(), SENSOR_PSU_STATUS + 2, &seen), 0);
    assert_int_equal(sensors_scale(sensors(), SENSOR_PSU_INPUT + 2, &scale), 0);
    assert_int_equal(scale.m, 2);
    fake_hardware.sockets = 2;
    sensors_set_hardware(sensors(), &fake_hardware, 1);
    assert_false(view(SENSOR_CPU_TEMP + 1).available); /* a new one */
    assert_int_equal(sensors_view(sensors(), SENSOR_PSU_STATUS + 1, &seen), -ENOENT);
    assert_int_equal(sensors_scale(sensors(), SENSOR_SYS_POWER, &scale), 0);
    assert_int_equal(scale.m, 4);
    assert_false(sensors_set_hardware(sensors(), &fake_hardware, 1));
    fake_hardware.sockets = 0;
    sensors_set_hardware(sensors(), NULL, 2); /* only the PSUs are known */
    assert_int_equal(sensors_view(sensors(), SENSOR_PSU_STATUS + 1, &seen), 0);
    assert_int_equal(sensors_view(sensors(), SENSOR_CPU_TEMP + 1, &seen), 0);
}

static void test_before_the_hardware_is_known(void **state)
{
    struct sensors *fresh = fake_sensors_new();
    struct sensor_view seen;

    (void)state;
    assert_int_equal(sensors_view(fresh, SENSOR_FAN + 3, &seen), 0);
    assert_int_equal(sensors_view(fresh, SENSOR_CPU_TEMP, &seen), -ENOENT);
    sensors_raise(fresh, SENSOR_BMC, 0, NONE, NONE);
    assert_string_equal(fake_sensors_events(), "4e 16+0a00ffff");
    sensors_free(fresh);
    sensors_free(NULL);
}

/* ---- storing ---- */

static void test_slots_stored(void **state)
{
    struct sensors *fresh = fake_sensors_new();
    struct sensors_slot slot;
    unsigned n = 0;

    (void)state;
    fake_sensors_unplug("vda");
    for (; sensors_slot(sensors(), n, &slot) == 0; n++)
        assert_int_equal(sensors_restore_slot(fresh, &slot), 0);
    assert_int_equal(n, 4);
    sensors_set_hardware(fresh, &fake_hardware, 2);
    assert_int_equal(sensors_find_disk(fresh, "vdb"), SENSOR_DISK + 1);
    assert_int_equal(sensors_find_disk(fresh, "vda"), 0);
    struct sensor_view seen;
    assert_int_equal(sensors_view(fresh, SENSOR_DISK, &seen), 0); /* the empty bay */
    assert_string_equal(seen.name, "Disk vda");
    assert_true(seen.available);
    /* At the start nothing has come: what is there is no event. */
    sensors_set_states(fresh, SENSOR_DISK + 1, 1);
    assert_string_equal(fake_sensors_events(), "");
    sensors_free(fresh);
}

static void test_slots_refused(void **state)
{
    static const struct sensors_slot wrong[] = {
        {SENSOR_DISK - 1, "vdx"}, {SENSOR_NIC + 32, "vdx"}, {0, "vdx"},
        {SENSOR_DISK + 1, "vda"}, {SENSOR_DISK, "vdx"},     {SENSOR_DISK + 2, ""},
    };
    struct sensors *fresh = fake_sensors_new();
    struct sensors_slot slot = {SENSOR_DISK, "vda"};

    (void)state;
    assert_int_equal(sensors_restore_slot(fresh, &slot), 0);
    assert_int_equal(sensors_restore_slot(fresh, &slot), 0); /* says nothing new */
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(sensors_restore_slot(fresh, &wrong[i]), -EINVAL);
    slot.number++;
    memset(slot.key, 'x', sizeof slot.key); /* without an end */
    assert_int_equal(sensors_restore_slot(fresh, &slot), -EINVAL);
    sensors_set_hardware(fresh, &fake_hardware, 2);
    slot = (struct sensors_slot){SENSOR_DISK + 9, "vdz"};
    assert_int_equal(sensors_restore_slot(fresh, &slot), -EINVAL); /* too late */
    sensors_free(fresh);
}

#define TEST(function)                                                                             \
    cmocka_unit_test_setup_teardown(function, fake_sensors_setup, fake_sensors_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(test_names_and_numbers),
        TEST(test_hot_plug),
        TEST(test_all_bays_used),
        TEST(test_sockets_and_psus),
        TEST(test_before_the_hardware_is_known),
        TEST(test_slots_stored),
        TEST(test_slots_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
