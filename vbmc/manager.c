#include "vbmc/manager.h"

#include <errno.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "vbmc/addresses.h"
#include "vbmc/base/array.h"
#include "vbmc/base/inbox.h"
#include "vbmc/base/log.h"
#include "vbmc/host/virt_loop.h"

/* A hypervisor of the configuration, or one that an added BMC names by its URI. */
struct link {
    struct link *next;
    struct hypervisor *hypervisor;
    bool configured;
    bool unused; /* goes at the next reaping */
};

/* An addition that waits for its hypervisor's first answer. */
struct waiting_addition {
    struct waiting_addition *next;
    struct hypervisor *hypervisor;
    struct manager_addition addition; /* strings owned */
    manager_done_fn *done;
    void *context;
};

struct manager {
    uv_loop_t *loop;
    struct config *config;
    struct openstack *openstack; /* what has not been taken over yet; its BMCs wait for domains */
    struct inbox *inbox;
    struct instance_shared shared;
    struct ipmi_sink sink;
    struct link *links;
    struct bmcset set;
    uint32_t last_number;
    struct uuid *deleted; /* domains that discovery leaves alone */
    size_t deleted_count;
    struct udp_socket *socket; /* of all BMCs, with one address per BMC */
    struct instance **by_offset; /* ADDRESSES_MAX pointers; NULL without `socket` */
    struct waiting_addition *waiting;
    uv_timer_t reaper;
    bool stopping;
};

/* ---- the store's side ---- */

static void report_store(void *context, int result)
{
    (void)context;
    if (result < 0)
        log_error("state not stored: %s", strerror(-result));
}

static bool is_deleted(const struct manager *manager, const struct uuid *uuid)
{
    for (size_t i = 0; i < manager->deleted_count; i++) {
        if (uuid_equal(&manager->deleted[i], uuid))
            return true;
    }
    return false;
}

static void mark_deleted(struct manager *manager, const struct uuid *uuid)
{
    struct uuid *grown =
        realloc(manager->deleted, (manager->deleted_count + 1) * sizeof *manager->deleted);

    if (!grown)
        return;
    manager->deleted = grown;
    manager->deleted[manager->deleted_count++] = *uuid;
}

static void unmark_deleted(struct manager *manager, const struct uuid *uuid)
{
    for (size_t i = 0; i < manager->deleted_count; i++) {
        if (uuid_equal(&manager->deleted[i], uuid)) {
            manager->deleted[i] = manager->deleted[--manager->deleted_count];
            return;
        }
    }
}

/* ---- listening ---- */

static void set_offset(struct manager *manager, const union endpoint_address *address,
                       struct instance *instance)
{
    long offset = addresses_offset(&manager->config->bmc.addresses, address);

    if (offset >= 0)
        manager->by_offset[offset] = instance;
}

static void forget_offsets(struct manager *manager, const struct instance *instance)
{
    for (size_t i = 0; manager->by_offset && i < ADDRESSES_MAX; i++) {
        if (manager->by_offset[i] == instance)
            manager->by_offset[i] = NULL;
    }
}

static void on_shared_datagram(void *context, const struct endpoint *from, const uint8_t *bytes,
                               size_t length)
{
    struct manager *manager = context;
    long offset = addresses_offset(&manager->config->bmc.addresses, &from->local);

    if (offset >= 0 && manager->by_offset[offset])
        instance_receive(manager->by_offset[offset], from, bytes, length);
}

static int open_shared_socket(struct manager *manager, char *error, size_t size)
{
    const struct config_bmc *bmc = &manager->config->bmc;
    union endpoint_address any = {0};

    if (!bmc->has_addresses)
        return 0;
    endpoint_address_parse(bmc->addresses.base.any.sa_family == AF_INET ? "0.0.0.0" : "::",
                           bmc->port, &any);
    manager->by_offset = calloc(ADDRESSES_MAX, sizeof(struct instance *));
    int result = manager->by_offset ? udp_socket_open(manager->loop, &any, on_shared_datagram,
                                                      manager, &manager->socket)
                                    : -ENOMEM;
    if (result < 0)
        snprintf(error, size, "cannot listen on UDP port %u: %s%s", bmc->port, strerror(-result),
                 result == -EACCES ? " (ports below 1024 need root)" : "");
    return result;
}

