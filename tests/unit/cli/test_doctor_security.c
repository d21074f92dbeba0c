/* What `vbmc doctor --security` says of a configuration: each key that weakens the daemon, with its
 * file and line, and nothing of the others. */
#include <json-c/json.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/conf_files.h"
#include "vbmc/base/array.h"
#include "vbmc/cli/doctor_report.h"
#include "vbmc/cli/doctor_security.h"

#define H    "[hypervisor local]\nuri = qemu:///system\n" /* two lines */
#define LONG "password-file = secret\n"

static const struct {
    const char *text;
    const char *check, *detail; /* of the one warning; NULL: there is none */
    unsigned line;
} cases[] = {
    {H, NULL, NULL, 0},
    {H "[bmc]\ncipher-suites = 17\nsession-timeout = 60\nipmi-1.5 = off\naddress = 127.0.0.2\n",
     NULL, NULL, 0},
    {H "[user a]\n" LONG, NULL, NULL, 0},
    {H "[ssh]\nlisten = [::1]:6022\n", NULL, NULL, 0},
    {"[hypervisor a]\nuri = qemu+tls://x/system\n", NULL, NULL, 0},
    {H "[daemon]\ncompat = none\n", NULL, NULL, 0},
    {H "[daemon]\ncompat = openstack\n", "compat", "password 'password'", 4},
    {H "[daemon]\n\n; a comment\ncontrol-group = root\n", "control socket", "the group 'root'", 6},
    {H "[daemon]\nuser = root\n", "user", "stays root", 4},
    {"[hypervisor a]\nuri = qemu+tcp://x/system\n", "hypervisors", "nothing encrypts", 2},
    {"[hypervisor a]\nuri = qemu+tls://x/system?no_verify=1\n", "hypervisors", "not verified", 2},
    {"[hypervisor a]\nuri = qemu:///embed?root=/x\n", "hypervisors", "stays root", 2},
    {H "[bmc]\naddress = 192.0.2.1\n", "BMCs", "reached from elsewhere (192.0.2.1)", 4},
    {H "[bmc]\naddresses = 10.0.0.0/24\n", "BMCs", "reached from elsewhere (10.0.0.0/24)", 4},
    {H "[domain a]\naddress = ::\nport = 6000\n", "BMCs", "reached from elsewhere (::)", 4},
    {H "[bmc]\ncipher-suites = 1 17 2 3\n", "cipher-suites", "without encryption: 1 2;", 4},
    {H "[domain a]\ncipher-suites = 15\n", "cipher-suites", "without encryption: 15;", 4},
    {H "[bmc]\nipmi-1.5 = md5\n", "ipmi-1.5", "has the MD5 hashes", 4},
    {H "[bmc]\nipmi-1.5 = md5 straight\n", "ipmi-1.5", "the passwords themselves", 4},
    {H "[bmc]\nsession-timeout = 61\n", "sessions", "stays for 61 s", 4},
    {H "[ssh]\nlisten = 0.0.0.0:22\n", "SSH", "reached from elsewhere (0.0.0.0:22)", 4},
    {H "[user a]\npassword = twelve-bytes\n", "secrets", "knows the secret", 4},
    {H "[bmc]\nkg = twelve\n", "secrets", "knows the secret", 4},
    {H "[domain a]\nkg = twelve\n", "secrets", "knows the secret", 4},
    {H "sasl-username = a\nsasl-password = twelve\n", "secrets", "knows the secret", 4},
    {H "[user a]\n" LONG "[user b]\npassword-file = kg\n", "passwords", "of b has only 5", 6},
};

static const char *member(struct json_object *finding, const char *key)
{
    return json_object_get_string(json_object_object_get(finding, key));
}

static void test_each_weakness(void **state)
{
    (void)state;
    conf_write_file("secret", "twelve-bytes", 0600);
    conf_write_file("kg", "short", 0600);
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        CLEANUP_CONFIG struct config *config = conf_load(cases[i].text);
        struct doctor doctor = {.config = config, .findings = json_object_new_array()};
        size_t warnings = 0;
        doctor_check_security(&doctor);
        for (size_t j = 0; j < json_object_array_length(doctor.findings); j++) {
            struct json_object *finding = json_object_array_get_idx(doctor.findings, j);
            char check[64], place[128];
            bool is_warning = strcmp(member(finding, "finding"), "ok") != 0;
            warnings += is_warning;
            if (!is_warning || !cases[i].check)
                continue;
            snprintf(check, sizeof check, "security: %s", cases[i].check);
            snprintf(place, sizeof place, "(%s:%u: ", conf_file, cases[i].line);
            assert_string_equal(member(finding, "check"), check);
            assert_non_null(strstr(member(finding, "detail"), cases[i].detail));
            assert_non_null(strstr(member(finding, "detail"), place));
            assert_null(strstr(member(finding, "detail"), "twelve"));
        }
        assert_int_equal(warnings, cases[i].check ? 1 : 0);
        assert_false(doctor.found_problem);
        json_object_put(doctor.findings);
    }
}

/* SSH at the addresses of BMCs is as far to be reached as they are. */
static void test_all_at_once(void **state)
{
    CLEANUP_CONFIG struct config *config = conf_load(
        H "[bmc]\naddresses = 10.0.0.0/24\n[ssh]\nbmc-port = 22\n[user a]\npassword = x\n");
    struct doctor doctor = {.config = config, .findings = json_object_new_array()};
    size_t warnings = 0;

    (void)state;
    doctor_check_security(&doctor);
    for (size_t j = 0; j < json_object_array_length(doctor.findings); j++)
        warnings += strcmp(member(json_object_array_get_idx(doctor.findings, j), "finding"),
                           "warning") == 0;
    assert_int_equal(warnings, 4);
    json_object_put(doctor.findings);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_weakness),
        cmocka_unit_test(test_all_at_once),
    };

    return cmocka_run_group_tests(tests, conf_set_up, conf_tear_down);
}
