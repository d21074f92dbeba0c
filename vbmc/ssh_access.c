#include "vbmc/ssh_access.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "sol/ssh/server.h"
#include "vbmc/base/array.h"
#include "vbmc/base/audit.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/config/config.h"
#include "vbmc/config/key_files.h"
#include "vbmc/control/control.h"
#include "vbmc/fleet/bmcset.h"
#include "vbmc/fleet/fleet.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/restart.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/instance/stored.h"
#include "vbmc/service/service.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/verbs/console.h"

#define SETTLE_MS     50 /* several changes become one */
#define HOST_KEY_NAME "ssh_host_ed25519_key"

struct ssh_access {
    uv_timer_t timer; /* first, so that the handle is the whole */
    struct fleet *fleet;
    struct control *control;
    struct inbox *inbox;
    struct key_files key_files;
    struct ssh_server *server; /* NULL: [ssh] has not asked for it yet */
};

/* ---- a control connection for who has logged in ---- */

struct adoption {
    struct inbox_item item; /* first */
    struct control *control;
    int fd;
    struct control_identity identity;
};

static void deliver_adoption(struct inbox_item *item)
{
    struct adoption *adoption = (struct adoption *)item;

    int result = control_adopt(adoption->control, adoption->fd, &adoption->identity);
    if (result < 0)
        log_warning("ssh: no connection for %s: %s", adoption->identity.account, strerror(-result));
    free(adoption);
}

/* The SSH thread. */
static int connect_daemon(void *context, const struct ssh_identity *identity)
{
    struct ssh_access *access = context;
    struct adoption *adoption = calloc(1, sizeof *adoption);
    int ends[2];

    if (!adoption)
        return -ENOMEM;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0) {
        free(adoption);
        return -errno;
    }
    adoption->item.deliver = deliver_adoption;
    adoption->control = access->control;
    adoption->fd = ends[0];
    adoption->identity = (struct control_identity){
        .by_ssh = true,
        .privilege = (enum privilege)identity->privilege,
        .by_key = identity->by_key,
        .one_bmc = identity->one_bmc,
        .uuid = identity->uuid,
    };
    snprintf(adoption->identity.account, CONTROL_ACCOUNT_SIZE, "%s", identity->account);
    snprintf(adoption->identity.address, sizeof adoption->identity.address, "%s", identity->remote);
    inbox_post(access->inbox, &adoption->item);
    return ends[1];
}

/* ---- passwords that were tried at the address of one BMC ---- */

struct trial {
    struct inbox_item item; /* first */
    struct fleet *fleet;
    struct uuid uuid;
    char name[SSH_NAME_MAX + 1];
    bool right;
};

static void deliver_trial(struct inbox_item *item)
{
    struct trial *trial = (struct trial *)item;
    struct instance *instance = bmcset_find_uuid(fleet_bmcs(trial->fleet), &trial->uuid);

    if (instance)
        instance_note_password(instance, trial->name, trial->right);
    free(trial);
}

/* The SSH thread. */
static void note_tried(void *context, const struct uuid *uuid, const char *name, bool right)
{
    struct ssh_access *access = context;
    struct trial *trial = strlen(name) <= SSH_NAME_MAX ? calloc(1, sizeof *trial) : NULL;

    if (!trial)
        return;
    trial->item.deliver = deliver_trial;
    trial->fleet = access->fleet;
    trial->uuid = *uuid;
    snprintf(trial->name, sizeof trial->name, "%s", name);
    trial->right = right;
    inbox_post(access->inbox, &trial->item);
}

/* ---- the audit trail ---- */

struct login {
    struct inbox_item item; /* first */
    struct fleet *fleet;
    struct ssh_try attempt;
};

static void deliver_login(struct inbox_item *item)
{
    struct login *login = (struct login *)item;
    const struct ssh_try *attempt = &login->attempt;
    struct instance *instance =
        attempt->one_bmc ? bmcset_find_uuid(fleet_bmcs(login->fleet), &attempt->uuid) : NULL;
    const struct audit_login told = {
        .uuid = attempt->one_bmc ? &attempt->uuid : NULL,
        .bmc = instance ? instance_record(instance)->name : "",
        .way = "SSH",
        .user = attempt->name,
        .how = attempt->refused  ? ""
               : attempt->by_key ? "by key"
                                 : "by password",
        .remote = &attempt->remote,
        .refused = attempt->refused,
    };

    audit_put_login(&told);
    free(login);
}

/* The SSH thread. */
static void note_login(void *context, const struct ssh_try *attempt)
{
    struct ssh_access *access = context;
    struct login *login = calloc(1, sizeof *login);

    if (!login)
        return;
    login->item.deliver = deliver_login;
    login->fleet = access->fleet;
    login->attempt = *attempt;
    inbox_post(access->inbox, &login->item);
}

