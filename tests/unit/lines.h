/* Requests and the answers that the fake BMC has to give, one line each; asserts by cmocka. */
#ifndef TESTS_UNIT_LINES_H
#define TESTS_UNIT_LINES_H

#include <stddef.h>

struct line {
    const char *request, *answer; /* as of fake_bmc_talk */
};

/* Asks the one fake_bmc, in order. */
void expect_lines(const struct line *lines, size_t count);

#endif
