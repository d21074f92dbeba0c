/* A load generator: log-ins and commands by IPMI 2.0.
 *
 *   logins rate ADDRESS PORT USER PASSWORD
 *       Clients of one source log in and out all the time.
 *   logins flood ADDRESS PORT USER PASSWORD
 *       Set-ups from many loopback sources, beside sessions that work.
 *   logins timing ADDRESS PORT USER PASSWORD NAME:USER:PASSWORD...
 *       How long RAKP 2 and the answer to RAKP 3 take.
 *   logins commands ADDRESS PORT USER PASSWORD [NETFN COMMAND [BYTE...]]
 *       Sessions that ask all the time (Get Chassis Status, if nothing else).
 *   logins bare|sealed ADDRESS PORT - -
 *       The same of an echo, which `logins echo ADDRESS PORT - -` is.
 *
 * Options stand before the mode: -s suite, -n clients, -t seconds, -b BMCs (ports in a row), -d
 * datagrams and -S sources of a flood, -r rounds of what is timed, -R requests in place of seconds,
 * -p process of the server, -w whatever time it takes. It prints a line, or a few, and fails where
 * a promise is broken: a time-out, a request that fails, times that tell users apart. */
#include "tests/bench/logins.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/bmc/cipher_suites.h"

#define CLIENTS_MAX 1024
#define TIME_OUT_US 1000000 /* as ipmitool's */

uint64_t clock_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t clock_us(void)
{
    return clock_ns() / 1000;
}

void give_up(const char *what)
{
    fprintf(stderr, "logins: %s: %s\n", what, strerror(errno));
    exit(2);
}

int connect_bmc(const struct plan *plan, unsigned n, uint32_t source)
{
    struct sockaddr_in from = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(source)};
    struct sockaddr_in to = plan->bmc;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    to.sin_port = htons((uint16_t)(ntohs(to.sin_port) + n % plan->bmcs));
    if (fd < 0 || (source != 0 && bind(fd, (struct sockaddr *)&from, sizeof from) < 0) ||
        connect(fd, (struct sockaddr *)&to, sizeof to) < 0)
        give_up("socket");
    return fd;
}

void times_add(struct times *times, uint64_t us)
{
    if (times->count == times->size) {
        times->size = times->size ? 2 * times->size : 1024;
        times->us = realloc(times->us, times->size * sizeof *times->us);
        if (!times->us)
            give_up("memory");
    }
    times->us[times->count++] = us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

uint32_t times_at(struct times *times, unsigned thousandths)
{
    if (times->count == 0)
        return 0;
    qsort(times->us, times->count, sizeof *times->us, compare);
    return times->us[(times->count - 1) * thousandths / 1000];
}

void times_free(struct times *times)
{
    free(times->us);
    *times = (struct times){.us = NULL};
}

/* ---- clients that log in and out ---- */

struct visitor {
    struct client client;
    uint64_t begun_us; /* the log-in */
    uint64_t sent_us;  /* the latest request */
};

struct tally {
    struct times logins; /* from Open Session to RAKP 4 */
    unsigned done;       /* logged out too */
    unsigned time_outs;
    unsigned refused;
};

static void send_request(struct visitor *visitor, int fd, uint64_t now)
{
    visitor->sent_us = now;
    if (send(fd, visitor->client.request, visitor->client.length, 0) < 0 && errno != ECONNREFUSED)
        give_up("send");
}

static void begin(struct visitor *visitor, int fd, uint64_t now)
{
    visitor->begun_us = now;
    client_begin(&visitor->client);
    send_request(visitor, fd, now);
}

/* What comes next of a client that has got an answer. */
static void go_on(struct visitor *visitor, int fd, struct tally *tally)
{
    uint64_t now = clock_us();

    switch (visitor->client.step) {
    case CLIENT_IN:
        times_add(&tally->logins, now - visitor->begun_us);
        client_leave(&visitor->client);
        send_request(visitor, fd, now);
        break;
    case CLIENT_OUT:
        tally->done++;
        begin(visitor, fd, now);
        break;
    case CLIENT_REFUSED:
        if (tally->refused++ == 0)
            fprintf(stderr, "logins: refused with %02xh\n", visitor->client.status);
        begin(visitor, fd, now);
        break;
    default:
        send_request(visitor, fd, now);
        break;
    }
}

static void receive(struct visitor *visitor, int fd, struct tally *tally)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    ssize_t length;

    length = recv(fd, bytes, sizeof bytes, 0); /* more there is hardly ever, and poll tells */
    if (length < 0 && errno == ECONNREFUSED)
        give_up("BMC");
    if (length >= 0 && client_take(&visitor->client, bytes, (size_t)length))
        go_on(visitor, fd, tally);
}

static void run_visitors(const struct plan *plan, struct visitor *visitors, struct pollfd *fds,
                         struct tally *tally)
{
    uint64_t end = clock_us() + plan->seconds * UINT64_C(1000000);
    uint64_t looked = 0;

