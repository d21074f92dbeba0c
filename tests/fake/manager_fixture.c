#include "tests/fake/manager_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <libvirt/virterror.h>

#include "sol/disk.h"
#include "tests/fake/refusing_store.h"
#include "vbmc/base/log.h"

#define DEADLINE_NS UINT64_C(60000000000)

struct manager *fixture_manager;

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

int manager_fixture_setup(void **state)
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

int manager_fixture_teardown(void **state)
{
    (void)state;
    if (fixture_manager)
        manager_fixture_stop();
    refusing_store_remove();
    return uv_loop_close(&loop);
}

const char *manager_fixture_folder(void)
{
    return folder;
}

uv_loop_t *manager_fixture_loop(void)
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

void manager_fixture_define(const char *hypervisor, const char *const (*domains)[2], size_t count)
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

void manager_fixture_be_openstack(void)
{
    is_openstack = true;
}

static bool all_are_connected(void *context)
{
    struct hypervisor *hypervisor = NULL;

    (void)context;
    while ((hypervisor = manager_next_hypervisor(fixture_manager, hypervisor))) {
        if (!hypervisor_is_up(hypervisor))
            return false;
    }
    return true;
}

void manager_fixture_begin(const char *const *hypervisors, const char *lines)
{
    char error[512];
    int used =
        snprintf(head, sizeof head, "[daemon]\nstate-dir = %s\n%s[user admin]\npassword = secret\n",
                 folder, is_openstack ? "compat = openstack\n" : "");

    for (; *hypervisors; hypervisors++)
        used += snprintf(head + used, sizeof head - (size_t)used,
                         "[hypervisor %s]\nuri = test://%s/%s.xml\n", *hypervisors, folder,
                         *hypervisors);
    struct config *config = load_config(lines);
    if (manager_start(&loop, config, NULL, &fixture_manager, error, sizeof error) < 0)
        fail_msg("%s", error);
}

void manager_fixture_start(const char *const *hypervisors, const char *lines)
{
    manager_fixture_begin(hypervisors, lines);
    manager_fixture_wait(all_are_connected, NULL, "hypervisors connected");
}

void manager_fixture_reload(const char *lines)
{
    manager_reload(fixture_manager, load_config(lines));
    manager_fixture_wait(all_are_connected, NULL, "hypervisors connected");
}

void manager_fixture_stop(void)
{
    manager_stop(fixture_manager, &fixture_manager);
    uv_run(&loop, UV_RUN_DEFAULT); /* comes to its end: no timer is left */
    assert_null(fixture_manager);
    assert_true(disk_settle(DISK_STATE, DEADLINE_NS / 1000000));
}

void manager_fixture_wait(bool (*is_so)(void *context), void *context, const char *what)
{
    uint64_t end = uv_hrtime() + DEADLINE_NS;

    while (!is_so(context)) {
        if (uv_hrtime() > end)
            fail_msg("not so after ten seconds: %s", what);
        uv_run(&loop, UV_RUN_ONCE);
    }
}

struct instance *manager_fixture_bmc(const char *text)
{
    struct uuid uuid;

    assert_int_equal(uuid_parse(text, &uuid), 0);
    return bmcset_find_uuid(manager_bmcs(fixture_manager), &uuid);
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
    manager_fixture_wait(is_answered, NULL, "an answer");
    return answer.result;
}

int manager_fixture_add(const struct manager_addition *addition)
{
    answer.came = false;
    manager_add(fixture_manager, addition, on_answer, NULL);
    return wait_for_answer();
}

int manager_fixture_delete(const char *uuid)
{
    answer.came = false;
    manager_delete(fixture_manager, manager_fixture_bmc(uuid), on_answer, NULL);
    return wait_for_answer();
}

int manager_fixture_set_active(const char *uuid, bool active)
{
    answer.came = false;
    manager_set_active(fixture_manager, manager_fixture_bmc(uuid), active, on_answer, NULL);
    return wait_for_answer();
}

int manager_fixture_declare_dead(const char *hypervisor)
{
    answer.came = false;
    manager_declare_dead(fixture_manager, hypervisor, on_answer, NULL);
    return wait_for_answer();
}

const char *manager_fixture_text(void)
{
    return answer.text;
}
