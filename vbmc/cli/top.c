#include "vbmc/cli/top.h"

/* `vbmc top`: all BMCs at a glance, on a screen that stays, or once as a table. The daemon is asked
 * by a thread of its own, so that the keys work while it does not answer. */
#include <errno.h>
#include <json-c/json.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/readings.h"
#include "vbmc/cli/report.h"
#include "vbmc/cli/select.h"
#include "vbmc/cli/top_screen.h"

#define PATH_SIZE    4096
#define SILENCE_S    3 /* without an answer: worth a word */
#define TROUBLE_SIZE (CLI_CLIENT_ERROR_SIZE + 64)

static const int endings[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

/* The thread that asks. What is behind `orders` and `answers` belongs to it from an order until its
 * answer, to everybody else's thread otherwise. */
struct asker {
    char path[PATH_SIZE];
    int orders, answers; /* eventfds */
    bool selects;        /* by what rows have only where it is asked for */
    struct json_object *rows;
    struct cli_client_error error;
    int failed;
};

struct top {
    const struct cli_options *options;
    struct asker asker;
    bool is_asking;
    double interval_s, ask_at_s, asked_at_s; /* monotonic */
    struct cli_top_rows rows;
    struct cli_top_view view;
    bool reversed;
    char clock[32];
    char trouble[TROUBLE_SIZE];
    bool is_over;
};

static volatile sig_atomic_t ended_by, was_stopped, goes_on;

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- asking ---- */

static bool selects_rows(const struct cli_options *options)
{
    return options->tags.count || options->hypervisor;
}

static void *answer_orders(void *context)
{
    struct asker *asker = context;
    eventfd_t count;

    while (eventfd_read(asker->orders, &count) == 0) {
        asker->rows = NULL;
        struct json_object *arguments = asker->selects ? cli_select_arguments() : NULL;
        asker->failed =
            cli_client_call(asker->path, "top", arguments, NULL, NULL, &asker->rows, &asker->error);
        json_object_put(arguments);
        eventfd_write(asker->answers, 1);
    }
    return NULL;
}

static int start_asker(struct cli *cli, struct asker *asker)
{
    char error[CLI_CLIENT_ERROR_SIZE];
    pthread_t thread;

    if (cli_socket_path(&cli->options, asker->path, sizeof asker->path, error, sizeof error))
        return cli_fail(cli, "%s", error);
    asker->orders = eventfd(0, EFD_CLOEXEC);
    asker->answers = eventfd(0, EFD_CLOEXEC);
    if (asker->orders < 0 || asker->answers < 0)
        return cli_fail(cli, "cannot start asking: %s", strerror(errno));
    int failed = pthread_create(&thread, NULL, answer_orders, asker);
    if (failed)
        return cli_fail(cli, "cannot start asking: %s", strerror(failed));
    pthread_detach(thread);
    return CLI_EXIT_DONE;
}

static void ask(struct top *top)
{
    if (top->is_asking)
        return;
    top->is_asking = true;
    top->asked_at_s = now_s();
    eventfd_write(top->asker.orders, 1);
}

/* Those that are meant; takes the rows over. */
static struct json_object *select_rows(const struct cli_options *options, struct json_object *rows)
{
    struct json_object *meant =
        cli_select_filter(options, options->names, options->name_count, rows);

    json_object_put(rows);
    return meant;
}

static void show_rows(struct top *top, struct json_object *rows)
{
    time_t now = time(NULL);
    struct tm local;

    if (json_object_is_type(rows, json_type_array))
        rows = select_rows(top->options, rows);
    if (cli_top_rows_take(&top->rows, rows)) {
        snprintf(top->trouble, sizeof top->trouble,
                 "vbmcd answered with something that is no list");
        return;
    }
    cli_top_rows_sort(&top->rows, top->view.sort, top->reversed);
    top->trouble[0] = '\0';
    if (localtime_r(&now, &local))
        strftime(top->clock, sizeof top->clock, "%H:%M:%S", &local);
}

static void take_answer(struct top *top)
{
    eventfd_t count;

    eventfd_read(top->asker.answers, &count);
    top->is_asking = false;
    top->ask_at_s = now_s() + top->interval_s;
    if (top->asker.failed)
        snprintf(top->trouble, sizeof top->trouble, "trying again: %s", top->asker.error.text);
    else
        show_rows(top, top->asker.rows);
    top->asker.rows = NULL;
}

/* A daemon that hangs says nothing. */
static void look_for_silence(struct top *top)
{
    double silence = now_s() - top->asked_at_s;

    if (top->is_asking && silence >= SILENCE_S)
        snprintf(top->trouble, sizeof top->trouble, "waiting: vbmcd has not answered for %.0f s",
                 floor(silence));
}

/* ---- signals ---- */

static void on_signal(int number)
{
    if (number == SIGTSTP)
        was_stopped = 1;
    else if (number == SIGCONT)
        goes_on = 1;
    else
        ended_by = number;
}

/* They come only while the program waits. The window's size is ncurses' own. */
static void block_signals(sigset_t *before)
{
    sigset_t blocked;

    sigemptyset(&blocked);
    for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
        sigaddset(&blocked, endings[i]);
    sigaddset(&blocked, SIGTSTP);
    sigaddset(&blocked, SIGCONT);
    sigaddset(&blocked, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &blocked, before);
}

/* Behind ncurses, which has its own ideas of most of them. */
static void catch_signals(void)
{
    const struct sigaction action = {.sa_handler = on_signal};
    struct sigaction before;

    for (size_t i = 0; i < ARRAY_SIZE(endings); i++)
        sigaction(endings[i], &action, NULL);
    sigaction(SIGCONT, &action, NULL);
    if (sigaction(SIGTSTP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGTSTP, &action, NULL);
}

/* For the parent that waits for this process to see by what it ended. */
static void end_by_signal(const sigset_t *before)
{
    signal(ended_by, SIG_DFL);
    pthread_sigmask(SIG_SETMASK, before, NULL);
    raise(ended_by);
}

static void heed_signals(struct top *top)
{
    if (was_stopped) {
        was_stopped = 0;
        cli_top_screen_leave();
        raise(SIGSTOP);
        goes_on = 1;
    }
    if (goes_on) {
        goes_on = 0;
        cli_top_screen_return();
    }
    top->is_over |= ended_by != 0;
}

/* ---- the screen ---- */

static void scroll_by(struct top *top, size_t rows, bool upwards)
{
    size_t first = top->view.first;

    top->view.first = !upwards ? first + rows : first > rows ? first - rows : 0;
}

static void sort_by(struct top *top, enum cli_top_sort sort, bool reversed)
{
    top->view.sort = sort;
    top->reversed = reversed;
    cli_top_rows_sort(&top->rows, sort, reversed);
}

static void obey(struct top *top, enum cli_top_key key)
{
    switch (key) {
    case CLI_TOP_KEY_QUIT:
        top->is_over = true;
        break;
    case CLI_TOP_KEY_ASK:
        ask(top);
        break;
    case CLI_TOP_KEY_REVERSE:
        sort_by(top, top->view.sort, !top->reversed);
        break;
    case CLI_TOP_KEY_UP:
    case CLI_TOP_KEY_DOWN:
        scroll_by(top, 1, key == CLI_TOP_KEY_UP);
        break;
    case CLI_TOP_KEY_PAGE_UP:
    case CLI_TOP_KEY_PAGE_DOWN:
        scroll_by(top, cli_top_screen_page(), key == CLI_TOP_KEY_PAGE_UP);
        break;
    case CLI_TOP_KEY_HOME:
    case CLI_TOP_KEY_END:
        top->view.first = key == CLI_TOP_KEY_HOME ? 0 : top->rows.count;
        break;
    default:
        if (key >= CLI_TOP_KEY_SORT)
            sort_by(top, (enum cli_top_sort)(key - CLI_TOP_KEY_SORT), false);
    }
}

/* Ready, but nothing to read: the terminal has gone. */
static void read_keys(struct top *top, short ready)
{
    enum cli_top_key key;
    bool has_any = false;

    while (!top->is_over && (key = cli_top_screen_key()) != CLI_TOP_KEY_NONE) {
        obey(top, key);
        has_any = true;
    }
    top->is_over |= ready && !has_any;
}

static void wait_for_something(struct top *top, const sigset_t *unblocked)
{
    struct pollfd polls[] = {{STDIN_FILENO, POLLIN, 0}, {top->asker.answers, POLLIN, 0}};
    double seconds = top->is_asking ? 1 : top->ask_at_s - now_s();
    struct timespec timeout = {0};

    if (seconds > 0) {
        timeout.tv_sec = (time_t)seconds;
        timeout.tv_nsec = (long)((seconds - floor(seconds)) * 1e9);
    }
    if (ppoll(polls, ARRAY_SIZE(polls), &timeout, unblocked) < 0)
        polls[0].revents = polls[1].revents = 0;
    heed_signals(top);
    if (polls[1].revents)
        take_answer(top);
    read_keys(top, polls[0].revents);
    if (now_s() >= top->ask_at_s)
        ask(top);
    look_for_silence(top);
}

/* Takes the first answer over. */
static int run_screen(struct cli *cli, struct json_object *rows)
{
    /* Static: the thread that asks may outlive this function. */
    static struct top top = {.clock = "", .trouble = ""};
    sigset_t before;

    block_signals(&before);
    top.options = &cli->options;
    top.asker.selects = selects_rows(&cli->options);
    top.interval_s = cli->options.interval_s;
    top.view.rows = &top.rows;
    top.view.clock = top.clock;
    top.view.trouble = top.trouble;
    show_rows(&top, rows);
    top.ask_at_s = now_s() + top.interval_s;
    int code = start_asker(cli, &top.asker);
    if (code == CLI_EXIT_DONE && cli_top_screen_open(cli->options.format.colour)) {
        /* A terminal that is no screen can still show a table. */
        code = cli_print_summaries(cli, top.rows.answer);
        top.is_over = true;
    } else if (code == CLI_EXIT_DONE) {
        catch_signals();
    }
    while (code == CLI_EXIT_DONE && !top.is_over) {
        cli_top_screen_draw(&top.view);
        wait_for_something(&top, &before);
    }
    cli_top_screen_close();
    cli_top_rows_clear(&top.rows);
    if (ended_by)
        end_by_signal(&before);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static int run_top(struct cli *cli)
{
    struct json_object *rows;
    bool is_live =
        cli->options.format.terminal && isatty(STDIN_FILENO) && !cli->options.format_given;

    int code =
        cli_ask(cli, "top", selects_rows(&cli->options) ? cli_select_arguments() : NULL, &rows);
    if (code == CLI_EXIT_DONE && !is_live && json_object_is_type(rows, json_type_array))
        rows = select_rows(&cli->options, rows);
    if (code == CLI_EXIT_DONE && is_live && json_object_is_type(rows, json_type_array))
        return run_screen(cli, rows);
    if (code == CLI_EXIT_DONE)
        code = cli_print_summaries(cli, rows);
    json_object_put(rows);
    return code;
}

static const char top_help[] =
    "watch power, load, temperature and health of all BMCs, or of a selection\n\n"
    "  q                                  leaves\n"
    "  n, c, t, w, h                      sort by name, CPU, temperature, watts, health\n"
    "  r                                  the other way round\n"
    "  Space                              ask now\n"
    "  arrows, page keys, k, j, g, G      scroll\n\n"
    "Without a terminal, or with -f, it prints one table.";

const struct cli_verb cli_verb_top = {
    .name = "top",
    .arguments = "[NAME...]",
    .help = top_help,
    .groups = CLI_GROUP_TOP | CLI_GROUP_SELECT | CLI_GROUP_FORMAT,
    .names_max = SIZE_MAX,
    .run = run_top,
};
