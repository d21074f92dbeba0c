#include "vbmc/term/terminal.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/term/screen.h"

/* Signals by which a program ends without its own doing. */
static const int crashes[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};

/* A signal handler finds its terminal only by a static variable. */
static struct {
    volatile sig_atomic_t is_entered;
    volatile sig_atomic_t is_raw;
    int in;
    int out;
    const struct cli_screen *screen;
    struct termios saved;
    struct sigaction actions[ARRAY_SIZE(crashes)];
} terminal = {.in = -1, .out = -1};

/* Only what a signal handler may call. */
static void restore(void)
{
    char bytes[CLI_SCREEN_RESET_MAX + 2];
    size_t size = 0;

    if (!terminal.is_raw)
        return;
    terminal.is_raw = 0;
    if (terminal.out >= 0) {
        size = cli_screen_reset(terminal.screen, bytes);
        if (terminal.screen->in_line) {
            memcpy(bytes + size, "\r\n", 2);
            size += 2;
        }
        /* Nothing is to be done about a terminal that has gone. */
        if (size && write(terminal.out, bytes, size) < 0)
            size = 0;
    }
    if (terminal.in >= 0)
        tcsetattr(terminal.in, TCSANOW, &terminal.saved);
}

static void on_crash(int number)
{
    restore();
    raise(number); /* as it would have been: the action is back to the default by now */
}

static int make_raw(void)
{
    struct termios raw = terminal.saved;

    if (terminal.in < 0)
        return 0;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return tcsetattr(terminal.in, TCSADRAIN, &raw) < 0 ? -errno : 0;
}

int cli_terminal_enter(int in, int out, const struct cli_screen *screen)
{
    static bool has_exit_handler;
    struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_RESETHAND | SA_NODEFER};

    terminal.in = in;
    terminal.out = out;
    terminal.screen = screen;
    if (in >= 0 && tcgetattr(in, &terminal.saved) < 0)
        return -errno;
    if (!has_exit_handler)
        has_exit_handler = atexit(cli_terminal_suspend) == 0;
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        sigaction(crashes[i], &action, &terminal.actions[i]);
    terminal.is_entered = terminal.is_raw = 1;
    int failed = make_raw();
    if (failed)
        cli_terminal_leave();
    return failed;
}

void cli_terminal_reenter(void)
{
    if (!terminal.is_entered)
        return;
    terminal.is_raw = 1;
    make_raw();
}

void cli_terminal_suspend(void)
{
    restore();
}

void cli_terminal_leave(void)
{
    if (!terminal.is_entered)
        return;
    restore();
    terminal.is_entered = 0;
    for (size_t i = 0; i < ARRAY_SIZE(crashes); i++)
        sigaction(crashes[i], &terminal.actions[i], NULL);
}
