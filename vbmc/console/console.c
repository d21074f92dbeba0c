/* What decides whether the serial port is open:
 *
 *   wanted     the guest is on, and the mode is always or somebody is there
 *   looking    the running domain's XML is being read for the port
 *   attached   the hub has a source, which connects and reconnects by itself
 *
 * update() brings these together after every change. A guest that starts again is looked up again.
 *
 * A guest that moves to another hypervisor is one that goes on there without having been seen to
 * stop. Its copy comes up there and waits; from then on its serial port is joined as well. What it
 * said before it left is read to its end. */
#include "vbmc/console/console.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "sol/history.h"
#include "sol/hub.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/kept_text.h"
#include "vbmc/base/log.h"
#include "vbmc/base/rare_timer.h"
#include "vbmc/base/reset_burst.h"
#include "vbmc/base/stream.h"
#include "vbmc/config/config.h"
#include "vbmc/config/declared.h"
#include "vbmc/console/breaks.h"
#include "vbmc/console/named_log.h"
#include "vbmc/console/port.h"
#include "vbmc/console/standby.h"
#include "vbmc/virt/hypervisor.h"
#include "vbmc/virt/serial.h"

#define TEXT_SIZE     HUB_TEXT_SIZE
#define RETRY_MS      2000   /* after a look that failed */
#define LOOK_AFTER_MS 5000   /* a port that is attached may have been lost */
#define LOOK_AGAIN_MS 600000 /* where there was none that could be opened */
#define LEAVE_MS      2000   /* QEMU ends where a guest was as soon as it runs elsewhere */

struct console_user {
    LIST_ENTRY(console_user) link;
    struct console *console; /* NULL once that is gone */
    char who[CONSOLE_WHO_SIZE];
};

struct console {
    uv_loop_t *loop;
    char *history_path;
    char *name;
    struct hub *hub;
    enum config_console mode;
    unsigned replay_lines;
    char *wanted_alias; /* NULL: the first port */
    struct virt_domain *domain;
    bool running;     /* the guest was on when its state was last known, and has not stopped */
    char *hypervisor; /* name of that where it last was */
    struct console_standby *standby; /* where it may be moving to */
    uv_timer_t *leaving;             /* limit of reading what it said where it was; NULL: not yet */
    bool looking;
    uv_timer_t *again; /* until the port is looked for again, or looked after; NULL: not yet */
    char *alias;       /* of the port the hub is attached to */
    char *why_not;     /* kept_text.h */
    bool unusable;     /* the running guest has no serial port, or one that cannot be opened */
    LIST_HEAD(console_list, console_user) people;
    struct console_breaks breaks;
    struct named_log log;
    struct reset_burst burst; /* by the loop's time */
};

/* ---- the serial port ---- */

static void explain(struct console *console, const char *text)
{
    if (strcmp(kept_text(console->why_not), text) == 0)
        return;
    kept_text_set(&console->why_not, text);
    if (text[0] == '\0')
        return;
    log_info("%s: console: %s", console->name, text);
    hub_notify(console->hub, HUB_NOTICE_MESSAGE, text);
}

static bool is_asked_for(const struct console *console)
{
    return console->mode == CONFIG_CONSOLE_ALWAYS || !LIST_EMPTY(&console->people);
}

static void on_again(uv_timer_t *timer);

static void look_again_in(struct console *console, uint64_t ms)
{
    rare_timer_start(&console->again, console->loop, console, on_again, ms);
}

/* What a look for the port has found, and when the next one is. */
static void note_unusable(struct console *console, bool is_unusable)
{
    console->unusable = is_unusable;
    look_again_in(console, is_unusable ? LOOK_AGAIN_MS : RETRY_MS);
}

static void on_looked_up(void *context, int result, const struct domxml_serial *serial,
                         const char *text)
{
    struct console *console = context;
    struct stream *stream = NULL;
    char failure[TEXT_SIZE];

    console->looking = false;
    note_unusable(console, result == -ENOENT);
    if (result < 0) {
        explain(console, text);
        return;
    }
    free(console->alias);
    console->alias = serial->alias ? strdup(serial->alias) : NULL;
    result = console_port_new(console->loop, console->domain, serial, &stream);
    if (result < 0) {
        note_unusable(console, result == -EPROTOTYPE || result == -ENOTSUP);
        console_port_explain(serial, result, failure, sizeof failure);
        explain(console, failure);
        return;
    }
    explain(console, "");
    if (is_asked_for(console))
        hub_attach(console->hub, stream);
    else
        stream_close(stream);
}

