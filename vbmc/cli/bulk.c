#include "vbmc/cli/bulk.h"

#include <errno.h>
#include <json-c/json.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/cli/ask.h"
#include "vbmc/cli/cli.h"
#include "vbmc/cli/client.h"
#include "vbmc/cli/members.h"
#include "vbmc/cli/print.h"
#include "vbmc/cli/report.h"
#include "vbmc/term/text.h"

#define PROGRESS_MS 100 /* between two on a terminal */

/* A connection, which serves one BMC after the other. */
struct job {
    struct cli_connection *connection; /* NULL: not open */
    size_t target;
    int64_t heard_ms; /* or asked */
    bool is_busy;
};

struct bulk {
    struct cli *cli;
    const char *verb;
    struct json_object *arguments;
    struct json_object *outcomes; /* of each target: an object, see finish() */
    struct job jobs[CLI_JOBS_MAX];
    size_t job_count;
    size_t count, begun, done, failed, busy;
    int64_t next_ms;  /* when the next one may begin */
    int64_t shown_ms; /* progress */
    bool is_silent;   /* what is printed says that all is done */
    bool is_over;     /* no further one begins: interrupted, or the daemon is gone */
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
    (void)number;
    interrupted = 1;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* ---- what people see meanwhile ---- */

static const char *name_of(const struct bulk *bulk, size_t target)
{
    return cli_member_text(json_object_array_get_idx(bulk->cli->targets, target), "domain_name");
}

static bool shows_in_place(const struct bulk *bulk)
{
    return !bulk->cli->options.quiet && isatty(STDERR_FILENO);
}

static void erase_progress(const struct bulk *bulk)
{
    if (shows_in_place(bulk))
        fputs("\r\033[K", stderr);
}

static void put_name(const struct bulk *bulk, size_t target)
{
    const char *name = name_of(bulk, target);

    cli_text_print(name, name + strlen(name), stderr);
}

static void show_progress(struct bulk *bulk, size_t target, bool has_failed)
{
    if (bulk->cli->options.verbose && !bulk->cli->options.quiet && !has_failed) {
        erase_progress(bulk);
        put_name(bulk, target);
        fputs(": done\n", stderr);
    }
    if (!shows_in_place(bulk) || now_ms() - bulk->shown_ms < PROGRESS_MS)
        return;
    bulk->shown_ms = now_ms();
    fprintf(stderr, "\r\033[K%zu of %zu done", bulk->done, bulk->count);
    if (bulk->failed)
        fprintf(stderr, ", %zu failed", bulk->failed);
    fprintf(stderr, ", %zu under way: ", bulk->busy);
    put_name(bulk, target);
}

static void print_summary(const struct bulk *bulk)
{
    size_t left = bulk->count - bulk->begun;

    erase_progress(bulk);
    if (bulk->cli->options.quiet || (bulk->is_silent && bulk->done == bulk->count))
        return;
    fprintf(stderr, "vbmc %s: %zu of %zu done", bulk->cli->verb->name, bulk->done, bulk->count);
    if (bulk->failed)
        fprintf(stderr, ", %zu failed", bulk->failed);
    if (left)
        fprintf(stderr, ", %zu not begun", left);
    fputc('\n', stderr);
}

/* ---- one of them ---- */

/* Takes the result over. */
static void finish(struct bulk *bulk, size_t target, struct json_object *result,
                   const struct cli_client_error *error)
{
    struct json_object *outcome = json_object_new_object();
    const char *name = name_of(bulk, target);

    cli_add_text(outcome, "domain_name", name);
    cli_add_text(outcome, "result", error ? "failed" : "done");
    cli_add_text(outcome, "error", error ? error->text : NULL);
    json_object_object_add(outcome, "answer", result);
    json_object_array_put_idx(bulk->outcomes, target, outcome);
    bulk->done += !error;
    bulk->failed += error != NULL;
    if (error) {
        erase_progress(bulk);
        cli_fail(bulk->cli, "%s: %s", name, error->text);
    }
    show_progress(bulk, target, error != NULL);
}

static void close_job(struct job *job)
{
    cli_connection_free(job->connection);
    job->connection = NULL;
}

/* That there is one connection fewer than wanted is no failure while there are others: the daemon
 * and this process have a limit. */
static bool open_job(struct bulk *bulk, struct job *job, struct cli_client_error *error)
{
    if (job->connection || cli_open_connection(bulk->cli, bulk->verb, &job->connection, error) == 0)
        return true;
    if (bulk->busy)
        bulk->job_count = bulk->busy;
    else
        bulk->is_over = true;
    return false;
}

static void begin(struct bulk *bulk, struct job *job)
{
    struct json_object *arguments = NULL;
    struct cli_client_error error;

    if (!open_job(bulk, job, &error)) {
        if (bulk->is_over)
            finish(bulk, bulk->begun++, NULL, &error);
        return;
    }
    json_object_deep_copy(bulk->arguments, &arguments, NULL);
    job->target = bulk->begun++;
    cli_add_text(arguments, "name", name_of(bulk, job->target));
    bulk->next_ms = now_ms() + (int64_t)(bulk->cli->options.stagger_s * 1000);
    job->heard_ms = now_ms();
    int failed = cli_connection_begin(job->connection, bulk->verb, arguments, &error);
    json_object_put(arguments);
    job->is_busy = !failed;
    bulk->busy += !failed;
    if (!failed)
        return;
    bulk->is_over = true;
    finish(bulk, job->target, NULL, &error);
    close_job(job);
}

/* `error` has a text, or says that it is done. A daemon that cannot be heard any more is asked for
 * nothing else: what became of it all could not be told. */
static void end(struct bulk *bulk, struct job *job, int state, struct json_object *result,
                const struct cli_client_error *error)
{
    job->is_busy = false;
    bulk->busy--;
    finish(bulk, job->target, result, state < 0 ? error : NULL);
    if (state >= 0 || state == -EREMOTEIO)
        return;
    bulk->is_over = true;
    close_job(job);
}

static void hear(struct bulk *bulk, struct job *job, bool is_ready)
{
    struct cli_client_error error;
    struct json_object *result = NULL;
    int state = 0;

    if (is_ready) {
        job->heard_ms = now_ms();
        state = cli_connection_continue(job->connection, NULL, NULL, &result, &error);
    } else if (now_ms() - job->heard_ms >= CLI_CLIENT_TIMEOUT_MS) {
        state = cli_client_timed_out(&error);
    }
    if (state)
        end(bulk, job, state, result, &error);
}

/* ---- all of them ---- */

static void begin_some(struct bulk *bulk)
{
    bulk->is_over |= interrupted || cli_client_interrupted();
    for (size_t i = 0; i < bulk->job_count; i++) {
        if (bulk->is_over || bulk->begun == bulk->count || now_ms() < bulk->next_ms)
            return;
        if (!bulk->jobs[i].is_busy)
            begin(bulk, &bulk->jobs[i]);
    }
}

static bool has_more(const struct bulk *bulk)
{
    return bulk->busy || (!bulk->is_over && bulk->begun < bulk->count);
}

/* Until an answer comes, the next one may begin, or a second has gone: an interrupt may come
 * between the look at its flag and this. */
static void wait_for_answers(struct bulk *bulk)
{
    struct pollfd polls[CLI_JOBS_MAX];
    int64_t wait_ms = bulk->begun < bulk->count ? bulk->next_ms - now_ms() : 0;
    bool is_late = wait_ms > 0 && wait_ms < 1000 && !bulk->is_over;

    for (size_t i = 0; i < CLI_JOBS_MAX; i++) {
        const struct job *job = &bulk->jobs[i];
        polls[i] = (struct pollfd){.fd = -1, .events = POLLIN};
        if (job->is_busy)
            polls[i].fd = cli_connection_fd(job->connection);
    }
    if (poll(polls, ARRAY_SIZE(polls), is_late ? (int)wait_ms : 1000) < 0)
        return;
    for (size_t i = 0; i < CLI_JOBS_MAX; i++) {
        if (bulk->jobs[i].is_busy)
            hear(bulk, &bulk->jobs[i], polls[i].revents);
    }
}

/* The first interrupt lets what is under way end, the second ends this. */
static void run(struct bulk *bulk)
{
    struct sigaction action = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND}, old;

