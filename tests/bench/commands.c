/* Sessions that ask all the time, each for the next thing when it has its answer: how many answers
 * a second, how long one takes, and what of a processor it costs the server. Beside it, the same of
 * a server that only sends back what it gets (echo.c): by a client that does no more either, and by
 * one that seals what it sends and checks what it gets as a session does. */
#include "tests/bench/logins.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "vbmc/bmc/cipher_suites.h"

#define SESSIONS_MAX    128
#define TRIES           10
#define TIME_OUT_MS     1000
#define WARM_UP_NS      100000000
#define NETFN_CHASSIS   0x00
#define CHASSIS_STATUS  0x01
#define DATAGRAM_SIZE   64 /* of Get Chassis Status and of its answer, with suite 3 */
#define DATAGRAM_SIZE17 68 /* with suite 17 */

struct asker {
    struct client client;
    int fd;
    uint64_t sent_ns;
    size_t length;
    uint8_t request[RMCP_DATAGRAM_MAX];
};

struct load {
    const struct plan *plan;
    const struct command *command;
    struct asker askers[SESSIONS_MAX];
    int poll;
    struct times times; /* in ns */
    uint64_t answered;
    unsigned time_outs;
    unsigned refused;
};

struct command {
    enum asking asking;
    uint8_t netfn;
    uint8_t number;
    uint8_t data[CLIENT_DATA_MAX];
    size_t length;
};

static void prepare(struct load *load, struct asker *asker)
{
    const struct command *command = load->command;

    if (command->asking != ASKING_BARE)
        client_ask(&asker->client, command->netfn, command->number, command->data, command->length);
}

static void ask(struct asker *asker, uint64_t now)
{
    asker->sent_ns = now;
    if (send(asker->fd, asker->client.request, asker->client.length, 0) < 0 && errno != EAGAIN)
        give_up("send");
}

static void take(struct load *load, struct asker *asker)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    ssize_t length = recv(asker->fd, bytes, sizeof bytes, 0);

    if (length < 0 && errno == EAGAIN)
        return;
    if (length < 0)
        give_up("server");
    if (load->command->asking != ASKING_BARE && !client_take(&asker->client, bytes, (size_t)length))
        return;
    /* An echo answers with what was asked, which has no completion code. */
    if (load->command->asking == ASKING_BMC && asker->client.step != CLIENT_IN)
        load->refused++;
    uint64_t now = clock_ns();
    times_add(&load->times, now - asker->sent_ns);
    load->answered++;
    if (load->command->asking == ASKING_BARE)
        asker->client.length = asker->length;
    prepare(load, asker);
    ask(asker, now);
}

static void ask_again(struct load *load)
{
    uint64_t now = clock_ns();

    for (unsigned i = 0; i < load->plan->clients; i++) {
        if (now - load->askers[i].sent_ns < TIME_OUT_MS * UINT64_C(1000000))
            continue;
        load->time_outs++;
        ask(&load->askers[i], now);
    }
}

static void run(struct load *load, uint64_t until_ns, uint64_t until_answers)
{
    struct epoll_event events[SESSIONS_MAX];

    while (clock_ns() < until_ns && load->answered < until_answers) {
        int count = epoll_wait(load->poll, events, SESSIONS_MAX, TIME_OUT_MS);
        if (count < 0 && errno != EINTR)
            give_up("epoll");
        for (int i = 0; i < count; i++)
            take(load, &load->askers[events[i].data.u32]);
        if (count == 0)
            ask_again(load);
    }
}

/* ---- before and behind it ---- */

static void log_in(struct asker *asker)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    struct pollfd ready = {.fd = asker->fd, .events = POLLIN};
    struct client *client = &asker->client;

    client_begin(client);
    for (int tries = 0; client->step != CLIENT_IN && client->step != CLIENT_REFUSED;) {
        if (tries == TRIES)
            break;
        ask(asker, 0);
        enum client_step step = client->step;
        while (client->step == step && poll(&ready, 1, TIME_OUT_MS) > 0) {
            ssize_t length = recv(asker->fd, bytes, sizeof bytes, 0);
            if (length >= 0)
                client_take(client, bytes, (size_t)length);
        }
        tries = client->step == step ? tries + 1 : 0;
    }
    if (client->step == CLIENT_IN)
        return;
    fprintf(stderr, "logins: cannot log in (status %02xh)\n", client->status);
    exit(1);
}

