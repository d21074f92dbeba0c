/* A caller who asks the service for operations on the one fake_bmc, how each has ended, and what
 * the log says of it; asserts by cmocka, which its includer includes. */
#ifndef TESTS_UNIT_SERVICE_CALL_H
#define TESTS_UNIT_SERVICE_CALL_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/base/log.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/service.h"

static struct caller caller;
static int finished;     /* by the ticket; 1: not */
static char said[128];   /* its text */
static char path[64];    /* of the log */
static char logged[512]; /* its last line, without the time */

static inline int setup(void **state)
{
    int fd;

    fake_bmc_setup(state);
    snprintf(path, sizeof path, "/tmp/vbmc-test-service-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_int_equal(log_set_file(path), 0);
    log_set_level(LOG_LEVEL_INFO);
    caller = (struct caller){
        .front_end = CALLER_SSH,
        .name = "joe",
        .address = "192.0.2.1",
        .privilege = PRIVILEGE_ADMINISTRATOR,
    };
    return 0;
}

static inline int teardown(void **state)
{
    log_set_level(LOG_LEVEL_ERROR);
    unlink(path);
    return fake_bmc_teardown(state);
}

static inline void note_finished(const struct bmc_ticket *ticket, int result)
{
    assert_int_equal(finished, 1); /* once */
    finished = result;
    snprintf(said, sizeof said, "%s", ticket->text ? ticket->text : "");
}

static inline int call(enum service_operation operation, const union service_arguments *arguments)
{
    const struct bmc_ticket ticket = {.done = note_finished};
    const struct service_call made = {&caller, &fake_bmc.bmc, &ticket};

    finished = 1;
    return service_call(operation, &made, arguments);
}

/* The line of the log that contains the text; "" if there is none. */
static inline const char *log_line(const char *text)
{
    FILE *file = fopen(path, "r");

    assert_non_null(file);
    while (fgets(logged, sizeof logged, file) && !strstr(logged, text))
        ;
    if (!strstr(logged, text))
        logged[0] = '\0';
    fclose(file);
    return logged;
}

#endif