    interrupted = 0;
    bulk->count = json_object_array_length(bulk->cli->targets);
    bulk->job_count = bulk->cli->options.jobs;
    bulk->outcomes = json_object_new_array();
    if (!bulk->cli->in_shell)
        sigaction(SIGINT, &action, &old);
    begin_some(bulk);
    while (has_more(bulk)) {
        wait_for_answers(bulk);
        begin_some(bulk);
    }
    if (!bulk->cli->in_shell)
        sigaction(SIGINT, &old, NULL);
    for (size_t i = 0; i < CLI_JOBS_MAX; i++)
        close_job(&bulk->jobs[i]);
    print_summary(bulk);
}

static int exit_code_of(const struct bulk *bulk)
{
    return bulk->done == bulk->count ? CLI_EXIT_DONE : CLI_EXIT_FAILED;
}

static int print_outcomes(const struct bulk *bulk)
{
    static const struct cli_column columns[] = {
        {"Domain name", "domain_name"}, {"Result", "result"}, {"Error", "error"}};
    struct json_object *rows = json_object_new_array();

    for (size_t i = 0; i < bulk->begun; i++)
        json_object_array_add(rows, json_object_get(json_object_array_get_idx(bulk->outcomes, i)));
    cli_fit_terminal(bulk->cli);
    return cli_print_rows(bulk->cli, columns, ARRAY_SIZE(columns), rows);
}

