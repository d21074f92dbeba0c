/* The least that answers the drivers of a guest by QEMU's VM protocol: what there is to gain at
 * most by any BMC at the other end of that socket. One thread, one connection, answers that are
 * ready. Usage: responder SOCKET */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define END_OF_MESSAGE 0xa0
#define END_OF_COMMAND 0xa1
#define ESCAPE         0xaa
#define UNIT_MAX       302

static uint8_t enables;

static void give_up(const char *what)
{
    fprintf(stderr, "responder: %s: %s\n", what, strerror(errno));
    exit(1);
}

static size_t put(uint8_t *out, size_t at, uint8_t byte)
{
    if (byte == END_OF_MESSAGE || byte == END_OF_COMMAND || byte == ESCAPE) {
        out[at++] = ESCAPE;
        byte |= 0x10;
    }
    out[at++] = byte;
    return at;
}

/* Completion code and data. */
static size_t make_answer(const uint8_t *unit, size_t length, uint8_t answer[16])
{
    static const uint8_t device_id[] = {0,    0x20, 0x01, 0x01, 0x00, 0x02, 0x94, 0xd9,
                                        0x7e, 0x00, 0x01, 0x00, 0,    0,    0,    0};

    memset(answer, 0, 16);
    if (unit[1] != 0x18) {
        answer[0] = 0xc1;
        return 1;
    }
    switch (unit[2]) {
    case 0x01: /* Get Device ID */
        memcpy(answer, device_id, sizeof device_id);
        return sizeof device_id;
    case 0x2e: /* Set BMC Global Enables */
        enables = length > 4 ? unit[3] : 0;
        return 1;
    case 0x2f: /* Get BMC Global Enables */
        answer[1] = enables;
        return 2;
    case 0x30: /* Clear Message Flags */
        return 1;
    case 0x31: /* Get Message Flags */
        return 2;
    }
    answer[0] = 0xc1;
    return 1;
}

static void respond(int fd, const uint8_t *unit, size_t length)
{
    uint8_t answer[16], out[64], sum = 0;
    size_t count = make_answer(unit, length, answer), at = 0;
    const uint8_t head[] = {unit[0], (uint8_t)(unit[1] | 4), unit[2]};

    for (size_t i = 0; i < sizeof head + count; i++) {
        uint8_t byte = i < sizeof head ? head[i] : answer[i - sizeof head];
        at = put(out, at, byte);
        sum = (uint8_t)(sum + byte);
    }
    at = put(out, at, (uint8_t)-sum);
    out[at++] = END_OF_MESSAGE;
    if (write(fd, out, at) != (ssize_t)at)
        give_up("write");
}

static void serve(int fd)
{
    /* Version 1, interrupts enabled, no attention. */
    static const uint8_t greeting[] = {0xff, 0x01, 0xa1, 0x05, 0xa1, 0x00, 0xa1};
    uint8_t bytes[4096], unit[UNIT_MAX];
    size_t length = 0;
    bool escapes = false;
    ssize_t count;

    if (write(fd, greeting, sizeof greeting) != (ssize_t)sizeof greeting)
        give_up("write");
    while ((count = read(fd, bytes, sizeof bytes)) > 0) {
        for (ssize_t i = 0; i < count; i++) {
            uint8_t byte = bytes[i];
            if (byte == END_OF_MESSAGE || byte == END_OF_COMMAND) {
                if (byte == END_OF_MESSAGE && length >= 4)
                    respond(fd, unit, length);
                length = 0;
            } else if (byte == ESCAPE) {
                escapes = true;
            } else if (length < sizeof unit) {
                unit[length++] = escapes ? byte & (uint8_t)~0x10 : byte;
                escapes = false;
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 2 || strlen(argv[1]) >= sizeof address.sun_path || server < 0)
        give_up("usage: responder SOCKET");
    strcpy(address.sun_path, argv[1]);
    if (bind(server, (const struct sockaddr *)&address, sizeof address) < 0 ||
        listen(server, 1) < 0)
        give_up(argv[1]);
    for (;;) {
        int fd = accept(server, NULL, NULL);
        if (fd < 0)
            give_up("accept");
        serve(fd);
        close(fd);
    }
}
