/* Calls to a hypervisor's driver. Each call with a callback gets a ticket, and the driver gets the
 * ticket's number in place of the caller's context. The first answer ends the ticket; a second one,
 * or one after a cancel, is a fault of the driver and is asserted against. Numbers are not reused,
 * so that a late answer cannot be taken for that of another call. */
#include "vbmc/host/host.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/log.h"

#define PLACE_BITS    20 /* of a number: the index of the ticket; the other bits count its uses */
#define TICKETS_MAX   (UINT32_C(1) << PLACE_BITS)
#define NO_PLACE      TICKETS_MAX
#define USE_MAX       (UINTPTR_MAX >> PLACE_BITS)
#define TICKETS_FIRST 16 /* as many are made at first */

/* A call under way; unused if `number` is 0. */
struct ticket {
    uintptr_t number;
    uintptr_t uses;
    uint32_t next_free;
    const struct host_domain *domain; /* only compared, it may be gone; NULL: cannot be cancelled */
    host_done_fn *done;               /* one of these two */
    host_picture_fn *done_picture;
    host_progress_fn *progress;
    void *context;
};

static struct {
    struct ticket *items;
    uint32_t size;
    uint32_t under_way;
    uint32_t first_free;
} tickets = {.first_free = NO_PLACE};

static const char no_way[] = "the driver of this hypervisor cannot do that";
static const char no_memory[] = "out of memory";

/* ---- tickets ---- */

static int make_more(void)
{
    uint32_t size = tickets.size ? tickets.size * 2 : TICKETS_FIRST;
    struct ticket *grown =
        size <= TICKETS_MAX ? realloc(tickets.items, size * sizeof *grown) : NULL;

    if (!grown)
        return -ENOMEM;
    for (uint32_t place = tickets.size; place < size; place++)
        grown[place] = (struct ticket){.next_free = place + 1 < size ? place + 1 : NO_PLACE};
    tickets.first_free = tickets.size;
    tickets.items = grown;
    tickets.size = size;
    return 0;
}

/* The context for the driver, which stands for `call`; NULL if there is no memory. */
static void *begin(const struct ticket *call)
{
    if (tickets.first_free == NO_PLACE && make_more() < 0)
        return NULL;
    uint32_t place = tickets.first_free;
    struct ticket *ticket = &tickets.items[place];
    uintptr_t uses = ticket->uses < USE_MAX ? ticket->uses + 1 : 1;

    tickets.first_free = ticket->next_free;
    tickets.under_way++;
    *ticket = *call;
    ticket->uses = uses;
    ticket->number = uses << PLACE_BITS | place;
    return (void *)ticket->number;
}

static struct ticket *find(void *number)
{
    uint32_t place = (uint32_t)((uintptr_t)number & (TICKETS_MAX - 1));
    struct ticket *ticket = place < tickets.size ? &tickets.items[place] : NULL;

    return ticket && number && ticket->number == (uintptr_t)number ? ticket : NULL;
}

/* Returns a copy, since the caller's callback may begin another call. */
static struct ticket end(struct ticket *ticket)
{
    struct ticket ended = *ticket;

    ticket->number = 0;
    ticket->next_free = tickets.first_free;
    tickets.first_free = (uint32_t)(ticket - tickets.items);
    tickets.under_way--;
    return ended;
}

static struct ticket end_answered(void *number)
{
    struct ticket *ticket = find(number);

    assert(ticket); /* fails if the driver answers twice, or after a cancel */
    return end(ticket);
}

/* A failure always has a text. */
static const char *text_of(int result, const char *text)
{
    return result < 0 && !text ? strerror(-result) : text;
}

static void on_done(void *number, int result, const char *text)
{
    struct ticket call = end_answered(number);

    call.done(call.context, result, text_of(result, text));
}

static void on_picture(void *number, int result, struct host_picture *picture, const char *text)
{
    struct ticket call = end_answered(number);

    call.done_picture(call.context, result, picture, text_of(result, text));
}

static void on_progress(void *number, uint64_t done_bytes, uint64_t total_bytes)
{
    struct ticket *ticket = find(number);

    assert(ticket);
    ticket->progress(ticket->context, done_bytes, total_bytes);
}

/* The driver's context for a call that can be cancelled; NULL if it was refused. */
static void *begin_call(const struct host_domain *domain, bool has_it, host_done_fn *done,
                        void *context)
{
    if (!has_it) {
        done(context, -ENOTSUP, no_way);
        return NULL;
    }
    void *number = begin(&(struct ticket){.domain = domain, .done = done, .context = context});
    if (!number)
        done(context, -ENOMEM, no_memory);
    return number;
}

/* ---- calls ---- */

const char *host_power_action_name(enum host_power_action action)
{
    static const char *const names[] = {
        [HOST_POWER_ACTION_DOWN] = "off",
        [HOST_POWER_ACTION_UP] = "on",
        [HOST_POWER_ACTION_CYCLE] = "cycle",
        [HOST_POWER_ACTION_HARD_RESET] = "reset",
        [HOST_POWER_ACTION_DIAGNOSTIC_INTERRUPT] = "diag",
        [HOST_POWER_ACTION_SOFT_SHUTDOWN] = "soft",
    };

    return names[action];
}

