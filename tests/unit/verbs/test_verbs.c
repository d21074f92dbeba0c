/* Who may ask for what: every verb of the control socket for every privilege level, and for those
 * who know one BMC only. A real fleet with two guests of libvirt's test driver. */
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/disk.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"
#include "vbmc/config/config.h"
#include "vbmc/control/console_frame.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/fleet/operations.h"
#include "vbmc/service/service.h"
#include "vbmc/verbs/verbs.h"

#define DEADLINE_MS 60000

static const char node_format[] = "<node>%s%s</node>"; /* two of the following */
static const char domain_format[] =
    "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>"
    "<name>%s</name><uuid>%s</uuid><memory>1024</memory><os><type>hvm</type></os>"
    "<test:runstate>5</test:runstate></domain>"; /* off */
static const char config_format[] = "[daemon]\nstate-dir = %s/state\n"
                                    "[hypervisor local]\nuri = test://%s/node.xml\n"
                                    "[user admin]\npassword = secret\n"
                                    "[bmc]\nports = 47230-47239\n";
static const char *const names[] = {"mine", "theirs"};
static const char *const uuids[] = {"11111111-2222-4333-8444-555555555555",
                                    "66666666-7777-4888-8999-aaaaaaaaaaaa"};

static uv_loop_t loop;
static char folder[64];
static struct fleet *fleet;
static struct verbs verbs;
static struct control *control;
static unsigned reloads;

static int reload(void *context, const struct service_call *call,
                  const union service_arguments *arguments)
{
    (void)context, (void)call, (void)arguments;
    reloads++;
    return 0;
}

static void ignore_error(void *context, virErrorPtr error)
{
    (void)context;
    (void)error;
}

/* ---- life ---- */

static void write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void write_files(char *config_path, size_t size)
{
    char domains[2][512], text[2048], path[128];

    for (unsigned i = 0; i < 2; i++)
        snprintf(domains[i], sizeof domains[i], domain_format, names[i], uuids[i]);
    snprintf(text, sizeof text, node_format, domains[0], domains[1]);
    snprintf(path, sizeof path, "%.60s/node.xml", folder);
    write_file(path, text);
    snprintf(text, sizeof text, config_format, folder, folder);
    snprintf(config_path, size, "%.60s/vbmc.conf", folder);
    write_file(config_path, text);
}

static void turn(void)
{
    for (unsigned i = 0; i < 8; i++)
        uv_run(&loop, UV_RUN_NOWAIT);
}

static void wait_for_bmcs(size_t count)
{
    uint64_t end = uv_hrtime() + DEADLINE_MS * UINT64_C(1000000);

    while (fleet_bmcs(fleet)->count != count && uv_hrtime() < end)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(fleet_bmcs(fleet)->count, count);
}

