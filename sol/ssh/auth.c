#include "sol/ssh/auth.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "sol/ssh/keys.h"
#include "vbmc/base/array.h"
#include "vbmc/base/locked.h"

/* Names and passwords lie padded with zeros, so that comparing them takes the same time always. */
struct account {
    char name[SSH_NAME_MAX + 1];
    char password[SSH_PASSWORD_MAX + 1];
    unsigned privilege;
    bool is_barred;
    uint64_t locked_until_ms;
    struct ssh_keys *keys;
};

struct ssh_accounts {
    atomic_uint references;
    size_t count, room;
    struct account accounts[]; /* in memory that is locked */
};

/* ---- accounts ---- */

static int copy_account(struct account *to, const struct ssh_account *from)
{
    const char *password = from->password ? from->password : "";

    if (!from->name || from->name[0] == '\0' || strlen(from->name) > SSH_NAME_MAX ||
        strlen(password) > SSH_PASSWORD_MAX || from->privilege < SSH_PRIVILEGE_CALLBACK ||
        from->privilege > SSH_PRIVILEGE_ADMINISTRATOR)
        return -EINVAL;
    memcpy(to->name, from->name, strlen(from->name));
    memcpy(to->password, password, strlen(password));
    to->privilege = from->privilege;
    to->is_barred = from->is_barred;
    to->locked_until_ms = from->locked_until_ms;
    to->keys = ssh_keys_parse(from->authorized_keys, from->name);
    return to->keys ? 0 : -ENOMEM;
}

int ssh_accounts_new(const struct ssh_account *accounts, size_t count, struct ssh_accounts **out)
{
    struct ssh_accounts *copy = locked_calloc(1, sizeof *copy + count * sizeof copy->accounts[0]);
    int rc = 0;

    if (!copy)
        return -ENOMEM;
    copy->room = count;
    atomic_init(&copy->references, 1);
    for (; rc == 0 && copy->count < count; copy->count++)
        rc = copy_account(&copy->accounts[copy->count], &accounts[copy->count]);
    if (rc < 0) {
        ssh_accounts_unref(copy);
        return rc;
    }
    *out = copy;
    return 0;
}

struct ssh_accounts *ssh_accounts_ref(struct ssh_accounts *accounts)
{
    accounts->references++;
    return accounts;
}

void ssh_accounts_unref(struct ssh_accounts *accounts)
{
    if (!accounts || --accounts->references > 0)
        return;
    for (size_t i = 0; i < accounts->count; i++)
        ssh_keys_free(accounts->accounts[i].keys);
    locked_free(accounts, sizeof *accounts + accounts->room * sizeof accounts->accounts[0]);
}

/* The account of that name, or NULL. Looks at all of them, whatever it finds. */
static const struct account *find_account(const struct ssh_accounts *accounts, const char *name)
{
    char padded[SSH_NAME_MAX + 1] = "";
    const struct account *found = NULL;

    if (strlen(name) > SSH_NAME_MAX)
        return NULL;
    memcpy(padded, name, strlen(name));
    for (size_t i = 0; i < accounts->count; i++)
        if (CRYPTO_memcmp(accounts->accounts[i].name, padded, sizeof padded) == 0)
            found = &accounts->accounts[i];
    return found;
}

bool ssh_accounts_agree(const struct ssh_accounts *a, const struct ssh_accounts *b,
                        const char *name)
{
    const struct account *before = find_account(a, name), *after = find_account(b, name);

    return before && after && before->privilege == after->privilege &&
           before->is_barred == after->is_barred &&
           CRYPTO_memcmp(before->password, after->password, sizeof before->password) == 0 &&
           ssh_keys_equal(before->keys, after->keys);
}

bool ssh_accounts_allow(const struct ssh_accounts *accounts, const char *name, unsigned privilege)
{
    const struct account *account = find_account(accounts, name);

    return account && !account->is_barred && account->privilege >= privilege;
}

/* ---- sources ---- */

#define WAYS 8 /* sources that can be told apart in one row of the table */

struct source {
    uint64_t id; /* endpoint_source */
    bool is_v4;
    uint64_t window_began_ms;
    uint64_t refused_until_ms;
    unsigned failures; /* since window_began_ms */
};

struct ssh_sources {
    uint64_t key;
    struct source rows[SSH_SOURCES_MAX / WAYS][WAYS];
};

struct ssh_sources *ssh_sources_new(void)
{
    struct ssh_sources *sources = calloc(1, sizeof *sources);

    if (sources &&
        getrandom(&sources->key, sizeof sources->key, 0) != (ssize_t)sizeof sources->key) {
        free(sources);
        return NULL;
    }
    return sources;
}

void ssh_sources_free(struct ssh_sources *sources)
{
    free(sources);
}

bool ssh_sources_same(const union endpoint_address *a, const union endpoint_address *b)
{
    return !endpoint_address_v4(a) == !endpoint_address_v4(b) &&
           endpoint_source(a) == endpoint_source(b);
}

static size_t row_of(const struct ssh_sources *sources, const union endpoint_address *address)
{
    return (size_t)(endpoint_source_hash(address, sources->key) % ARRAY_SIZE(sources->rows));
}

static bool is_source(const struct source *source, const union endpoint_address *address)
{
    return (source->failures > 0 || source->refused_until_ms > 0) &&
           source->id == endpoint_source(address) &&
           source->is_v4 == (endpoint_address_v4(address) != NULL);
}

