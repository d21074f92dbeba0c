#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/fake/fake_bmc.h"
#include "tests/unit/lines.h"

void expect_lines(const struct line *lines, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *answer = fake_bmc_talk(&fake_bmc, lines[i].request);
        if (strcmp(answer, lines[i].answer) != 0)
            fail_msg("%s: %s, not %s", lines[i].request, answer, lines[i].answer);
    }
}
