/* A console of IPMI 1.5, and the BMC that it talks to over the real commands. One at a time;
 * everything asserts by cmocka. */
#ifndef TESTS_UNIT_LAN15_CONSOLE_H
#define TESTS_UNIT_LAN15_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/fake/fake_bmc.h"
#include "vbmc/rmcp/core.h"
#include "vbmc/rmcp/header.h"
#include "vbmc/rmcp/lan15.h"

#define TEMPORARY UINT32_C(0x5ec0de01) /* the first random number of four bytes */
#define INBOUND   UINT32_C(0x5ec0de02) /* the second */
#define OUTBOUND  UINT32_C(0x11223344)
#define NO_ANSWER 0x1ff

struct console15 {
    struct fake_bmc fake;
    struct rmcp_config config;
    struct rmcp_server *server;
    struct endpoint from;
    uint32_t numbers;
    bool random_fails;
    unsigned failures; /* that login_failed was told of */
    unsigned successes;
    bool is_locked_out;
    uint8_t failed_user;
    unsigned ended;

    size_t sent; /* by the datagram received last */
    uint8_t last[RMCP_DATAGRAM_MAX];
    size_t length;
    struct endpoint to;

    uint8_t type;
    uint8_t key[LAN15_KEY_SIZE];
    uint32_t id;
    uint8_t challenge[16];
    uint32_t sequence; /* of the next packet in the session */
    uint8_t rq_seq;
    struct lan15_packet answer; /* the last one, taken apart */
};
extern struct console15 console15;

/* For cmocka. The accounts are admin (vbmc-test-pass, whose password is used), op
 * (1234567890123456) and long, whose password is too long; authentication by MD5 and password. */
int console15_setup(void **state);
int console15_teardown(void **state);

void console15_use_password(const char *password);
uint64_t console15_dropped(enum rmcp_drop reason);
/* How many answers came. */
size_t console15_send_bytes(const uint8_t *bytes, size_t length);

/* A message of the application NetFn, of at most UINT8_MAX bytes; its length. */
size_t console15_make_message(uint8_t command, const uint8_t *data, size_t length,
                              uint8_t *message);
/* Sends a message; the completion code of its answer, whose code must be right, or NO_ANSWER. The
 * same holds for what is below. */
int console15_send_message(const struct lan15_header *header, const uint8_t *message,
                           size_t length);
int console15_send_as(const struct lan15_header *header, uint8_t command, const uint8_t *data,
                      size_t length);
struct lan15_header console15_header_of(uint32_t sequence);

/* Get Session Challenge. */
int console15_challenge_for(uint8_t type, const char *name);
/* Activate Session with the bytes that the console would send. */
void console15_activation(uint8_t data[22], uint8_t level, uint32_t outbound);
int console15_activate_with(const uint8_t data[22]);
int console15_activate(uint8_t level);
/* Both. */
int console15_login(const char *name, uint8_t level);

/* A command of the session under its next number. */
int console15_ask(uint8_t command, const uint8_t *data, size_t length);
int console15_get_device_id(void);
/* True if a packet with that number is answered. */
bool console15_takes(uint32_t sequence);

#endif
