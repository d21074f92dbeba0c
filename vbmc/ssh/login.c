#include "vbmc/ssh/login.h"

#include <errno.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/ssh/known_hosts_entry.h"
#include "vbmc/ssh/uri.h"

#define CONNECT_MS  10000 /* all addresses of the host together */
#define LOGIN_MS    20000 /* from the connection to being logged in */
#define TCP_DEAD_MS 15000 /* unacknowledged for so long, the kernel gives the connection up */

/* What is current: RFC 9142 for the key exchange; no SHA-1, no CBC, no keys that rest on SHA-1. */
static const struct {
    enum ssh_options_e option;
    const char *value;
} algorithms[] = {
    {SSH_OPTIONS_KEY_EXCHANGE,
     "curve25519-sha256,curve25519-sha256@libssh.org,ecdh-sha2-nistp256,ecdh-sha2-nistp384,"
     "ecdh-sha2-nistp521,diffie-hellman-group16-sha512,diffie-hellman-group18-sha512"},
    {SSH_OPTIONS_HOSTKEYS, "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,"
                           "ecdsa-sha2-nistp521,rsa-sha2-512,rsa-sha2-256"},
    {SSH_OPTIONS_PUBLICKEY_ACCEPTED_TYPES,
     "ssh-ed25519,ecdsa-sha2-nistp256,ecdsa-sha2-nistp384,ecdsa-sha2-nistp521,rsa-sha2-512,"
     "rsa-sha2-256"},
    {SSH_OPTIONS_CIPHERS_C_S, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
                              "aes128-gcm@openssh.com,aes256-ctr,aes128-ctr"},
    {SSH_OPTIONS_CIPHERS_S_C, "chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,"
                              "aes128-gcm@openssh.com,aes256-ctr,aes128-ctr"},
    {SSH_OPTIONS_HMAC_C_S, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
                           "hmac-sha2-256,hmac-sha2-512"},
    {SSH_OPTIONS_HMAC_S_C, "hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,"
                           "hmac-sha2-256,hmac-sha2-512"},
    {SSH_OPTIONS_COMPRESSION, "no"},
};

static const char *const identities[] = {"id_ed25519", "id_ecdsa", "id_rsa"};

struct login {
    const struct ssh_uri *uri;
    const struct ssh_wait *wait;
    ssh_session session;
    int64_t deadline;
    char user[256];
    char host[300]; /* for messages */
    char *error;
    size_t size;
};

static void cleanup_addresses(struct addrinfo **addresses)
{
    if (*addresses)
        freeaddrinfo(*addresses);
}

static void cleanup_key(ssh_key *key)
{
    ssh_key_free(*key); /* libssh wipes it */
}

int64_t ssh_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

__attribute__((format(printf, 3, 4))) static int fail(const struct login *login, int result,
                                                      const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(login->error, login->size, format, arguments);
    va_end(arguments);
    return result;
}

/* ---- TCP ---- */

static void set_tcp_options(int fd)
{
    static const int on = 1;
    static const unsigned dead_ms = TCP_DEAD_MS;

    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &dead_ms, sizeof dead_ms);
}

/* The descriptor, or a negative error. */
static int connect_to(const struct login *login, const struct addrinfo *address)
{
    CLEANUP_CLOSE int fd =
        socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int error = 0;
    socklen_t size = sizeof error;

    if (fd < 0)
        return -errno;
    set_tcp_options(fd);
    if (connect(fd, address->ai_addr, address->ai_addrlen) < 0) {
        if (errno != EINPROGRESS)
            return -errno;
        int result = login->wait->wait(login->wait->context, fd, POLLOUT, login->deadline);
        if (result < 0)
            return result;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0)
            return error ? -error : -errno;
    }
    int connected = fd;
    fd = -1;
    return connected;
}

