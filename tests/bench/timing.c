/* Whether the time of an answer tells what it must not: RAKP 2 of a name that is unknown, valid,
 * disabled or locked out, and the answer to a RAKP 3 of a wrong password or a locked-out user.
 *
 * The cases come as NAME:USER:PASSWORD, where a NAME ends in `-` and a letter for each run of one
 * case (`valid-a`, `valid-b`); one whose name begins with `valid` logs in, one whose name begins
 * with `locked` is locked out first, by bad passwords. They are drawn by chance, each about as
 * often as there are rounds. The largest distance (Kolmogorov-Smirnov) of two runs of one case is
 * what two runs of different cases may have half as much again of, at the median of their pairs. */
#include "tests/bench/logins.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CASES_MAX 16
#define ALLOWED   1.5
#define WAIT_MS   2000

enum timed { TIMED_RAKP2, TIMED_RAKP4, TIMED_COUNT };

struct run {
    const char *name;
    size_t length; /* of the name without the letter of its run */
    bool is_valid;
    struct client_account account;
    struct client client;
    struct times times[TIMED_COUNT]; /* in ns */
};

/* From a request to its answer, spinning: a sleep would be part of what is measured. */
static uint64_t exchange(struct client *client, int fd)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    uint64_t begun = clock_ns(), now;
    ssize_t length;

    if (send(fd, client->request, client->length, 0) < 0)
        give_up("send");
    for (;;) {
        length = recv(fd, bytes, sizeof bytes, 0);
        now = clock_ns();
        if (length >= 0 && client_take(client, bytes, (size_t)length))
            return now - begun;
        if (length < 0 && errno != EAGAIN)
            give_up("BMC");
        if (now - begun > WAIT_MS * UINT64_C(1000000)) {
            fprintf(stderr, "logins: no answer\n");
            exit(1);
        }
    }
}

static void expect(const struct client *client, enum client_step step, const char *name)
{
    if (client->step == step)
        return;
    fprintf(stderr, "logins: %s: not as it should be (status %02xh)\n", name, client->status);
    exit(1);
}

static void log_in(struct run *run, int fd)
{
    struct client *client = &run->client;

    client_begin(client);
    exchange(client, fd);
    expect(client, CLIENT_RAKP1, run->name);
    times_add(&run->times[TIMED_RAKP2], exchange(client, fd));
    expect(client, CLIENT_RAKP3, run->name);
    uint64_t last = exchange(client, fd);
    expect(client, run->is_valid ? CLIENT_IN : CLIENT_REFUSED, run->name);
    if (run->is_valid) {
        client_leave(client);
        exchange(client, fd);
    } else {
        times_add(&run->times[TIMED_RAKP4], last);
    }
}

/* Bad passwords until the user must be locked out, as the threshold has one byte (IPMI 2.0, table
 * 23-4, parameter 26). */
static void lock_out(struct run *run, int fd)
{
    for (int i = 0; i <= UINT8_MAX; i++)
        log_in(run, fd);
    times_free(&run->times[TIMED_RAKP2]);
    times_free(&run->times[TIMED_RAKP4]);
}

/* The largest distance between the two distributions. Both are sorted. */
static double distance(const struct times *a, const struct times *b)
{
    double most = 0;

    for (size_t i = 0, j = 0; i < a->count && j < b->count;) {
        uint32_t at = a->us[i] < b->us[j] ? a->us[i] : b->us[j];
        while (i < a->count && a->us[i] == at)
            i++;
        while (j < b->count && b->us[j] == at)
            j++;
        double apart = (double)i / (double)a->count - (double)j / (double)b->count;
        if (apart < 0)
            apart = -apart;
        most = apart > most ? apart : most;
    }
    return most;
}

