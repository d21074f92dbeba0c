/* A datagram that has to be known to have left. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/net/udp.h"

static uv_loop_t loop;
static struct udp_socket *opened;
static unsigned received;

static void on_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                        size_t length)
{
    (void)context, (void)from;
    assert_int_equal(length, 3);
    assert_memory_equal(bytes, "abc", 3);
    received++;
    uv_stop(&loop);
}

static int setup(void **state)
{
    union endpoint_address address;

    (void)state;
    received = 0;
    uv_loop_init(&loop);
    endpoint_address_parse("127.0.0.1", 0, &address);
    return udp_socket_open(&loop, &address, on_datagram, NULL, &opened);
}

static int teardown(void **state)
{
    (void)state;
    udp_socket_close(opened);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

static struct endpoint to(const char *host)
{
    struct endpoint endpoint = {.local = {.any = {.sa_family = AF_UNSPEC}}};

    assert_int_equal(endpoint_address_parse(host, udp_socket_port(opened), &endpoint.remote), 0);
    return endpoint;
}

static void test_sent_now(void **state)
{
    const struct endpoint self = to("127.0.0.1");

    (void)state;
    assert_int_equal(udp_socket_send_now(opened, &self, (const uint8_t *)"abc", 3), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(received, 1);
}

static void test_not_sent(void **state)
{
    static const uint8_t bytes[UDP_DATAGRAM_MAX + 1];
    const struct endpoint self = to("127.0.0.1"), everybody = to("255.255.255.255");

    (void)state;
    assert_int_equal(udp_socket_send_now(opened, &self, bytes, sizeof bytes), -EMSGSIZE);
    /* No socket may do that without being asked to. */
    assert_true(udp_socket_send_now(opened, &everybody, bytes, 3) < 0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(test_sent_now),
        TEST(test_not_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