static int setup(void **state)
{
    char path[128], error[CONFIG_ERROR_SIZE] = "";
    struct config *config;

    (void)state;
    log_set_level(LOG_LEVEL_ERROR);
    virInitialize();
    virSetErrorFunc(NULL, ignore_error);
    uv_loop_init(&loop);
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-verbs-XXXXXX");
    assert_non_null(mkdtemp(folder));
    write_files(path, sizeof path);
    assert_int_equal(config_load(path, &config, error, sizeof error), 0);
    assert_int_equal(fleet_start(&loop, config, NULL, &fleet, error, sizeof error), 0);
    verbs = (struct verbs){.fleet = fleet};
    service_register(SERVICE_RELOAD, reload, NULL);
    fleet_register_operations(fleet);
    snprintf(path, sizeof path, "%.60s/control.sock", folder);
    assert_int_equal(
        control_new(&loop, path, (gid_t)-1, verbs_handle, &verbs, &control, error, sizeof error),
        0);
    wait_for_bmcs(2);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    control_free(control);
    fleet_stop(fleet, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    disk_settle(DISK_STATE, NULL, DEADLINE_MS);
    snprintf(command, sizeof command, "rm -rf %.60s", folder);
    return uv_loop_close(&loop) || system(command);
}

/* ---- asking ---- */

static char answer[64 * 1024];

/* One request on a connection of its own; its answer, or what it begins with where it becomes a
 * stream. */
static const char *ask(const struct control_identity *identity, const char *verb,
                       const char *arguments)
{
    uint64_t end = uv_hrtime() + DEADLINE_MS * UINT64_C(1000000);
    char request[512];
    size_t used = 0;
    int ends[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    int length = snprintf(request, sizeof request, "{\"verb\":\"%s\",\"arguments\":{%s}}\n", verb,
                          arguments);
    assert_int_equal(write(ends[1], request, (size_t)length), length);
    assert_int_equal(control_adopt(control, ends[0], identity), 0);
    fcntl(ends[1], F_SETFL, O_NONBLOCK);
    memset(answer, 0, sizeof answer);
    while (!strchr(answer, '\n') && uv_hrtime() < end) {
        uv_run(&loop, UV_RUN_NOWAIT);
        ssize_t got = recv(ends[1], answer + used, sizeof answer - 1 - used, 0);
        used += got > 0 ? (size_t)got : 0;
    }
    assert_non_null(strchr(answer, '\n'));
    close(ends[1]);
    turn();
    return answer;
}

static struct control_identity identity_of(enum privilege privilege, bool one_bmc)
{
    struct control_identity identity = {
        .account = "test", .by_ssh = true, .privilege = privilege, .one_bmc = one_bmc};

    assert_int_equal(uuid_parse(uuids[0], &identity.uuid), 0);
    return identity;
}

/* ---- the table ---- */

static const struct {
    const char *verb;
    const char *arguments; /* such that nothing happens, or nothing that harms the next */
    enum privilege least;
    bool whole; /* not for those who know one BMC only */
} table[] = {
    {"add", "\"name\":\"nosuch\"", PRIVILEGE_ADMINISTRATOR, true},
    {"add-serial", "\"name\":\"nosuch\"", PRIVILEGE_ADMINISTRATOR, false},
    {"bootdev", "\"name\":\"mine\",\"device\":\"nosuch\"", PRIVILEGE_OPERATOR, false},
    {"connect", "", PRIVILEGE_USER, false},
    {"console", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"define", "", PRIVILEGE_ADMINISTRATOR, true},
    {"delete", "\"names\":[\"nosuch\"]", PRIVILEGE_ADMINISTRATOR, true},
    {"discover", "", PRIVILEGE_ADMINISTRATOR, true},
    {"dump", "\"name\":\"nosuch\",\"file\":\"/nosuch/dump\"", PRIVILEGE_ADMINISTRATOR, true},
    {"dumpxml", "\"name\":\"mine\"", PRIVILEGE_ADMINISTRATOR, true},
    {"audit", "\"since\":99999999999", PRIVILEGE_ADMINISTRATOR, false},
    {"audit", "\"name\":\"mine\",\"since\":99999999999", PRIVILEGE_ADMINISTRATOR, false},
    {"audit", "\"last\":0", PRIVILEGE_ADMINISTRATOR, false},
    {"audit", "\"since\":-1", PRIVILEGE_ADMINISTRATOR, false},
    {"facility", "", PRIVILEGE_USER, false},
    {"facility", "\"clear\":true", PRIVILEGE_ADMINISTRATOR, true},
    {"facility", "\"item\":\"nosuch\",\"state\":\"ok\"", PRIVILEGE_ADMINISTRATOR, true},
    {"fru", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"fru", "\"name\":\"mine\",\"asset_tag\":\"rack 7\"", PRIVILEGE_OPERATOR, false},
    {"hypervisor", "", PRIVILEGE_ADMINISTRATOR, true},
    {"hypervisor", "\"name\":\"nosuch\",\"action\":\"declare-dead\"", PRIVILEGE_ADMINISTRATOR,
     true},
    {"inject", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"inject", "\"name\":\"mine\",\"clear\":true", PRIVILEGE_ADMINISTRATOR, false},
    {"inject", "\"name\":\"mine\",\"target\":\"nosuch\",\"kind\":\"fault\"",
     PRIVILEGE_ADMINISTRATOR, false},
    {"inband", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"inband", "\"name\":\"mine\",\"action\":\"off\"", PRIVILEGE_ADMINISTRATOR, false},
    {"lan", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"lan", "\"name\":\"mine\",\"reset\":true", PRIVILEGE_ADMINISTRATOR, false},
    {"list", "", PRIVILEGE_USER, false},
    {"power", "\"name\":\"mine\",\"action\":\"status\"", PRIVILEGE_USER, false},
    {"power", "\"name\":\"mine\",\"action\":\"reset\"", PRIVILEGE_OPERATOR, false},
    {"power", "\"name\":\"mine\",\"action\":\"nosuch\"", PRIVILEGE_OPERATOR, false},
    {"reload", "", PRIVILEGE_ADMINISTRATOR, true},
    {"screenshot", "\"name\":\"nosuch\"", PRIVILEGE_USER, false},
    {"sel", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"sel", "\"name\":\"mine\",\"last\":0", PRIVILEGE_USER, false},
    {"sel", "\"name\":\"mine\",\"clear\":true", PRIVILEGE_OPERATOR, false},
    {"sensors", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"show", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"start", "\"names\":[\"mine\"]", PRIVILEGE_ADMINISTRATOR, true},
    {"status", "", PRIVILEGE_ADMINISTRATOR, true},
    {"stop", "\"names\":[\"nosuch\"]", PRIVILEGE_ADMINISTRATOR, true},
    {"tag", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"tag", "\"name\":\"mine\",\"set\":{\"rack\":\"7\"}", PRIVILEGE_ADMINISTRATOR, false},
    {"tag", "\"name\":\"mine\",\"remove\":[\"nosuch\"]", PRIVILEGE_ADMINISTRATOR, false},
    {"top", "", PRIVILEGE_USER, false},
    {"user", "\"name\":\"mine\"", PRIVILEGE_OPERATOR, false},
    {"user", "\"name\":\"mine\",\"action\":\"add\"", PRIVILEGE_ADMINISTRATOR, false},
    {"user", "\"name\":\"mine\",\"action\":\"set\",\"user\":\"admin\",\"enabled\":true",
     PRIVILEGE_ADMINISTRATOR, false},
    {"user", "\"name\":\"mine\",\"action\":\"reset\"", PRIVILEGE_ADMINISTRATOR, false},
    {"who", "", PRIVILEGE_USER, false},
    {"who", "\"name\":\"mine\"", PRIVILEGE_USER, false},
    {"undefine", "\"name\":\"nosuch\"", PRIVILEGE_ADMINISTRATOR, true},
};

static const char *const level_names[] = {
    [PRIVILEGE_OPERATOR] = "this needs the privilege level operator",
    [PRIVILEGE_ADMINISTRATOR] = "this needs the privilege level administrator",
};

static void check(size_t row, enum privilege privilege, bool one_bmc)
{
    const struct control_identity identity = identity_of(privilege, one_bmc);
    const char *heard = ask(&identity, table[row].verb, table[row].arguments);
    bool refused_level = strstr(heard, "this needs the privilege level") != NULL;
    bool refused_whole = strstr(heard, "this login is for one BMC only") != NULL;

    if (refused_level != (privilege < table[row].least))
        fail_msg("%s at level %d: %s", table[row].verb, privilege, heard);
    if (refused_level && privilege >= PRIVILEGE_USER &&
        !strstr(heard, level_names[table[row].least]))
        fail_msg("%s names the wrong level: %s", table[row].verb, heard);
    if (!refused_level && refused_whole != (one_bmc && table[row].whole))
        fail_msg("%s for one BMC: %s", table[row].verb, heard);
    if (strstr(heard, "vbmcd does not know the verb"))
        fail_msg("%s is not a verb", table[row].verb);
}

static void test_privileges(void **state)
{
    (void)state;
    for (size_t row = 0; row < ARRAY_SIZE(table); row++) {
        for (int level = PRIVILEGE_CALLBACK; level <= PRIVILEGE_ADMINISTRATOR; level++) {
            check(row, (enum privilege)level, false);
            check(row, (enum privilege)level, true);
        }
    }
    assert_int_equal(reloads, 1);
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    const struct control_identity lowest = identity_of(PRIVILEGE_CALLBACK, false);
    assert_non_null(strstr(ask(&lowest, "list", ""), "this needs the privilege level user"));
    assert_non_null(strstr(ask(&root, "nosuch", ""), "vbmcd does not know the verb nosuch"));
}

/* ---- accounts ---- */

static void test_accounts(void **state)
{
    static const struct {
        const char *arguments, *expected;
    } dialogue[] = {
        {"", "[{\"id\":2,\"name\":\"admin\",\"privilege\":\"administrator\",\"enabled\":true,"
             "\"ipmi\":true,\"ssh\":true,\"sessions\":0,\"source\":\"configuration\","},
        {",\"action\":\"add\",\"user\":\"bob\",\"password\":\"builder\"", "{\"ok\":true"},
        {",\"action\":\"add\",\"user\":\"bob\",\"password\":\"x\"", "\"code\":\"exists\""},
        {",\"action\":\"add\",\"user\":\"eve\"", "a new account needs a name and a password"},
        {",\"action\":\"add\",\"user\":\"eve\",\"password\":\"x\",\"id\":3", "id 3 is taken"},
        {",\"action\":\"add\",\"user\":\"eve\",\"password\":\"x\",\"id\":16", "an id is 2 to 15"},
        {",\"action\":\"add\",\"user\":\"eve\",\"password\":\"\"", "1 to 20 bytes"},
        {",\"action\":\"add\",\"user\":\"an eve of 17 bytes\",\"password\":\"x\"", "1 to 16"},
        {",\"action\":\"add\",\"user\":\"eve\",\"id\":9,\"privilege\":\"operator\","
         "\"password\":\"more than twenty bytes\"",
         "can log in by SSH, not by IPMI"},
        {"", "\"name\":\"bob\",\"privilege\":\"user\",\"enabled\":true,\"ipmi\":true,\"ssh\":true,"
             "\"sessions\":0,\"source\":\"added\",\"from\":{\"name\":\"client\""},
        {"", "\"id\":9,\"name\":\"eve\",\"privilege\":\"operator\",\"enabled\":true,"
             "\"ipmi\":false,\"ssh\":true,"},
        {",\"action\":\"set\",\"user\":\"bob\"", "nothing to set"},
        {",\"action\":\"set\",\"user\":\"nosuch\",\"enabled\":true", "no user 'nosuch'"},
        {",\"action\":\"set\",\"user\":\"bob\",\"new_name\":\"eve\"", "another account"},
        {",\"action\":\"set\",\"user\":\"bob\",\"privilege\":\"king\"", "is one of callback"},
        {",\"action\":\"set\",\"user\":\"bob\",\"sessions\":16", "0 (none) to 15"},
        {",\"action\":\"set\",\"user\":\"1\",\"enabled\":true", "\"code\":\"usage\""},
        {",\"action\":\"set\",\"user\":\"2\",\"privilege\":\"operator\",\"sessions\":3,"
         "\"password\":\"other\"",
         "{\"ok\":true"},
        {"",
         "\"source\":\"configuration, changed: password privilege sessions\",\"from\":{\"name\":"
         "\"configuration\",\"password\":\"client\",\"privilege\":\"client\","},
        {",\"action\":\"reset\",\"user\":\"admin\",\"parts\":[\"nosuch\"]", "parts are name"},
        {",\"action\":\"reset\",\"user\":\"admin\",\"parts\":[\"sessions\",\"password\"]",
         "{\"ok\":true"},
        {"", "\"source\":\"configuration, changed: privilege\""},
        {",\"action\":\"fly\"", "one of list, add, set, reset"},
        {",\"action\":\"reset\"", "{\"ok\":true"},
        {"", "\"source\":\"configuration\""},
    };
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    char text[256];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(dialogue); i++) {
        snprintf(text, sizeof text, "\"name\":\"theirs\"%s", dialogue[i].arguments);
        const char *heard = ask(&root, "user", text);
        if (!strstr(heard, dialogue[i].expected))
            fail_msg("%s: %s, not %s", text, heard, dialogue[i].expected);
        assert_null(strstr(heard, "secret"));
        assert_null(strstr(heard, "builder"));
    }
    assert_null(strstr(answer, "bob"));
}

/* ---- an account of vbmc.conf that has come by the SSH address of all BMCs ---- */

static void test_account_of_all(void **state)
{
    struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    const struct control_identity local = {.account = "root", .privilege = PRIVILEGE_ADMINISTRATOR};
    static const char refused[] = "the accounts of this BMC do not let admin in";

    (void)state;
    snprintf(root.account, sizeof root.account, "admin");
    assert_non_null(strstr(ask(&root, "power", "\"name\":\"mine\",\"action\":\"nosuch\""),
                           "the action is one of"));
    ask(&local, "user",
        "\"name\":\"mine\",\"action\":\"set\",\"user\":\"admin\",\"privilege\":\"user\"");
    assert_non_null(
        strstr(ask(&root, "power", "\"name\":\"mine\",\"action\":\"status\""), "\"ok\":true"));
    assert_non_null(strstr(ask(&root, "power", "\"name\":\"mine\",\"action\":\"reset\""),
                           "this needs the privilege level operator"));
    assert_non_null(strstr(ask(&root, "user", "\"name\":\"mine\""), "privilege level operator"));
    assert_non_null(strstr(ask(&root, "user", "\"name\":\"theirs\""), "\"ok\":true"));
    assert_non_null(strstr(ask(&root, "console", "\"name\":\"mine\""), "\"writable\":false"));
    ask(&local, "user",
        "\"name\":\"mine\",\"action\":\"set\",\"user\":\"admin\",\"enabled\":false");
    assert_non_null(
        strstr(ask(&root, "power", "\"name\":\"mine\",\"action\":\"status\""), refused));
    assert_non_null(strstr(ask(&root, "console", "\"name\":\"mine\""), refused));
    assert_non_null(strstr(ask(&root, "dump", "\"name\":\"mine\",\"file\":\"/x/y\""), refused));
    assert_non_null(strstr(ask(&root, "list", ""), "\"theirs\""));
    assert_null(strstr(answer, "\"mine\""));
    assert_non_null(strstr(ask(&local, "list", ""), "\"mine\""));
    assert_non_null(
        strstr(ask(&local, "user", "\"name\":\"mine\",\"action\":\"reset\""), "\"ok\":true"));
    assert_non_null(
        strstr(ask(&root, "power", "\"name\":\"mine\",\"action\":\"status\""), "\"ok\":true"));
}

/* ---- one BMC only ---- */

static void test_one_bmc(void **state)
{
    static const char *const verbs_of_one[] = {"show",    "sensors", "power", "console",
                                               "bootdev", "inject",  "sel"};
    const struct control_identity mine = identity_of(PRIVILEGE_ADMINISTRATOR, true);
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    char text[128];

    (void)state;
    assert_non_null(strstr(ask(&root, "list", ""), "\"theirs\""));
    assert_non_null(strstr(ask(&mine, "list", ""), "\"mine\""));
    assert_null(strstr(answer, "theirs"));
    assert_non_null(strstr(ask(&root, "top", ""), "\"theirs\""));
    assert_non_null(strstr(ask(&mine, "top", ""), "\"mine\""));
    assert_null(strstr(answer, "theirs"));
    for (size_t i = 0; i < ARRAY_SIZE(verbs_of_one); i++) {
        static const char *const hidden[] = {"theirs", "66666666-7777-4888-8999-aaaaaaaaaaaa",
                                             "nosuch"};
        for (size_t j = 0; j < ARRAY_SIZE(hidden); j++) { /* one like the other */
            char expected[192];
            snprintf(text, sizeof text, "\"name\":\"%s\",\"action\":\"on\",\"device\":\"pxe\"",
                     hidden[j]);
            snprintf(expected, sizeof expected,
                     "{\"ok\":false,\"error\":\"No domain with matching name %s was found\","
                     "\"code\":\"not-found\"}\n",
                     hidden[j]);
            assert_string_equal(ask(&mine, verbs_of_one[i], text), expected);
        }
        assert_non_null(strstr(ask(&mine, verbs_of_one[i],
                                   "\"name\":\"mine\",\"action\":\"status\",\"device\":\"none\""),
                               "\"ok\":true"));
    }
    assert_non_null(strstr(ask(&root, "show", "\"name\":\"theirs\""), "\"ok\":true"));
    assert_non_null(strstr(ask(&root, "power", "\"name\":\"theirs\",\"action\":\"status\""),
                           "{\"power\":\"off\"}")); /* nobody has switched it on */
}

/* Scripts find the state of the BMC by looking for this word among all properties. */
static void test_show(void **state)
{
    static const char *const added[] = {"\"power\":\"off\"",        "\"uptime\":null",
                                        "\"boot_count\":0",         "\"health\":",
                                        "\"health_sensor\":",       "\"watchdog\":null",
                                        "\"boot_device\":\"none\"", "\"boot_obstacle\":null"};
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    const char *heard = ask(&root, "show", "\"name\":\"mine\""), *first = strstr(heard, "status");

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(added); i++) {
        if (!strstr(heard, added[i]))
            fail_msg("%s is not in %s", added[i], heard);
    }
    assert_non_null(first);
    assert_null(strstr(first + 1, "status"));
}

