/* A client with bad requests to a whole server, and whether they have changed anything of it. One
 * at a time; everything asserts by cmocka. */
#ifndef TESTS_FAKE_BAD_CLIENT_H
#define TESTS_FAKE_BAD_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/ipmi/command.h"
#include "vbmc/ipmi/dispatch.h"

struct bad_client {
    enum ipmi_origin origin;
    int privilege;
    uint8_t channel, lun;
};

extern struct bad_client bad_client;

/* For cmocka: the server; the last forgets what is remembered of it. */
int bad_client_setup(void **state);
int bad_client_teardown(void **state);
int bad_client_teardown_group(void **state);
/* Another server, as it was after setup. */
void bad_client_start_again(void);

/* Who asks: an administrator in a session, the guest, or who may ask for it at all. */
void bad_client_as_administrator(void);
void bad_client_as_guest(void);
void bad_client_as_allowed(const struct command *row);
/* The completion code. */
int bad_client_ask(const struct command *row, const uint8_t *data, size_t length);

/* Everything that there is to change; the second looks at struct bmc and counters alone. */
void bad_client_remember(void);
bool bad_client_is_as_before(void);
void bad_client_expect_as_before(const struct command *row); /* NULL: one of several */
/* That completion code, and nothing has changed. */
void bad_client_expect(const struct command *row, const char *what, int code, int wanted);

#endif