    for (unsigned i = 0; i < plan->clients; i++)
        begin(&visitors[i], fds[i].fd, clock_us());
    for (uint64_t now = clock_us(); now < end; now = clock_us()) {
        if (poll(fds, plan->clients, 100) < 0 && errno != EINTR)
            give_up("poll");
        for (unsigned i = 0; i < plan->clients; i++) {
            if (fds[i].revents)
                receive(&visitors[i], fds[i].fd, tally);
        }
        if (now - looked < TIME_OUT_US / 10)
            continue;
        looked = now;
        for (unsigned i = 0; i < plan->clients; i++) {
            if (now > visitors[i].sent_us + TIME_OUT_US) {
                tally->time_outs++;
                begin(&visitors[i], fds[i].fd, now);
            }
        }
    }
}

int measure_rate(const struct plan *plan)
{
    static struct visitor visitors[CLIENTS_MAX];
    static struct pollfd fds[CLIENTS_MAX];
    struct tally tally = {.done = 0};

    for (unsigned i = 0; i < plan->clients; i++) {
        if (client_init(&visitors[i].client, &plan->account, i + 1) < 0)
            give_up("client");
        fds[i] = (struct pollfd){.fd = connect_bmc(plan, i, 0), .events = POLLIN};
    }
    run_visitors(plan, visitors, fds, &tally);
    printf(
        "%u log-ins a second by %u clients, suite %u, %u time-outs, %u refused; log-in %.2f ms at"
        " the median (99 %%: %.2f ms)\n",
        tally.done / plan->seconds, plan->clients, plan->account.suite->id, tally.time_outs,
        tally.refused, times_at(&tally.logins, 500) / 1e3, times_at(&tally.logins, 990) / 1e3);
    for (unsigned i = 0; i < plan->clients; i++) {
        client_free(&visitors[i].client);
        close(fds[i].fd);
    }
    times_free(&tally.logins);
    return tally.done == 0 || tally.time_outs > 0 || tally.refused > 0;
}

/* ---- the command line ---- */

static unsigned number(const char *text, unsigned least, unsigned most)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);

    if (*end || value < least || value > most) {
        fprintf(stderr, "logins: %s: not between %u and %u\n", text, least, most);
        exit(2);
    }
    return (unsigned)value;
}

static void read_options(int argc, char **argv, struct plan *plan)
{
    int option;

    while ((option = getopt(argc, argv, "+s:n:t:b:d:S:r:R:p:w")) >= 0) {
        switch (option) {
        case 's':
            plan->account.suite = cipher_suite_find((uint8_t)number(optarg, 0, 255));
            break;
        case 'n':
            plan->clients = number(optarg, 1, CLIENTS_MAX);
            break;
        case 't':
            plan->seconds = number(optarg, 1, 86400);
            break;
        case 'b':
            plan->bmcs = number(optarg, 1, 10000);
            break;
        case 'd':
            plan->datagrams = number(optarg, 1, 1000000000);
            break;
        case 'S':
            plan->sources = number(optarg, 1, 1000000);
            break;
        case 'r':
            plan->rounds = number(optarg, 1, 1000000);
            break;
        case 'R':
            plan->requests = number(optarg, 1, 1000000000);
            break;
        case 'p':
            plan->server = number(optarg, 1, INT_MAX);
            break;
        case 'w':
            plan->at_leisure = true;
            break;
        default:
            exit(2);
        }
    }
}

static int run_mode(const struct plan *plan, char **rest, size_t left)
{
    const char *mode = rest[0];

    if (strcmp(mode, "flood") == 0)
        return measure_flood(plan);
    if (strcmp(mode, "timing") == 0)
        return measure_timing(plan, rest + 5, left - 5);
    if (strcmp(mode, "commands") == 0)
        return measure_commands(plan, ASKING_BMC, rest + 5, left - 5);
    if (strcmp(mode, "bare") == 0)
        return measure_commands(plan, ASKING_BARE, NULL, 0);
    if (strcmp(mode, "sealed") == 0)
        return measure_commands(plan, ASKING_SEALED, NULL, 0);
    if (strcmp(mode, "echo") == 0)
        return serve_echo(plan);
    return measure_rate(plan);
}

int main(int argc, char **argv)
{
    struct plan plan = {
        .bmc.sin_family = AF_INET,
        .bmcs = 1,
        .account.suite = cipher_suite_find(3),
        .clients = 8,
        .seconds = 10,
        .datagrams = 100000,
        .sources = 10000,
        .rounds = 20000,
    };

    read_options(argc, argv, &plan);
    char **rest = argv + optind;
    int left = argc - optind;
    if (left < 5 || !plan.account.suite || inet_pton(AF_INET, rest[1], &plan.bmc.sin_addr) != 1) {
        fprintf(stderr,
                "usage: logins [OPTIONS] rate|flood|timing|commands|bare|sealed|echo ADDRESS PORT "
                "USER PASSWORD ...\n");
        return 2;
    }
    plan.bmc.sin_port = htons((uint16_t)number(rest[2], 1, UINT16_MAX));
    plan.account.name = rest[3];
    plan.account.password = rest[4];
    return run_mode(&plan, rest, (size_t)left);
}
