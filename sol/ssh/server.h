/* The SSH server: a small shell for each session channel, in a program of its own.
 *
 * One thread runs everything that libssh does. What it shares with the rest of the daemon is: the
 * set of listeners, handed over as a copy; one function that opens a control connection on behalf
 * of who logged in; and nothing else. Bytes go between the channel and the program's terminal or
 * pipes, whose buffers are the queues; what the program may do is decided at the other end of its
 * control connection (descriptor SSH_CONTROL_FD, see process.h).
 *
 * Offered are session channels with shell, exec, pty-req, window-change and signal (RFC 4254,
 * section 6). Refused are subsystems, forwarding, X11, agents and environment variables. The break
 * request of RFC 4335 cannot be told from other unknown requests by libssh 0.10, so it is refused.
 *
 * A session in which nothing was typed and nothing was shown for the idle time-out is ended: who
 * only watches a console that speaks is not idle. */
#ifndef SOL_SSH_SERVER_H
#define SOL_SSH_SERVER_H

#include <stdbool.h>
#include <stddef.h>

#include "sol/ssh/auth.h"
#include "vbmc/base/endpoint.h"
#include "vbmc/base/uuid.h"

/* One address and who may log in there. Listeners may share one array of accounts; it is then read
 * once. */
struct ssh_listener {
    union endpoint_address address;
    const struct ssh_account *accounts;
    size_t account_count;
    bool one_bmc; /* this address is the BMC `uuid` alone */
    struct uuid uuid;
    unsigned restarts; /* of that BMC; another number ends the sessions there */
};

/* Who logged in. */
struct ssh_identity {
    char account[SSH_NAME_MAX + 1];
    unsigned privilege;              /* SSH_PRIVILEGE_* */
    bool by_key;                     /* else by password */
    char remote[ENDPOINT_TEXT_SIZE]; /* address and port */
    bool one_bmc;
    struct uuid uuid;
};

/* A try to log in. */
struct ssh_try {
    char name[SSH_NAME_MAX + 1]; /* as the client has it; a longer one is cut */
    union endpoint_address remote;
    bool by_key;         /* of one that succeeded */
    const char *refused; /* why: a constant; NULL: it succeeded */
    bool one_bmc;
    struct uuid uuid;
};

struct ssh_ops {
    /* On the SSH thread; must not block. The program's end of a connected stream socket, with
     * FD_CLOEXEC, on which the daemon answers as to `identity`; or a negative errno, of which the
     * client is told in one line. */
    int (*connect)(void *context, const struct ssh_identity *identity);
    /* The same, about a password that was tried at the address of that one BMC: under which name,
     * which anybody can have made up, and whether it was right. NULL: nobody wants to know. */
    void (*tried)(void *context, const struct uuid *uuid, const char *name, bool right);
    /* The same, about every log-in that succeeded or was refused; those of a source that fails too
     * often are refused without. NULL: nobody wants to know. */
    void (*logged_in)(void *context, const struct ssh_try *attempt);
};

/* 0 everywhere: the default. */
struct ssh_limits {
    unsigned sessions; /* logged in; 128. Administrators of all BMCs have a quarter alone */
    /* the same of one account; 32. An administrator of all BMCs may have seven eighths of all */
    unsigned account_sessions;
    unsigned
        logins; /* connections not yet logged in; 96. One more ends one of the source with most */
    unsigned source_logins; /* the same of one source address; 48. One more is refused */
    unsigned channels;      /* of one session; 2 */
    unsigned login_seconds; /* until a connection must have logged in; 30 */
};

struct ssh_options {
    const char *host_key;  /* path, see hostkey.h */
    const char *program;   /* NULL: /proc/self/exe, this program under another name */
    const char *name;      /* its argv[0]; NULL: "vbmc-shell". Then "--" and perhaps the command */
    unsigned idle_seconds; /* 0: never */
    struct ssh_limits limits;
};

struct ssh_server;

/* Reads or makes the host key and starts the thread, which listens nowhere yet. Everything but
 * `context` is copied. A negative errno, with one line for people in `error`. */
int ssh_server_start(const struct ssh_options *options, const struct ssh_ops *ops, void *context,
                     struct ssh_server **out, char *error, size_t error_size);
/* Any thread, any time; takes a copy and returns at once. Sessions whose listener or account is
 * gone, or whose account has another password, other keys or another privilege, are ended; an
 * address that cannot be listened on is logged, and tried again now and then. 0, -ENOMEM, or
 * -EINVAL for an account out of range: then nothing changes. */
int ssh_server_configure(struct ssh_server *server, const struct ssh_listener *listeners,
                         size_t count);
/* Any thread, any time; before the ssh_server_configure that follows from it. The client of that
 * address and port (as in struct ssh_identity) has changed its own account: its session goes on if
 * the account may still do as much. */
void ssh_server_spare(struct ssh_server *server, const char *remote);
/* As of the next look at the clock. 0: never. */
void ssh_server_set_idle(struct ssh_server *server, unsigned seconds);
/* Ends all sessions and their programs, waits for the thread. NULL is allowed. */
void ssh_server_free(struct ssh_server *server);

#endif
