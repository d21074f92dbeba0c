/* What the tests of a BMC's console share: the console, and a guest on libvirt's test driver
 * (virt_fixture.h) whose serial port the test itself listens on. Everything asserts by cmocka. */
#ifndef TESTS_FAKE_CONSOLE_RIG_H
#define TESTS_FAKE_CONSOLE_RIG_H

#include <stdbool.h>

#include <libvirt/libvirt.h>

#include "vbmc/base/uuid.h"
#include "vbmc/config/config.h"
#include "vbmc/config/declared.h"
#include "vbmc/console/console.h"

struct console_rig {
    char folder[64], path[96]; /* of the state; of the serial port's socket */
    struct config config;
    struct config_domain section;
    struct console *console; /* NULL: none */
    virDomainPtr domain;     /* as somebody else has it; NULL: not defined */
    int listener;            /* at the serial port; -1: none */
    int guest;               /* its end of the connection; -1: none */
    struct hub_reader *reader;
    char notices[4096]; /* that the reader was told, each in brackets */
};

extern struct console_rig rig;
extern const struct uuid rig_uuid;
extern const struct config_declared rig_declared; /* nothing */

/* For cmocka, with virt_fixture's for the group: a folder, and nothing else. */
int rig_setup(void **state);
int rig_teardown(void **state);

/* A listening socket. */
int rig_listen_at(const char *name);
/* For TURN_UNTIL: the console has connected to the guest, which takes the connection; the guest
 * sees its end. */
bool rig_is_opened(void);
bool rig_is_hung_up(void);
void rig_close_guest(void);

/* A console with one reader from the start on; and its end. */
void rig_make(enum config_console mode);
void rig_configure(enum config_console mode);
void rig_drop(void);

/* Somebody else defines the guest with that serial port, or the one that is listened at, and starts
 * it. */
void rig_start_guest(const char *serial);
void rig_start_guest_with_socket(void);

/* Exactly these since the last call. */
void rig_expect_notices(const char *expected);

#endif