/* A console that may not be typed at says so in the answer already. */
static void test_console_privileges(void **state)
{
    const struct control_identity user = identity_of(PRIVILEGE_USER, true);
    const struct control_identity operator= identity_of(PRIVILEGE_OPERATOR, true);

    (void)state;
    assert_non_null(strstr(ask(&user, "console", "\"name\":\"mine\""), "\"writable\":false"));
    assert_non_null(strstr(ask(&operator, "console", "\"name\":\"mine\""), "\"writable\":true"));
}

/* ---- a picture ---- */

/* All that comes until the connection is closed; how many bytes. */
static size_t hear_all(int end, uint8_t *bytes, size_t room)
{
    uint64_t until = uv_hrtime() + DEADLINE_MS * UINT64_C(1000000);
    size_t used = 0;
    ssize_t got = -1;

    while (got != 0 && uv_hrtime() < until) {
        uv_run(&loop, UV_RUN_NOWAIT);
        got = recv(end, bytes + used, room - used, MSG_DONTWAIT);
        used += got > 0 ? (size_t)got : 0;
        assert_true(used < room);
    }
    assert_int_equal(got, 0);
    return used;
}

/* After the answer come frames: as many bytes as it says, and the end. */
static void test_screenshot(void **state)
{
    static const char request[] = "{\"verb\":\"screenshot\",\"arguments\":{\"name\":\"mine\"}}\n";
    static uint8_t bytes[1 << 20];
    const struct control_identity user = identity_of(PRIVILEGE_USER, true);
    size_t pictured = 0, said;
    int ends[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(write(ends[1], request, strlen(request)), strlen(request));
    assert_int_equal(control_adopt(control, ends[0], &user), 0);
    size_t size = hear_all(ends[1], bytes, sizeof bytes);
    close(ends[1]);
    turn();
    const char *told = strstr((const char *)bytes, "\"size\":");
    assert_non_null(told);
    assert_int_equal(sscanf(told, "\"size\":%zu", &said), 1);
    const uint8_t *frame = (const uint8_t *)memchr(bytes, '\n', size) + 1;
    assert_memory_equal(frame + CONSOLE_FRAME_HEADER, "\x89PNG", 4);
    for (; frame[0] == CONSOLE_OUTPUT; frame += CONSOLE_FRAME_HEADER + console_frame_size(frame))
        pictured += console_frame_size(frame);
    assert_int_equal(pictured, said);
    assert_int_equal(frame[0], CONSOLE_END);
    assert_ptr_equal(frame + CONSOLE_FRAME_HEADER, bytes + size);
}

/* ---- what breaks ---- */

static void assert_answers(const struct control_identity *identity, const char *verb,
                           const char *arguments, const char *says)
{
    if (!strstr(ask(identity, verb, arguments), says))
        fail_msg("%s {%s}: %s instead of %s", verb, arguments, answer, says);
}

static void test_inject(void **state)
{
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);

    (void)state;
    assert_answers(&root, "inject", "\"name\":\"mine\"", "\"result\":[]");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"target\":\"psu/1\",\"kind\":\"ac-lost\"",
                   "{\"ok\":true,\"result\":{}}");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"target\":\"temp/inlet\",\"kind\":\"+15\"",
                   "{\"ok\":true,\"result\":{}}");
    assert_answers(&root, "inject", "\"name\":\"mine\"",
                   "[{\"target\":\"psu/1\",\"kind\":\"ac-lost\",\"since\":\"2");
    assert_answers(&root, "inject", "\"name\":\"mine\"",
                   "Z\"},{\"target\":\"temp/inlet\",\"kind\":\"+15\",\"since\":\"2");
    assert_answers(&root, "inject", "\"name\":\"theirs\"", "\"result\":[]");
    assert_answers(&root, "facility", "", "\"supply\":\"redundancy lost\"");

    /* Wrong words say what would be right. */
    assert_answers(&root, "inject", "\"name\":\"mine\",\"target\":\"psu/1\",\"kind\":\"down\"",
                   "psu can be: ");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"target\":\"psu/1\"",
                   "must be given together");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"clear\":true,\"kind\":\"failed\"",
                   "a kind must be given with its target");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"clear\":true,\"target\":\"psu\"",
                   "\"code\":\"usage\"");

    assert_answers(&root, "inject",
                   "\"name\":\"mine\",\"clear\":true,\"target\":\"psu/1\",\"kind\":\"failed\"",
                   "{\"cleared\":0}");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"clear\":true,\"target\":\"psu/1\"",
                   "{\"cleared\":1}");
    assert_answers(&root, "inject", "\"name\":\"mine\"", "\"result\":[{\"target\":\"temp/inlet\"");
    assert_answers(&root, "inject", "\"name\":\"mine\",\"clear\":true", "{\"cleared\":1}");
    assert_answers(&root, "inject", "\"name\":\"mine\"", "\"result\":[]");
}