bool ssh_sources_refuse(const struct ssh_sources *sources, const union endpoint_address *address,
                        uint64_t now_ms)
{
    const struct source *row = sources->rows[row_of(sources, address)];

    for (size_t i = 0; i < WAYS; i++)
        if (is_source(&row[i], address))
            return now_ms < row[i].refused_until_ms;
    return false;
}

/* When all that is known of a source will mean nothing any more. */
static uint64_t over_at(const struct source *source)
{
    uint64_t window = source->failures > 0 ? source->window_began_ms + SSH_SOURCE_WINDOW_MS : 0;

    return window > source->refused_until_ms ? window : source->refused_until_ms;
}

/* Those that are refused are forgotten last, else the one that is over soonest first. */
static bool is_less(const struct source *a, const struct source *b, uint64_t now_ms)
{
    bool a_refused = now_ms < a->refused_until_ms, b_refused = now_ms < b->refused_until_ms;

    return a_refused != b_refused ? b_refused : over_at(a) < over_at(b);
}

/* The place of a source; where there is none another makes room for it. */
static struct source *place_of(struct ssh_sources *sources, const union endpoint_address *address,
                               uint64_t now_ms)
{
    struct source *row = sources->rows[row_of(sources, address)], *least = row;

    for (size_t i = 0; i < WAYS; i++) {
        if (is_source(&row[i], address))
            return &row[i];
        if (is_less(&row[i], least, now_ms))
            least = &row[i];
    }
    *least = (struct source){.id = endpoint_source(address),
                             .is_v4 = endpoint_address_v4(address) != NULL};
    return least;
}

static void count_failure(struct ssh_sources *sources, const union endpoint_address *address,
                          uint64_t now_ms)
{
    struct source *source = place_of(sources, address, now_ms);

    if (source->failures == 0 || now_ms - source->window_began_ms >= SSH_SOURCE_WINDOW_MS) {
        source->window_began_ms = now_ms;
        source->failures = 0;
    }
    if (++source->failures < SSH_SOURCE_FAILURES)
        return;
    source->refused_until_ms = now_ms + SSH_SOURCE_REFUSE_MS;
    source->failures = 0;
}

/* ---- one connection ---- */

void ssh_auth_fail(struct ssh_auth *auth, uint64_t now_ms)
{
    auth->failures++;
    count_failure(auth->sources, &auth->source, now_ms);
}

bool ssh_auth_is_over(const struct ssh_auth *auth, uint64_t now_ms)
{
    return auth->failures >= SSH_AUTH_FAILURES || auth->offers >= SSH_AUTH_KEY_OFFERS ||
           ssh_sources_refuse(auth->sources, &auth->source, now_ms);
}

uint64_t ssh_auth_wait_ms(const struct ssh_auth *auth)
{
    unsigned doublings = auth->failures < SSH_AUTH_FAILURES ? auth->failures : SSH_AUTH_FAILURES;

    return auth->failures == 0 ? 0 : (uint64_t)SSH_AUTH_WAIT_MS << (doublings - 1);
}

static void grant(struct ssh_auth *auth, const struct account *account)
{
    auth->granted = true;
    auth->privilege = account->privilege;
    memcpy(auth->account, account->name, sizeof auth->account);
}

static bool is_locked_out(const struct account *account, uint64_t now_ms)
{
    return account && now_ms < account->locked_until_ms;
}

static bool may_log_in(const struct account *account, uint64_t now_ms)
{
    return account && !account->is_barred && !is_locked_out(account, now_ms);
}

/* Compares with some password in any case. One that is too long is cut, and wrong for that. */
static bool is_password(const struct account *account, const char *password, uint64_t now_ms)
{
    static const struct account nobody = {.password = ""};
    const struct account *of = may_log_in(account, now_ms) ? account : &nobody;
    size_t size = strnlen(password, SSH_PASSWORD_MAX + 1);
    char padded[SSH_PASSWORD_MAX + 1] = "";
    bool same;

    memcpy(padded, password, size);
    same = CRYPTO_memcmp(of->password, padded, sizeof padded) == 0;
    explicit_bzero(padded, sizeof padded);
    return same && size > 0 && size <= SSH_PASSWORD_MAX;
}

bool ssh_auth_password(struct ssh_auth *auth, const char *name, const char *password,
                       uint64_t now_ms)
{
    const struct account *account = find_account(auth->accounts, name);

    auth->compared = !auth->granted && !ssh_auth_is_over(auth, now_ms);
    if (!auth->compared)
        return false;
    if (!is_password(account, password, now_ms)) {
        ssh_auth_fail(auth, now_ms);
        return false;
    }
    grant(auth, account);
    return true;
}

bool ssh_auth_key(struct ssh_auth *auth, const char *name, const char *base64,
                  enum ssh_signature signature, uint64_t now_ms)
{
    const struct account *account = find_account(auth->accounts, name);
    struct ssh_key_hash hash;
    bool right;

    if (auth->granted || ssh_auth_is_over(auth, now_ms))
        return false;
    /* For any account, existing or not: so that the time does not tell. */
    right = ssh_key_hash_base64(base64, strlen(base64), &hash) == 0;
    right = right && account && !account->is_barred && ssh_keys_contain(account->keys, &hash);
    if (signature == SSH_SIGNATURE_NONE) { /* anybody may know a public key */
        auth->offers++;
        return right;
    }
    if (signature != SSH_SIGNATURE_VALID || !right || is_locked_out(account, now_ms)) {
        ssh_auth_fail(auth, now_ms);
        return false;
    }
    grant(auth, account);
    return true;
}