const char *host_boot_device_name(enum host_boot_device device)
{
    static const char *const names[] = {
        [HOST_BOOT_NONE] = "none",
        [HOST_BOOT_NETWORK] = "network",
        [HOST_BOOT_DISK] = "disk",
        [HOST_BOOT_CDROM] = "CD-ROM",
        [HOST_BOOT_REMOVABLE] = "removable medium",
        [HOST_BOOT_FIRMWARE_MENU] = "firmware menu",
    };

    return names[device];
}

void host_power(struct host_domain *domain, enum host_power_action action,
                unsigned cycle_interval_s, host_done_fn *done, void *context)
{
    log_debug("%s: driver: power %s", domain->name, host_power_action_name(action));
    void *number = begin_call(domain, domain->ops->power, done, context);
    if (number)
        domain->ops->power(domain, action, cycle_interval_s, on_done, number);
}

void host_set_boot(struct host_domain *domain, const struct host_boot_override *override,
                   host_done_fn *done, void *context)
{
    log_debug("%s: driver: boot override %s%s", domain->name,
              host_boot_device_name(override->device), override->persistent ? ", persistent" : "");
    void *number = begin_call(domain, domain->ops->set_boot, done, context);
    if (number)
        domain->ops->set_boot(domain, override, on_done, number);
}

bool host_can_send_break(const struct host_domain *domain)
{
    return domain->ops->send_break;
}

void host_send_break(struct host_domain *domain, const char *alias, host_done_fn *done,
                     void *context)
{
    log_debug("%s: driver: break on %s", domain->name, alias);
    void *number = begin_call(domain, domain->ops->send_break, done, context);
    if (number)
        domain->ops->send_break(domain, alias, on_done, number);
}

bool host_can_set_link(const struct host_domain *domain)
{
    return domain->ops->set_link;
}

void host_set_link(struct host_domain *domain, const uint8_t mac[6], bool up, host_done_fn *done,
                   void *context)
{
    log_debug("%s: driver: link of NIC %02x:%02x:%02x:%02x:%02x:%02x %s", domain->name, mac[0],
              mac[1], mac[2], mac[3], mac[4], mac[5], up ? "up" : "down");
    void *number = begin_call(domain, domain->ops->set_link, done, context);
    if (number)
        domain->ops->set_link(domain, mac, up, on_done, number);
}

bool host_can_set_cpu_quota(const struct host_domain *domain)
{
    return domain->ops->set_cpu_quota;
}

void host_set_cpu_quota(struct host_domain *domain, unsigned permille, host_done_fn *done,
                        void *context)
{
    log_debug("%s: driver: CPU quota %u permille", domain->name, permille);
    void *number = begin_call(domain, domain->ops->set_cpu_quota, done, context);
    if (number)
        domain->ops->set_cpu_quota(domain, permille, on_done, number);
}

void host_screenshot(struct host_domain *domain, host_picture_fn *done, void *context)
{
    log_debug("%s: driver: screenshot", domain->name);
    const struct ticket call = {.done_picture = done, .context = context};
    void *number = domain->ops->screenshot ? begin(&call) : NULL;
    if (number)
        domain->ops->screenshot(domain, on_picture, number);
    else if (domain->ops->screenshot)
        done(context, -ENOMEM, NULL, no_memory);
    else
        done(context, -ENOTSUP, NULL, no_way);
}

void host_dump(struct host_domain *domain, const char *path, host_progress_fn *progress,
               host_done_fn *done, void *context)
{
    log_debug("%s: driver: memory dump to %s", domain->name, path);
    const struct ticket call = {.done = done, .progress = progress, .context = context};
    void *number = domain->ops->dump ? begin(&call) : NULL;
    if (number)
        domain->ops->dump(domain, path, on_progress, on_done, number);
    else if (domain->ops->dump)
        done(context, -ENOMEM, no_memory);
    else
        done(context, -ENOTSUP, no_way);
}

/* ---- taking calls back ---- */

/* Ends the tickets of that context and has the driver cancel (or detach) each. */
static void forget_calls(struct host_domain *domain, const void *context,
                         void (*forget)(struct host_domain *domain, void *context))
{
    uint32_t left = tickets.under_way;

    for (uint32_t place = 0; place < tickets.size && left > 0; place++) {
        struct ticket *ticket = &tickets.items[place];
        if (!ticket->number)
            continue;
        left--;
        if (ticket->domain == domain && ticket->context == context)
            forget(domain, (void *)end(ticket).number);
    }
}

void host_cancel(struct host_domain *domain, void *context)
{
    log_debug("%s: driver: cancel", domain->name);
    forget_calls(domain, context, domain->ops->cancel);
}

int host_detach(struct host_domain *domain, void *context)
{
    if (!domain->ops->detach)
        return -ENOTSUP;
    log_debug("%s: driver: detach", domain->name);
    forget_calls(domain, context, domain->ops->detach);
    return 0;
}

/* ---- paths of dumps ---- */

static bool is_printable(const char *path)
{
    for (; *path; path++) {
        if ((unsigned char)*path < ' ' || *path == 0x7f)
            return false;
    }
    return true;
}

const char *host_dump_path_problem(const char *path)
{
    size_t length = strlen(path);

    if (path[0] != '/')
        return "the path of the file must be absolute";
    if (length >= PATH_MAX || !is_printable(path))
        return "not a valid file path";
    if (path[length - 1] == '/')
        return "the path names a directory, not a file";
    return NULL;
}
