#include "vbmc/service/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/audit.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/service/caller.h"
#include "vbmc/service/result.h"

/* An operation that was begun, until its record is kept and who waits is answered. */
struct service_audit {
    struct service_audit *next;
    enum service_operation operation;
    struct audit_record record;
    struct bmc_ticket ticket; /* of who waits */
    bool is_awaited;          /* the answer waits for the record */
    bool is_told;             /* its record is put into the trail ... */
    bool is_kept;             /* ... and is there, or cannot be: */
    int kept;                 /* 0, or why not */
    bool has_ended;
    int result;
    char *text;                   /* that came with it; may be NULL */
    struct service_audit *leader; /* whose repeat it is, which has no record of its own */
};

static struct service_audit *begun; /* in no order */

/* ---- the record ---- */

static void set_bmc(struct audit_record *record, const struct bmc *bmc)
{
    if (!bmc)
        return;
    record->has_bmc = true;
    record->uuid = bmc->core.uuid;
    if (bmc->core.host)
        snprintf(record->bmc, sizeof record->bmc, "%s", bmc->core.host->name);
    else
        uuid_format(&bmc->core.uuid, record->bmc);
}

/* By SSH with its port, "[2001:db8::1]:22": without, so that equal ones are equal. */
static void set_address(struct audit_record *record, const char *address)
{
    size_t skip = address[0] == '[', length = strcspn(address + skip, skip ? "]" : ":");

    if (!skip && strchr(address, ':') != strrchr(address, ':'))
        length = strlen(address);
    snprintf(record->address, sizeof record->address, "%.*s", (int)length, address + skip);
}

static void set_caller(struct audit_record *record, const struct caller *caller)
{
    static const char *const ways[] = {
        [CALLER_LAN] = "IPMI",
        [CALLER_SYSTEM_INTERFACE] = "in-band",
        [CALLER_SSH] = "SSH",
        [CALLER_CONTROL] = "vbmc",
    };

    snprintf(record->way, sizeof record->way, "%s", ways[caller->front_end]);
    if (caller->front_end == CALLER_SYSTEM_INTERFACE)
        return;
    snprintf(record->user, sizeof record->user, "%s", caller->name);
    set_address(record, caller->address);
    snprintf(record->privilege, sizeof record->privilege, "%s",
             service_privilege_name(caller->privilege));
    record->pid = caller->pid;
    record->session = caller->session;
}

static void set_outcome(struct audit_record *record, enum service_operation operation, int result,
                        const char *text)
{
    char words[SERVICE_TEXT_SIZE];

    record->result = result;
    if (result == 0)
        snprintf(record->outcome, sizeof record->outcome, "done");
    else
        snprintf(record->outcome, sizeof record->outcome, "%s",
                 text ? text : service_explain(operation, result, words));
}

static void put_refusal(const char *name, const struct caller *caller, const struct bmc *bmc,
                        int result, const char *words)
{
    struct audit_record record = {.kind = AUDIT_ACCESS, .is_summed = true, .result = result};

    snprintf(record.operation, sizeof record.operation, "%s", name);
    set_bmc(&record, bmc);
    set_caller(&record, caller);
    if (!bmc && caller->one_bmc) {
        record.has_bmc = true;
        record.uuid = caller->uuid;
        uuid_format(&record.uuid, record.bmc);
    }
    snprintf(record.outcome, sizeof record.outcome, "refused: %s", words);
    audit_put(&record, NULL, NULL);
}

void service_audit_refusal(enum service_operation operation, const struct caller *caller,
                           const struct bmc *bmc, int result)
{
    const struct service_row *row = service_row(operation);
    char words[SERVICE_TEXT_SIZE];

    if (row->flags & SERVICE_AUDITED)
        put_refusal(row->name, caller, bmc, result, service_explain(operation, result, words));
}

void service_audit_refused_command(const char *name, const struct caller *caller,
                                   const struct bmc *bmc, enum privilege level)
{
    char words[SERVICE_TEXT_SIZE];

    snprintf(words, sizeof words, "this needs the privilege level %s",
             service_privilege_name(level));
    put_refusal(name, caller, bmc, -EPERM, words);
}

void service_audit_refused_change(const char *name, const struct caller *caller,
                                  const struct bmc *bmc)
{
    put_refusal(name, caller, bmc, -EPERM, "inband = read-only");
}

/* Nothing has changed by it: it is as a refusal. */
static void tell_refused(struct service_audit *audit, int result)
{
    audit->record.kind = AUDIT_ACCESS;
    audit->record.is_summed = true;
    set_outcome(&audit->record, audit->operation, result, NULL);
    audit_put(&audit->record, NULL, NULL);
}

/* ---- repeats ---- */

/* FreeIPMI repeats what is not answered in 400 ms as a request of its own. */
static struct service_audit *find_leader(const struct service_audit *repeat)
{
    const struct audit_record *record = &repeat->record;

    if (!(service_row(repeat->operation)->flags & SERVICE_JOINED) || record->session == 0)
        return NULL;
    for (struct service_audit *audit = begun; audit; audit = audit->next) {
        if (!audit->leader && !audit->is_told && audit->operation == repeat->operation &&
            audit->record.session == record->session &&
            uuid_equal(&audit->record.uuid, &record->uuid) &&
            strcmp(audit->record.detail, record->detail) == 0)
            return audit;
    }
    return NULL;
}

