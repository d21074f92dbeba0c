/* What the tests of the console share: a real BMC (struct instance) without a guest, whose hub has
 * a serial port of the test's own, and clients on a real control socket that speak frames. All in
 * one thread: nothing happens but in console_fixture_turn. Everything asserts by cmocka. */
#ifndef TESTS_FAKE_CONSOLE_FIXTURE_H
#define TESTS_FAKE_CONSOLE_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uv.h>

#include "vbmc/base/stream.h"
#include "vbmc/config/config.h"
#include "vbmc/control/console_frame.h"
#include "vbmc/control/control.h"
#include "vbmc/instance/instance.h"

#define CONSOLE_FIXTURE_TYPED_MAX      ((size_t)256 * 1024)
#define CONSOLE_FIXTURE_TRANSCRIPT_MAX ((size_t)64 * 1024)

/* A serial port; it takes what is typed as long as it has room. */
struct fake_source {
    struct stream stream;
    bool opened, closed;
    size_t room;
    char typed[CONSOLE_FIXTURE_TYPED_MAX]; /* the first so many bytes */
    size_t typed_size;                     /* all of them */
};

struct console_fixture {
    uv_loop_t loop;
    char folder[64];
    struct store *store;
    struct instance_shared shared;
    struct config config;
    struct instance *instance;
    struct control *control;
    struct fake_source source;
};

extern struct console_fixture console_fixture;

/* With a connected serial port, and so many bytes of history. */
void console_fixture_start(size_t history_size);
/* For cmocka: the end. */
int console_fixture_teardown(void **state);
/* Lets the loop run until nothing more is to be done at once. */
void console_fixture_turn(void);
/* The BMC goes. */
void console_fixture_free_instance(void);

/* The guest says something. */
void console_fixture_say(const char *text);
void console_fixture_say_bytes(const void *bytes, size_t size);
/* The serial port takes so many bytes more. */
void console_fixture_make_room(size_t room);
/* What was typed up to now, as text. */
const char *console_fixture_typed(void);

struct console_client {
    int fd;
    bool ended;  /* CONSOLE_END came */
    bool closed; /* by the daemon */
    /* Of every frame, as it comes: output as it is, others as "[notice: text]", "[lost: 12]",
     * "[reply: text]", "[end: text]". */
    char transcript[CONSOLE_FIXTURE_TRANSCRIPT_MAX];
    size_t transcript_size; /* all that there was to write */
    char answer[1024];      /* to the request */
    /* Called for each frame instead, where it is set. */
    void (*frame)(struct console_client *client, uint8_t kind, const uint8_t *payload, size_t size);
    uint64_t position; /* for that function */
    uint64_t lost;
    uint8_t pending[CONSOLE_FRAME_HEADER + CONSOLE_FRAME_MAX];
    size_t pending_size;
};

/* Connects, and asks for the console with these arguments (JSON members, may be ""), followed at
 * once by `size` bytes of frames. The answer and what has come with it are in the client. */
void console_client_open(struct console_client *client, enum privilege privilege, const char *who,
                         const char *arguments, const void *frames, size_t size);
/* The same for any identity, and without frames. */
void console_client_open_as(struct console_client *client, const struct control_identity *identity,
                            const char *arguments);
/* The same as an administrator called "root", from where it is now. */
void console_client_open_now(struct console_client *client);
void console_client_close(struct console_client *client);
/* Reads what there is; false if there was nothing. */
bool console_client_read(struct console_client *client);
/* The same, turning until there is nothing more. */
void console_client_read_all(struct console_client *client);
/* The same; the transcript since the last call of this. */
const char *console_client_hear(struct console_client *client);
/* Sends all of it, turning where the socket is full. */
void console_client_send(struct console_client *client, const void *bytes, size_t size);
/* Sends what the socket takes; how much. */
size_t console_client_try_send(struct console_client *client, const void *bytes, size_t size);
void console_client_send_frame(struct console_client *client, enum console_frame_kind kind,
                               const void *payload, size_t size);
void console_client_type(struct console_client *client, const char *text);

#endif
