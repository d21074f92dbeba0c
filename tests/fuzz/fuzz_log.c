/* libFuzzer target: names and texts of guests, clients and libvirt in the log: a line stays one
 * line and drives no terminal.
 *
 * Files: vbmc/base/log.c */
#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "tests/fuzz/fuzz.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"

static void check_line(const char *line, size_t length)
{
    const char *at = line;
    mbstate_t state = {0};

    fuzz_require(length > 0 && line[length - 1] == '\n');
    fuzz_require(mbsrtowcs(NULL, &at, 0, &state) != (size_t)-1); /* UTF-8 */
    for (size_t i = 0; i + 1 < length; i++) {
        uint8_t byte = (uint8_t)line[i];
        fuzz_require(byte >= 0x20 && byte != 0x7f);
        fuzz_require(byte != 0xc2 || (uint8_t)line[i + 1] < 0x80 || (uint8_t)line[i + 1] >= 0xa0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    CLEANUP_FREE char *text = fuzz_text(bytes, size);
    CLEANUP_FREE char *line = NULL;
    size_t length = 0;
    FILE *log = open_memstream(&line, &length), *saved = stderr;
    enum log_level level;

    fuzz_require(log != NULL && setlocale(LC_CTYPE, "C.UTF-8"));
    if (log_level_parse(text, &level) == 0)
        log_set_level(level);
    log_set_level(LOG_LEVEL_INFO);
    log_set_target(size % 2 ? LOG_TARGET_JOURNAL : LOG_TARGET_STDERR);
    stderr = log;
    log_warning("guest %s", text);
    log_debug("guest %s", text);
    stderr = saved;
    fclose(log);
    log_set_target(LOG_TARGET_STDERR);
    check_line(line, length);
    return 0;
}