/* ---- the end ---- */

static void finish(struct service_audit *audit, int result)
{
    struct service_audit **at = &begun;

    while (*at != audit)
        at = &(*at)->next;
    *at = audit->next;
    bmc_ticket_finish_with(&audit->ticket, result, audit->text);
    free(audit->text);
    free(audit);
}

/* The first that has ended and waited for this one. */
static struct service_audit *find_repeat(const struct service_audit *leader)
{
    for (struct service_audit *audit = begun; audit; audit = audit->next) {
        if (audit->leader == leader)
            return audit;
    }
    return NULL;
}

/* It has ended and its record is kept, or cannot be: who waits is answered, and so are repeats that
 * have ended. */
static void complete(struct service_audit *audit)
{
    struct service_audit *repeat;

    while ((repeat = find_repeat(audit))) {
        repeat->leader = NULL;
        repeat->is_told = repeat->is_kept = true;
        if (repeat->has_ended)
            finish(repeat, repeat->result);
    }
    finish(audit, audit->result == 0 ? audit->kept : audit->result);
}

static void on_kept(void *context, int result)
{
    struct service_audit *audit = context;

    audit->is_kept = true;
    audit->kept = result;
    if (audit->has_ended)
        complete(audit);
}

/* It has ended, by itself or with the daemon. */
static void tell(struct service_audit *audit)
{
    bool is_awaited = audit->is_awaited && audit->has_ended;

    audit->is_told = true;
    audit->is_kept = !is_awaited;
    audit_put(&audit->record, is_awaited ? on_kept : NULL, audit);
}

/* The change is on its way to the disk, and its record goes with it: both are there, or neither,
 * and who waits waits for one commit. */
static void on_along(const struct bmc_ticket *ticket)
{
    struct service_audit *audit = (struct service_audit *)ticket->sink;

    if (audit->is_told || audit->leader || !audit->is_awaited || audit->record.is_summed ||
        !audit_is_kept())
        return;
    set_outcome(&audit->record, audit->operation, 0, NULL);
    audit->record.is_along = true;
    audit->is_told = true;
    audit_put(&audit->record, on_kept, audit);
}

/* The ticket that the operation got. */
static void on_ended(const struct bmc_ticket *ticket, int result)
{
    struct service_audit *audit = (struct service_audit *)ticket->sink;

    audit->has_ended = true;
    audit->result = result;
    memcpy(audit->ticket.data, ticket->data, sizeof audit->ticket.data);
    audit->ticket.data_length = ticket->data_length;
    audit->text = ticket->text ? strdup(ticket->text) : NULL;
    if (audit->leader) {
        if (!audit->leader->has_ended) /* more repeats than can wait for it are accepted at once */
            finish(audit, result);
        return;
    }
    if (audit->is_told) {
        if (audit->is_kept)
            complete(audit);
        return;
    }
    bool is_awaited = audit->is_awaited; /* by `tell` it may be gone */
    set_outcome(&audit->record, audit->operation, result, audit->text);
    tell(audit);
    if (!is_awaited)
        complete(audit);
}

struct service_audit *service_audit_begin(enum service_operation operation,
                                          const struct service_call *call,
                                          const union service_arguments *arguments,
                                          struct bmc_ticket *ticket)
{
    const struct service_row *row = service_row(operation);
    struct service_audit *audit = calloc(1, sizeof *audit);

    if (!audit)
        return NULL;
    audit->operation = operation;
    audit->is_awaited = !(row->flags & SERVICE_LOOKS);
    audit->record.kind = audit->is_awaited ? AUDIT_CHANGE : AUDIT_ACCESS;
    audit->record.is_summed = (row->flags & (SERVICE_SUMMED | SERVICE_LOOKS)) != 0;
    snprintf(audit->record.operation, sizeof audit->record.operation, "%s", row->name);
    set_bmc(&audit->record, call->bmc);
    set_caller(&audit->record, call->caller);
    if (row->describe)
        row->describe(arguments, audit->record.detail, sizeof audit->record.detail);
    if (call->ticket)
        audit->ticket = *call->ticket;
    *ticket = audit->ticket;
    ticket->done = on_ended;
    ticket->along = on_along;
    ticket->sink = audit;
    audit->leader = find_leader(audit);
    audit->next = begun;
    begun = audit;
    return audit;
}

/* It ended at once, so its ticket was not used. */
int service_audit_end(struct service_audit *audit, int result)
{
    if (result == -EINPROGRESS)
        return result; /* and may have ended already: `audit` may be gone */
    bool waits = result == 0 && audit->is_awaited && audit->ticket.done && audit_is_kept();
    audit->result = result;
    audit->has_ended = true;
    if (result == 0)
        set_outcome(&audit->record, audit->operation, 0, NULL);
    if (waits) {
        tell(audit);
        return -EINPROGRESS;
    }
    if (result == 0) {
        audit_put(&audit->record, NULL, NULL);
    } else {
        tell_refused(audit, result);
    }
    audit->ticket.done = NULL;
    finish(audit, result);
    return result;
}

void service_audit_stop(void)
{
    for (struct service_audit *audit = begun; audit; audit = audit->next) {
        if (audit->is_told || audit->leader)
            continue;
        set_outcome(&audit->record, audit->operation, -ECANCELED,
                    "the daemon stopped before it had ended");
        tell(audit);
    }
}
