/* Inside of a guest: so many Get Device ID by /dev/ipmi0, one after the other. Built for itself,
 * static, as the guest has no libraries.
 * Usage: ask COUNT */
#include <errno.h>
#include <fcntl.h>
#include <linux/ipmi.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>

#define NETFN_APP     0x06
#define GET_DEVICE_ID 0x01
#define PATIENCE_MS   15000

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void give_up(const char *what)
{
    fprintf(stderr, "ask: %s: %s\n", what, strerror(errno));
    exit(2);
}

/* The completion code. */
static int ask(int fd, long number)
{
    struct ipmi_system_interface_addr bmc = {
        .addr_type = IPMI_SYSTEM_INTERFACE_ADDR_TYPE,
        .channel = IPMI_BMC_CHANNEL,
    };
    struct ipmi_req request = {
        .addr = (unsigned char *)&bmc,
        .addr_len = sizeof bmc,
        .msgid = number,
        .msg = {.netfn = NETFN_APP, .cmd = GET_DEVICE_ID},
    };
    unsigned char from[IPMI_MAX_ADDR_SIZE], data[IPMI_MAX_MSG_LENGTH];
    struct ipmi_recv answer = {
        .addr = from, .addr_len = sizeof from, .msg = {.data = data, .data_len = sizeof data}};
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    if (ioctl(fd, IPMICTL_SEND_COMMAND, &request) < 0)
        give_up("IPMICTL_SEND_COMMAND");
    if (poll(&wait, 1, PATIENCE_MS) != 1)
        give_up("no answer");
    if (ioctl(fd, IPMICTL_RECEIVE_MSG_TRUNC, &answer) < 0)
        give_up("IPMICTL_RECEIVE_MSG_TRUNC");
    if (answer.msgid != number) {
        fprintf(stderr, "ask: answer %ld to request %ld\n", answer.msgid, number);
        exit(2);
    }
    return data[0];
}

int main(int argc, char **argv)
{
    long count = argc == 2 ? atol(argv[1]) : 0, failed = 0;
    int fd = open("/dev/ipmi0", O_RDWR);
    uint64_t longest = 0, begun = now_us();

    if (count <= 0 || fd < 0)
        give_up("/dev/ipmi0");
    for (long i = 0; i < count; i++) {
        uint64_t asked = now_us();
        failed += ask(fd, i) != 0;
        uint64_t took = now_us() - asked;
        longest = took > longest ? took : longest;
    }
    printf("asked %ld failed %ld us %llu longest %llu\n", count, failed,
           (unsigned long long)(now_us() - begun), (unsigned long long)longest);
    return failed != 0;
}