/* ---- accounts ---- */

/* Accounts as the server wants them; `passwords` is what they point at, keys are borrowed. */
struct accounts {
    struct ssh_account list[USER_ID_MAX + 1];
    char passwords[USER_ID_MAX + 1][USER_LONG_PASSWORD_MAX + 1];
    size_t count;
};

/* Nobody has more than `limit`, that of the channel as it is now, nor more than an administrator.
 * `keys` may be NULL. */
static void add_account(struct accounts *accounts, enum privilege limit, const struct user *user,
                        const char *keys, uint64_t locked_until_ms)
{
    enum privilege level = user_level_within(user, limit);
    size_t i = accounts->count;

    if (!user_may_log_in(user))
        return;
    memcpy(accounts->passwords[i], user->password, user->password_length);
    if (level == PRIVILEGE_NONE)
        level = PRIVILEGE_CALLBACK;
    else if (level > PRIVILEGE_ADMINISTRATOR)
        level = PRIVILEGE_ADMINISTRATOR;
    accounts->list[i] = (struct ssh_account){
        .name = user->name,
        .password = accounts->passwords[i],
        .privilege = (unsigned)level,
        .authorized_keys = keys,
        .is_barred = level < service_row(SERVICE_VIEW)->privilege,
        .locked_until_ms = locked_until_ms,
    };
    accounts->count++;
}

/* Those of the configuration, which know all BMCs; `keys` are the texts of their files, and `users`
 * holds the names. */
static void fill_configured(struct accounts *accounts, const struct config *config,
                            struct user users[CONFIG_USERS_MAX], const char *const *keys)
{
    for (size_t i = 0; i < config->user_count; i++) {
        const struct config_user *user = &config->users[i];
        if (user_make(&users[i], user->name, user->password, user->limit) == 0)
            add_account(accounts, config->bmc.channel.limit, &users[i], keys[i], 0);
    }
}

/* The keys of an account of vbmc.conf are those of its name. */
static const char *keys_of(const struct config *config, const char *const *keys, const char *name)
{
    for (size_t i = 0; i < config->user_count; i++) {
        if (strcmp(config->users[i].name, name) == 0)
            return keys[i];
    }
    return NULL;
}

/* Those of one BMC. Keys belong to accounts of the configuration alone: one with the same name that
 * somebody else made has none. */
static void fill_of_bmc(struct accounts *accounts, const struct config *config,
                        const char *const *keys, const struct bmc *bmc)
{
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        const struct user *user = &bmc->users.by_id[id];
        bool has_keys = keys && users_is_configured(&bmc->users, id) &&
                        !(users_changed_parts(&bmc->users, id) & 1u << USER_PART_NAME);
        add_account(accounts, bmc->channel.limit, user,
                    has_keys ? keys_of(config, keys, user->name) : NULL,
                    lockout_until_ms(&bmc->lockout, id));
    }
}

/* ---- listeners ---- */

/* What is handed to the server. The configured accounts, which most BMCs
 * share, stand once, so that the server reads their keys once too. */
struct handover {
    const struct config *config;
    const char *keys[CONFIG_USERS_MAX];  /* of their files, or NULL */
    struct user users[CONFIG_USERS_MAX]; /* the configured ones */
    struct accounts *accounts;           /* [0]: the configured ones */
    size_t account_sets;
    struct ssh_listener *listeners;
    size_t listener_count;
};

static void add_listener(struct handover *handover, const struct accounts *accounts,
                         const struct ssh_listener *listener)
{
    struct ssh_listener *added = &handover->listeners[handover->listener_count++];

    *added = *listener;
    added->accounts = accounts->list;
    added->account_count = accounts->count;
}

static bool has_locked_out(const struct bmc *bmc)
{
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        if (lockout_is_locked(&bmc->lockout, id))
            return true;
    }
    return false;
}

static const struct accounts *accounts_of(struct handover *handover, struct instance *instance)
{
    const struct config *config = handover->config;
    struct bmc *bmc = instance_bmc(instance);
    bool has_own = instance_record(instance)->username != NULL;

    if (!has_own && bmc->users.change_count == 0 && !has_locked_out(bmc) &&
        bmc->channel.limit == config->bmc.channel.limit)
        return &handover->accounts[0];
    struct accounts *accounts = &handover->accounts[handover->account_sets++];
    fill_of_bmc(accounts, config, has_own ? NULL : handover->keys, bmc);
    return accounts;
}