static void start_listening(struct manager *manager, struct instance *instance)
{
    union endpoint_address address;
    bool changed = false;
    int result =
        addresses_assign(manager->config, &manager->set, instance, &address, &changed);

    if (changed)
        instance_save_record(instance, report_store, NULL);
    if (result < 0) {
        log_error("%s: no address for its BMC: %s", instance_record(instance)->name,
                  result == -EADDRNOTAVAIL ? "the configured range is used up" : "not an address");
        return;
    }
    if (manager->socket && addresses_offset(&manager->config->bmc.addresses, &address) >= 0 &&
        endpoint_address_port(&address) == manager->config->bmc.port) {
        set_offset(manager, &address, instance);
        instance_listen_shared(instance, manager->socket);
    } else {
        instance_listen(instance, &address);
    }
}

static void stop_listening(struct manager *manager, struct instance *instance)
{
    forget_offsets(manager, instance);
    instance_stop_listening(instance);
}

/* ---- which domain has a BMC ---- */

static const char *domain_name(const struct virt_domain *domain)
{
    return virt_domain_host((struct virt_domain *)domain)->name;
}

static const struct uuid *domain_uuid(const struct virt_domain *domain)
{
    return &virt_domain_host((struct virt_domain *)domain)->uuid;
}

const char *manager_why_none(const struct manager *manager, const struct virt_domain *domain)
{
    const struct config_domain *section =
        config_find_domain(manager->config, domain_name(domain), domain_uuid(domain));
    const struct instance *instance = bmcset_find_uuid(&manager->set, domain_uuid(domain));

    if (instance)
        return instance_domain(instance) == domain ? NULL : "the same UUID is on another hypervisor";
    if (section && !section->enabled)
        return "enabled = no in its [domain] section";
    if (is_deleted(manager, domain_uuid(domain)))
        return "deleted by 'vbmc delete'";
    switch (manager->config->bmc.discover) {
    case CONFIG_DISCOVER_ALL:
        return NULL;
    case CONFIG_DISCOVER_TAGGED:
        return virt_domain_is_tagged(domain) ? NULL : "discover = tagged, and it has no tag";
    case CONFIG_DISCOVER_NONE:
        return "discover = none, and no 'vbmc add'";
    }
    return NULL;
}

/* ---- making and removing BMCs ---- */

static struct instance *make_instance(struct manager *manager, const struct store_bmc *record,
                                      const struct store_chassis *chassis,
                                      const struct store_boot *boot)
{
    struct instance *instance =
        instance_new(&manager->shared, ++manager->last_number, record, chassis, boot);

    if (!instance || bmcset_add(&manager->set, instance) < 0) {
        log_error("%s: no memory for its BMC", record->name);
        instance_free(instance);
        return NULL;
    }
    instance_configure(instance, manager->config);
    if (record->active)
        start_listening(manager, instance);
    return instance;
}

static void drop_instance(struct manager *manager, struct instance *instance)
{
    bmcset_remove(&manager->set, instance);
    forget_offsets(manager, instance);
    instance_free(instance);
}

/* ---- one UUID, perhaps on several hypervisors ---- */

static struct virt_domain *find_best_domain(const struct manager *manager,
                                            struct instance *instance)
{
    const struct store_bmc *record = instance_record(instance);
    struct virt_domain *best = NULL;

    for (struct link *link = manager->links; link; link = link->next) {
        struct virt_domain *domain = NULL;
        if (record->uri && strcmp(record->uri, hypervisor_uri(link->hypervisor)) != 0)
            continue;
        while ((domain = hypervisor_next_domain(link->hypervisor, domain))) {
            if (!uuid_equal(domain_uuid(domain), &record->uuid))
                continue;
            bool runs = host_power_state_is_on(virt_domain_host(domain)->state);
            if (!best || (runs && !host_power_state_is_on(virt_domain_host(best)->state)))
                best = domain;
        }
    }
    return best;
}

/* The running one counts, else the first; the present one is kept where both are alike. */
static void attach_best(struct manager *manager, struct instance *instance)
{
    struct virt_domain *present = instance_domain(instance);
    struct virt_domain *best = find_best_domain(manager, instance);

    if (present && best &&
        host_power_state_is_on(virt_domain_host(present)->state) ==
            host_power_state_is_on(virt_domain_host(best)->state))
        return;
    instance_set_domain(instance, best);
}

static void follow_name(struct manager *manager, struct instance *instance)
{
    struct store_bmc *record = instance_record(instance);
    const char *name = virt_domain_host(instance_domain(instance))->name;

    if (strcmp(record->name, name) == 0)
        return;
    log_info("domain %s is now called %s", record->name, name);
    char *copy = strdup(name);
    if (!copy)
        return;
    free(record->name);
    record->name = copy;
    instance_configure(instance, manager->config);
    instance_save_record(instance, report_store, NULL);
}

/* ---- take-over of an OpenStack set-up ---- */