static bool guest_is_on(const struct console *console)
{
    return console->domain && host_power_state_is_on(virt_domain_host(console->domain)->state);
}

static void end_look_up(struct console *console)
{
    if (console->looking)
        virt_serial_cancel(console->domain, console);
    console->looking = false;
}

static void close_port(struct console *console, const char *reason)
{
    end_look_up(console);
    if (console->hub)
        hub_detach(console->hub, reason);
}

static void on_left(uv_timer_t *timer)
{
    struct console *console = timer->data;

    if (!hub_has_source(console->hub))
        hub_detach(console->hub, "its domain is not there");
}

/* The guest is no more where its domain was, and has not stopped. */
static void leave_port(struct console *console, const char *reason)
{
    end_look_up(console);
    if (!console->hub || !console->running ||
        !rare_timer_start(&console->leaving, console->loop, console, on_left, LEAVE_MS))
        close_port(console, reason);
    else
        hub_let_end(console->hub, reason);
}

static void drop_standby(struct console *console)
{
    console_standby_free(console->standby);
    console->standby = NULL;
}

static void look_up(struct console *console)
{
    if (!guest_is_on(console) || hub_has_source(console->hub) || console->looking)
        return;
    console->looking =
        virt_serial_look_up(console->domain, console->wanted_alias, on_looked_up, console) == 0;
    look_again_in(console, RETRY_MS);
}

/* A port may be plugged in, or be lost, which nobody tells. But a look reads the domain's whole
 * XML, and ten thousand of them keep a processor busy for a second: where there was no port the
 * next one is long after. Who joins waits for none of this. */
static void on_again(uv_timer_t *timer)
{
    struct console *console = timer->data;

    if (!console->hub || !is_asked_for(console) || !guest_is_on(console))
        return; /* whatever changes that leads to a look */
    if (hub_has_source(console->hub) || console->looking)
        look_again_in(console, LOOK_AFTER_MS);
    else
        look_up(console);
}

static void update(struct console *console)
{
    console->running = console->running || guest_is_on(console);
    if (!console->hub)
        return;
    if (!is_asked_for(console)) {
        drop_standby(console);
        close_port(console, "nobody is there (console = on-demand)");
    } else {
        look_up(console);
        if (!console->again || !uv_is_active((uv_handle_t *)console->again))
            look_again_in(console, LOOK_AFTER_MS);
    }
}

/* ---- break ---- */

int console_send_break(struct console *console, host_done_fn *done, void *context)
{
    if (!guest_is_on(console) || !console->alias)
        return -ENOTCONN;
    return console_breaks_send(&console->breaks, console->hub, virt_domain_host(console->domain),
                               console->alias, done, context);
}

static void on_break_done(void *context, int result, const char *text)
{
    struct console *console = context;

    if (result < 0)
        log_info("%s: console: the break was not sent: %s", console->name, text);
}

/* For those who cannot wait for the answer. */
static int break_and_log(void *context)
{
    return console_send_break(context, on_break_done, context);
}

/* ---- the guest ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool is_on(struct virt_domain *domain)
{
    return host_power_state_is_on(virt_domain_host(domain)->state);
}

/* Goes on at the port that was joined in time, without a word of its having changed; else the port
 * has to be looked for, and something may be missing. */
static void move_port(struct console *console, struct virt_domain *domain)
{
    struct console_standby *standby = console->standby;
    struct stream *stream = NULL, *former = NULL;
    char text[TEXT_SIZE], *alias = NULL;
    bool whole = false;

    console->standby = NULL;
    if (standby && console_standby_domain(standby) == domain) {
        whole = console_standby_is_whole(standby);
        stream = console_standby_take(standby, &alias);
    } else {
        console_standby_free(standby);
    }
    snprintf(text, sizeof text, "the guest moved to hypervisor %.64s%s",
             hypervisor_name(virt_domain_hypervisor(domain)),
             whole && stream ? "" : "; what it said meanwhile may be missing");
    log_info("%s: console: %s", console->name, text);
    if (!stream) {
        leave_port(console, "the guest is on another hypervisor");
    } else {
        free(console->alias);
        console->alias = alias;
        former = hub_hand_over(console->hub, stream);
    }
    if (former)
        console_standby_drain(stream, former);
    hub_notify(console->hub, HUB_NOTICE_MESSAGE, text);
}