static void add_bmc(struct handover *handover, struct instance *instance)
{
    struct ssh_listener listener = {
        .address = *instance_address(instance),
        .one_bmc = true,
        .uuid = instance_record(instance)->uuid,
        .restarts = instance_restarts(instance),
    };

    endpoint_address_set_port(&listener.address, handover->config->ssh.bmc_port);
    add_listener(handover, accounts_of(handover, instance), &listener);
}

static void fill_handover(struct handover *handover, const struct bmcset *set,
                          struct key_files *key_files)
{
    const struct config *config = handover->config;
    bool own_addresses = config->ssh.bmc_port != 0 && config->bmc.has_addresses;

    for (size_t i = 0; i < config->user_count && (config->ssh.has_listen || own_addresses); i++)
        handover->keys[i] = key_files_text(key_files, i, config->users[i].authorized_keys);
    fill_configured(&handover->accounts[handover->account_sets++], config, handover->users,
                    handover->keys);
    if (config->ssh.has_listen)
        add_listener(handover, &handover->accounts[0],
                     &(struct ssh_listener){.address = config->ssh.listen});
    for (size_t i = 0; i < set->count && own_addresses; i++) {
        if (instance_is_listening(set->instances[i]))
            add_bmc(handover, set->instances[i]);
    }
}

static void clear_handover(struct handover *handover)
{
    if (handover->accounts)
        explicit_bzero(handover->accounts, handover->account_sets * sizeof(struct accounts));
    explicit_bzero(handover->users, sizeof handover->users);
    free(handover->accounts);
    free(handover->listeners);
}

static int start_server(struct ssh_access *access, const struct config *config)
{
    static const struct ssh_ops ops = {
        .connect = connect_daemon,
        .tried = note_tried,
        .logged_in = note_login,
    };
    CLEANUP_FREE char *host_key = NULL;
    char error[256];

    if (asprintf(&host_key, "%s/" HOST_KEY_NAME, config->daemon.state_dir) < 0) {
        host_key = NULL;
        return -ENOMEM;
    }
    const struct ssh_options options = {
        .host_key = host_key,
        .idle_seconds = config->ssh.idle_timeout_s,
    };
    int result = ssh_server_start(&options, &ops, access, &access->server, error, sizeof error);
    if (result < 0)
        log_error("ssh: %s", error);
    return result;
}

static void configure(struct ssh_access *access)
{
    const struct config *config = fleet_config(access->fleet);
    const struct bmcset *set = fleet_bmcs(access->fleet);
    struct handover handover = {
        .config = config,
        .accounts = calloc(set->count + 1, sizeof(struct accounts)),
        .listeners = calloc(set->count + 1, sizeof(struct ssh_listener)),
    };

    if (handover.accounts && handover.listeners) {
        fill_handover(&handover, set, &access->key_files);
        if (handover.listener_count > 0 && !access->server)
            start_server(access, config);
        if (access->server) {
            ssh_server_set_idle(access->server, config->ssh.idle_timeout_s);
            if (ssh_server_configure(access->server, handover.listeners, handover.listener_count) <
                0)
                log_error("ssh: logins stay as they were: an account is out of range, or no "
                          "memory");
        }
    }
    clear_handover(&handover);
}

static void on_timer(uv_timer_t *timer)
{
    configure((struct ssh_access *)timer);
    console_session_review();
}

/* ---- life ---- */

static void on_change(void *context, const char *ssh)
{
    struct ssh_access *access = context;

    if (ssh && access->server)
        ssh_server_spare(access->server, ssh);
    ssh_access_review(access);
}

int ssh_access_start(uv_loop_t *loop, struct fleet *fleet, struct control *control,
                     struct ssh_access **result)
{
    struct ssh_access *access = calloc(1, sizeof *access);

    *result = NULL;
    if (!access)
        return -ENOMEM;
    access->inbox = inbox_new(loop);
    if (!access->inbox) {
        free(access);
        return -ENOMEM;
    }
    access->fleet = fleet;
    access->control = control;
    uv_timer_init(loop, &access->timer);
    fleet_watch(fleet, on_change, access);
    configure(access);
    *result = access;
    return 0;
}

void ssh_access_review(struct ssh_access *access)
{
    if (!uv_is_active((uv_handle_t *)&access->timer))
        uv_timer_start(&access->timer, on_timer, SETTLE_MS, 0);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle);
}

void ssh_access_free(struct ssh_access *access)
{
    if (!access)
        return;
    fleet_watch(access->fleet, NULL, NULL);
    ssh_server_free(access->server);
    inbox_free(access->inbox);
    key_files_clear(&access->key_files);
    uv_close((uv_handle_t *)&access->timer, on_closed);
}