static struct openstack_bmc *find_openstack_bmc(struct manager *manager, const char *name,
                                                const char *uri)
{
    for (size_t i = 0; manager->openstack && i < manager->openstack->bmc_count; i++) {
        struct openstack_bmc *bmc = &manager->openstack->bmcs[i];
        if (bmc->domain_name && strcmp(bmc->domain_name, name) == 0 &&
            (!bmc->libvirt_uri || strcmp(bmc->libvirt_uri, uri) == 0))
            return bmc;
    }
    return NULL;
}

static void take_over_openstack(struct manager *manager, struct virt_domain *domain)
{
    const char *uri = hypervisor_uri(virt_domain_hypervisor(domain));
    struct openstack_bmc *bmc = find_openstack_bmc(manager, domain_name(domain), uri);
    struct instance *instance = bmcset_find_uuid(&manager->set, domain_uuid(domain));

    if (!bmc || (instance && instance_record(instance)->is_explicit) ||
        is_deleted(manager, domain_uuid(domain)))
        return;
    struct store_bmc record = {
        .uuid = *domain_uuid(domain),
        .name = bmc->domain_name,
        .is_explicit = true,
        .active = bmc->active,
        .address = bmc->address ? bmc->address : "::",
        .port = bmc->port ? bmc->port : 623,
        .username = bmc->username ? bmc->username : "admin",
        .password = bmc->password ? bmc->password : "password",
        .uri = bmc->libvirt_uri,
        .sasl_username = bmc->libvirt_sasl_username,
        .sasl_password = bmc->libvirt_sasl_password,
    };
    if (instance)
        drop_instance(manager, instance);
    instance = make_instance(manager, &record, NULL, NULL);
    if (!instance)
        return;
    log_info("%s: taken over from %s", record.name, manager->openstack->config_dir);
    instance_save_record(instance, report_store, NULL);
}

/* ---- the hypervisors' side ---- */

static void discover(struct manager *manager, struct virt_domain *domain)
{
    const struct store_bmc record = {
        .uuid = *domain_uuid(domain),
        .name = (char *)domain_name(domain),
        .active = true,
    };

    if (manager_why_none(manager, domain))
        return;
    struct instance *instance = make_instance(manager, &record, NULL, NULL);
    if (instance) {
        instance_save_record(instance, report_store, NULL);
        instance_set_domain(instance, domain);
    }
}

static void on_appeared(void *context, struct virt_domain *domain)
{
    struct manager *manager = context;

    take_over_openstack(manager, domain);
    struct instance *instance = bmcset_find_uuid(&manager->set, domain_uuid(domain));
    if (!instance) {
        discover(manager, domain);
        return;
    }
    attach_best(manager, instance);
    if (instance_domain(instance) == domain)
        follow_name(manager, instance);
}

/* A BMC made by somebody's word stays, without a guest; a discovered one goes with its domain. */
static void on_vanished(void *context, struct virt_domain *domain)
{
    struct manager *manager = context;
    struct instance *instance = bmcset_find_domain(&manager->set, domain);
    struct uuid uuid = *domain_uuid(domain);

    if (instance) {
        instance_set_domain(instance, NULL);
        instance_set_domain(instance, find_best_domain(manager, instance));
        if (!instance_domain(instance) && !instance_record(instance)->is_explicit) {
            drop_instance(manager, instance);
            store_forget_domain(manager->shared.store, &uuid, report_store, NULL);
        }
    } else if (is_deleted(manager, &uuid)) {
        unmark_deleted(manager, &uuid);
        store_forget_domain(manager->shared.store, &uuid, report_store, NULL);
    }
}

static void on_event(void *context, struct virt_domain *domain, enum host_event event)
{
    struct manager *manager = context;
    struct instance *instance = bmcset_find_domain(&manager->set, domain);

    if (event == HOST_EVENT_RENAMED)
        take_over_openstack(manager, domain);
    if (event == HOST_EVENT_TAGGED && manager->config->bmc.discover == CONFIG_DISCOVER_TAGGED &&
        instance && !instance_record(instance)->is_explicit && !virt_domain_is_tagged(domain)) {
        on_vanished(manager, domain);
        return;
    }
    if (!instance)
        instance = bmcset_find_uuid(&manager->set, domain_uuid(domain));
    if (!instance) {
        discover(manager, domain);
        return;
    }
    if (instance_domain(instance) == domain) {
        bmc_host_event(instance_bmc(instance), event);
        if (event == HOST_EVENT_RENAMED)
            follow_name(manager, instance);
    }
    if (event == HOST_EVENT_STATE)
        attach_best(manager, instance);
}

