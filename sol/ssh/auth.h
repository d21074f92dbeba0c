/* Who may log in by SSH: the decisions, without a socket and without libssh.
 *
 * An account is one of the daemon's users. One that is barred never logs in, and one that is locked
 * out not for now, which nobody can tell from a wrong password; sessions that there are go on. A
 * password is compared in constant time, also for names that do not exist, and an empty one is
 * never right. Failures are counted twice: by connection, which is over after SSH_AUTH_FAILURES,
 * and by source address, which is refused for a while after SSH_SOURCE_FAILURES within a minute. */
#ifndef SOL_SSH_AUTH_H
#define SOL_SSH_AUTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"

#define SSH_NAME_MAX     16 /* bytes, as IPMI has them (2.0, section 22.28) */
#define SSH_PASSWORD_MAX 64 /* more than IPMI can use */

/* Privilege levels as numbered in IPMI. */
#define SSH_PRIVILEGE_CALLBACK      1
#define SSH_PRIVILEGE_ADMINISTRATOR 4

#define SSH_AUTH_FAILURES 4 /* wrong passwords and signatures of one connection */
#define SSH_AUTH_KEY_OFFERS                                                                        \
    20                       /* keys of one connection that were only offered; agents hold many    \
                              */
#define SSH_AUTH_WAIT_MS 500 /* after the first failure; doubles with each */

#define SSH_SOURCE_FAILURES  10
#define SSH_SOURCE_WINDOW_MS 60000
#define SSH_SOURCE_REFUSE_MS 60000
#define SSH_SOURCES_MAX      4096 /* that are remembered */

struct ssh_account {
    const char *name;            /* 1 to SSH_NAME_MAX bytes */
    const char *password;        /* at most SSH_PASSWORD_MAX bytes; NULL or "": no password */
    unsigned privilege;          /* SSH_PRIVILEGE_CALLBACK to SSH_PRIVILEGE_ADMINISTRATOR */
    const char *authorized_keys; /* the text of the file, see keys.h; NULL: no keys */
    bool is_barred;              /* its level may do nothing here */
    uint64_t locked_until_ms;    /* by CLOCK_MONOTONIC: is locked out until then; UINT64_MAX: for
                                    as long as these accounts hold; 0: is not */
};

/* ---- a set of accounts: never changes, and is shared by counting ---- */

struct ssh_accounts;

/* Copies. 0, -ENOMEM, or -EINVAL for a name, password or privilege out of range. */
int ssh_accounts_new(const struct ssh_account *accounts, size_t count, struct ssh_accounts **out);
struct ssh_accounts *ssh_accounts_ref(struct ssh_accounts *accounts); /* any thread */
void ssh_accounts_unref(struct ssh_accounts *accounts); /* any thread; NULL is allowed */
/* Whether a login of `name` by the accounts `a` is as good by `b`: it is in both with the same
 * password, keys and privilege, and barred in neither or both. */
bool ssh_accounts_agree(const struct ssh_accounts *a, const struct ssh_accounts *b,
                        const char *name);
/* Whether the account of that name may still do what the level allows. */
bool ssh_accounts_allow(const struct ssh_accounts *accounts, const char *name, unsigned privilege);

/* ---- sources that failed too often: a table of fixed size, which no flood can grow ---- */

struct ssh_sources;

/* NULL if there is no memory or no random. */
struct ssh_sources *ssh_sources_new(void);
void ssh_sources_free(struct ssh_sources *sources);
/* Whether the source (IPv4: the address; IPv6: its /64) is refused now. Each is counted for itself;
 * where there are too many, those that are refused are forgotten last. */
bool ssh_sources_refuse(const struct ssh_sources *sources, const union endpoint_address *address,
                        uint64_t now_ms);
/* Whether both addresses are one source. */
bool ssh_sources_same(const union endpoint_address *a, const union endpoint_address *b);

/* ---- one connection ---- */

enum ssh_signature {
    SSH_SIGNATURE_NONE,  /* the client asks whether this key would do */
    SSH_SIGNATURE_VALID, /* it has proved to have it */
    SSH_SIGNATURE_WRONG,
};

struct ssh_auth {
    const struct ssh_accounts *accounts; /* borrowed; may be exchanged at any time */
    struct ssh_sources *sources;         /* borrowed */
    union endpoint_address source;
    unsigned failures;
    unsigned offers;
    bool compared; /* the last password was compared with that of an account, or nobody's */
    /* Set by what granted it. */
    bool granted;
    char account[SSH_NAME_MAX + 1];
    unsigned privilege;
};

/* Each returns whether this is right; an offered key that is right grants nothing yet. False also
 * after too many failures and for a refused source. `base64` is the key's blob. */
bool ssh_auth_password(struct ssh_auth *auth, const char *name, const char *password,
                       uint64_t now_ms);
bool ssh_auth_key(struct ssh_auth *auth, const char *name, const char *base64,
                  enum ssh_signature signature, uint64_t now_ms);
/* A failure that somebody else found. */
void ssh_auth_fail(struct ssh_auth *auth, uint64_t now_ms);
/* Whether the connection has used up what it may try. */
bool ssh_auth_is_over(const struct ssh_auth *auth, uint64_t now_ms);
/* For how long after its last failure nothing should be heard of the connection. */
uint64_t ssh_auth_wait_ms(const struct ssh_auth *auth);

#endif
