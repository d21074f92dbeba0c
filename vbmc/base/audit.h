/* The audit trail as those see it who write to it: who did what to which BMC, from where, by which
 * way, and how it ended. One record for each change, and for log-ins, looks and refusals, of which
 * equal ones are summed up. The log shows the same records; what keeps them is vbmc/state/audit.h.
 *
 * Passwords and keys are never in a record: who makes one leaves them out. Its texts may come from
 * clients and guests: whatever could end a line or steer a terminal is taken out before a record
 * goes anywhere. Loop thread. */
#ifndef VBMC_BASE_AUDIT_H
#define VBMC_BASE_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vbmc/base/endpoint.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"

enum audit_kind {
    AUDIT_CHANGE, /* that was made, or failed */
    AUDIT_ACCESS, /* a log-in, a look at a guest, what was refused */
    AUDIT_KIND_COUNT,
};

struct audit_record {
    uint64_t id;     /* later ones have larger ones; 0: not given yet */
    int64_t time_ms; /* since 1970 */
    enum audit_kind kind;
    bool is_summed; /* an equal one may be counted with this one instead of getting its own */
    bool is_along;  /* put from a ticket's `along`: is done if what is stored there is */
    bool is_in_log; /* by a line of its own, so it needs none */
    bool has_bmc;   /* else it is about the daemon, or all */
    struct uuid uuid;
    char bmc[128]; /* its name, when that was */
    char operation[48];
    char detail[256];
    char user[64];
    char way[16]; /* "IPMI", "SSH", "guest", "vbmc" */
    char address[ENDPOINT_TEXT_SIZE];
    int64_t pid;      /* 0: not known */
    uint32_t session; /* of IPMI; 0: none */
    char privilege[16];
    int result; /* 0, or a negative error */
    char outcome[160];
    uint32_t more;    /* equal ones behind it ... */
    int64_t until_ms; /* ... the last of them then */
};

/* As store_done_fn: 0, or a negative error. */
typedef void audit_done(void *context, int result);

/* What keeps the records. It calls `done` (NULL: nobody waits) once, perhaps before it returns. */
typedef void audit_keep(void *context, const struct audit_record *record, audit_done *done,
                        void *done_context);
/* From here on they go there; NULL: to the log alone. */
void audit_keep_by(audit_keep *keep, void *context);
/* Whether anything keeps them. */
bool audit_is_kept(void);

/* Puts a record, which gets its time if it has none, into the trail. `done` (NULL: nobody waits) is
 * called once, perhaps before this returns: with 0 when the record is on disk, or, where the disk
 * does not take it, in the log; with a negative error if it is in neither. */
void audit_put(const struct audit_record *record, audit_done *done, void *context);

/* A try to log in. */
struct audit_login {
    const struct uuid *uuid; /* of the BMC; NULL: of all, or of which is not known */
    const char *bmc;         /* its name */
    const char *way;
    const char *user; /* as the client has it */
    const char *how;  /* the account shows who it is: "by password"; "" */
    const union endpoint_address *remote;
    const char *refused; /* why; NULL: it was let in */
    unsigned more;       /* refused ones of that source that this one stands for */
};
/* Puts it into the trail, summed up with equal ones; the log has lines of its own for it. */
void audit_put_login(const struct audit_login *login);

/* Writes it to the log: to the journal with fields VBMC_BMC, VBMC_OPERATION, VBMC_USER ..., else as
 * a sentence with one line of JSON behind it. 0; -ECANCELED if lines of that level are not written;
 * or a negative error. */
int audit_log(const struct audit_record *record, enum log_level level);

struct json_object;

/* The record as JSON, without what is empty; NULL if there is no memory. */
struct json_object *audit_json(const struct audit_record *record);

/* What to list. */
#define AUDIT_LIST_MAX 5000
struct audit_query {
    bool has_bmc; /* this one alone */
    struct uuid uuid;
    unsigned last;    /* so many, the newest; 1 to AUDIT_LIST_MAX */
    int64_t since_ms; /* none older; 0: of any age */
};

/* Records, the oldest first, borrowed for the call; result < 0: they could not be read. */
typedef void audit_listed(void *context, int result, const struct audit_record *records,
                          size_t count);

#endif