static bool all_are_up(const struct manager *manager)
{
    for (const struct link *link = manager->links; link; link = link->next) {
        if (!hypervisor_is_up(link->hypervisor))
            return false;
    }
    return true;
}

/* Discovered BMCs of an earlier run whose domain went while nobody looked. */
static void drop_lost_bmcs(struct manager *manager)
{
    for (size_t i = manager->set.count; i-- > 0;) {
        struct instance *instance = manager->set.instances[i];
        const struct store_bmc *record = instance_record(instance);
        if (instance_domain(instance) || record->is_explicit)
            continue;
        struct uuid uuid = record->uuid;
        log_info("%s: its domain is gone, and so is its BMC", record->name);
        drop_instance(manager, instance);
        store_forget_domain(manager->shared.store, &uuid, report_store, NULL);
    }
}

static void finish_waiting(struct manager *manager, struct hypervisor *hypervisor);

static void on_connection(void *context, struct hypervisor *hypervisor)
{
    struct manager *manager = context;

    if (all_are_up(manager))
        drop_lost_bmcs(manager);
    finish_waiting(manager, hypervisor);
}

static const struct hypervisor_callbacks callbacks = {
    .appeared = on_appeared,
    .vanished = on_vanished,
    .event = on_event,
    .connection = on_connection,
};

static struct link *find_link(const struct manager *manager, const char *uri)
{
    for (struct link *link = manager->links; link; link = link->next) {
        if (strcmp(hypervisor_uri(link->hypervisor), uri) == 0 && !link->unused)
            return link;
    }
    return NULL;
}

static struct link *add_link(struct manager *manager, const struct hypervisor_settings *settings,
                             bool configured)
{
    struct link *link = find_link(manager, settings->uri);
    struct link **end = &manager->links;

    if (link) {
        link->configured |= configured;
        return link;
    }
    link = calloc(1, sizeof *link);
    if (!link)
        return NULL;
    link->configured = configured;
    link->hypervisor =
        hypervisor_start(manager->loop, manager->inbox, settings, &callbacks, manager);
    if (!link->hypervisor) {
        free(link);
        return NULL;
    }
    while (*end)
        end = &(*end)->next;
    *end = link;
    return link;
}

/* Hypervisors may not be stopped from within their callbacks, so that this is done on a turn of its
 * own. */
static void on_reap(uv_timer_t *timer)
{
    struct manager *manager = timer->data;
    struct link **place = &manager->links;

    while (*place) {
        struct link *link = *place;
        if (!link->unused) {
            place = &link->next;
            continue;
        }
        struct virt_domain *domain;
        while ((domain = hypervisor_next_domain(link->hypervisor, NULL)) &&
               bmcset_find_domain(&manager->set, domain))
            instance_set_domain(bmcset_find_domain(&manager->set, domain), NULL);
        *place = link->next;
        hypervisor_stop(link->hypervisor);
        free(link);
    }
}

/* Marks what neither the configuration nor a BMC needs. */
static void release_links(struct manager *manager)
{
    for (struct link *link = manager->links; link; link = link->next) {
        bool used = link->configured;
        for (size_t i = 0; i < manager->set.count && !used; i++) {
            const char *uri = instance_record(manager->set.instances[i])->uri;
            used = uri && strcmp(uri, hypervisor_uri(link->hypervisor)) == 0;
        }
        for (struct waiting_addition *w = manager->waiting; w && !used; w = w->next)
            used = w->hypervisor == link->hypervisor;
        link->unused = !used;
    }
    uv_timer_start(&manager->reaper, on_reap, 0, 0);
}

struct hypervisor *manager_next_hypervisor(const struct manager *manager,
                                           const struct hypervisor *hypervisor)
{
    struct link *link = manager->links;

    while (hypervisor && link && link->hypervisor != hypervisor)
        link = link->next;
    if (hypervisor && link)
        link = link->next;
    return link ? link->hypervisor : NULL;
}

struct virt_domain *manager_find_domain(const struct manager *manager, const char *name,
                                        const char *uri)
{
    struct uuid uuid;
    bool by_uuid = uuid_parse(name, &uuid) == 0;

    for (struct link *link = manager->links; link; link = link->next) {
        struct virt_domain *domain = NULL;
        if (uri && strcmp(uri, hypervisor_uri(link->hypervisor)) != 0)
            continue;
        while ((domain = hypervisor_next_domain(link->hypervisor, domain))) {
            if (strcmp(domain_name(domain), name) == 0 ||
                (by_uuid && uuid_equal(domain_uuid(domain), &uuid)))
                return domain;
        }
    }
    return NULL;
}

