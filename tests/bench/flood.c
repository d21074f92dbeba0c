/* Set-ups from many sources beside sessions that work: how much longer a request takes, what fails,
 * and whether a new client gets in.
 *
 * The flood is a process of its own. It brings back each session id that it is given, so that half
 * of what it sends is RAKP 1 of a source that is there, each of which costs the BMC a session and
 * an HMAC. Its console ids are the numbers of its sources; one socket has all of these addresses,
 * as all of 127/8 is the machine's own. */
#include "tests/bench/logins.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define FLOOD_NETWORK     0x7f100000u /* 127.16.0.0 */
#define SESSIONS_NETWORK  0x7f080000u
#define NEWCOMER_NETWORK  0x7f090000u
#define SESSIONS_MAX      128
#define EACH_US           100000 /* a session asks */
#define NEWCOMER_US       500000
#define AGAIN_US          1000000 /* what is not answered is sent again, as clients do */
#define FAILED_US         30000000
#define NEWCOMER_LIMIT_MS 2000

#define NETFN_CHASSIS  0x00
#define CHASSIS_STATUS 0x01

/* ---- the flood ---- */

struct flood {
    const struct plan *plan;
    int fd;
    uint32_t *opened; /* of each source: the session id it was given and not yet used; 0: none */
    unsigned sent;
    unsigned challenged; /* of these, RAKP 1 */
};

static void send_from(const struct flood *flood, unsigned source, const uint8_t *bytes,
                      size_t length)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control = {.bytes = {0}};
    struct sockaddr_in to = flood->plan->bmc;
    struct iovec vector = {(void *)bytes, length};
    struct msghdr message = {.msg_name = &to,
                             .msg_namelen = sizeof to,
                             .msg_iov = &vector,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    struct in_pktinfo info = {.ipi_spec_dst.s_addr = htonl(FLOOD_NETWORK + source)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);

    to.sin_port = htons((uint16_t)(ntohs(to.sin_port) + source % flood->plan->bmcs));
    header->cmsg_level = IPPROTO_IP;
    header->cmsg_type = IP_PKTINFO;
    header->cmsg_len = CMSG_LEN(sizeof info);
    memcpy(CMSG_DATA(header), &info, sizeof info);
    if (sendmsg(flood->fd, &message, 0) < 0 && errno != EAGAIN)
        give_up("flood");
}

static void send_next(struct flood *flood)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX], rm[RAKP_RANDOM_SIZE] = {0};
    unsigned source = (flood->sent / 2) % flood->plan->sources;
    size_t length;

    memcpy(rm, &flood->sent, sizeof flood->sent);
    if (flood->sent % 2 == 1) { /* of the one before the last, whose answer has come */
        source = (source + flood->plan->sources - 16) % flood->plan->sources;
        length = client_build_rakp1(flood->opened[source], rm, flood->plan->account.name, bytes);
        flood->challenged += flood->opened[source] != 0;
        flood->opened[source] = 0;
    } else {
        length = client_build_open(source + 1, flood->plan->account.suite, bytes);
    }
    send_from(flood, source, bytes, length);
    flood->sent++;
}

