/* The SSH server as far as it goes without an SSH client: the host key's file, listeners that come
 * and go, clients that send nothing or rubbish, and a prompt end.
 *
 * With the argument "serve" it is the server of tests/e2e/ssh-server.test instead, see serve(). */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "sol/ssh/server.h"
#include "vbmc/base/array.h"
#include "vbmc/base/log.h"

#define DEADLINE_MS 60000

static char folder[64], key_path[96], error[256];
static struct ssh_server *server;

/* ---- the daemon's end of a control connection: one line on who logged in, then the end ---- */

static int connect_control(void *context, const struct ssh_identity *identity)
{
    char uuid[UUID_TEXT_SIZE] = "-";
    int fds[2];

    assert_null(context);
    if (strcmp(identity->account, "nocontrol") == 0)
        return -EMFILE;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
        return -errno;
    if (identity->one_bmc)
        uuid_format(&identity->uuid, uuid);
    dprintf(fds[1], "%s %u %s %s\n", identity->account, identity->privilege, identity->remote,
            uuid);
    close(fds[1]);
    return fds[0];
}

static const struct ssh_ops ops = {.connect = connect_control};

/* ---- serving ---- */

#define SERVE_MAX 8

static struct ssh_account accounts[SERVE_MAX];
static struct ssh_listener listeners[SERVE_MAX];
static size_t account_count, listener_count;

static char *read_text(const char *path)
{
    char *text = calloc(1, 65536);
    FILE *file = fopen(path, "r");

    if (file) {
        text[fread(text, 1, 65535, file)] = '\0';
        fclose(file);
    }
    return text;
}

static void forget(void)
{
    for (size_t i = 0; i < account_count; i++) {
        free((char *)accounts[i].name);
        free((char *)accounts[i].password);
        free((char *)accounts[i].authorized_keys);
    }
    account_count = listener_count = 0;
}

static void obey(char *line)
{
    char *words[6] = {NULL};
    size_t count = 0;

    for (char *word = strtok(line, " \n"); word && count < ARRAY_SIZE(words);
         word = strtok(NULL, " \n"))
        words[count++] = word;
    if (count == 5 && strcmp(words[0], "account") == 0 && account_count < SERVE_MAX) {
        accounts[account_count++] = (struct ssh_account){
            .name = strdup(words[1]),
            .password = strcmp(words[2], "-") == 0 ? NULL : strdup(words[2]),
            .privilege = (unsigned)atoi(words[3]),
            .authorized_keys = strcmp(words[4], "-") == 0 ? NULL : read_text(words[4]),
            .is_barred = atoi(words[3]) == SSH_PRIVILEGE_CALLBACK,
        };
    } else if (count >= 3 && strcmp(words[0], "listen") == 0 && listener_count < SERVE_MAX) {
        struct ssh_listener *listener = &listeners[listener_count++];

        *listener = (struct ssh_listener){.accounts = accounts, .account_count = account_count};
        endpoint_address_parse(words[1], (uint16_t)atoi(words[2]), &listener->address);
        listener->one_bmc = count == 4 && uuid_parse(words[3], &listener->uuid) == 0;
    } else if (count == 2 && strcmp(words[0], "idle") == 0) {
        ssh_server_set_idle(server, (unsigned)atoi(words[1]));
    } else if (count == 1 && strcmp(words[0], "apply") == 0) {
        if (ssh_server_configure(server, listeners, listener_count) < 0)
            printf("configure failed\n");
        forget();
    } else {
        printf("what?\n");
    }
    fflush(stdout);
}

/* serve HOST-KEY PROGRAM [SESSIONS]: does what standard input says, line by line, until its end:
 *   account NAME PASSWORD|- PRIVILEGE KEYS-FILE|-, listen ADDRESS PORT [UUID], apply, idle SECONDS
 */