/* ---- additions ---- */

struct pending_done {
    manager_done_fn *done;
    void *context;
};

static void on_record_stored(void *context, int result)
{
    struct pending_done *pending = context;

    pending->done(pending->context, result, result < 0 ? strerror(-result) : NULL);
    free(pending);
}

static void store_and_finish(struct instance *instance, manager_done_fn *done, void *context)
{
    struct pending_done *pending = calloc(1, sizeof *pending);

    if (!pending) {
        done(context, -ENOMEM, "out of memory");
        return;
    }
    *pending = (struct pending_done){done, context};
    instance_save_record(instance, on_record_stored, pending);
}

/* The record for an addition: what was said, else what discovery had given, else the defaults of the
 * tool whose habits are asked for. */
static struct store_bmc record_of_addition(const struct manager *manager,
                                           const struct manager_addition *addition,
                                           const struct virt_domain *domain,
                                           const struct instance *discovered)
{
    bool compat = manager->config->daemon.compat == CONFIG_COMPAT_OPENSTACK;
    struct store_bmc record = {
        .uuid = *domain_uuid(domain),
        .name = (char *)domain_name(domain),
        .is_explicit = true,
        .active = false,
        .address = (char *)addition->address,
        .port = addition->port,
        .username = (char *)addition->username,
        .password = (char *)addition->password,
        .uri = (char *)addition->uri,
        .sasl_username = (char *)addition->sasl_username,
        .sasl_password = (char *)addition->sasl_password,
    };

    if (compat && !record.address)
        record.address = "::";
    if (compat && !record.port)
        record.port = 623;
    if (compat || record.username || record.password) {
        if (!record.username)
            record.username = "admin";
        if (!record.password && compat)
            record.password = "password";
    }
    if (discovered && !record.port)
        record.port = instance_record((struct instance *)discovered)->port;
    return record;
}

static int check_addition(const struct manager *manager, const struct store_bmc *record,
                          const char **text)
{
    union endpoint_address address;
    struct users users = {0};

    if (record->address && endpoint_address_parse(record->address, 1, &address) < 0) {
        *text = "the address is not a numeric IPv4 or IPv6 address";
        return -EINVAL;
    }
    if (record->username && !record->password) {
        *text = "a user name needs a password: add --password";
        return -EINVAL;
    }
    if (record->username && users_add(&users, record->username, record->password,
                                      PRIVILEGE_ADMINISTRATOR) < 0) {
        *text = "a user name has 1 to 16 bytes and a password 1 to 20 (IPMI 2.0)";
        return -EINVAL;
    }
    users_clear(&users);
    if (!record->username && manager->config->user_count == 0) {
        *text = "nobody could log in: give --username and --password, or configure a [user]";
        return -EACCES;
    }
    return 0;
}

static void add_for_domain(struct manager *manager, const struct manager_addition *addition,
                           struct virt_domain *domain, manager_done_fn *done, void *context)
{
    struct instance *instance = bmcset_find_uuid(&manager->set, domain_uuid(domain));
    const char *text = NULL;
    char message[256];

    if (instance && instance_record(instance)->is_explicit) {
        snprintf(message, sizeof message, "Domain %.128s already exists: File exists",
                 addition->name);
        done(context, -EEXIST, message);
        return;
    }
    struct store_bmc record = record_of_addition(manager, addition, domain, instance);
    int result = check_addition(manager, &record, &text);
    if (result < 0) {
        done(context, result, text);
        return;
    }
    if (instance)
        drop_instance(manager, instance);
    unmark_deleted(manager, &record.uuid);
    instance = make_instance(manager, &record, NULL, NULL);
    if (!instance) {
        done(context, -ENOMEM, "out of memory");
        return;
    }
    attach_best(manager, instance);
    store_and_finish(instance, done, context);
}

static void no_such_domain(const char *name, manager_done_fn *done, void *context)
{
    char message[256];

    snprintf(message, sizeof message, "No domain with matching name %.128s was found", name);
    done(context, -ENOENT, message);
}

static void free_waiting(struct waiting_addition *waiting)
{
    const char *const strings[] = {
        waiting->addition.name,    waiting->addition.username,
        waiting->addition.address, waiting->addition.uri,
        waiting->addition.sasl_username,
    };
    char *const secrets[] = {(char *)waiting->addition.password,
                             (char *)waiting->addition.sasl_password};

    for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
        free((char *)strings[i]);
    for (size_t i = 0; i < ARRAY_SIZE(secrets); i++) {
        if (secrets[i])
            explicit_bzero(secrets[i], strlen(secrets[i]));
        free(secrets[i]);
    }
    free(waiting);
}