static int connect_tcp(const struct login *login)
{
    static const struct addrinfo hints = {
        .ai_family = AF_UNSPEC,
        .ai_socktype = SOCK_STREAM,
        .ai_flags = AI_NUMERICSERV,
    };
    CLEANUP(cleanup_addresses) struct addrinfo *addresses = NULL;
    char port[8];
    int result = -EHOSTUNREACH;

    snprintf(port, sizeof port, "%u", login->uri->port);
    int failed = getaddrinfo(login->uri->host, port, &hints, &addresses);
    if (failed)
        return fail(login, -EHOSTUNREACH, "SSH: %s cannot be looked up: %s", login->uri->host,
                    gai_strerror(failed));
    for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
        result = connect_to(login, address);
        if (result >= 0 || result == -ECANCELED || result == -ETIMEDOUT)
            break;
    }
    if (result < 0)
        fail(login, result, "SSH: no connection to %s: %s", login->host, strerror(-result));
    return result;
}

/* ---- the session ---- */

static int wait_for_session(const struct login *login)
{
    short events = POLLIN;

    if (ssh_get_poll_flags(login->session) & SSH_WRITE_PENDING)
        events |= POLLOUT;
    int result = login->wait->wait(login->wait->context, ssh_get_fd(login->session), events,
                                   login->deadline);
    if (result < 0)
        fail(login, result, "SSH: %s does not answer: %s", login->host, strerror(-result));
    return result;
}

static int handshake(const struct login *login)
{
    int rc;

    while ((rc = ssh_connect(login->session)) == SSH_AGAIN) {
        int result = wait_for_session(login);
        if (result < 0)
            return result;
    }
    if (rc != SSH_OK)
        return fail(login, -EPROTO, "SSH: no session with %s: %s", login->host,
                    ssh_get_error(login->session));
    return 0;
}

static int prepare(const struct login *login, int fd)
{
    ssh_session session = login->session;
    int result = ssh_known_hosts_prepare(ssh_options_set, session, login->uri);

    if (ssh_options_set(session, SSH_OPTIONS_USER, login->user) != SSH_OK)
        result = -EINVAL;
    for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
        if (ssh_options_set(session, algorithms[i].option, algorithms[i].value) != SSH_OK)
            result = -EINVAL;
    }
    if (ssh_options_set(session, SSH_OPTIONS_FD, &fd) != SSH_OK)
        result = -EINVAL;
    ssh_set_blocking(session, 0);
    if (result < 0)
        fail(login, result, "SSH: libssh refuses the settings for %s: %s", login->host,
             ssh_get_error(session));
    return result;
}

/* ---- keys ---- */

static int note_passphrase(const char *prompt, char *buffer, size_t size, int echo, int verify,
                           void *is_encrypted)
{
    (void)prompt, (void)buffer, (void)size, (void)echo, (void)verify;
    *(bool *)is_encrypted = true;
    return -1;
}

static int open_key(const struct login *login, const char *path, ssh_key *key)
{
    struct stat status;
    bool is_encrypted = false;

    if (stat(path, &status) < 0 || access(path, R_OK) < 0)
        return fail(login, -ENOENT, "SSH: the key %s cannot be read: %s", path, strerror(errno));
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return fail(login, -EPERM, "SSH: the key %s is open to other users; run: chmod 600 %s",
                    path, path);
    if (ssh_pki_import_privkey_file(path, NULL, note_passphrase, &is_encrypted, key) == SSH_OK)
        return 0;
    if (is_encrypted)
        return fail(
            login, -EPERM,
            "SSH: the key %s is encrypted, and nobody is asked for its passphrase; give one "
            "without, or put it into an agent and leave keyfile= out",
            path);
    return fail(login, -EINVAL, "SSH: %s is no private key that libssh reads", path);
}

/* -EACCES: refused, another key may do. */
static int judge(const struct login *login, int rc)
{
    if (rc == SSH_AUTH_SUCCESS)
        return 0;
    if (rc == SSH_AUTH_PARTIAL)
        return fail(login, -EPERM, "SSH: %s wants more than a key of %s", login->host, login->user);
    if (rc == SSH_AUTH_DENIED)
        return -EACCES;
    return fail(login, -EPROTO, "SSH: logging in to %s as %s failed: %s", login->host, login->user,
                ssh_get_error(login->session));
}

static int try_key(const struct login *login, const ssh_key key)
{
    int rc;

    while ((rc = ssh_userauth_publickey(login->session, NULL, key)) == SSH_AUTH_AGAIN) {
        int result = wait_for_session(login);
        if (result < 0)
            return result;
    }
    return judge(login, rc);
}

