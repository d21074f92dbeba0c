#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "tests/fake/fleet_fixture.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/config/config.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/instance/internal.h"
#include "vbmc/virt/hypervisor.h"

#define DEADLINE_NS UINT64_C(60000000000)

struct fleet *fixture_fleet;

static uv_loop_t loop;
static const char *folder;
static char head[2048]; /* of the configuration */
static bool is_openstack;
static struct {
    bool came;
    int result;
    char text[512];
} answer;

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

int fleet_fixture_setup(void **state)
{
    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    virInitialize();
    virSetErrorFunc(NULL, ignore_error);
    uv_loop_init(&loop);
    folder = refusing_store_folder();
    is_openstack = false;
    return 0;
}

int fleet_fixture_teardown(void **state)
{
    (void)state;
    if (fixture_fleet)
        fleet_fixture_stop();
    refusing_store_remove();
    return uv_loop_close(&loop);
}

const char *fleet_fixture_folder(void)
{
    return folder;
}

uv_loop_t *fleet_fixture_loop(void)
{
    return &loop;
}

static FILE *open_file(const char *name, char path[128])
{
    snprintf(path, 128, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    return file;
}

void fleet_fixture_define(const char *hypervisor, const char *const (*domains)[2], size_t count)
{
    char name[64], path[128];

    snprintf(name, sizeof name, "%s.xml", hypervisor);
    FILE *file = open_file(name, path);
    fputs("<node>", file);
    for (size_t i = 0; i < count; i++)
        fprintf(file,
                "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
                "<name>%s</name><uuid>%s</uuid><memory>1024</memory><os><type>hvm</type></os>"
                "<test:runstate>5</test:runstate></domain>",
                domains[i][0], domains[i][1]);
    fputs("</node>", file);
    fclose(file);
}

static struct config *load_config(const char *lines)
{
    char path[128], error[CONFIG_ERROR_SIZE];
    struct config *config = NULL;
    FILE *file = open_file("vbmc.conf", path);

    fprintf(file, "%s%s", head, lines);
    fclose(file);
    if (config_load(path, &config, error, sizeof error) < 0)
        fail_msg("%s", error);
    return config;
}

void fleet_fixture_be_openstack(void)
{
    is_openstack = true;
}

static bool all_are_connected(void *context)
{
    struct hypervisor *hypervisor = NULL;

    (void)context;
    while ((hypervisor = fleet_next_hypervisor(fixture_fleet, hypervisor))) {
        if (!hypervisor_is_up(hypervisor))
            return false;
    }
    return true;
}

static struct config *configure(const char *const *hypervisors, const char *lines)
{
    int used =
        snprintf(head, sizeof head, "[daemon]\nstate-dir = %s\n%s[user admin]\npassword = secret\n",
                 folder, is_openstack ? "compat = openstack\n" : "");

    for (; *hypervisors; hypervisors++)
        used += snprintf(head + used, sizeof head - (size_t)used,
                         "[hypervisor %s]\nuri = test://%s/%s.xml\n", *hypervisors, folder,
                         *hypervisors);
    return load_config(lines);
}

void fleet_fixture_begin(const char *const *hypervisors, const char *lines)
{
    struct config *config = configure(hypervisors, lines);
    char error[512];

    if (fleet_start(&loop, config, NULL, &fixture_fleet, error, sizeof error) < 0)
        fail_msg("%s", error);
}

void fleet_fixture_stand_by(const char *const *hypervisors, const char *lines,
                            void (*locked)(void *context))
{
    struct config *config = configure(hypervisors, lines);
    char error[512];

    if (fleet_stand_by(&loop, config, NULL, locked, NULL, &fixture_fleet, error, sizeof error) < 0)
        fail_msg("%s", error);
}

void fleet_fixture_start(const char *const *hypervisors, const char *lines)
{
    fleet_fixture_begin(hypervisors, lines);
    fleet_fixture_wait(all_are_connected, NULL, "hypervisors connected");
}

void fleet_fixture_reload_to(const char *lines)
{
    fleet_reload(fixture_fleet, load_config(lines));
}

void fleet_fixture_reload(const char *lines)
{
    fleet_fixture_reload_to(lines);
    fleet_fixture_wait(all_are_connected, NULL, "hypervisors connected");
}

void fleet_fixture_stop(void)
{
    fleet_stop(fixture_fleet, &fixture_fleet);
    uv_run(&loop, UV_RUN_DEFAULT); /* comes to its end: no timer is left */
    assert_null(fixture_fleet);
    assert_true(disk_settle(DISK_STATE, NULL, DEADLINE_NS / 1000000));
}

void fleet_fixture_wait(bool (*is_so)(void *context), void *context, const char *what)
{
    uint64_t end = uv_hrtime() + DEADLINE_NS;

    while (!is_so(context)) {
        if (uv_hrtime() > end)
            fail_msg("not so after ten seconds: %s", what);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

struct instance *fleet_fixture_bmc(const char *text)
{
    struct uuid uuid;

    assert_int_equal(uuid_parse(text, &uuid), 0);
    return bmcset_find_uuid(fleet_bmcs(fixture_fleet), &uuid);
}

/* ---- asking ---- */

static void on_answer(void *context, int result, const char *text)
{
    (void)context;
    answer.came = true;
    answer.result = result;
    snprintf(answer.text, sizeof answer.text, "%s", text ? text : "");
}

static bool is_answered(void *context)
{
    (void)context;
    return answer.came;
}

static int wait_for_answer(void)
{
    fleet_fixture_wait(is_answered, NULL, "an answer");
    return answer.result;
}

int fleet_fixture_add(const struct service_addition *addition)
{
    answer.came = false;
    fleet_add(fixture_fleet, addition, on_answer, NULL);
    return wait_for_answer();
}

int fleet_fixture_delete(const char *uuid)
{
    answer.came = false;
    fleet_delete(fixture_fleet, fleet_fixture_bmc(uuid), on_answer, NULL);
    return wait_for_answer();
}

int fleet_fixture_set_active(const char *uuid, bool active)
{
    answer.came = false;
    fleet_set_active(fixture_fleet, fleet_fixture_bmc(uuid), active, on_answer, NULL);
    return wait_for_answer();
}

int fleet_fixture_declare_dead(const char *hypervisor)
{
    answer.came = false;
    fleet_declare_dead(fixture_fleet, hypervisor, on_answer, NULL);
    return wait_for_answer();
}

const char *fleet_fixture_text(void)
{
    return answer.text;
}