static void finish_addition(struct manager *manager, struct waiting_addition *waiting)
{
    const struct manager_addition *addition = &waiting->addition;
    struct virt_domain *domain = manager_find_domain(manager, addition->name, addition->uri);
    char message[512];

    if (!hypervisor_is_up(waiting->hypervisor)) {
        snprintf(message, sizeof message, "%.200s cannot be reached: %.250s", addition->uri,
                 hypervisor_error(waiting->hypervisor));
        waiting->done(waiting->context, -EHOSTUNREACH, message);
    } else if (!domain) {
        no_such_domain(addition->name, waiting->done, waiting->context);
    } else {
        add_for_domain(manager, addition, domain, waiting->done, waiting->context);
    }
}

static void finish_waiting(struct manager *manager, struct hypervisor *hypervisor)
{
    struct waiting_addition **place = &manager->waiting;

    while (*place) {
        struct waiting_addition *waiting = *place;
        if (waiting->hypervisor != hypervisor) {
            place = &waiting->next;
            continue;
        }
        *place = waiting->next;
        finish_addition(manager, waiting);
        free_waiting(waiting);
        release_links(manager);
    }
}

static char *copy_text(const char *text)
{
    return text ? strdup(text) : NULL;
}

static void wait_for_hypervisor(struct manager *manager, const struct manager_addition *addition,
                                struct hypervisor *hypervisor, manager_done_fn *done,
                                void *context)
{
    struct waiting_addition *waiting = calloc(1, sizeof *waiting);

    if (!waiting) {
        done(context, -ENOMEM, "out of memory");
        return;
    }
    waiting->hypervisor = hypervisor;
    waiting->addition = (struct manager_addition){
        .name = copy_text(addition->name),
        .username = copy_text(addition->username),
        .password = copy_text(addition->password),
        .address = copy_text(addition->address),
        .port = addition->port,
        .uri = copy_text(addition->uri),
        .sasl_username = copy_text(addition->sasl_username),
        .sasl_password = copy_text(addition->sasl_password),
    };
    waiting->done = done;
    waiting->context = context;
    waiting->next = manager->waiting;
    manager->waiting = waiting;
    if (hypervisor_is_up(hypervisor) || hypervisor_error(hypervisor)[0] != '\0')
        finish_waiting(manager, hypervisor);
}

void manager_add(struct manager *manager, const struct manager_addition *addition,
                 manager_done_fn *done, void *context)
{
    if (!addition->uri) {
        struct virt_domain *domain = manager_find_domain(manager, addition->name, NULL);
        struct link *first = manager->links;
        if (domain)
            add_for_domain(manager, addition, domain, done, context);
        else if (first && !first->next && !hypervisor_is_up(first->hypervisor)) {
            struct manager_addition named = *addition;
            named.uri = hypervisor_uri(first->hypervisor);
            wait_for_hypervisor(manager, &named, first->hypervisor, done, context);
        } else {
            no_such_domain(addition->name, done, context);
        }
        return;
    }
    const struct hypervisor_settings settings = {
        .name = addition->uri,
        .uri = addition->uri,
        .sasl_username = addition->sasl_username,
        .sasl_password = addition->sasl_password,
    };
    struct link *link = add_link(manager, &settings, false);
    if (!link)
        done(context, -ENOMEM, "out of memory");
    else
        wait_for_hypervisor(manager, addition, link->hypervisor, done, context);
}

void manager_delete(struct manager *manager, struct instance *instance, manager_done_fn *done,
                    void *context)
{
    struct store_bmc *record = instance_record(instance);

    record->deleted = true;
    record->active = false;
    record->is_explicit = false;
    mark_deleted(manager, &record->uuid);
    store_and_finish(instance, done, context);
    drop_instance(manager, instance);
    release_links(manager);
}

void manager_set_active(struct manager *manager, struct instance *instance, bool active,
                        manager_done_fn *done, void *context)
{
    struct store_bmc *record = instance_record(instance);

    if (active && !instance_is_listening(instance)) {
        start_listening(manager, instance);
        if (!instance_is_listening(instance)) {
            done(context, -EIO, instance_error(instance));
            return;
        }
    }
    if (!active)
        stop_listening(manager, instance);
    if (record->active == active) {
        done(context, 0, NULL);
        return;
    }
    record->active = active;
    store_and_finish(instance, done, context);
}

/* ---- start, reload, stop ---- */

