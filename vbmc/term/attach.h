/* A console connection (vbmc/control/console_frame.h) between a guest and the user of `vbmc
 * console`: a person at a terminal, with the menu of vbmc/term/escape.h, or a script with pipes. */
#ifndef VBMC_TERM_ATTACH_H
#define VBMC_TERM_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/control/console_parser.h"

struct cli_attach {
    int stream;          /* connected; borrowed */
    const uint8_t *rest; /* bytes of the stream that were read already; borrowed */
    size_t rest_size;
    int in;              /* where the guest's input comes from; -1: nothing is typed */
    int out;             /* where its output goes */
    int err;             /* where messages go if `out` is no terminal */
    const char *banner;  /* one line for a terminal, or NULL */
    bool writable;       /* the daemon will take input */
    bool opening;        /* the guest's serial port is about to be connected */
    unsigned silence_ms; /* after the end of input: leave when nothing has come for so long */
};

enum cli_attach_end {
    CLI_ATTACH_LEFT,      /* the user did, or the input ended */
    CLI_ATTACH_ENDED,     /* the daemon said so, with `text` */
    CLI_ATTACH_LOST,      /* the connection ended without a word; `error` if it broke */
    CLI_ATTACH_GARBLED,   /* the daemon sent what is no frame */
    CLI_ATTACH_NO_OUTPUT, /* `out` does not take more, for `error` */
    CLI_ATTACH_SIGNALLED, /* by `signal` */
    CLI_ATTACH_FAILED,    /* to begin with, for `error` */
};

struct cli_attach_result {
    enum cli_attach_end end;
    int error;    /* positive errno */
    int signal;   /* SIGINT, SIGTERM, SIGHUP or SIGQUIT */
    bool refused; /* something was typed that did not get to the guest */
    char text[CONSOLE_PARSER_WHOLE_MAX + 1];
};

/* Carries bytes both ways until one side ends it. Terminals are put to raw mode if `in` is one, and
 * are left as they were found; SIGTSTP stops the process with the terminal restored.
 *
 * Input that is no terminal goes to the guest as it is, once its serial port is connected or has
 * not been for some seconds. At its end this leaves as soon as the daemon has taken all of it and
 * nothing has come from the guest for `silence_ms`. Output that is no terminal is the guest's bytes
 * and nothing else. */
void cli_attach_run(const struct cli_attach *attach, struct cli_attach_result *result);

#endif