static void take_answers(struct flood *flood)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    uint32_t console_id, bmc_id;
    ssize_t length;

    while ((length = recv(flood->fd, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0) {
        if (client_read_opened(bytes, (size_t)length, &console_id, &bmc_id) && console_id > 0 &&
            console_id <= flood->plan->sources)
            flood->opened[console_id - 1] = bmc_id;
    }
}

/* So many in so much time, as evenly as a millisecond's sleep allows. */
static void run_flood(const struct plan *plan)
{
    static const int on = 1, buffer = 4 * 1024 * 1024;
    struct sockaddr_in any = {.sin_family = AF_INET};
    struct flood flood = {.plan = plan, .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};

    flood.opened = calloc(plan->sources, sizeof *flood.opened);
    if (!flood.opened || flood.fd < 0 || bind(flood.fd, (struct sockaddr *)&any, sizeof any) < 0 ||
        setsockopt(flood.fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0)
        give_up("flood");
    setsockopt(flood.fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    uint64_t begun = clock_us(), length = plan->seconds * UINT64_C(1000000);
    while (flood.sent < plan->datagrams) {
        uint64_t due = (clock_us() - begun) * plan->datagrams / length;
        while (flood.sent < due && flood.sent < plan->datagrams) {
            send_next(&flood);
            if (flood.sent % 8 == 0)
                take_answers(&flood);
        }
        poll(NULL, 0, 1);
        take_answers(&flood);
    }
    printf(
        "flood: %u datagrams from %u sources in %.1f s, %u of them RAKP 1 of a session id that was"
        " given\n",
        flood.sent, plan->sources, (double)(clock_us() - begun) / 1e6, flood.challenged);
    fflush(stdout);
}

/* ---- those beside it ---- */

struct guest {
    struct client client;
    uint64_t begun_us; /* the request, or the newcomer's log-in */
    uint64_t sent_us;
    uint64_t next_us; /* when to ask */
};

struct crowd {
    const struct plan *plan;
    struct guest guests[SESSIONS_MAX + 1]; /* the last is the newcomer */
    struct pollfd fds[SESSIONS_MAX + 1];
    unsigned count; /* without it */
    unsigned newcomers;
    struct times requests;
    struct times arrivals;
    unsigned failed;
    unsigned again;
};

static void send_request(struct crowd *crowd, unsigned i, uint64_t now)
{
    struct guest *guest = &crowd->guests[i];

    guest->sent_us = now;
    if (send(crowd->fds[i].fd, guest->client.request, guest->client.length, 0) < 0)
        give_up("send");
}

static void log_in(struct crowd *crowd, unsigned i, uint64_t now)
{
    crowd->guests[i].begun_us = now;
    client_begin(&crowd->guests[i].client);
    send_request(crowd, i, now);
}

/* Each from another address, which nobody has logged in from. */
static void arrive(struct crowd *crowd, uint64_t now)
{
    unsigned i = crowd->count;

    if (crowd->newcomers > 0)
        close(crowd->fds[i].fd);
    crowd->newcomers++;
    crowd->fds[i] = (struct pollfd){
        .fd = connect_bmc(crowd->plan, crowd->newcomers, NEWCOMER_NETWORK + crowd->newcomers),
        .events = POLLIN};
    crowd->guests[i].next_us = now + NEWCOMER_US;
    log_in(crowd, i, now);
}

static void go_on(struct crowd *crowd, unsigned i, uint64_t now)
{
    struct guest *guest = &crowd->guests[i];
    bool is_newcomer = i == crowd->count;

    switch (guest->client.step) {
    case CLIENT_IN:
        if (is_newcomer) {
            times_add(&crowd->arrivals, now - guest->begun_us);
            client_leave(&guest->client);
            send_request(crowd, i, now);
        } else if (guest->begun_us != 0) {
            times_add(&crowd->requests, now - guest->begun_us);
        }
        break;
    case CLIENT_OUT:
        break;
    case CLIENT_REFUSED:
        fprintf(stderr, "logins: refused with %02xh\n", guest->client.status);
        crowd->failed++;
        break;
    default:
        send_request(crowd, i, now);
        break;
    }
}

static void receive(struct crowd *crowd, unsigned i)
{
    uint8_t bytes[RMCP_DATAGRAM_MAX];
    ssize_t length;

    while ((length = recv(crowd->fds[i].fd, bytes, sizeof bytes, 0)) >= 0) {
        if (client_take(&crowd->guests[i].client, bytes, (size_t)length))
            go_on(crowd, i, clock_us());
    }
}

/* What is due of one that waits for an answer. */
static void wait_on(struct crowd *crowd, unsigned i, uint64_t now)
{
    struct guest *guest = &crowd->guests[i];

    if (now > guest->begun_us + FAILED_US) {
        crowd->failed++;
        guest->client.step = CLIENT_REFUSED;
    } else if (now > guest->sent_us + AGAIN_US) {
        crowd->again++;
        send_request(crowd, i, now);
    }
}

static void look_at(struct crowd *crowd, unsigned i, uint64_t now)
{
    struct guest *guest = &crowd->guests[i];

    switch (guest->client.step) {
    case CLIENT_IN:
        if (now < guest->next_us)
            break;
        guest->begun_us = now;
        guest->next_us = now + EACH_US;
        client_ask(&guest->client, NETFN_CHASSIS, CHASSIS_STATUS, NULL, 0);
        send_request(crowd, i, now);
        break;
    case CLIENT_OUT:
    case CLIENT_REFUSED:
        if (i == crowd->count && now >= guest->next_us)
            arrive(crowd, now);
        break;
    default:
        wait_on(crowd, i, now);
        break;
    }
}

static void run(struct crowd *crowd, unsigned seconds)
{
    uint64_t end = clock_us() + seconds * UINT64_C(1000000);

    for (uint64_t now = clock_us(); now < end; now = clock_us()) {
        for (unsigned i = 0; i <= crowd->count; i++)
            look_at(crowd, i, now);
        if (poll(crowd->fds, crowd->count + 1, 1) < 0 && errno != EINTR)
            give_up("poll");
        for (unsigned i = 0; i <= crowd->count; i++) {
            if (crowd->fds[i].revents)
                receive(crowd, i);
        }
    }
}

static void begin(struct crowd *crowd)
{
    uint64_t now = clock_us();

    for (unsigned i = 0; i <= crowd->count; i++) {
        if (client_init(&crowd->guests[i].client, &crowd->plan->account, 0x10000000 + i) < 0)
            give_up("client");
        if (i == crowd->count)
            break;
        crowd->fds[i] = (struct pollfd){.fd = connect_bmc(crowd->plan, i, SESSIONS_NETWORK + i + 1),
                                        .events = POLLIN};
        log_in(crowd, i, now);
        crowd->guests[i].next_us = now + EACH_US + i * EACH_US / crowd->count;
    }
    arrive(crowd, now);
    run(crowd, 1);
    times_free(&crowd->requests);
    times_free(&crowd->arrivals);
}

/* The 99 % of requests, in us. */
static uint32_t report(struct crowd *crowd, const char *when)
{
    uint32_t slow = times_at(&crowd->requests, 990);

    printf("%s: %zu requests of %u sessions, %.2f ms at the median (99 %%: %.2f ms), %u failed, %u "
           "sent"
           " again; %zu newcomers, %.1f ms at most\n",
           when, crowd->requests.count, crowd->count, times_at(&crowd->requests, 500) / 1e3,
           slow / 1e3, crowd->failed, crowd->again, crowd->arrivals.count,
           times_at(&crowd->arrivals, 1000) / 1e3);
    return slow;
}

/* Nobody stays behind in the BMC. */
static void leave(struct crowd *crowd)
{
    for (unsigned i = 0; i < crowd->count; i++) {
        if (crowd->guests[i].client.step != CLIENT_IN)
            continue;
        client_leave(&crowd->guests[i].client);
        send_request(crowd, i, clock_us());
    }
}

int measure_flood(const struct plan *plan)
{
    static struct crowd crowd;

    crowd.plan = plan;
    crowd.count = plan->clients < SESSIONS_MAX ? plan->clients : SESSIONS_MAX;
    begin(&crowd);
    run(&crowd, (plan->seconds + 1) / 2);
    uint32_t before = report(&crowd, "without a flood");
    times_free(&crowd.requests);
    times_free(&crowd.arrivals);
    fflush(stdout);
    pid_t child = fork();
    if (child < 0)
        give_up("fork");
    if (child == 0) {
        run_flood(plan);
        _exit(0);
    }
    run(&crowd, plan->seconds);
    int status = 1;
    waitpid(child, &status, 0);
    leave(&crowd);
    uint32_t meanwhile = report(&crowd, "in the flood");
    uint32_t slowest = times_at(&crowd.arrivals, 1000);
    printf("the 99 %% grew by %.2f ms\n", ((double)meanwhile - before) / 1e3);
    return status != 0 || crowd.failed > 0 || crowd.arrivals.count == 0 ||
           (!plan->at_leisure && slowest > NEWCOMER_LIMIT_MS * 1000);
}