static void reply_to_session(void *context, const struct ipmi_token *token,
                             const struct ipmi_response *response)
{
    struct manager *manager = context;
    struct instance *instance = bmcset_find_number(&manager->set, token->bmc);

    if (instance)
        instance_reply(instance, token, response);
}

static const struct store_chassis *find_chassis(const struct store_chassis *rows, size_t count,
                                                const struct uuid *uuid)
{
    for (size_t i = 0; i < count; i++) {
        if (uuid_equal(&rows[i].uuid, uuid))
            return &rows[i];
    }
    return NULL;
}

static const struct store_boot *find_boot(const struct store_boot *rows, size_t count,
                                          const struct uuid *uuid)
{
    for (size_t i = 0; i < count; i++) {
        if (uuid_equal(&rows[i].uuid, uuid))
            return &rows[i];
    }
    return NULL;
}

static bool record_is_wanted(const struct manager *manager, const struct store_bmc *record)
{
    const struct config_domain *section =
        config_find_domain(manager->config, record->name ? record->name : "", &record->uuid);

    return record->name && !(section && !section->enabled) &&
           (record->is_explicit || manager->config->bmc.discover != CONFIG_DISCOVER_NONE);
}

static void link_of_record(struct manager *manager, const struct store_bmc *record)
{
    const struct hypervisor_settings settings = {
        .name = record->uri,
        .uri = record->uri,
        .sasl_username = record->sasl_username,
        .sasl_password = record->sasl_password,
    };

    if (record->uri)
        add_link(manager, &settings, false);
}

/* The BMCs of earlier runs answer from the start, before their hypervisors are connected. */
static int load_bmcs(struct manager *manager, char *error, size_t size)
{
    struct store *store = manager->shared.store;
    struct store_bmc *bmcs = NULL;
    struct store_chassis *chassis = NULL;
    struct store_boot *boots = NULL;
    size_t bmc_count = 0, chassis_count = 0, boot_count = 0;
    int result = store_bmcs_load_all(store, &bmcs, &bmc_count);

    if (result == 0)
        result = store_chassis_load_all(store, &chassis, &chassis_count);
    if (result == 0)
        result = store_boot_load_all(store, &boots, &boot_count);
    if (result < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", manager->config->daemon.state_dir,
                 strerror(-result));
    for (size_t i = 0; result == 0 && i < bmc_count; i++) {
        if (bmcs[i].deleted) {
            mark_deleted(manager, &bmcs[i].uuid);
        } else if (record_is_wanted(manager, &bmcs[i])) {
            link_of_record(manager, &bmcs[i]);
            make_instance(manager, &bmcs[i],
                          find_chassis(chassis, chassis_count, &bmcs[i].uuid),
                          find_boot(boots, boot_count, &bmcs[i].uuid));
        }
    }
    store_bmcs_free(bmcs, bmc_count);
    free(chassis);
    store_boot_free(boots, boot_count);
    return result;
}

static void start_configured_hypervisors(struct manager *manager)
{
    const struct config *config = manager->config;

    for (size_t i = 0; i < config->hypervisor_count; i++) {
        const struct hypervisor_settings settings = {
            .name = config->hypervisors[i].name,
            .uri = config->hypervisors[i].uri,
            .sasl_username = config->hypervisors[i].sasl_username,
            .sasl_password = config->hypervisors[i].sasl_password,
        };
        if (!add_link(manager, &settings, true))
            log_error("hypervisor %s: no memory", settings.name);
    }
}

static void start_openstack_hypervisors(struct manager *manager)
{
    for (size_t i = 0; manager->openstack && i < manager->openstack->bmc_count; i++) {
        const struct openstack_bmc *bmc = &manager->openstack->bmcs[i];
        const struct hypervisor_settings settings = {
            .name = bmc->libvirt_uri,
            .uri = bmc->libvirt_uri,
            .sasl_username = bmc->libvirt_sasl_username,
            .sasl_password = bmc->libvirt_sasl_password,
        };
        if (bmc->libvirt_uri)
            add_link(manager, &settings, true);
    }
}