static void remember_place(struct console *console)
{
    free(console->hypervisor);
    console->hypervisor = strdup(hypervisor_name(virt_domain_hypervisor(console->domain)));
    console->running = is_on(console->domain);
}

void console_set_domain(struct console *console, struct virt_domain *domain)
{
    if (console->domain == domain)
        return;
    bool moves = domain && console->hub && console->running && console->hypervisor &&
                 is_on(domain) &&
                 strcmp(console->hypervisor, hypervisor_name(virt_domain_hypervisor(domain))) != 0;
    if (console->domain) {
        end_look_up(console);
        console_breaks_end(&console->breaks, virt_domain_host(console->domain));
    }
    console->domain = NULL; /* who is told now finds no guest to look for a port of */
    console->unusable = false;
    if (moves && is_asked_for(console))
        move_port(console, domain);
    else if (domain)
        close_port(console, "its domain is not there");
    else
        leave_port(console, "its domain is not there");
    console->domain = domain;
    if (domain)
        remember_place(console);
    if (console->standby && console_standby_domain(console->standby) == domain)
        drop_standby(console);
    update(console);
}

void console_expect(struct console *console, struct virt_domain *copy)
{
    bool here = console->standby && console_standby_domain(console->standby) == copy;

    if (copy == console->domain)
        return;
    if (here && !is_on(copy))
        drop_standby(console);
    if (!console->standby && is_on(copy) && console->hub && console->running &&
        is_asked_for(console))
        console->standby = console_standby_new(console->loop, copy, console->wanted_alias);
}

void console_lose_copy(struct console *console, const struct virt_domain *copy)
{
    if (console->standby && console_standby_domain(console->standby) == copy)
        drop_standby(console);
}

void console_lose_hypervisor(struct console *console, const struct hypervisor *hypervisor)
{
    if (console->standby &&
        virt_domain_hypervisor(console_standby_domain(console->standby)) == hypervisor)
        drop_standby(console);
    if (!console->domain && console->hypervisor &&
        strcmp(console->hypervisor, hypervisor_name(hypervisor)) == 0)
        close_port(console, "its hypervisor is no longer configured");
}

static void tell_of_reset(struct console *console)
{
    if (reset_burst_take(&console->burst, uv_now(console->loop)))
        hub_notify(console->hub, HUB_NOTICE_GUEST_RESET, "the guest was reset");
}

void console_host_event(struct console *console, enum host_event event)
{
    if (!console->hub || event == HOST_EVENT_SAMPLED || event == HOST_EVENT_STOOD)
        return;
    switch (event) {
    case HOST_EVENT_STARTED:
        reset_burst_begin(&console->burst, uv_now(console->loop));
        hub_notify(console->hub, HUB_NOTICE_GUEST_ON, "the guest was switched on");
        break;
    case HOST_EVENT_STOPPED:
        console->running = false;
        drop_standby(console);
        close_port(console, "the guest is off");
        console->unusable = false;
        explain(console, "");
        hub_notify(console->hub, HUB_NOTICE_GUEST_OFF, "the guest is off");
        break;
    case HOST_EVENT_RESET:
        tell_of_reset(console);
        break;
    default:
        break;
    }
    update(console);
}

/* ---- who is there ---- */

void console_people(const struct console *console, const struct console_user *except, char *text,
                    size_t size)
{
    struct console_user *person;
    size_t used = 0;

    text[0] = '\0';
    for (person = LIST_FIRST(&console->people); person; person = LIST_NEXT(person, link)) {
        if (person == except)
            continue;
        int length = snprintf(text + used, size - used, "%s%s", used > 0 ? ", " : "", person->who);
        if (length < 0 || (size_t)length >= size - used)
            return;
        used += (size_t)length;
    }
}

struct console_user *console_join(struct console *console, const char *who)
{
    struct console_user *person = calloc(1, sizeof *person);
    char text[CONSOLE_WHO_SIZE + 32];

    if (!person)
        return NULL;
    person->console = console;
    snprintf(person->who, sizeof person->who, "%s", who);
    LIST_INSERT_HEAD(&console->people, person, link);
    snprintf(text, sizeof text, "%s is on the console", person->who);
    log_info("%s: %s", console->name, text);
    hub_notify(console->hub, HUB_NOTICE_PEOPLE, text);
    update(console);
    return person;
}