static int try_agent(const struct login *login)
{
    int rc;

    while ((rc = ssh_userauth_agent(login->session, NULL)) == SSH_AUTH_AGAIN) {
        int result = wait_for_session(login);
        if (result < 0)
            return result;
    }
    return judge(login, rc);
}

static int log_in_with_keyfile(const struct login *login)
{
    CLEANUP(cleanup_key) ssh_key key = NULL;
    int result = open_key(login, login->uri->keyfile, &key);

    if (result < 0)
        return result;
    result = try_key(login, key);
    if (result == -EACCES)
        fail(login, result, "SSH: %s does not accept the key %s for the user %s", login->host,
             login->uri->keyfile, login->user);
    return result;
}

/* A key of these that cannot be used is nobody's wish; the next one may do. */
static int try_identity(const struct login *login, const char *home, const char *name, bool *tried)
{
    CLEANUP(cleanup_key) ssh_key key = NULL;
    char path[PATH_MAX];
    int length = snprintf(path, sizeof path, "%s/.ssh/%s", home, name);

    if (length < 0 || (size_t)length >= sizeof path || access(path, F_OK) < 0 ||
        open_key(login, path, &key) < 0)
        return -EACCES;
    *tried = true;
    return try_key(login, key);
}

static int log_in_with_any(const struct login *login)
{
    const char *agent = getenv("SSH_AUTH_SOCK");
    char home[PATH_MAX - 32];
    bool tried = agent && agent[0];

    login->error[0] = '\0';
    int result = tried ? try_agent(login) : -EACCES;
    if (ssh_uri_home(home, sizeof home) < 0)
        home[0] = '\0';
    for (size_t i = 0; result == -EACCES && home[0] && i < ARRAY_SIZE(identities); i++)
        result = try_identity(login, home, identities[i], &tried);
    if (result != -EACCES)
        return result;
    if (tried)
        return fail(login, result,
                    "SSH: %s accepts no key that there is for the user %s; name one "
                    "with keyfile=",
                    login->host, login->user);
    if (login->error[0]) /* why a key could not be used */
        return result;
    return fail(
        login, result,
        "SSH: there is no key to log in to %s with; name one with keyfile=, or make %s/.ssh/"
        "id_ed25519 with ssh-keygen",
        login->host, home);
}

/* ---- all of it ---- */

static int name_user(struct login *login)
{
    struct passwd entry, *found = NULL;
    char buffer[4096];
    const char *name = login->uri->user;

    if (!name && getpwuid_r(geteuid(), &entry, buffer, sizeof buffer, &found) == 0 && found)
        name = found->pw_name;
    if (!name)
        return fail(login, -ENOENT, "SSH: we run as a user without a name; give one: USER@%s",
                    login->host);
    snprintf(login->user, sizeof login->user, "%s", name);
    return 0;
}

static int log_in(struct login *login, char key[SSH_KNOWN_HOSTS_TEXT_SIZE])
{
    int result = handshake(login);

    if (result == 0)
        result = ssh_known_hosts_check(login->session, login->uri, key, login->error, login->size);
    if (result == 0)
        result = login->uri->keyfile ? log_in_with_keyfile(login) : log_in_with_any(login);
    return result;
}

int ssh_login(const struct ssh_uri *uri, const struct ssh_wait *wait, ssh_session *session,
              char key[SSH_KNOWN_HOSTS_TEXT_SIZE], char *error, size_t size)
{
    struct login login = {.uri = uri, .wait = wait, .error = error, .size = size};

    ssh_uri_host_port(uri, login.host, sizeof login.host);
    int result = name_user(&login);
    if (result < 0)
        return result;
    login.deadline = ssh_now_ms() + CONNECT_MS;
    int fd = connect_tcp(&login);
    if (fd < 0)
        return fd;
    login.deadline = ssh_now_ms() + LOGIN_MS;
    login.session = ssh_new();
    result = login.session ? prepare(&login, fd) : fail(&login, -ENOMEM, "out of memory");
    if (result < 0) {
        close(fd);
        ssh_free(login.session);
        return result;
    }
    /* From ssh_connect on the descriptor is the session's, which closes it when it fails. */
    result = log_in(&login, key);
    if (result < 0) {
        ssh_silent_disconnect(login.session);
        ssh_free(login.session);
        return result;
    }
    *session = login.session;
    return 0;
}
