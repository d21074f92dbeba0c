/* Looking up a running guest's serial port, on libvirt's test driver. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/virt_fixture.h"
#include "vbmc/virt/serial.h"

#define TCP_PORT                                                                                   \
    "<devices><serial type='tcp'><source mode='bind' host='127.0.0.1' service='4555'/>"            \
    "<alias name='ua-one'/></serial></devices>"

static int results;
static int last_result;
static uint16_t last_port;
static char last_text[512];

static void on_serial(void *context, int result, const struct domxml_serial *serial,
                      const char *text)
{
    assert_ptr_equal(context, &results);
    assert_int_equal(result == 0, serial != NULL);
    assert_int_equal(result == 0, text == NULL);
    results++;
    last_result = result;
    last_port = serial ? serial->port : 0;
    snprintf(last_text, sizeof last_text, "%s", text ? text : "");
}

static bool has_result(void)
{
    return results > 0;
}

static void look_up(const char *alias)
{
    results = 0;
    assert_int_equal(virt_serial_look_up(virt_fixture.guest, alias, on_serial, &results), 0);
}

static void expect(const char *alias, int result, const char *word)
{
    look_up(alias);
    TURN_UNTIL(has_result);
    assert_int_equal(last_result, result);
    assert_non_null(strstr(last_text, word));
}

static void test_found(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define(TCP_PORT);
    assert_int_equal(virDomainCreate(domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
    expect(NULL, 0, "");
    assert_int_equal(last_port, 4555);
    expect("serial9", -ENOENT, "guest has no serial port serial9");
    virDomainFree(domain);
}

static void test_none(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    expect(NULL, -ENOENT, "add <serial type='pty'/>");
    assert_non_null(strstr(last_text, "'vbmc console guest --add-serial'"));
    expect("serial0", -ENOENT, "--add-serial");
    assert_int_equal(virDomainDestroy(domain), 0);
    expect(NULL, -EINVAL, "the guest is off");
    virDomainFree(domain);
}

static void test_vanishes(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define("");
    TURN_UNTIL(virt_fixture_is_there);
    assert_int_equal(virDomainUndefine(domain), 0); /* not yet seen here */
    look_up(NULL);
    TURN_UNTIL(has_result);
    assert_int_equal(last_result, -ENODEV);
    virDomainFree(domain);
}

static void test_cancel(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    look_up(NULL);
    virt_serial_cancel(virt_fixture.guest, &results);
    look_up("other"); /* looks run in order: when this one has ended the former has too */
    TURN_UNTIL(has_result);
    assert_int_equal(results, 1);
    virDomainFree(domain);
}

static void test_stopping(void **state)
{
    (void)state;
    virDomainPtr domain = virt_fixture_define_running();
    look_up(NULL);
    virt_fixture_stop();
    assert_int_equal(results, 1);
    virDomainFree(domain);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_found, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_none, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_vanishes, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_cancel, virt_fixture_setup, virt_fixture_teardown),
        cmocka_unit_test_setup_teardown(test_stopping, virt_fixture_setup, virt_fixture_teardown),
    };

    return cmocka_run_group_tests(tests, virt_fixture_setup_group, virt_fixture_teardown_group);
}
