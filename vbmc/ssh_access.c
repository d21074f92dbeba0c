#include "vbmc/ssh_access.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sol/ssh_server.h"
#include "vbmc/base/array.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/log.h"

#define SETTLE_MS     50 /* several changes become one */
#define KEYS_SIZE_MAX 65536
#define HOST_KEY_NAME "ssh_host_ed25519_key"

struct ssh_access {
    uv_timer_t timer; /* first, so that the handle is the whole */
    struct manager *manager;
    struct control *control;
    struct inbox *inbox;
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
        log_warning("ssh: no connection for %s: %s", adoption->identity.who, strerror(-result));
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
        .privilege = (enum privilege)identity->privilege,
        .one_bmc = identity->one_bmc,
        .uuid = identity->uuid,
    };
    snprintf(adoption->identity.who, sizeof adoption->identity.who, "%s by SSH from %s",
             identity->account, identity->remote);
    inbox_post(access->inbox, &adoption->item);
    return ends[1];
}

/* ---- accounts ---- */

/* The text of an authorized_keys file; NULL if it cannot be used. */
static char *read_keys(const char *path)
{
    CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    struct stat status;

    if (fd < 0 || fstat(fd, &status) < 0) {
        log_warning("%s: %s; no key of it is taken", path, strerror(errno));
        return NULL;
    }
    if (!S_ISREG(status.st_mode) || status.st_size > KEYS_SIZE_MAX) {
        log_warning("%s: is no file, or over 64 KiB; no key of it is taken", path);
        return NULL;
    }
    if (status.st_mode & (S_IWGRP | S_IWOTH)) {
        log_warning("%s: others may write it; no key of it is taken until 'chmod go-w'", path);
        return NULL;
    }
    char *text = calloc(1, (size_t)status.st_size + 1);
    if (text && read(fd, text, (size_t)status.st_size) < 0) {
        log_warning("%s: %s; no key of it is taken", path, strerror(errno));
        free(text);
        return NULL;
    }
    return text;
}

/* Accounts as the server wants them; `keys` and `passwords` are what they point at. */
struct accounts {
    struct ssh_account list[USER_ID_MAX + 1];
    char *keys[USER_ID_MAX + 1];
    char passwords[USER_ID_MAX + 1][USER_PASSWORD_MAX + 1];
    size_t count;
    enum privilege limit; /* of all */
};

static void clear_accounts(struct accounts *accounts)
{
    for (size_t i = 0; i < accounts->count; i++)
        free(accounts->keys[i]);
    explicit_bzero(accounts, sizeof *accounts);
}

/* Nobody has more than the channel's limit, which is that of any session. */
static void add_account(struct accounts *accounts, const char *name, const void *password,
                        size_t password_length, enum privilege privilege, const char *keys_path)
{
    size_t i = accounts->count++;

    memcpy(accounts->passwords[i], password, password_length);
    accounts->keys[i] = keys_path ? read_keys(keys_path) : NULL;
    accounts->list[i] = (struct ssh_account){
        .name = name,
        .password = accounts->passwords[i],
        .privilege = (unsigned)(privilege < accounts->limit ? privilege : accounts->limit),
        .authorized_keys = accounts->keys[i],
    };
}

/* Those of the configuration, for the address that all BMCs share. */
static void fill_shared(struct accounts *accounts, const struct config *config)
{
    accounts->limit = config->bmc.channel.limit;
    for (size_t i = 0; i < config->user_count; i++) {
        const struct config_user *user = &config->users[i];
        add_account(accounts, user->name, user->password, strlen(user->password), user->limit,
                    user->authorized_keys);
    }
}

static const char *keys_of(const struct config *config, struct instance *instance, const char *name)
{
    if (instance_record(instance)->username) /* 'vbmc add --username': an account of its own */
        return NULL;
    for (size_t i = 0; i < config->user_count; i++) {
        if (strcmp(config->users[i].name, name) == 0)
            return config->users[i].authorized_keys;
    }
    return NULL;
}

/* A BMC's own users, for its own address. */
static void fill_own(struct accounts *accounts, const struct config *config,
                     struct instance *instance)
{
    const struct users *users = &instance_bmc(instance)->users;

    accounts->limit = instance_bmc(instance)->channel.limit;
    for (uint8_t id = USER_ID_FIRST; id <= USER_ID_MAX; id++) {
        const struct user *user = &users->by_id[id];
        if (user->enabled && user->name[0])
            add_account(accounts, user->name, user->password, user->password_length, user->limit,
                        keys_of(config, instance, user->name));
    }
}

/* ---- listeners ---- */

static bool add_shared(const struct config *config, struct accounts *accounts,
                       struct ssh_listener *listener)
{
    if (!config->ssh.has_listen)
        return false;
    fill_shared(accounts, config);
    *listener = (struct ssh_listener){
        .address = config->ssh.listen,
        .accounts = accounts->list,
        .account_count = accounts->count,
    };
    return true;
}

static bool add_own(const struct config *config, struct instance *instance,
                    struct accounts *accounts, struct ssh_listener *listener)
{
    if (config->ssh.bmc_port == 0 || !config->bmc.has_addresses || !instance_is_listening(instance))
        return false;
    fill_own(accounts, config, instance);
    *listener = (struct ssh_listener){
        .address = *instance_address(instance),
        .accounts = accounts->list,
        .account_count = accounts->count,
        .one_bmc = true,
        .uuid = instance_record(instance)->uuid,
    };
    endpoint_address_set_port(&listener->address, config->ssh.bmc_port);
    return true;
}

static int start_server(struct ssh_access *access, const struct config *config)
{
    static const struct ssh_ops ops = {.connect = connect_daemon};
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
    const struct config *config = manager_config(access->manager);
    const struct bmcset *set = manager_bmcs(access->manager);
    struct accounts *accounts = calloc(set->count + 1, sizeof *accounts);
    struct ssh_listener *listeners = calloc(set->count + 1, sizeof *listeners);
    size_t count = 0;

    if (accounts && listeners) {
        count += add_shared(config, &accounts[count], &listeners[count]);
        for (size_t i = 0; i < set->count; i++)
            count += add_own(config, set->instances[i], &accounts[count], &listeners[count]);
        if (count > 0 && !access->server)
            start_server(access, config);
        if (access->server) {
            ssh_server_set_idle(access->server, config->ssh.idle_timeout_s);
            if (ssh_server_configure(access->server, listeners, count) < 0)
                log_error("ssh: logins stay as they were: an account is out of range, or no "
                          "memory");
        }
    }
    for (size_t i = 0; accounts && i < count; i++)
        clear_accounts(&accounts[i]);
    free(accounts);
    free(listeners);
}

static void on_timer(uv_timer_t *timer)
{
    configure((struct ssh_access *)timer);
}

/* ---- life ---- */

static void on_change(void *context)
{
    ssh_access_review(context);
}

int ssh_access_start(uv_loop_t *loop, struct manager *manager, struct control *control,
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
    access->manager = manager;
    access->control = control;
    uv_timer_init(loop, &access->timer);
    manager_watch(manager, on_change, access);
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
    manager_watch(access->manager, NULL, NULL);
    ssh_server_free(access->server);
    inbox_free(access->inbox);
    uv_close((uv_handle_t *)&access->timer, on_closed);
}
