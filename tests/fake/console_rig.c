#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "sol/hub.h"
#include "tests/fake/console_rig.h"
#include "tests/fake/virt_fixture.h"

const struct uuid rig_uuid = {{1, 2, 3}};
const struct config_declared rig_declared;
struct console_rig rig = {.listener = -1, .guest = -1};

/* ---- the serial port ---- */

int rig_listen_at(const char *name)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof address.sun_path, "%s", name);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 4), 0);
    return fd;
}

bool rig_is_opened(void)
{
    if (rig.guest < 0)
        rig.guest = accept(rig.listener, NULL, NULL);
    return rig.guest >= 0 && hub_is_connected(console_hub(rig.console));
}

bool rig_is_hung_up(void)
{
    char byte;

    return recv(rig.guest, &byte, 1, MSG_DONTWAIT) == 0;
}

void rig_close_guest(void)
{
    close(rig.guest);
    rig.guest = -1;
}

/* ---- the console ---- */

static void on_notice(void *context, const struct hub_notice *notice)
{
    size_t used = strlen(rig.notices);

    (void)context;
    snprintf(rig.notices + used, sizeof rig.notices - used, "[%s]", notice->text);
}

static const struct hub_reader_events events = {.notice = on_notice};

void rig_configure(enum config_console mode)
{
    rig.config.bmc.console_history = 4096;
    rig.config.bmc.console = rig.section.console = mode;
    assert_int_equal(console_configure(rig.console, &rig.config, "guest", &rig_uuid, &rig_declared),
                     0);
}

void rig_make(enum config_console mode)
{
    rig.console = console_new(&virt_fixture.loop, rig.folder, &rig_uuid);
    assert_non_null(rig.console);
    assert_null(console_hub(rig.console));
    rig_configure(mode);
    assert_int_equal(
        hub_reader_new(console_hub(rig.console), HUB_FROM_START, 0, &events, NULL, &rig.reader), 0);
}

void rig_drop(void)
{
    console_free(rig.console);
    hub_reader_free(rig.reader);
    rig.console = NULL;
    rig.reader = NULL;
}

int rig_setup(void **state)
{
    virt_fixture_setup(state);
    snprintf(rig.folder, sizeof rig.folder, "/tmp/vbmc-test-console-XXXXXX");
    assert_non_null(mkdtemp(rig.folder));
    snprintf(rig.path, sizeof rig.path, "%s/serial", rig.folder);
    memset(&rig.config, 0, sizeof rig.config);
    memset(&rig.section, 0, sizeof rig.section);
    rig.notices[0] = '\0';
    rig.listener = rig_listen_at(rig.path);
    return 0;
}

int rig_teardown(void **state)
{
    char command[128];

    if (rig.console)
        rig_drop();
    virDomainFree(rig.domain);
    rig.domain = NULL;
    config_clear_index(&rig.config);
    close(rig.listener);
    if (rig.guest >= 0)
        rig_close_guest();
    disk_settle(DISK_STATE, NULL, 60000);
    snprintf(command, sizeof command, "rm -rf %.60s", rig.folder);
    return virt_fixture_teardown(state) || system(command);
}

/* Somebody else defines the guest with that serial port, and starts it. */
void rig_start_guest(const char *serial)
{
    char devices[512];

    snprintf(devices, sizeof devices, "<devices>%s</devices>", serial);
    rig.domain = virt_fixture_define(devices);
    assert_int_equal(virDomainCreate(rig.domain), 0);
    TURN_UNTIL_STATE(HOST_POWER_RUNNING);
}

void rig_start_guest_with_socket(void)
{
    char serial[256];

    snprintf(serial, sizeof serial, "<serial type='unix'><source mode='bind' path='%s'/></serial>",
             rig.path);
    rig_start_guest(serial);
}

void rig_expect_notices(const char *expected)
{
    assert_string_equal(rig.notices, expected);
    rig.notices[0] = '\0';
}