static bool is_same_case(const struct run *a, const struct run *b)
{
    return a->length == b->length && memcmp(a->name, b->name, a->length) == 0;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of all pairs of runs of these two cases. */
static double median_distance(const struct run *runs, size_t count, const struct run *a,
                              const struct run *b, enum timed timed)
{
    double all[CASES_MAX * CASES_MAX] = {0};
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (is_same_case(&runs[i], a) && is_same_case(&runs[j], b))
                all[n++] = distance(&runs[i].times[timed], &runs[j].times[timed]);
        }
    }
    qsort(all, n, sizeof *all, compare);
    return n % 2 ? all[n / 2] : (all[n / 2 - 1] + all[n / 2]) / 2;
}

static bool is_first_run(const struct run *runs, size_t i)
{
    for (size_t j = 0; j < i; j++) {
        if (is_same_case(&runs[i], &runs[j]))
            return false;
    }
    return true;
}

/* True if no pair of cases is farther apart than is allowed. */
static bool report(struct run *runs, size_t count, enum timed timed, const char *what)
{
    double own = 0;
    bool is_fine = true;

    for (size_t i = 0; i < count; i++) {
        uint32_t median = times_at(&runs[i].times[timed], 500); /* sorts */
        if (runs[i].times[timed].count > 0)
            printf("%s, %s: %zu times, %.2f us at the median\n", what, runs[i].name,
                   runs[i].times[timed].count, median / 1e3);
    }
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            double apart = distance(&runs[i].times[timed], &runs[j].times[timed]);
            if (is_same_case(&runs[i], &runs[j]) && apart > own)
                own = apart;
        }
    }
    printf("%s: two runs of one case are %.4f apart at most\n", what, own);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (is_same_case(&runs[i], &runs[j]) || !is_first_run(runs, i) ||
                !is_first_run(runs, j) || runs[i].times[timed].count == 0 ||
                runs[j].times[timed].count == 0)
                continue;
            double apart = median_distance(runs, count, &runs[i], &runs[j], timed);
            bool is_near = apart <= ALLOWED * own;
            printf("%s: %.*s and %.*s are %.4f apart, %.2f times that%s\n", what,
                   (int)runs[j].length, runs[j].name, (int)runs[i].length, runs[i].name, apart,
                   apart / own, is_near ? "" : ": TOO FAR");
            is_fine = is_fine && is_near;
        }
    }
    return is_fine;
}

static void read_case(char *text, const struct plan *plan, struct run *run, uint32_t number)
{
    char *rest = text;

    run->name = strsep(&rest, ":");
    run->length = strcspn(run->name, "-");
    run->is_valid = strncmp(run->name, "valid", 5) == 0;
    run->account = plan->account;
    run->account.is_wrong = !run->is_valid;
    run->account.name = strsep(&rest, ":");
    run->account.password = rest;
    if (!rest || client_init(&run->client, &run->account, number) < 0) {
        fprintf(stderr, "logins: a case is NAME:USER:PASSWORD\n");
        exit(2);
    }
}

int measure_timing(const struct plan *plan, char **cases, size_t count)
{
    static struct run runs[CASES_MAX];
    cpu_set_t last;
    int fd = connect_bmc(plan, 0, 0);

    if (count > CASES_MAX)
        return 2;
    CPU_ZERO(&last);
    CPU_SET((int)sysconf(_SC_NPROCESSORS_ONLN) - 1, &last);
    sched_setaffinity(0, sizeof last, &last);
    for (unsigned i = 0; i < count; i++) {
        read_case(cases[i], plan, &runs[i], i + 1);
        if (strncmp(runs[i].name, "locked", 6) == 0)
            lock_out(&runs[i], fd);
    }
    /* Each is drawn by itself: in rounds of all, a case would follow itself more rarely than others
     * follow it, and what came before makes a difference. */
    for (uint64_t n = (uint64_t)plan->rounds * count; n > 0; n--)
        log_in(&runs[(size_t)random() % count], fd);
    bool is_fine = report(runs, count, TIMED_RAKP2, "RAKP 2");
    is_fine = report(runs, count, TIMED_RAKP4, "answer to RAKP 3") && is_fine;
    close(fd);
    return !is_fine;
}
