/* libFuzzer target: what requests of the control socket ask for: verbs and their arguments, on a
 * real fleet with two guests of libvirt's test driver.
 *
 * Files: vbmc/verbs/call.c vbmc/verbs/domains.c vbmc/verbs/facility.c vbmc/verbs/faults.c
 * vbmc/verbs/fleet.c vbmc/verbs/fru.c vbmc/verbs/health.c vbmc/verbs/hypervisor.c vbmc/verbs/lan.c
 * vbmc/verbs/list.c vbmc/verbs/power.c vbmc/verbs/reply.c vbmc/verbs/scope.c vbmc/verbs/sel.c
 * vbmc/verbs/users.c vbmc/verbs/verbs.c vbmc/verbs/who.c
 *
 * The input is a byte that says who asks (bits 1..0: the privilege level less one; bit 2: one BMC
 * is all he knows; bit 3: by SSH), and requests, one a line. The fleet stays between inputs, so
 * that one may find what another has left. Nobody waits for the answers, nobody is logged in (of
 * who.c only the beginning runs), and of a console no frames come here: fuzz_frames has them. */
#include <json-c/json.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sol/disk.h"
#include "tests/fake/fleet_fixture.h"
#include "tests/fuzz/fuzz.h"
#include "vbmc/control/internal.h"
#include "vbmc/fleet/operations.h"
#include "vbmc/verbs/verbs.h"

#define SETTLE_MS 10000

static const char *const domains[][2] = {{"mine", "11111111-2222-4333-8444-555555555555"},
                                         {"theirs", "66666666-7777-4888-8999-aaaaaaaaaaaa"}};
static const char *const hypervisors[] = {"local", NULL};

static struct verbs verbs;

static void clean_up(void)
{
    fleet_fixture_teardown(NULL);
    disk_settle(DISK_STATE, NULL, SETTLE_MS);
}

static bool has_bmcs(void *context)
{
    (void)context;
    return fleet_fixture_bmc(domains[0][1]) && fleet_fixture_bmc(domains[1][1]);
}

static void start(void)
{
    fleet_fixture_setup(NULL);
    fleet_fixture_define(hypervisors[0], domains, 2);
    fleet_fixture_start(hypervisors, "[bmc]\nports = 47230-47239\n");
    fleet_register_operations(fixture_fleet);
    fleet_fixture_wait(has_bmcs, NULL, "BMCs");
    verbs = (struct verbs){.fleet = fixture_fleet};
    atexit(clean_up);
}

static struct control_identity identity_of(uint8_t who)
{
    struct control_identity identity = {
        .account = "admin",
        .by_ssh = who & 8,
        .privilege = (enum privilege)(1 + (who & 3)),
        .one_bmc = who & 4,
    };

    uuid_parse(domains[0][1], &identity.uuid);
    return identity;
}

/* Nothing is written to a file of the fuzzer's choice, and no hypervisor but the test driver is
 * connected to: libvirt starts programs for some URIs. */
static void confine(struct json_object *arguments)
{
    static const struct {
        const char *key, *value;
    } confined[] = {{"file", "/nonexistent/dump"}, {"libvirt_uri", "test:///default"}};

    for (size_t i = 0; i < sizeof confined / sizeof confined[0]; i++) {
        if (json_object_object_get_ex(arguments, confined[i].key, NULL))
            json_object_object_add(arguments, confined[i].key,
                                   json_object_new_string(confined[i].value));
    }
}

static void ask(const char *line, size_t length, const struct control_identity *identity)
{
    const char *reason = NULL;
    struct control_request *request = control_request_parse(line, length, &reason);

    fuzz_require(!request == !!reason);
    if (!request)
        return;
    confine(request->arguments);
    request->identity = *identity;
    verbs_handle(&verbs, request->verb, request->arguments, request);
    for (unsigned i = 0; i < 4; i++)
        uv_run(fleet_fixture_loop(), UV_RUN_NOWAIT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 1)
        return 0;
    if (!fixture_fleet)
        start();
    const struct control_identity identity = identity_of(bytes[0]);
    const char *line = (const char *)bytes + 1, *end = (const char *)bytes + size;
    while (line < end) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        char *copy = (char *)fuzz_copy((const uint8_t *)line, length);
        ask(copy, length, &identity);
        free(copy);
        line += length + 1;
    }
    return 0;
}