static int serve(int count, char **arguments)
{
    struct ssh_options options = {.host_key = arguments[0], .program = arguments[1]};
    char line[1024];

    if (count > 2)
        options.limits.sessions = (unsigned)atoi(arguments[2]);
    log_set_level(LOG_LEVEL_DEBUG);
    if (ssh_server_start(&options, &ops, NULL, &server, error, sizeof error) < 0) {
        fprintf(stderr, "%s\n", error);
        return 1;
    }
    while (fgets(line, sizeof line, stdin) && strcmp(line, "quit\n") != 0)
        obey(line);
    ssh_server_free(server);
    forget();
    return 0;
}

/* ---- alone ---- */

static int setup(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/vbmc-ssh-XXXXXX");
    if (!mkdtemp(folder))
        return -1;
    snprintf(key_path, sizeof key_path, "%s/host_key", folder);
    log_set_level(LOG_LEVEL_ERROR);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ssh_server_free(server);
    server = NULL;
    unlink(key_path);
    return rmdir(folder);
}

static int start(const struct ssh_limits *limits)
{
    struct ssh_options options = {.host_key = key_path, .program = "/bin/false"};

    if (limits)
        options.limits = *limits;
    return ssh_server_start(&options, &ops, NULL, &server, error, sizeof error);
}

static void write_key(const char *text, mode_t mode)
{
    int fd = open(key_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

/* A socket on a port that nobody else has; nothing listens there unless it is told to. */
static int reserve(union endpoint_address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    socklen_t size = sizeof *address;
    const int on = 1;

    assert_int_equal(endpoint_address_parse("127.0.0.1", 0, address), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(fd, &address->any, sizeof address->in), 0);
    assert_int_equal(getsockname(fd, &address->any, &size), 0);
    return fd;
}

static const struct ssh_account admin = {"admin", "secret", 4, NULL, false, 0};

static void listen_on(const union endpoint_address *address, size_t count)
{
    struct ssh_listener wanted[4];

    for (size_t i = 0; i < count; i++)
        wanted[i] =
            (struct ssh_listener){.address = address[i], .accounts = &admin, .account_count = 1};
    assert_int_equal(ssh_server_configure(server, wanted, count), 0);
}

/* The thread takes its time; -1 where nothing listens. */
static int try_connect(const union endpoint_address *address)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (connect(fd, &address->any, sizeof address->in) == 0)
        return fd;
    close(fd);
    return -1;
}

static int connect_to(const union endpoint_address *address)
{
    for (int i = 0; i < DEADLINE_MS; i++) {
        int fd = try_connect(address);

        if (fd >= 0)
            return fd;
        poll(NULL, 0, 1);
    }
    fail_msg("nothing listens");
    return -1;
}

/* One byte, or 0 at the end of the connection. */
static char read_byte(int fd)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    char byte;

    assert_int_equal(poll(&ready, 1, DEADLINE_MS), 1);
    return read(fd, &byte, 1) == 1 ? byte : '\0';
}

static void expect_banner(int fd)
{
    static const char banner[] = "SSH-2.0-vbmc\r\n";

    for (size_t i = 0; i < sizeof banner - 1; i++)
        assert_int_equal(read_byte(fd), banner[i]);
}

static void expect_end(int fd)
{
    for (size_t i = 0; i < 65536; i++)
        if (read_byte(fd) == '\0')
            return;
    fail_msg("no end");
}