static int start(struct manager *manager, char *error, size_t size)
{
    int result = store_open(manager->loop, manager->config->daemon.state_dir,
                            &manager->shared.store, error, size);

    if (result == 0)
        result = open_shared_socket(manager, error, size);
    if (result < 0)
        return result;
    manager->inbox = inbox_new(manager->loop);
    manager->shared.limiter = limiter_new();
    if (!manager->inbox || !manager->shared.limiter ||
        virt_loop_start(manager->loop) < 0) {
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    if (manager->config->user_count == 0)
        log_warning("no [user] is configured: only BMCs made by 'vbmc add --username' take logins");
    result = load_bmcs(manager, error, size);
    if (result < 0)
        return result;
    start_configured_hypervisors(manager);
    start_openstack_hypervisors(manager);
    return 0;
}

int manager_start(uv_loop_t *loop, struct config *config, struct openstack *openstack,
                  struct manager **started, char *error, size_t size)
{
    struct manager *manager = calloc(1, sizeof *manager);

    *started = NULL;
    if (!manager) {
        config_free(config);
        openstack_free(openstack);
        snprintf(error, size, "out of memory");
        return -ENOMEM;
    }
    manager->loop = loop;
    manager->config = config;
    manager->openstack = openstack;
    manager->sink = (struct ipmi_sink){.reply = reply_to_session, .context = manager};
    manager->shared.loop = loop;
    manager->shared.sink = &manager->sink;
    uv_timer_init(loop, &manager->reaper);
    manager->reaper.data = manager;
    int result = start(manager, error, size);
    if (result < 0) {
        manager_stop(manager);
        return result;
    }
    *started = manager;
    return 0;
}

static void on_reaper_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void manager_stop(struct manager *manager)
{
    bool had_inbox = manager->inbox != NULL;

    manager->stopping = true;
    /* The BMCs go first: they let go of their domains and store what they know. */
    while (manager->set.count > 0)
        drop_instance(manager, manager->set.instances[0]);
    bmcset_clear(&manager->set);
    while (manager->waiting) {
        struct waiting_addition *waiting = manager->waiting;
        manager->waiting = waiting->next;
        waiting->done(waiting->context, -ESHUTDOWN, "the daemon is stopping");
        free_waiting(waiting);
    }
    while (manager->links) {
        struct link *link = manager->links;
        manager->links = link->next;
        hypervisor_stop(link->hypervisor);
        free(link);
    }
    if (had_inbox)
        virt_loop_stop();
    inbox_free(manager->inbox);
    udp_socket_close(manager->socket);
    free(manager->by_offset);
    free(manager->deleted);
    store_close(manager->shared.store);
    limiter_free(manager->shared.limiter);
    config_free(manager->config);
    openstack_free(manager->openstack);
    uv_close((uv_handle_t *)&manager->reaper, on_reaper_closed);
}

const struct config *manager_config(const struct manager *manager)
{
    return manager->config;
}

const struct bmcset *manager_bmcs(const struct manager *manager)
{
    return &manager->set;
}

static void warn_of_restart(const struct config *old, const struct config *new)
{
    if (strcmp(old->daemon.state_dir, new->daemon.state_dir) != 0 ||
        strcmp(old->daemon.runtime_dir, new->daemon.runtime_dir) != 0 ||
        old->bmc.has_addresses != new->bmc.has_addresses ||
        memcmp(&old->bmc.addresses, &new->bmc.addresses, sizeof old->bmc.addresses) != 0 ||
        strcmp(old->bmc.address, new->bmc.address) != 0)
        log_warning("changed folders and addresses take effect when vbmcd is started again");
}

static bool is_configured(const struct config *config, const char *uri)
{
    for (size_t i = 0; i < config->hypervisor_count; i++) {
        if (strcmp(config->hypervisors[i].uri, uri) == 0)
            return true;
    }
    return false;
}

/* Domains that may have a BMC now, or no longer. */
static void review_domains(struct manager *manager)
{
    for (size_t i = manager->set.count; i-- > 0;) {
        struct instance *instance = manager->set.instances[i];
        if (!record_is_wanted(manager, instance_record(instance)))
            drop_instance(manager, instance);
    }
    for (struct link *link = manager->links; link; link = link->next) {
        struct virt_domain *domain = NULL;
        while ((domain = hypervisor_next_domain(link->hypervisor, domain))) {
            if (!bmcset_find_uuid(&manager->set, domain_uuid(domain)))
                discover(manager, domain);
        }
    }
}

void manager_reload(struct manager *manager, struct config *config)
{
    struct config *old = manager->config;

    warn_of_restart(old, config);
    /* What is bound stays bound. */
    config->bmc.has_addresses = old->bmc.has_addresses;
    config->bmc.addresses = old->bmc.addresses;
    manager->config = config;
    config_free(old);
    for (size_t i = 0; i < manager->set.count; i++)
        instance_configure(manager->set.instances[i], config);
    for (struct link *link = manager->links; link; link = link->next)
        link->configured = is_configured(config, hypervisor_uri(link->hypervisor));
    release_links(manager);
    start_configured_hypervisors(manager);
    review_domains(manager);
    log_info("configuration reloaded: %zu users, %zu BMCs", config->user_count,
             manager->set.count);
}