void console_leave(struct console_user *person)
{
    struct console *console = person ? person->console : NULL;
    char text[CONSOLE_WHO_SIZE + 32];

    if (!person)
        return;
    if (console) {
        LIST_REMOVE(person, link);
        snprintf(text, sizeof text, "%s left the console", person->who);
        log_info("%s: %s", console->name, text);
        hub_notify(console->hub, HUB_NOTICE_PEOPLE, text);
        update(console);
    }
    free(person);
}

/* ---- life ---- */

static char *history_path(const char *state_dir, const struct uuid *uuid)
{
    char text[UUID_TEXT_SIZE], *path = NULL;

    uuid_format(uuid, text);
    return asprintf(&path, "%s/consoles/%s.history", state_dir, text) < 0 ? NULL : path;
}

struct console *console_new(uv_loop_t *loop, const char *state_dir, const struct uuid *uuid)
{
    struct console *console = calloc(1, sizeof *console);

    if (!console)
        return NULL;
    console->loop = loop;
    console->history_path = history_path(state_dir, uuid);
    if (!console->history_path) {
        free(console);
        return NULL;
    }
    LIST_INIT(&console->people);
    LIST_INIT(&console->breaks.list);
    return console;
}

void console_free(struct console *console)
{
    struct console_user *person;

    if (!console)
        return;
    drop_standby(console);
    console_set_domain(console, NULL);
    while ((person = LIST_FIRST(&console->people))) {
        LIST_REMOVE(person, link);
        person->console = NULL;
    }
    named_log_end(&console->log);
    hub_free(console->hub);
    rare_timer_close(&console->leaving);
    rare_timer_close(&console->again);
    free(console->history_path);
    free(console->name);
    free(console->wanted_alias);
    free(console->hypervisor);
    free(console->alias);
    free(console->why_not);
    free(console);
}

void console_forget(const char *state_dir, const struct uuid *uuid)
{
    CLEANUP_FREE char *path = history_path(state_dir, uuid);

    if (!path || history_remove(path) < 0)
        log_error("no memory to remove a console history");
}

static int make_hub(struct console *console, const struct config *config)
{
    const struct hub_options options = {
        .history_size = config->bmc.console_history,
        .history_file = console->history_path,
    };

    int result = hub_new(&options, &console->hub);
    if (result == 0)
        hub_set_break(console->hub, break_and_log, console);
    return result;
}

int console_configure(struct console *console, const struct config *config, const char *name,
                      const struct uuid *uuid, const struct config_declared *declared)
{
    const struct config_domain *section = config_find_domain(config, name, uuid);
    const char *alias = section ? section->serial : NULL;
    char *new_name = strdup(name), *new_alias = alias ? strdup(alias) : NULL;

    if (!new_name || (alias && !new_alias) || (!console->hub && make_hub(console, config) < 0)) {
        free(new_name);
        free(new_alias);
        return -ENOMEM;
    }
    bool other_port = !same_text(alias, console->wanted_alias);
    free(console->name);
    free(console->wanted_alias);
    console->name = new_name;
    console->wanted_alias = new_alias;
    console->mode = config_console_of(config, section, declared);
    console->replay_lines = config->bmc.console_replay;
    named_log_configure(&console->log, console->hub, &config->bmc, name, uuid);
    if (other_port) {
        drop_standby(console);
        close_port(console, "another serial port was configured");
        console->unusable = false;
        explain(console, "");
    }
    update(console);
    return 0;
}

struct hub *console_hub(struct console *console)
{
    return console->hub;
}

unsigned console_replay_lines(const struct console *console)
{
    return console->replay_lines;
}

const char *console_problem(const struct console *console)
{
    return console->unusable && guest_is_on(console) ? kept_text(console->why_not) : NULL;
}

bool console_is_opening(const struct console *console)
{
    return console->looking || (guest_is_on(console) && hub_has_source(console->hub) &&
                                !hub_is_connected(console->hub));
}

void console_look_again(struct console *console)
{
    if (console->hub)
        look_up(console);
}

const char *console_source(const struct console *console)
{
    if (!console->domain)
        return "its domain is not there";
    if (virt_domain_host(console->domain)->state == HOST_POWER_OFF)
        return "the guest is off";
    if (console->why_not)
        return console->why_not;
    if (console->looking)
        return "the serial port is being looked for";
    if (!hub_has_source(console->hub) && hub_source_text(console->hub)[0] == '\0')
        return "nobody is there (console = on-demand)";
    return hub_source_text(console->hub);
}
