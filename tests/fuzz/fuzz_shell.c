/* libFuzzer target: lines that SSH users type at the shell, and what it says to the answers of the
 * daemon.
 *
 * Files: vbmc/cli/shell_commands.c vbmc/cli/words.c vbmc/cli/options.c vbmc/cli/readings.c
 * vbmc/cli/list.c vbmc/cli/users.c vbmc/cli/format.c vbmc/cli/format_table.c vbmc/cli/format_yaml.c
 * vbmc/cli/format_cell.c vbmc/cli/client.c vbmc/cli/report.c vbmc/cli/members.c vbmc/base/nearest.c
 *
 * The input is a byte, of which bits 3..0 say what the daemon answers to a command, bit 4 that it
 * knows two BMCs (else one, whose name may be left out), and lines. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/shell_commands.h"
#include "vbmc/term/text.h"

#define LINES_MAX 16
#define TWO_BMCS  0x10

static const char *const lists[] = {
    "[{\"domain_name\":\"web 'one'\",\"status\":\"running\",\"address\":\"::1\",\"port\":623,"
    "\"power\":\"on\",\"note\":\"moved\\n\\u001b[31m\"}]",
    "[{\"domain_name\":\"a\",\"status\":\"down\",\"address\":\"192.0.2.1\",\"port\":6230,"
    "\"power\":\"off\"},{\"domain_name\":\"b\",\"status\":\"error\",\"address\":\"\",\"port\":1,"
    "\"power\":null}]",
};

/* Of commands; the last is none that the daemon gives. */
static const char *const results[] = {
    "{}",
    "{\"text\":\"done\",\"state\":\"on\",\"device\":\"pxe\",\"persistent\":false,\"note\":\"a\"}",
    "{\"domain_name\":\"a\",\"status\":\"running\",\"address\":\"::\",\"port\":623,\"power\":"
    "\"on\","
    "\"health\":\"ok\",\"uptime\":90061,\"boot_count\":3,\"health_sensor\":null,\"copies\":null}",
    "[{\"number\":1,\"name\":\"Inlet "
    "Temp\",\"type\":\"temperature\",\"reading\":22.5,\"unit\":\"C\","
    "\"status\":\"ok\",\"states\":[],\"thresholds\":{\"upper critical\":45}},"
    "{\"number\":2,\"name\":\"PSU1\",\"type\":\"power supply\",\"reading\":null,\"unit\":null,"
    "\"status\":\"critical\",\"states\":[\"presence\",\"failure\"],\"thresholds\":{}}]",
    "[{\"id\":1,\"time\":\"2026-01-01T00:00:00Z\",\"generator\":\"BMC\",\"type\":\"fan\","
    "\"sensor\":\"Fan 1\",\"event\":\"lower critical\",\"direction\":\"asserted\","
    "\"severity\":\"critical\",\"raw\":\"00\"},{\"id\":2,\"time\":null,\"generator\":\"0x0041\","
    "\"type\":\"\",\"sensor\":\"\",\"event\":\"\\t\\u009b\",\"direction\":\"\",\"severity\":\"ok\","
    "\"raw\":\"\"}]",
    "[{\"id\":0,\"device\":\"system\",\"area\":\"board\",\"field\":\"serial number\","
    "\"value\":\"\\u4e2d\\u6587\"}]",
    "[{\"id\":2,\"name\":\"admin\",\"privilege\":\"administrator\",\"enabled\":true,\"ipmi\":true,"
    "\"ssh\":true,\"sessions\":0,\"source\":\"configuration\",\"from\":{\"name\":\"client\"}}]",
    "[{\"domain_name\":null,\"type\":\"SSH\",\"user\":\"admin\",\"address\":\"\",\"privilege\":"
    "\"operator\",\"since\":\"2026-01-01T00:00:00Z\",\"idle\":5}]",
    "[]",
    "null",
};

/* One answer of the daemon for each that may be waited for: the list of BMCs, then the command's.
 */
static void answer(int fd, uint8_t what)
{
    CLEANUP_FREE char *text = NULL;
    size_t kind = (what & 0x0f) % (ARRAY_SIZE(results) + 2);
    int length;

    if (kind == ARRAY_SIZE(results))
        length = asprintf(&text, "{\"progress\":\"half\"}\n{\"ok\":false,\"error\":\"no\","
                                 "\"code\":\"usage\"}\n");
    else if (kind > ARRAY_SIZE(results))
        length = asprintf(&text, "[1]\n");
    else
        length = asprintf(&text, "{\"ok\":true,\"result\":%s}\n{\"ok\":true,\"result\":%s}\n",
                          lists[what & TWO_BMCS ? 1 : 0], results[kind]);
    fuzz_require(length > 0 && send(fd, text, (size_t)length, MSG_NOSIGNAL) == length);
}

static void run_line(const char *line, size_t length, uint8_t what)
{
    CLEANUP_FREE char *copy = fuzz_text((const uint8_t *)line, length);
    struct shell shell = {.base = CLI_OPTIONS_NONE};
    int ends[2];

    fuzz_require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    answer(ends[1], what);
    shutdown(ends[1], SHUT_WR);
    shell.connection = cli_connection_adopt(ends[0]);
    fuzz_require(shell.connection != NULL);
    cli_shell_run_line(&shell, copy);
    fuzz_require(shell.status >= 0 && shell.status <= 2);
    cli_connection_free(shell.connection);
    close(ends[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static FILE *nowhere;
    FILE *out = stdout, *err = stderr;

    if (size < 1)
        return 0;
    if (!nowhere) {
        cli_text_init();
        nowhere = fopen("/dev/null", "we");
        fuzz_require(nowhere != NULL);
    }
    stdout = stderr = nowhere;
    const char *line = (const char *)bytes + 1, *end = (const char *)bytes + size;
    for (unsigned i = 0; line < end && i < LINES_MAX; i++) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        size_t length = (size_t)((stop ? stop : end) - line);
        run_line(line, length, bytes[0]);
        line += length + 1;
    }
    stdout = out;
    stderr = err;
    return 0;
}