int cli_bulk_obey(struct cli *cli, const char *verb, struct json_object *arguments)
{
    struct bulk bulk = {.cli = cli, .verb = verb, .arguments = arguments};

    if (!cli->targets)
        return cli_ask_and_obey(cli, verb, arguments);
    run(&bulk);
    int code = exit_code_of(&bulk);
    if (cli->options.format_given && print_outcomes(&bulk) != CLI_EXIT_DONE)
        code = CLI_EXIT_FAILED;
    json_object_put(arguments);
    json_object_put(bulk.outcomes);
    return code;
}

/* The rows of one answer behind those of others, each with the name first. */
static void add_rows(struct json_object *rows, const char *name, struct json_object *answer)
{
    for (size_t i = 0; i < json_object_array_length(answer); i++) {
        struct json_object *row = json_object_array_get_idx(answer, i);
        struct json_object *named = json_object_new_object();
        cli_add_text(named, "domain_name", name);
        json_object_object_foreach(row, key, value)
        {
            json_object_object_add(named, key, json_object_get(value));
        }
        json_object_array_add(rows, named);
    }
}

int cli_bulk_gather(struct cli *cli, const char *verb, struct json_object *arguments,
                    struct json_object **rows)
{
    struct bulk bulk = {.cli = cli, .verb = verb, .arguments = arguments, .is_silent = true};

    if (!cli->targets)
        return cli_ask(cli, verb, arguments, rows);
    run(&bulk);
    *rows = json_object_new_array();
    for (size_t i = 0; i < bulk.begun; i++) {
        struct json_object *answer =
            cli_member(json_object_array_get_idx(bulk.outcomes, i), "answer");
        if (json_object_is_type(answer, json_type_array))
            add_rows(*rows, name_of(&bulk, i), answer);
    }
    json_object_put(arguments);
    json_object_put(bulk.outcomes);
    return exit_code_of(&bulk);
}
