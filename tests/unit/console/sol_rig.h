/* What the tests of SOL share: two remote consoles of one BMC, with real sessions, commands, hub
 * and store, over a serial port, a clock and a struct console of the rig's own. Everything asserts
 * by cmocka. */
#ifndef TESTS_UNIT_CONSOLE_SOL_RIG_H
#define TESTS_UNIT_CONSOLE_SOL_RIG_H

#include <stdint.h>

#include <uv.h>

#include "sol/hub.h"
#include "sol/solproto.h"
#include "tests/unit/rmcp_console.h"
#include "vbmc/base/stream.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/console/console.h"
#include "vbmc/console/sol.h"
#include "vbmc/state/saves.h"
#include "vbmc/store/sol.h"

#define SOL_RIG_PORT        6230
#define SOL_RIG_PACKETS_MAX 64

/* In place of the real one, as far as SOL needs it. */
struct console {
    struct hub *hub;
    unsigned replay;
    unsigned people;
    char who[CONSOLE_WHO_SIZE];
    const char *problem;
    unsigned looks;
};

/* What came for one of the consoles. */
struct sol_packet {
    const struct remote_console *to;
    uint8_t type;
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    size_t size;
};

struct sol_rig {
    struct console guest; /* its console */
    struct {
        struct stream stream;
        size_t room; /* how much it still takes */
        char written[4096];
        size_t size;
        unsigned breaks;
    } port;
    uv_loop_t loop;
    char folder[64]; /* of the store */
    struct store *store;
    struct bmc bmc;
    struct saves *saves;
    struct console_sol *sol;
    struct remote_console console, other; /* of one server */
    uint64_t wake_at_ms;
    unsigned replies; /* that came late */
    struct sol_packet packets[SOL_RIG_PACKETS_MAX];
    unsigned packet_count, packets_read;
    struct remote_console *sender; /* gets what cannot be opened: the clear packets of a login */
};

extern struct sol_rig sol_rig;
/* Data of Activate and Deactivate Payload. */
extern const uint8_t sol_rig_instance_on[6];
extern const uint8_t sol_rig_instance_off[6];

/* For cmocka: `console` is logged in. */
int sol_rig_setup(void **state);
int sol_rig_teardown(void **state);
/* A console logs in, as an administrator, with that cipher suite. */
void sol_rig_log_in(struct remote_console *who, uint8_t suite);
/* A new hub with a history of so many bytes, on the serial port; the port alone. */
void sol_rig_make_hub(size_t history);
void sol_rig_plug_in(void);
/* The BMC, its server and its SOL, and their end. */
void sol_rig_make_sol(void);
void sol_rig_free_sol(void);
/* Lets time pass as the timer of an instance does. */
void sol_rig_advance(uint64_t ms);

/* The guest's side. */
void sol_rig_guest_says(const char *text);
/* Exactly this since the last call. */
void sol_rig_assert_typed(const char *text);

/* What a console does. A command's completion code, which may come when the disk has it. */
int sol_rig_command(struct remote_console *who, uint8_t netfn, uint8_t number, const void *data,
                    size_t size);
int sol_rig_activate(struct remote_console *who);
int sol_rig_deactivate(struct remote_console *who);
int sol_rig_get_device_id(struct remote_console *who);
void sol_rig_type(struct remote_console *who, uint8_t sequence, uint8_t operation,
                  const char *text);
void sol_rig_acknowledge(struct remote_console *who, uint8_t sequence, uint8_t count);

/* What consoles got: the next packet, NULL if there is none; nothing more; that SOL packet next. */
const struct sol_packet *sol_rig_next_packet(void);
void sol_rig_assert_silent(void);
void sol_rig_expect_sol(const struct remote_console *to, uint8_t sequence, uint8_t acknowledged,
                        uint8_t accepted, uint8_t status, const char *text);
/* Nobody is on the guest's console. */
void sol_rig_expect_nobody(void);

#endif