/* Each request here comes by a connection as of a login by SSH, which sees itself. */
static void test_who(void **state)
{
    struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    struct control_identity mine = identity_of(PRIVILEGE_USER, true);

    (void)state;
    assert_answers(&root, "who", "",
                   "[{\"domain_name\":null,\"type\":\"SSH\",\"user\":\"test\",\"address\":\"\","
                   "\"privilege\":\"administrator\",\"since\":\"2");
    assert_non_null(strstr(answer, "Z\",\"idle\":0}]"));
    snprintf(root.account, sizeof root.account, "a from b by SSH x");
    snprintf(root.address, sizeof root.address, "2001:db8::1");
    assert_answers(&root, "who", "", "\"user\":\"a from b by SSH x\",\"address\":\"2001:db8::1\"");
    assert_answers(&root, "who", "\"name\":\"mine\"", "\"result\":[]"); /* logins for all */
    assert_answers(&mine, "who", "", "[{\"domain_name\":\"mine\",\"type\":\"SSH\"");
    assert_answers(&mine, "who", "\"name\":\"theirs\"", "No domain with matching name theirs");
}

static void test_facility(void **state)
{
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    const struct control_identity mine = identity_of(PRIVILEGE_USER, true);

    (void)state;
    assert_answers(
        &root, "facility", "",
        "{\"feeds\":[{\"feed\":\"A\",\"state\":\"up\"},{\"feed\":\"B\",\"state\":\"up\"}],"
        "\"utility\":\"ok\",");
    assert_answers(&root, "facility", "", "\"crac\":\"ok\",\"inlet\":22.0,\"servers\":[");
    assert_answers(&root, "facility", "",
                   "{\"domain_name\":\"theirs\",\"redundancy\":\"2N\",\"feeds\":\"A B\","
                   "\"supply\":\"full\",\"power\":\"off\"}");
    assert_answers(&mine, "facility", "", "\"domain_name\":\"mine\"");
    assert_null(strstr(answer, "theirs"));

    assert_answers(&root, "facility", "\"item\":\"feed\",\"which\":\"B\",\"state\":\"down\"",
                   "{\"ok\":true,\"result\":{}}");
    assert_answers(&root, "facility", "\"item\":\"crac\",\"state\":\"failed\"", "\"ok\":true");
    assert_answers(&mine, "facility", "", "{\"feed\":\"B\",\"state\":\"down\"}");
    assert_non_null(strstr(answer, "\"crac\":\"failed\""));
    assert_non_null(strstr(answer, "\"supply\":\"redundancy lost\""));
    assert_answers(&root, "facility", "\"item\":\"feed\",\"which\":\"Q\",\"state\":\"down\"",
                   "A, B");
    assert_answers(&root, "facility", "\"item\":\"crac\"", "must be given together");
    assert_answers(&root, "facility", "\"clear\":true", "\"ok\":true");
    assert_answers(&mine, "facility", "", "\"supply\":\"full\"");
    assert_null(strstr(answer, "down"));
}