static void begin(struct load *load)
{
    load->poll = epoll_create1(EPOLL_CLOEXEC);
    for (unsigned i = 0; i < load->plan->clients; i++) {
        struct asker *asker = &load->askers[i];
        struct epoll_event event = {.events = EPOLLIN, .data.u32 = i};
        if (client_init(&asker->client, &load->plan->account, i + 1) < 0)
            give_up("client");
        asker->fd = connect_bmc(load->plan, i, 0);
        if (epoll_ctl(load->poll, EPOLL_CTL_ADD, asker->fd, &event) < 0)
            give_up("epoll");
        asker->length = load->plan->account.suite->id == 17 ? DATAGRAM_SIZE17 : DATAGRAM_SIZE;
        if (load->command->asking == ASKING_BMC)
            log_in(asker);
        else if (load->command->asking == ASKING_SEALED)
            client_pretend(&asker->client);
        asker->client.length = asker->length;
    }
}

static void leave(struct load *load)
{
    for (unsigned i = 0; i < load->plan->clients; i++) {
        struct asker *asker = &load->askers[i];
        if (load->command->asking == ASKING_BMC) {
            client_leave(&asker->client);
            ask(asker, 0);
        }
        client_free(&asker->client);
        close(asker->fd);
    }
    close(load->poll);
    times_free(&load->times);
}

/* What the threads of the server have run for. */
static uint64_t server_ns(const struct plan *plan)
{
    char path[PATH_MAX];
    uint64_t sum = 0, ns;

    snprintf(path, sizeof path, "/proc/%u/task", plan->server);
    DIR *tasks = plan->server ? opendir(path) : NULL;
    for (struct dirent *task; tasks && (task = readdir(tasks));) {
        snprintf(path, sizeof path, "/proc/%u/task/%s/schedstat", plan->server, task->d_name);
        FILE *file = task->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (file && fscanf(file, "%" SCNu64, &ns) == 1)
            sum += ns;
        if (file)
            fclose(file);
    }
    if (tasks)
        closedir(tasks);
    return sum;
}

static void measure(struct load *load)
{
    const struct plan *plan = load->plan;

    for (unsigned i = 0; i < plan->clients; i++) {
        prepare(load, &load->askers[i]);
        ask(&load->askers[i], clock_ns());
    }
    run(load, clock_ns() + WARM_UP_NS, plan->requests ? 1 : UINT64_MAX);
    load->answered = 0;
    times_free(&load->times);
    uint64_t before = server_ns(plan), begun = clock_ns();
    if (plan->requests)
        run(load, UINT64_MAX, plan->requests);
    else
        run(load, begun + plan->seconds * UINT64_C(1000000000), UINT64_MAX);
    double seconds = (double)(clock_ns() - begun) / 1e9;
    double answers = (double)(load->answered ? load->answered : 1);
    double server_us = (double)(server_ns(plan) - before) / 1e3;
    printf("rate=%.0f p50_us=%.2f p99_us=%.2f cpu_us=%.3f answered=%" PRIu64
           " time_outs=%u refused=%u\n",
           answers / seconds, times_at(&load->times, 500) / 1e3, times_at(&load->times, 990) / 1e3,
           server_us / answers, load->answered, load->time_outs, load->refused);
}

static uint8_t byte(const char *text)
{
    char *end;
    unsigned long value = strtoul(text, &end, 0);

    if (*end || !*text || value > UINT8_MAX) {
        fprintf(stderr, "logins: %s is no byte\n", text);
        exit(2);
    }
    return (uint8_t)value;
}

int measure_commands(const struct plan *plan, enum asking asking, char **words, size_t count)
{
    static struct load load;
    struct command command = {.asking = asking, .netfn = NETFN_CHASSIS, .number = CHASSIS_STATUS};

    if (plan->clients > SESSIONS_MAX || count == 1 || count > 2 + CLIENT_DATA_MAX) {
        fprintf(stderr, "logins: NETFN COMMAND [BYTE...] of up to %d sessions\n", SESSIONS_MAX);
        return 2;
    }
    for (size_t i = 0; i < count; i++) {
        uint8_t value = byte(words[i]);
        if (i == 0)
            command.netfn = value;
        else if (i == 1)
            command.number = value;
        else
            command.data[command.length++] = value;
    }
    load = (struct load){.plan = plan, .command = &command};
    begin(&load);
    measure(&load);
    bool failed = load.answered == 0 || load.time_outs > 0 || load.refused > 0;
    leave(&load);
    return failed;
}
