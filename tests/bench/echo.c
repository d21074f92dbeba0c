/* A server that sends back what it gets: what there is to gain at most by any server of UDP. */
#include "tests/bench/logins.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32

static struct {
    struct mmsghdr messages[BATCH];
    struct iovec vectors[BATCH];
    struct sockaddr_in from[BATCH];
    uint8_t bytes[BATCH][RMCP_DATAGRAM_MAX];
} batch;

static void prepare(void)
{
    for (int i = 0; i < BATCH; i++) {
        batch.vectors[i] = (struct iovec){batch.bytes[i], sizeof batch.bytes[i]};
        batch.messages[i].msg_hdr = (struct msghdr){
            .msg_name = &batch.from[i],
            .msg_namelen = sizeof batch.from[i],
            .msg_iov = &batch.vectors[i],
            .msg_iovlen = 1,
        };
    }
}

static void send_back(int fd, int count)
{
    for (int i = 0; i < count; i++)
        batch.vectors[i].iov_len = batch.messages[i].msg_len;
    for (int sent = 0; sent < count;) {
        int n = sendmmsg(fd, batch.messages + sent, (unsigned)(count - sent), 0);
        if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
            give_up("echo");
        sent += n > 0 ? n : 1;
    }
}

int serve_echo(const struct plan *plan)
{
    static const int buffer = 4 * 1024 * 1024;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (const struct sockaddr *)&plan->bmc, sizeof plan->bmc) < 0)
        give_up("echo");
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    for (;;) {
        prepare();
        int count = recvmmsg(fd, batch.messages, BATCH, MSG_WAITFORONE, NULL);
        if (count < 0 && errno != EINTR && errno != ECONNREFUSED)
            give_up("echo");
        send_back(fd, count);
    }
}