/* ---- the event log ---- */

static void test_event_log(void **state)
{
    static const char *const wrong[] = {"0", "-1", "\"1\"", "1.5", "null", "99999999999999999999"};
    const struct control_identity root = identity_of(PRIVILEGE_ADMINISTRATOR, false);
    char text[64];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_answers(&root, "sel", "\"name\":\"theirs\",\"clear\":true", "{\"ok\":true");
        assert_answers(&root, "sel", "\"name\":\"theirs\"", "\"event\":\"Log area reset/cleared\"");
        assert_null(strstr(answer, "},{")); /* one row, whose id is new each time */
    }
    assert_null(strstr(answer, "\"id\":1,"));
    assert_answers(&root, "sel", "\"name\":\"theirs\",\"last\":5", "Log area reset/cleared");
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        snprintf(text, sizeof text, "\"name\":\"theirs\",\"last\":%s", wrong[i]);
        assert_answers(&root, "sel", text, "\\\"last\\\" must be a positive number");
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_privileges),     cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_account_of_all), cmocka_unit_test(test_one_bmc),
        cmocka_unit_test(test_show),           cmocka_unit_test(test_console_privileges),
        cmocka_unit_test(test_inject),         cmocka_unit_test(test_facility),
        cmocka_unit_test(test_event_log),      cmocka_unit_test(test_who),
        cmocka_unit_test(test_screenshot),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