static void key_is_made_once(void **state)
{
    struct stat before, after;

    (void)state;
    assert_int_equal(start(NULL), 0);
    assert_int_equal(stat(key_path, &before), 0);
    assert_int_equal(before.st_mode, S_IFREG | 0600);
    ssh_server_free(server);
    server = NULL;
    assert_int_equal(start(NULL), 0);
    assert_int_equal(stat(key_path, &after), 0);
    assert_int_equal(after.st_ino, before.st_ino);
    assert_int_equal(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
}

static void bad_keys_are_refused(void **state)
{
    (void)state;
    write_key("no key", 0600);
    assert_int_equal(start(NULL), -EINVAL);
    assert_non_null(strstr(error, "not a private key"));
    write_key("", 0600);
    assert_int_equal(start(NULL), -EINVAL);
    write_key("no key", 0640);
    assert_int_equal(start(NULL), -EPERM);
    assert_non_null(strstr(error, "chmod 600"));
    if (geteuid() == 0) {
        write_key("no key", 0600);
        assert_int_equal(chown(key_path, 1, 1), 0);
        assert_int_equal(start(NULL), -EPERM);
        assert_non_null(strstr(error, "belongs to user 1"));
    }
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(symlink("/dev/null", key_path), 0);
    assert_int_equal(start(NULL), -ELOOP);
    assert_int_equal(unlink(key_path), 0);
    assert_int_equal(mkdir(key_path, 0700), 0);
    assert_int_equal(start(NULL), -EPERM);
    assert_int_equal(rmdir(key_path), 0);
    assert_null(server);
}

static void wrong_accounts_change_nothing(void **state)
{
    static const struct ssh_account wrong = {"admin", "secret", 9, NULL, false, 0};
    struct ssh_listener listener = {.accounts = &wrong, .account_count = 1};
    union endpoint_address address;
    int reserved = reserve(&address);

    (void)state;
    assert_int_equal(start(NULL), 0);
    listen_on(&address, 1);
    listener.address = address;
    assert_int_equal(ssh_server_configure(server, &listener, 1), -EINVAL);
    int fd = connect_to(&address);
    expect_banner(fd);
    close(fd);
    close(reserved);
}

/* One that says nothing and one that stops in the middle do not keep others waiting. */
static void silent_clients(void **state)
{
    union endpoint_address address;
    int reserved = reserve(&address), silent, stuck, other;

    (void)state;
    assert_int_equal(start(NULL), 0);
    listen_on(&address, 1);
    silent = connect_to(&address);
    expect_banner(silent);
    stuck = connect_to(&address);
    assert_int_equal(write(stuck, "SSH-2.0-x\r\n\0\0\1\0\n\x14", 17), 17);
    expect_banner(stuck);
    other = connect_to(&address);
    expect_banner(other);
    close(silent);
    close(stuck);
    close(other);
    close(reserved);
}

static void rubbish_ends_a_connection(void **state)
{
    static const char *const rubbish[] = {
        "GET / HTTP/1.0\r\n\r\n",
        "SSH-1.0-old\r\n",
        "SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    };
    union endpoint_address address;
    int reserved = reserve(&address);

    (void)state;
    assert_int_equal(start(NULL), 0);
    listen_on(&address, 1);
    for (size_t i = 0; i < ARRAY_SIZE(rubbish); i++) {
        int fd = connect_to(&address);

        assert_int_equal(write(fd, rubbish[i], strlen(rubbish[i])), strlen(rubbish[i]));
        expect_end(fd);
        close(fd);
    }
    close(reserved);
}

/* Whether a connection gets the server's banner, as all do that are not refused for failures. */
static bool is_served(const union endpoint_address *address)
{
    int fd = connect_to(address);
    char byte = 0;
    bool served = read(fd, &byte, 1) == 1;

    close(fd);
    return served;
}

/* What is no SSH client has failed to log in, and is refused after some of it; whether it waits for
 * the end or leaves. Who only looks whether somebody listens has not failed. */
static void rubbish_is_counted(void **state)
{
    static const struct {
        const char *text;
        bool leaves;
    } cases[] = {
        {"GET / HTTP/1.0\r\n\r\n", false},
        {"GET / HTTP/1.0\r\n\r\n", true},
        {"no end of line", true},
        {"SSH-1.0-old\r\n", false},
        {"SSH-2.0-x\r\n\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", false},
    };
    union endpoint_address address;
    int reserved = reserve(&address);

    (void)state;
    for (size_t c = 0; c < ARRAY_SIZE(cases); c++) {
        assert_int_equal(start(NULL), 0);
        listen_on(&address, 1);
        for (unsigned i = 0; i < 3 * SSH_SOURCE_FAILURES; i++)
            assert_true(is_served(&address));
        for (unsigned i = 0; i < SSH_SOURCE_FAILURES; i++) {
            int fd = connect_to(&address);
            size_t size = strlen(cases[c].text);
            expect_banner(fd);
            assert_int_equal(write(fd, cases[c].text, size), size);
            if (cases[c].leaves)
                shutdown(fd, SHUT_WR);
            expect_end(fd);
            close(fd);
        }
        assert_false(is_served(&address));
        ssh_server_free(server);
        server = NULL;
    }
    close(reserved);
}

static void too_many_of_one_source(void **state)
{
    const struct ssh_limits limits = {.source_logins = 2, .logins = 3};
    union endpoint_address address;
    int reserved = reserve(&address), fds[3];

    (void)state;
    assert_int_equal(start(&limits), 0);
    listen_on(&address, 1);
    fds[0] = connect_to(&address);
    expect_banner(fds[0]);
    fds[1] = connect_to(&address);
    expect_banner(fds[1]);
    fds[2] = connect_to(&address);
    expect_end(fds[2]);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
    close(reserved);
}

static void oldest_gives_way(void **state)
{
    const struct ssh_limits limits = {.source_logins = 9, .logins = 2};
    union endpoint_address address;
    int reserved = reserve(&address), fds[3];

    (void)state;
    assert_int_equal(start(&limits), 0);
    listen_on(&address, 1);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        fds[i] = connect_to(&address);
        expect_banner(fds[i]);
    }
    expect_end(fds[0]);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        close(fds[i]);
    close(reserved);
}

static void listeners_come_and_go(void **state)
{
    union endpoint_address addresses[3];
    int reserved[3], stays, goes;

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        reserved[i] = reserve(&addresses[i]);
    /* One that is taken does not stop the others. */
    assert_int_equal(listen(reserved[0], 1), 0);
    assert_int_equal(start(NULL), 0);
    log_set_level(LOG_LEVEL_ERROR);
    listen_on(addresses, 2);
    goes = connect_to(&addresses[1]);
    expect_banner(goes);
    listen_on(&addresses[1], 2);
    stays = connect_to(&addresses[2]);
    expect_banner(stays);
    listen_on(&addresses[2], 1);
    expect_end(goes);
    assert_int_equal(try_connect(&addresses[1]), -1);
    close(goes);
    goes = connect_to(&addresses[2]);
    expect_banner(goes);
    listen_on(NULL, 0);
    expect_end(stays);
    expect_end(goes);
    close(stays);
    close(goes);
    for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
        close(reserved[i]);
}

static void end_is_prompt(void **state)
{
    union endpoint_address address;
    int reserved = reserve(&address), fds[8];
    struct timespec before, after;

    (void)state;
    assert_int_equal(start(NULL), 0);
    listen_on(&address, 1);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
        fds[i] = connect_to(&address);
    clock_gettime(CLOCK_MONOTONIC, &before);
    ssh_server_free(server);
    server = NULL;
    clock_gettime(CLOCK_MONOTONIC, &after);
    assert_in_range(after.tv_sec - before.tv_sec, 0, 10);
    for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
        expect_end(fds[i]);
        close(fds[i]);
    }
    assert_int_equal(try_connect(&address), -1);
    close(reserved);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        TEST(key_is_made_once),
        TEST(bad_keys_are_refused),
        TEST(wrong_accounts_change_nothing),
        TEST(silent_clients),
        TEST(rubbish_ends_a_connection),
        TEST(rubbish_is_counted),
        TEST(too_many_of_one_source),
        TEST(oldest_gives_way),
        TEST(listeners_come_and_go),
        TEST(end_is_prompt),
    };

    if (count >= 4 && strcmp(arguments[1], "serve") == 0)
        return serve(count - 2, arguments + 2);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
